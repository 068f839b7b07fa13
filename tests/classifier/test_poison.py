import json
import re
from datetime import timedelta

import numpy as np
import pytest

from autodetect.classifier.new_labels import NightLabels, disagreement, left_out
from autodetect.classifier.poison import LabelVerdict, judge, kept
from autodetect.sections import PoisonSettings
from tests.classifier.new_nights import (
    APART,
    CLASSES,
    FIRST,
    SETTINGS,
    TONIGHT,
    cars,
    new_night,
    nights_before,
)


def record(night=FIRST, *, confident=400, disagreeing=32, sellers=()) -> NightLabels:
    return NightLabels(
        night=night,
        confidence=SETTINGS.confidence,
        choices=SETTINGS.choices,
        photos=2 * confident,
        labels=confident,
        confident=confident,
        disagreeing=disagreeing,
        sellers=sellers,
    )


@pytest.mark.parametrize("top1", APART)
def test_the_simulated_champion_is_as_good_as_it_says(top1):
    what, likely = cars(np.random.default_rng(0), top1, 4000)
    assert (likely.argmax(axis=1) == what).mean() == pytest.approx(top1, abs=0.05)
    assert likely.max(axis=1).mean() == pytest.approx(top1, abs=0.05)


@pytest.mark.parametrize("top1", APART)
@pytest.mark.parametrize("dealers", [0, 8])
def test_a_night_with_a_tenth_of_its_labels_wrong_is_held_with_the_right_words(top1, dealers):
    verdicts = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        before = nights_before(rng, top1, dealers=dealers)
        verdicts.append(judge(new_night(rng, top1, poison=0.1, dealers=dealers), before, SETTINGS, night=TONIGHT))
    assert sum(verdict.state == "held" for verdict in verdicts) >= 24
    for verdict in verdicts:
        if verdict.state == "held":
            tonight = verdict.record
            said = re.match(
                r"held: the champion disagrees with (\d+) of the (\d+) new labels where it is sure \(([\d.]+) %\), "
                r"([\d.]+) % is usual over 14 nights: ([\d.]+) points too many \(p = [\de.-]+\); "
                r"most of them from (dealer|person)-\d+ \(\d+ of \d+\), .*"
                r"most often labelled class \d+ and seen as class \d+ \(\d+ times\)",
                verdict.words,
            )
            assert said, verdict.words
            assert (int(said[1]), int(said[2])) == (tonight.disagreeing, tonight.confident)
            assert float(said[3]) - float(said[4]) == pytest.approx(float(said[5]), abs=0.11)
            assert verdict.rate >= verdict.held_from > verdict.usual
            assert len(verdict.examples) == 20


@pytest.mark.parametrize("top1", APART)
@pytest.mark.parametrize("nights", [1, 14])
def test_clean_nights_are_held_at_most_one_time_in_a_hundred(top1, nights):
    verdicts = []
    for seed in range(20):
        rng = np.random.default_rng(1000 + seed)
        before = nights_before(rng, top1, nights=nights)
        verdicts += [judge(new_night(rng, top1), before, SETTINGS, night=TONIGHT) for _ in range(15)]
    assert sum(verdict.state == "held" for verdict in verdicts) <= 3
    assert sum(bool(verdict.sellers) for verdict in verdicts) <= 3
    assert {verdict.state for verdict in verdicts} <= {"ok", "held"}


@pytest.mark.parametrize("top1", APART)
def test_one_bad_seller_is_found_alone(top1):
    found = []
    for seed in range(20):
        rng = np.random.default_rng(2000 + seed)
        before = nights_before(rng, top1)
        tonight = new_night(rng, top1, bad={"liar": (60, 0.8)})
        verdict = judge(tonight, before, SETTINGS, night=TONIGHT)
        found.append((verdict.state, verdict.doubtful))
        assert "liar" in verdict.words
        # What later nights compare with is without the seller's labels.
        refused = left_out(tonight, verdict.sellers)
        assert {str(each) for each in range(60)} <= {each.key for each in refused}
        assert {(each.table, each.rule) for each in refused} == {("vehicles", "seller.labels_doubtful")}
        assert verdict.record.labels == 800 - sum(each.labels for each in verdict.sellers) <= 740
    assert found.count(("ok", frozenset({"liar"}))) >= 19


