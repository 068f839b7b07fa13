"""What must hold of any two models, however small or odd the test set."""

from hypothesis import given
from hypothesis import strategies as st

from autodetect.classifier.gate import Answers, decide
from autodetect.sections import GateSettings
from tests.classifier.gate.answered import ASKED, answers, by_vehicle

# One vehicle: its class, and whether challenger, champion and best release are right.
VEHICLES = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=120)
GROUPS = [frozenset({0, 1}), frozenset({1, 2, 3})]
LIMITS = GateSettings(small_class=4)


def models(vehicles):
    truth, *hits = zip(*vehicles, strict=True)
    return [answers(right, 6, truth=truth) for right in hits]


def verdict_on(vehicles):
    challenger, champion, best = models(vehicles)
    return decide(challenger, champion, **ASKED, recent=best, groups=GROUPS, limits=LIMITS)


@given(VEHICLES, st.data())
def test_one_more_right_answer_never_turns_a_promotion_into_a_refusal(vehicles, data):
    position = data.draw(st.integers(0, len(vehicles) - 1))
    label, _, old, best = vehicles[position]
    better = [*vehicles]
    better[position] = (label, True, old, best)
    worse = [*vehicles]
    worse[position] = (label, False, old, best)
    assert verdict_on(better).promoted or not verdict_on(worse).promoted


@given(VEHICLES)
def test_two_models_change_places_and_the_figures_their_signs(vehicles):
    one, other, _ = models(vehicles)
    there, back = decide(one, other, **ASKED), decide(other, one, **ASKED)
    assert there.difference == -back.difference
    for name in ("n", "discordant", "margin", "smallest_drop", "underpowered"):
        assert getattr(there, name) == getattr(back, name)
    assert (there.champion_top1, there.challenger_top1) == (back.challenger_top1, back.champion_top1)
    assert there.parts[0].passed or back.parts[0].passed


@given(VEHICLES, st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_names_of_vehicles_matter(vehicles, random):
    shuffled = [*vehicles]
    random.shuffle(shuffled)
    assert verdict_on(vehicles) == verdict_on(shuffled)


@given(VEHICLES)
def test_a_model_against_itself_is_always_promoted(vehicles):
    truth, right, *_ = zip(*vehicles, strict=True)
    model = answers(right, 6, truth=truth, nll=by_vehicle([0.5] * len(vehicles)))
    verdict = decide(model, model, **ASKED, recent=model, groups=GROUPS, limits=LIMITS)
    assert (verdict.promoted, verdict.discordant, verdict.nll_rise, verdict.class_drops) == (True, 0, 0.0, ())


@given(VEHICLES)
def test_the_verdict_is_that_of_its_parts(vehicles):
    verdict = verdict_on(vehicles)
    refusing = [part for part in verdict.parts if part.passed is False]
    assert verdict.promoted is not bool(refusing)
    assert all(part.words in verdict.words for part in (*refusing, verdict.parts[0]))
    assert verdict.words.startswith("promoted: " if verdict.promoted else "refused: ")
    assert 0 < verdict.smallest_drop < verdict.margin


@given(VEHICLES, st.sets(st.integers(0, 119)))
def test_leaving_vehicles_out_is_the_same_as_not_having_them(vehicles, out):
    challenger, champion, _ = models(vehicles)
    gone = frozenset(f"v{index}" for index in out)

    def kept(model):
        truth = {vehicle: label for vehicle, label in model.truth.items() if vehicle not in gone}
        return Answers(model.class_ids, truth, model.answered)

    asked = decide(challenger, champion, **ASKED, trained_on=gone)
    plain = decide(kept(challenger), kept(champion), **ASKED)
    assert asked.parts == plain.parts
    assert asked.n + asked.excluded == len(vehicles)
