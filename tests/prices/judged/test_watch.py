from datetime import date, timedelta

import numpy as np
import pytest

from autodetect.lake.verdict import hold_reason
from autodetect.prices.judged.evaluation import evaluate
from autodetect.prices.judged.figures import Estimate, PriceEvaluation
from autodetect.prices.judged.watch import ERROR, JUMPED, ROSE, USELESS, NightError, good_errors, judge_error
from autodetect.records import Receipt
from autodetect.sections import ValuationSettings
from tests.prices.judged.invented import SETTINGS, TODAY, Fits, sales


def night(back: int) -> date:
    return TODAY - timedelta(days=back)


def record(back: int, error: float = 0.30, **changed) -> NightError:
    facts = {"night": night(back), "basis": "sold", "currency": "USD", "cars": 800, "median_ape": error}
    return NightError(**facts | changed)


USUAL = [record(back) for back in range(1, 15)]
EVALUATED = evaluate(sales(400), as_of=TODAY, settings=SETTINGS, seed=0, fit=Fits())


def tonight(
    error: float, *, sure: float = 0.02, ratio: tuple[float, float, float] = (0.5, 0.4, 0.6)
) -> PriceEvaluation:
    """Tonight's evaluation, as if it had found this median error."""
    found = EVALUATED.by_vehicle.model_copy(
        update={
            "median_ape": Estimate(value=error, low=error - sure, high=error + sure),
            "ratio": Estimate(value=ratio[0], low=ratio[1], high=ratio[2]),
        }
    )
    return EVALUATED.model_copy(update={"by_vehicle": found})


def judged(evaluation, before=USUAL, **settings):
    return judge_error(evaluation, before, ValuationSettings(**settings), night=TODAY)


def test_a_jump_beyond_chance_holds_the_night_and_says_what_to_do():
    found = judged(tonight(0.41))
    assert (found.state, found.held) == ("held", (JUMPED,))
    assert found.usual == 0.3
    assert found.held_from == 0.375
    assert found.warned == (f"{JUMPED}: {found.words}",)
    assert "median error is 41.0% (39.0% to 43.0%)" in found.words
    assert "30.0% is usual over 14 nights" in found.words
    assert 'valuation.accepted = ["2026-03-14"]' in found.words


def test_a_rise_that_chance_explains_is_told_and_not_held():
    found = judged(tonight(0.41, sure=0.05))
    assert (found.state, found.held) == ("ok", ())
    assert found.warned[0].startswith(ROSE)


@pytest.mark.parametrize("error", [0.05, 0.3, 0.375])
def test_a_usual_or_better_night_is_let_in_without_a_word_of_warning(error):
    found = judged(tonight(error, sure=0.0))
    assert (found.state, found.held, found.warned) == ("ok", (), ())
    assert found.record == record(0, error, cars=EVALUATED.by_vehicle.of("valuation").cars)


def test_one_odd_night_does_not_move_the_usual_and_only_the_last_ones_count():
    odd = [*USUAL[:-1], record(3, 0.9), record(40, 0.9), record(0, 0.9), record(-1, 0.9)]
    assert judged(tonight(0.41), odd).held == (JUMPED,)
    old = [record(back, 0.30 if back <= 5 else 0.60) for back in range(1, 15)]
    assert judged(tonight(0.41), old).state == "ok"
    assert judged(tonight(0.41), old, error_nights=5).state == "held"


@pytest.mark.parametrize("before", [[], USUAL[:2], [record(back, basis="asking") for back in range(1, 9)]])
def test_with_few_nights_like_it_nothing_is_judged(before):
    found = judged(tonight(0.9), before)
    assert (found.state, found.held) == ("not_judged", ())
    assert "good nights to compare with; 3 are needed" in found.words
    assert found.record is not None


def test_another_currency_is_never_compared_with():
    assert judged(tonight(0.9), [record(back, currency="CAD") for back in range(1, 9)]).state == "not_judged"


def test_without_an_evaluation_by_vehicle_nothing_is_judged():
    nothing = evaluate(sales(50), as_of=TODAY, settings=SETTINGS, seed=0, fit=Fits())
    found = judged(nothing)
    assert (found.state, found.record, found.warned) == ("not_judged", None, ())


def test_few_cars_are_not_judged():
    ours = EVALUATED.by_vehicle.of("valuation").model_copy(update={"cars": 29})
    found = tonight(0.9)
    split = found.by_vehicle.model_copy(update={"methods": (ours, *found.by_vehicle.methods[1:])})
    assert "29 held-out cars" in judged(found.model_copy(update={"by_vehicle": split})).words
    assert judged(tonight(0.9), [record(back, cars=29) for back in range(1, 9)]).state == "not_judged"


def test_a_person_lets_a_night_in_and_it_is_the_usual_from_then_on():
    accepted = judged(tonight(0.41), accepted=(TODAY,))
    assert (accepted.state, accepted.held) == ("ok", ())
    assert "accepted" in accepted.words
    since = [record(1, 0.41), record(2, 0.40), record(3, 0.42), *(record(back) for back in range(4, 15))]
    assert judged(tonight(0.41), since).state == "held"
    assert judged(tonight(0.41), since, accepted=(night(3),)).state == "ok"


def test_a_valuation_surely_no_better_than_an_average_price_is_told_from_the_first_night():
    found = judged(tonight(0.6, ratio=(1.2, 1.05, 1.4)), [])
    assert found.warned[0].startswith(f"{USELESS}: the valuation's median error is 1.20 times")
    assert judged(tonight(0.6, ratio=(1.2, 0.95, 1.4)), []).warned == ()


def test_the_verdict_of_a_night_names_the_rule():
    receipt = Receipt(night=TODAY, stage="price", run_id="r", facts={"held": list(judged(tonight(0.41)).held)})
    assert hold_reason({"price": receipt}, 0.9) == f"validation held the night: {JUMPED}"


def test_good_nights_alone_are_compared_with():
    def receipts(back: int, verdict: str, error: float | None) -> list[Receipt]:
        facts = {} if error is None else {ERROR: record(back, error).model_dump(mode="json")}
        return [
            Receipt(night=night(back), stage="price", run_id="r", facts=facts),
            Receipt(night=night(back), stage="end", run_id="r", facts={"verdict": verdict}),
        ]

    kept = [
        *receipts(4, "published", 0.30),
        *receipts(3, "held", 0.90),
        *receipts(2, "prices_only", 0.31),
        *receipts(1, "published", None),  # a night of an earlier version, or without an evaluation
        *receipts(0, "published", 0.32),
    ]
    unfinished = receipts(5, "", 0.33)[:1]
    assert good_errors([*unfinished, *kept], before=TODAY) == [record(4, 0.30), record(2, 0.31)]


def test_a_real_jump_of_real_evaluations_is_caught_and_usual_nights_are_not():
    def of(seed: int, noise: float) -> PriceEvaluation:
        return evaluate(sales(1500, seed=seed, noise=noise), as_of=TODAY, settings=SETTINGS, seed=seed, fit=Fits())

    before = [judge_error(of(seed, 0.3), [], SETTINGS, night=night(10 - seed)).record for seed in range(8)]
    assert np.std([each.median_ape for each in before]) > 0
    assert [judge_error(of(seed, 0.3), before, SETTINGS, night=TODAY).state for seed in range(20, 26)] == ["ok"] * 6
    assert judge_error(of(30, 0.6), before, SETTINGS, night=TODAY).state == "held"