def test_a_bad_seller_does_not_hide_a_poisoned_night():
    rng = np.random.default_rng(3)
    before = nights_before(rng, 0.75)
    verdict = judge(new_night(rng, 0.75, poison=0.15, bad={"liar": (60, 0.9)}), before, SETTINGS, night=TONIGHT)
    assert verdict.state == "held"
    assert "liar" in verdict.doubtful
    assert "doubtful sellers: liar (" in verdict.words


def test_sellers_of_much_of_the_night_cannot_be_left_out_quietly():
    rng = np.random.default_rng(4)
    before = nights_before(rng, 0.9)
    crowd = {f"liar-{each}": (40, 0.9) for each in range(8)}
    verdict = judge(new_night(rng, 0.9, bad=crowd), before, SETTINGS, night=TONIGHT)
    assert verdict.state == "held"
    assert verdict.doubtful >= set(crowd)
    assert "and 5 more" in verdict.words
    lenient = SETTINGS.model_copy(update={"max_seller_share": 0.5})
    assert judge(new_night(rng, 0.9, bad=crowd), before, lenient, night=TONIGHT).state == "ok"


def test_one_class_taken_for_another_is_named():
    rng = np.random.default_rng(5)
    before = nights_before(rng, 0.9)
    what, likely = cars(rng, 0.9, 800)
    said = np.where(np.isin(what, [3, 4, 5, 6]), 21, what)
    tonight = disagreement(
        likely,
        said,
        class_ids=range(CLASSES),
        vehicles=np.arange(800).astype(str),
        sellers=np.full(800, ""),
        confidence=SETTINGS.confidence,
        choices=SETTINGS.choices,
    )
    names = {21: "Ford F-150", 3: "Kia Rio", 4: "Fiat 500", 5: "Audi A4", 6: "BMW X5"}
    verdict = judge(tonight, before, SETTINGS, night=TONIGHT, names=names)
    assert verdict.state == "held"
    assert re.search(r"most often labelled Ford F-150 and seen as (Kia Rio|Fiat 500|Audi A4|BMW X5)", verdict.words)
    assert "most of them from" not in verdict.words  # nobody knows who the sellers are
    assert {"3", "4", "5", "6"} >= {str(what[int(vehicle)]) for vehicle in verdict.examples[:5]}


def random_head(rng, sure, labels=800):
    """Return a night that knows nothing: hardly ever sure, or sure and wrong."""
    likely = rng.dirichlet(np.full(CLASSES, 0.02 if sure else 50), size=labels)
    return disagreement(
        likely,
        rng.integers(0, CLASSES, labels),
        class_ids=range(CLASSES),
        vehicles=np.arange(labels).astype(str),
        sellers=np.full(labels, "s"),
        confidence=SETTINGS.confidence,
        choices=SETTINGS.choices,
    )


def test_a_champion_that_knows_nothing_judges_nothing():
    rng = np.random.default_rng(6)
    unsure = judge(random_head(rng, sure=False), [record()], SETTINGS, night=TONIGHT)
    assert (unsure.state, unsure.doubtful) == ("not_judged", frozenset())
    assert unsure.words == "not judged: the champion is sure of 0 of 800 new labels; 30 are needed"

    boaster = random_head(rng, sure=True)
    before = [boaster.record(FIRST, min_seller_labels=5)]
    verdict = judge(boaster, before, SETTINGS, night=TONIGHT)
    assert verdict.state == "not_judged"
    assert "it cannot tell a wrong one" in verdict.words
    assert verdict.usual > 0.9


def test_a_first_night_and_other_ways_of_counting_are_not_compared():
    tonight = new_night(np.random.default_rng(7), 0.75, poison=0.5)
    changed = record().model_copy(update={"confidence": 0.5})
    later = record(TONIGHT + timedelta(days=1))
    for before in ([], [changed], [later], [record(TONIGHT)], [record(confident=0, disagreeing=0)]):
        verdict = judge(tonight, before, SETTINGS, night=TONIGHT)
        assert verdict.state == "not_judged"
        assert "it was sure of 0 labels in" in verdict.words
    assert judge(tonight, [record()], SETTINGS, night=TONIGHT).state == "held"


