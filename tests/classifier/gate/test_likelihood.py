import numpy as np
import pytest

from autodetect.classifier.gate import decide
from autodetect.sections import GateSettings
from tests.classifier.gate.answered import ASKED, answers, by_vehicle

RIGHT = np.arange(300) % 10 < 8


def judged(ours, theirs, **limits):
    verdict = decide(
        answers(RIGHT[: len(ours)], nll=by_vehicle(ours)),
        answers(RIGHT[: len(theirs)], nll=by_vehicle(theirs)),
        **ASKED,
        limits=GateSettings(**limits),
    )
    return verdict, next(part for part in verdict.parts if part.name == "likelihood")


def test_a_challenger_that_is_wrongly_sure_is_refused_though_it_names_the_same_cars():
    theirs = np.random.default_rng(0).exponential(0.8, 300)
    verdict, part = judged(theirs * 1.6, theirs)
    assert (verdict.promoted, part.passed, verdict.difference) == (False, False, 0.0)
    assert verdict.nll_rise == pytest.approx(0.6 * theirs.mean(), abs=1e-5)
    assert "a rise of at most 0.05 is allowed" in verdict.words


def test_a_rise_within_the_bound_passes_and_the_bound_is_a_limit():
    theirs = np.random.default_rng(1).exponential(0.8, 300)
    assert judged(theirs + 0.04, theirs)[1].passed
    assert not judged(theirs + 0.04, theirs, max_nll_rise=0.03)[1].passed


def test_a_rise_that_few_vehicles_cannot_show_is_told_and_passes():
    rng = np.random.default_rng(2)
    theirs = rng.exponential(0.8, 20)
    verdict, part = judged(theirs + rng.normal(0.2, 1.0, 20), theirs)
    assert verdict.nll_rise > 0.05
    assert part.passed
    assert "20 vehicles cannot show that it rose at all" in part.words
    assert judged(theirs[:1] + 5, theirs[:1])[1].passed


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_likelihood_that_is_no_number_refuses_the_challenger_and_not_the_champion(broken):
    sound, spoilt = np.ones(300), np.where(np.arange(300) == 7, broken, 1.0)
    verdict, part = judged(spoilt, sound)
    assert (verdict.promoted, verdict.nll_rise) == (False, None)
    assert "no number on 1 vehicle" in part.words
    assert judged(sound, spoilt)[1].passed is None


def test_without_likelihoods_it_is_not_judged():
    verdict = decide(answers(RIGHT, nll=by_vehicle(np.ones(300))), answers(RIGHT), **ASKED)
    assert (verdict.promoted, verdict.nll_rise) == (True, None)
