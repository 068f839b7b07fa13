"""A night's contest over made-up embeddings: two heads, the nights after, classes that join, leave and come back."""

from datetime import date

import numpy as np
import pytest

from autodetect.classifier.champion import Champion
from autodetect.classifier.contest import Contest, Defender, Rules, hold_contest
from autodetect.classifier.head import masked_outputs, save_head
from autodetect.classifier.rivals import Lineup, train_rivals, winner
from autodetect.classifier.split_arrays import Examples, answerable, embeddings_digest
from autodetect.classifier.temperature import UNTEMPERED, Temperatures
from autodetect.errors import StageFailedError
from autodetect.sections import ClassifierSettings, GateSettings

DIM = 24
SETTINGS = ClassifierSettings(hidden_width=32, batch_size=64, epochs=10, embedding_dropout=0.1, dropout=0.2)
CENTRES = np.random.default_rng(0).normal(size=(12, DIM))
LABELS = {class_id: f"class {class_id}" for class_id in range(0, 120, 10)}


def split(class_ids, per_class, seed, photos_per_vehicle=2):
    """Return photos of classes 0, 10, 20, ...: an id is not an output."""
    rng = np.random.default_rng(seed)
    y = np.repeat(sorted(class_ids), per_class)
    x = np.maximum(2 + CENTRES[y // 10] + 0.7 * rng.normal(size=(len(y), DIM)), 0).astype(np.float32)
    names = [f"{seed}-{number}" for number in range(len(y))]
    vehicles = np.array([f"v{seed}-{number // photos_per_vehicle}" for number in range(len(y))])
    return Examples(x, y, vehicles, names)


def night(class_ids, seed=1):
    return {
        "train": split(class_ids, 24, seed),
        "validation": split(class_ids, 8, seed + 100),
        "test": split(class_ids, 12, seed + 200),
    }


def champion_of(contest):
    """Return the record and the two heads that the next night starts from."""
    record = Champion(
        head="h",
        class_ids=contest.class_ids,
        snapshot_id="s",
        night=date(2026, 11, 1),
        backbone="b",
        metrics={},
        temperatures=contest.temperatures,
    )
    (other,) = (rival.model for rival in contest.rivals if rival.model is not contest.model)
    return {"record": record, "head": contest.model, "rival_head": other}


def hold(splits, against=None, *, cold=False, recent=None, **rules) -> Contest:
    """Hold a contest over made-up splits; `against` is what `champion_of` returned."""
    rules = Rules(**{"training": SETTINGS, "gate": GateSettings(new_class_floor=0), "seed": 2, **rules})
    champion, recent = (given and Defender(**given, test=splits["test"]) for given in (against, recent))
    return hold_contest(splits, LABELS, champion=champion, recent=recent, rules=rules, cold=cold)


@pytest.fixture(scope="module")
def first():
    return hold(night(range(0, 60, 10)), seed=1)


def test_both_heads_are_trained_and_the_likelier_on_validation_vehicles_is_the_challenger(first):
    standings = [rival.standing for rival in first.rivals]
    assert [(each.kind, each.start) for each in standings] == [("dense", "cold"), ("linear", "cold")]
    best = min(standings, key=lambda each: each.vehicle_nll)
    assert winner(first.rivals).standing is best
    assert first.record is best.training
    assert first.evaluation.vehicle_top1 > 0.8
    assert all(0.5 < each.vehicle_top1 <= 1 and each.vehicle_nll < 1 for each in standings)


def test_the_next_night_starts_warm_knows_what_joined_and_keeps_the_outputs_in_order(first):
    splits = night([*range(0, 60, 10), 70, 80], seed=2)
    second = hold(splits, champion_of(first), seed=2)
    assert second.class_ids == (*range(0, 60, 10), 70, 80)
    assert {rival.standing.start for rival in second.rivals} == {"warm"}
    scores = {score.name: score.vehicle_top1 for score in second.evaluation.per_class}
    assert scores["class 70"] > 0.5
    assert scores["class 80"] > 0.5
    assert second.champion_evaluation is not None
    assert second.champion_evaluation.vehicles < second.evaluation.vehicles


def temperatures_of(evaluation):
    return Temperatures(
        photo=evaluation.by_photo.calibration.temperature, vehicle=evaluation.by_vehicle.calibration.temperature
    )


def test_every_model_is_judged_at_the_temperatures_of_its_own_validation(first):
    assert first.temperatures.vehicle == winner(first.rivals).standing.temperature
    assert first.temperatures != UNTEMPERED
    assert temperatures_of(first.evaluation) == first.temperatures
    given, splits = champion_of(first), night(range(0, 60, 10), seed=2)
    second = hold(splits, given, seed=2)
    assert temperatures_of(second.evaluation) == second.temperatures
    assert temperatures_of(second.champion_evaluation) == first.temperatures
    told = second.evaluation.by_vehicle.calibration.nll - second.champion_evaluation.by_vehicle.calibration.nll
    assert second.verdict.nll_rise == pytest.approx(told, abs=1e-5)
    earlier = given | {"record": given["record"].model_copy(update={"temperatures": UNTEMPERED})}
    third = hold(splits, earlier, seed=2)
    assert temperatures_of(third.champion_evaluation) == UNTEMPERED
    assert third.verdict.nll_rise != second.verdict.nll_rise


def test_lookalikes_reach_both_evaluations_and_the_gate(first):
    given = {"lookalikes": (frozenset({20, 40}), frozenset({50, 70}))}
    second = hold(night([*range(0, 60, 10), 70], seed=2), champion_of(first), **given)
    assert {group.classes for group in second.evaluation.lookalikes.groups} == {
        ("class 20", "class 40"),
        ("class 50", "class 70"),
    }
    assert [group.classes for group in second.champion_evaluation.lookalikes.groups] == [("class 20", "class 40")]
    assert second.verdict.classes_judged == 2  # small classes: those two as one, the others as one


def test_a_new_class_below_the_floor_is_withheld_by_name_and_none_is_without_a_floor(first):
    given, splits = champion_of(first), night([*range(0, 60, 10), 70], seed=2)
    second = hold(splits, given, seed=2)
    assert [new.name for new in second.verdict.new_classes] == ["class 70"]
    assert second.verdict.withheld == ()
    third = hold(splits, given, gate=GateSettings(new_class_floor=0.99))
    assert third.verdict.withheld == (70,)
    assert "1 new class of 1 withheld, below 99.0 %: class 70" in third.verdict.words


def test_an_early_release_of_few_classes_is_met_among_the_classes_that_it_knows(first):
    few = hold(night([0, 10]), seed=1)
    splits = night(range(0, 60, 10), seed=2)
    second = hold(splits, champion_of(first), recent=champion_of(few))
    known = splits["test"].only((0, 10))
    right = []
    for vehicle in sorted(set(known.vehicles)):
        mine = known.vehicles == vehicle
        logs = np.log(np.maximum(second.model.predict(known.x[mine], verbose=0)[:, :2], 1e-12)).mean(axis=0)
        right.append((0, 10)[int(logs.argmax())] == known.class_ids[mine][0])
    assert second.verdict.recent.n == len(right)
    assert second.verdict.recent.ours == pytest.approx(np.mean(right), abs=1e-6)


def test_a_rival_whose_file_is_missing_starts_cold_over_the_same_outputs(first):
    given = champion_of(first) | {"rival_head": None}
    second = hold(night(range(0, 60, 10), seed=2), given, seed=2)
    assert sorted(rival.standing.start for rival in second.rivals) == ["cold", "warm"]
    assert {rival.model.output_shape[-1] for rival in second.rivals} == {6}


def test_a_retired_class_keeps_its_output_and_is_never_answered_until_it_comes_back(first):
    rest = [class_id for class_id in range(0, 60, 10) if class_id != 20]
    second = hold(night(rest, seed=3), champion_of(first), seed=3, retired=frozenset({20}))
    assert second.class_ids == first.class_ids
    assert all(masked_outputs(rival.model) == {2} for rival in second.rivals)
    assert (second.answers[:, 2] == 0).all()
    asked = hold(night(rest, seed=3), champion_of(first), retired=frozenset({20}), gate=GateSettings())
    assert (asked.verdict.new_classes, asked.verdict.withheld) == ((), ())  # an output that stays is no new class
    third = hold(night(range(0, 60, 10), seed=4), champion_of(second), seed=4)
    assert third.class_ids == first.class_ids
    assert masked_outputs(third.model) == frozenset()
    assert {score.name: score.vehicle_top1 for score in third.evaluation.per_class}["class 20"] > 0.5


def test_a_cold_night_leaves_retired_outputs_behind_and_still_meets_the_champion(first):
    rest = [class_id for class_id in range(0, 60, 10) if class_id != 20]
    given = champion_of(first) | {"rival_head": None}
    afresh = hold(night(rest, seed=3), given, seed=3, cold=True, retired=frozenset({20}))
    assert afresh.class_ids == tuple(rest)
    assert {rival.standing.start for rival in afresh.rivals} == {"cold"}
    assert afresh.verdict.champion_top1 is not None


def test_the_same_inputs_give_the_same_files(first, tmp_path):
    again = hold(night(range(0, 60, 10)), seed=1)
    for ours, theirs in zip(first.rivals, again.rivals, strict=True):
        assert ours.standing == theirs.standing
        assert save_head(ours.model, tmp_path / "a.keras") == save_head(theirs.model, tmp_path / "b.keras")


def test_classes_without_training_photos_are_left_out_and_named():
    splits = night([0, 10, 20])
    splits["test"] = split([0, 10, 20, 30], 4, 9)
    kept, absent = answerable(splits, (), frozenset({20}))
    assert absent == (20, 30)
    assert {int(class_id) for examples in kept.values() for class_id in examples.class_ids} == {0, 10}
    kept, absent = answerable(splits, (30,))
    assert absent == ()
    assert kept["test"] is splits["test"]


def test_nothing_to_train_on_is_told():
    empty = split([0], 4, 1).only(())
    with pytest.raises(StageFailedError, match="no training photos"):
        train_rivals(empty, split([0], 4, 2), Lineup(), settings=SETTINGS, seed=0)


def test_the_digest_of_embeddings_follows_every_vector_and_every_photo():
    splits = night([0, 10])
    before = embeddings_digest(splits)
    assert embeddings_digest(dict(reversed(splits.items()))) == before
    changed = splits["test"].x.copy()
    changed[3, 5] += 0.1
    test = splits["test"]
    assert embeddings_digest(splits | {"test": Examples(changed, test.class_ids, test.vehicles, test.photos)}) != before
    renamed = ["other", *test.photos[1:]]
    assert embeddings_digest(splits | {"test": Examples(test.x, test.class_ids, test.vehicles, renamed)}) != before
