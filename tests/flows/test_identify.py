"""`autodetect identify` as a person reads it: one answer to several photos, 'not sure', and photos without a car."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autodetect.lake.objects import LocalStore
from autodetect.release.keys import write_key
from tests.flows.program import Program
from tests.prices.stocked import offer
from tests.release.model_release import LABELS, SPORTS_CAR, TABBY, ModelRelease, photos
from tests.release.sample import KEY


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Program]:
    """The program beside a store in `var/store`; releases and their cached copies are large, so all of it goes."""
    write_key(tmp_path / "var/keys/signing.json", KEY)
    yield Program(tmp_path, tmp_path / "none", tmp_path / "prefect")
    shutil.rmtree(tmp_path)


def test_a_guess_below_the_threshold_is_told_as_not_sure(client: Program) -> None:
    sure, unsure = shown = photos(client.folder / "photos", 2)
    said = {sure: [8.0, 0.0, 0.0, 0.0], unsure: [0.0, 0.4, 0.1, 0.0]}
    ModelRelease(client.folder / "model").publish(LocalStore(client.folder / "var/store"), said)
    told = client.run("identify", *map(str, shown))
    assert told.code == 0, told.err
    lines = told.out.splitlines()
    assert str(sure) in lines
    assert f"{unsure}: not sure, perhaps" in lines
    assert LABELS[1] in lines[lines.index(f"{unsure}: not sure, perhaps") + 1]
    assert "not screened for photos without a car" in lines[-1]
    together = client.run("identify", "--same-car", *map(str, shown), "--json").json()
    assert [found["photos"] for found in together] == [[str(path) for path in shown]]
    assert together[0]["guesses"][0]["label"] == LABELS[0]
    assert together[0]["sure"] is True
    assert together[0]["screened"] is False


def test_photos_without_a_car_are_refused(client: Program) -> None:
    car, cat = photos(client.folder / "photos", 2)
    ModelRelease(client.folder / "model", "InceptionV3").publish(
        LocalStore(client.folder / "var/store"),
        {photo: [8.0, 0.0, 0.0, 0.0] for photo in (car, cat)},
        imagenet={car: SPORTS_CAR, cat: TABBY},
    )
    both = client.run("identify", str(car), str(cat))
    assert both.code == 0, both.err
    assert f"{cat}: no car is seen; it shows something else (ImageNet class {TABBY}" in both.out
    assert both.out.count(LABELS[0]) == 1
    assert "not screened" not in both.out
    alone = client.run("identify", str(cat), "--json")
    assert alone.code == 2
    assert alone.json()[0]["guesses"] == []
    assert alone.json()[0]["no_car"][0]["photo"] == str(cat)
    assert f"no car is seen: {cat} shows something else" in alone.err


def test_offers_near_a_place_are_counted_and_the_nearest_named(client: Program) -> None:
    [photo] = photos(client.folder / "photos", 1)
    facts = {"make_model_id": LABELS[0].lower(), "year": 2012, "trim": "SE", "mileage": 60_000}
    rows = [
        offer(i, 27.95, -82.46, price=19_000.0 + 100 * i, url=f"https://shop.example/{i}", **facts) for i in range(5)
    ]
    rows += [offer(9, 28.2, -82.46, price=5_000.0, place_precision="area", make_model_id=LABELS[0].lower())]
    store = LocalStore(client.folder / "var/store")
    ModelRelease(client.folder / "model").publish(store, {photo: [8.0, 0.0, 0.0, 0.0]}, offers=rows)
    told = client.run("identify", str(photo), "--near", "33602")
    assert told.code == 0, told.err
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    at = lines.index("6 offers within 50 miles, average price $16,833; of 1 only the area is known")
    assert "6 offers, average price $16,833" in lines[at - 1]
    assert lines[at + 1] == "1 mi $19,000 2012 SE, 60,000 miles, https://shop.example/0"
    assert lines.count("no offers within 50 miles") == 2
    metric = client.run("identify", str(photo), "--near", "27.95,-82.46", "--within", "5km", "--json").json()
    near = metric[0]["guesses"][0]["near"]
    assert (near["count"], near["average"], len(near["nearest"])) == (5, 19_200.0, 3)
    assert near["nearest"][0]["km"] == 0
    assert metric[0]["asked"]["within"] == {"amount": 5.0, "unit": "km"}
    for wrong, remedy in ((("--near", "Tampa"), "33602"), (("--near", "33602", "--within", "50"), "50mi")):
        refused = client.run("identify", str(photo), *wrong)
        assert (refused.code, refused.out) == (2, "")
        assert repr(wrong[-1]) in refused.err
        assert remedy in refused.err
