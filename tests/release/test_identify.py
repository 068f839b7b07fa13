"""`identify` on published releases: several photos of one car, 'not sure', and photos that show no car."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodetect.errors import CorruptError, DependencyDownError
from autodetect.lake.objects import LocalStore
from autodetect.prices.places import parse_place
from autodetect.prices.radius import Radius
from autodetect.prices.sqlite.near import NearFact
from autodetect.release.identify import Asked, Identification, fetch, identify, read_photo
from tests.prices.stocked import offer
from tests.release.model_release import (
    ABSTAIN,
    LABELS,
    ODOMETER,
    SPORTS_CAR,
    TABBY,
    TEMPERATURES,
    TOLD,
    ModelRelease,
    photos,
)
from tests.release.sample import KEY, NOW

SAID = ([6.0, 0.0, 1.0, 0.0], [1.0, 2.0, 1.5, 0.0], [0.0, 0.5, 0.2, 0.1])


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> ModelRelease:
    return ModelRelease(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return photos(tmp_path_factory.mktemp("photos"), 3)


@pytest.fixture
def said(shown: list[Path]) -> dict[Path, list[float]]:
    return dict(zip(shown, SAID, strict=True))


def softmax(logits, temperature=1.0):
    values = np.exp(np.asarray(logits) / temperature)
    return values / values.sum()


def told(store: LocalStore, cache: Path, paths: list[Path], **options: Any) -> list[Identification]:
    return identify(
        fetch(store, cache, trusted=KEY.public, now=NOW),
        {path: read_photo(path, max_pixels=10**7) for path in paths},
        **options,
    )


def by_label(found: Identification) -> dict[str, float]:
    return {guess.label: guess.probability for guess in found.guesses}


def test_each_photo_alone_is_answered_at_the_temperature_by_photo(release, said, store, tmp_path):
    release.publish(store, said)
    answers = told(store, tmp_path / "cache", list(said))
    for found, logits in zip(answers, SAID, strict=True):
        expected = softmax(logits, TEMPERATURES.photo)
        best = np.argsort(-expected)[:3]
        assert list(by_label(found)) == [LABELS[i] for i in best]
        np.testing.assert_allclose(list(by_label(found).values()), expected[best], atol=1e-3)
        assert found.photos == (found.photo,)
    assert [found.sure for found in answers] == [
        softmax(logits, TEMPERATURES.photo).max() >= ABSTAIN.threshold for logits in SAID
    ]
    assert {found.sure for found in answers} == {True, False}
    assert not any(found.screened or found.no_car for found in answers)


def test_photos_of_one_car_get_one_answer_by_their_mean_log_probability(release, said, store, tmp_path):
    release.publish(store, said)
    [found] = told(store, tmp_path / "cache", list(said), same_car=True)
    mean = np.mean([np.log(softmax(logits)) for logits in SAID], axis=0)
    expected = softmax(mean, TEMPERATURES.vehicle)
    best = np.argsort(-expected)[:3]
    np.testing.assert_allclose(list(by_label(found).values()), expected[best], atol=1e-3)
    assert list(by_label(found)) == [LABELS[i] for i in best]
    assert found.photos == tuple(map(str, said))
    assert found.sure is bool(expected.max() >= ABSTAIN.threshold)


def test_outputs_that_do_not_answer_are_never_guessed(release, said, store, tmp_path):
    release.publish(store, said, silent=(0, 2))
    for found in [
        *told(store, tmp_path / "cache", list(said)),
        *told(store, tmp_path / "cache", list(said), same_car=True),
    ]:
        assert set(by_label(found)) == {LABELS[1], LABELS[3]}
        assert sum(by_label(found).values()) == pytest.approx(1)


def test_each_guess_has_its_own_offers_near_the_place_that_was_asked_about(release, said, store, tmp_path):
    here, away = (27.95, -82.46), (28.5, -82.46)  # 61 km apart
    focus, audi = LABELS[0].lower(), LABELS[1].lower()
    rows = [offer(i, *here, make_model_id=focus, price=10_000.0 + i) for i in range(5)]
    rows += [offer("away", *away, make_model_id=focus, price=1.0), offer("nowhere", make_model_id=focus)]
    rows += [offer("audi", *here, make_model_id=audi, price=7_000.0)]
    release.publish(store, said, offers=rows)
    asked = Asked(place=parse_place("33602"), within=Radius(amount=30, unit="mi"))
    [found, *_] = told(store, tmp_path / "cache", list(said), asked=asked)
    near = {guess.label: guess.near for guess in found.guesses}
    assert len(near) == 3
    assert (near[LABELS[0]].count, near[LABELS[0]].average, near[LABELS[0]].unplaced) == (5, 10_002.0, 1)
    assert [each.item_id for each in near[LABELS[0]].nearest] == ["0", "1", "2"]
    assert all(fact == NearFact() for label, fact in near.items() if label not in LABELS[:2])
    assert found.asked == asked
    wider = asked.model_copy(update={"within": Radius(amount=80, unit="km")})
    [found, *_] = told(store, tmp_path / "cache", list(said), asked=wider)
    assert next(guess.near.count for guess in found.guesses if guess.label == LABELS[0]) == 6
    assert {guess.near for guess in told(store, tmp_path / "cache", list(said))[0].guesses} == {None}


def test_a_release_of_before_answers_as_it_did(release, said, store, tmp_path):
    release.publish(store, said, model=None)
    answers = told(store, tmp_path / "cache", list(said))
    for found, logits in zip(answers, SAID, strict=True):
        np.testing.assert_allclose(max(by_label(found).values()), softmax(logits).max(), atol=1e-3)
        assert found.sure is None


def test_a_model_without_a_threshold_is_neither_sure_nor_not(release, said, store, tmp_path):
    release.publish(store, said, model={**TOLD, "abstain": None})
    assert {found.sure for found in told(store, tmp_path / "cache", list(said))} == {None}


def test_a_model_of_another_backbone_is_refused(release, said, store, tmp_path, monkeypatch):
    monkeypatch.setattr(release, "record", release.record.model_copy(update={"digest": "d" * 64}))
    release.publish(store, said)
    monkeypatch.undo()
    synced = fetch(store, tmp_path / "cache", trusted=KEY.public, now=NOW)
    record = release.record.model_dump_json().encode()
    synced.path("backbone.json").write_bytes(record)
    with pytest.raises(CorruptError, match="was trained on dddddddddddd"):
        identify(synced, {path: read_photo(path, max_pixels=10**7) for path in said})


def test_what_was_fetched_answers_while_the_store_is_down(release, said, store, tmp_path, monkeypatch):
    release.publish(store, said)
    online = told(store, tmp_path / "cache", list(said))

    def down(*_: object) -> Iterator[str]:
        raise DependencyDownError("the store does not answer")

    for name in ("list", "get", "get_if_changed", "chunks"):
        monkeypatch.setattr(store, name, down)
    assert fetch(store, tmp_path / "cache", trusted=KEY.public, now=NOW).offline
    assert told(store, tmp_path / "cache", list(said)) == online


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalStore, Path, list[Path]]]:
    """InceptionV3, which ImageNet's head belongs to; its files are large and are removed at the end."""
    folder = tmp_path_factory.mktemp("inception")
    shown = photos(folder / "photos", 3, seed=5)
    store = LocalStore(folder / "store")
    ModelRelease(folder / "model", "InceptionV3").publish(
        store,
        {path: [4.0, 0.0, 0.0, 1.0] for path in shown},
        imagenet=dict(zip(shown, (SPORTS_CAR, TABBY, ODOMETER), strict=True)),
    )
    yield store, folder / "cache", shown
    shutil.rmtree(folder)


def test_photos_without_a_car_are_refused_and_named(screened):
    store, cache, shown = screened
    car, cat, gauge = told(store, cache, shown)
    assert car.screened
    assert car.guesses[0].label == LABELS[0]
    assert not car.no_car
    assert not cat.guesses
    assert cat.sure is None
    assert cat.no_car[0].photo == str(shown[1])
    assert f"ImageNet class {TABBY}" in cat.no_car[0].seen
    assert "the inside of a car" in gauge.no_car[0].seen


def test_a_photo_without_a_car_has_no_say_in_the_answer_to_the_others(screened):
    store, cache, shown = screened
    [together] = told(store, cache, shown, same_car=True)
    [alone] = told(store, cache, shown[:1])
    assert together.photos == tuple(map(str, shown))
    assert by_label(together) == by_label(alone)
    assert [refused.photo for refused in together.no_car] == [str(path) for path in shown[1:]]