def test_a_person_can_let_a_jump_in():
    rng = np.random.default_rng(10)
    before = nights_before(rng, 0.9)
    tonight = new_night(rng, 0.9, poison=0.3)
    accepting = SETTINGS.model_copy(update={"accepted": (TONIGHT,)})
    verdict = judge(tonight, before, accepting, night=TONIGHT)
    assert verdict.state == "ok"
    assert verdict.words.startswith("ok, as a person has accepted them: the champion disagrees with ")
    assert verdict.rate >= verdict.held_from
    assert kept(before, verdict, nights=14)[-1] == verdict.record
    assert judge(tonight, before, accepting, night=TONIGHT + timedelta(days=1)).state == "held"


def test_what_was_left_out_before_judges_its_seller_and_not_the_night():
    rng = np.random.default_rng(3)
    before = nights_before(rng, 0.9)
    tonight = new_night(rng, 0.9, labels=200, bad={"liar": (80, 0.9)})
    backlog = frozenset(tonight.vehicles[tonight.sellers == "liar"].tolist())
    assert judge(tonight, before, SETTINGS, night=TONIGHT).state == "held"
    verdict = judge(tonight, before, SETTINGS, night=TONIGHT, again=backlog)
    assert (verdict.state, verdict.doubtful, verdict.record.labels) == ("ok", {"liar"}, 120)


def test_a_night_that_a_person_lets_in_leaves_no_seller_out():
    rng = np.random.default_rng(4)
    before = nights_before(rng, 0.9)
    tonight = new_night(rng, 0.9, bad={f"crowd-{each}": (30, 0.9) for each in range(10)})
    held = judge(tonight, before, SETTINGS, night=TONIGHT)
    assert (held.state, bool(held.sellers)) == ("held", True)
    let_in = judge(tonight, before, SETTINGS.model_copy(update={"accepted": (TONIGHT,)}), night=TONIGHT)
    assert (let_in.state, let_in.sellers, let_in.record.labels) == ("ok", (), len(tonight.truth))


def test_only_the_newest_nights_count():
    before = [record(FIRST + timedelta(days=each), disagreeing=120 if each < 5 else 20) for each in range(12)]
    tonight = new_night(np.random.default_rng(8), 0.75, poison=0.1)
    few = judge(tonight, before, PoisonSettings(nights=7), night=TONIGHT)
    assert (few.nights, few.state, few.usual) == (7, "held", round(140.5 / 2801, 6))
    assert judge(tonight, before, PoisonSettings(nights=12), night=TONIGHT).state == "ok"


def test_a_night_without_new_labels_is_not_judged():
    empty = disagreement(np.empty((0, 3)), [], class_ids=(1, 2, 3), vehicles=[], sellers=[], confidence=0.9, choices=3)
    verdict = judge(empty, [record()], SETTINGS, night=TONIGHT)
    assert verdict.words == "not judged: the champion is sure of 0 of 0 new labels; 30 are needed"
    assert kept([record()], verdict, nights=14) == (record(),)


def test_what_is_kept_for_later_nights_leaves_held_nights_out_and_names_nobody():
    rng = np.random.default_rng(9)
    before = nights_before(rng, 0.9)
    good = judge(new_night(rng, 0.9, dealers=8), before, SETTINGS, night=TONIGHT)
    bad = judge(new_night(rng, 0.9, dealers=8, poison=0.2), before, SETTINGS, night=TONIGHT)
    assert (good.state, bad.state) == ("ok", "held")
    after = kept(before, good, nights=14)
    assert after == (*before[1:], good.record)
    assert kept(before, bad, nights=14) == tuple(before)
    assert kept(after, good, nights=14) == after  # a stage that runs again
    told = json.dumps([each.model_dump(mode="json") for each in after])
    assert "dealer" not in told
    assert len(good.record.sellers) >= 8
    assert [NightLabels.model_validate(each) for each in json.loads(told)] == list(after)
    assert LabelVerdict.model_validate_json(bad.model_dump_json()) == bad
