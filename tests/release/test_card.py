"""The model card tells of prices how far off they are."""

from datetime import date
from typing import Any

import pytest

from autodetect.classifier.champion import Champion
from autodetect.prices.judged.figures import PriceEvaluation
from autodetect.release.card import card
from tests.release.publishing import METRICS
from tests.release.sample import facts
from tests.report.priced_sample import errors

COUNTS = {"prices_sold": 14, "prices_asking": 12, "offers": 3_460, "offers_placed": 3_400, "offers_valued": 3_300}
JUDGED: dict[str, Any] = {"as_of": date(2026, 3, 1), "basis": "sold", "currency": "USD", "sales": 900}


@pytest.fixture
def champion() -> Champion:
    return Champion(
        head="h" * 64, class_ids=(1,), snapshot_id="s", night=date(2026, 3, 1), backbone="b" * 64, metrics=METRICS
    )


def test_the_valuation_and_the_offers_are_told(champion: Champion) -> None:
    evaluation = PriceEvaluation(**JUDGED, by_vehicle=errors("vehicle", "Ford"), by_time=None)
    told = card(facts(), champion, "tiny", COUNTS, evaluation)
    assert "| valuation | off by 31.8% in the median (mean per model 60.3%) on 3,312 held-out cars" in told
    assert "| offers, those with a place, with a value | 3,460, 3,400, 3,300 |" in told


def test_a_valuation_that_was_not_judged_is_not_vouched_for(champion: Champion) -> None:
    unjudged = PriceEvaluation(**JUDGED, by_vehicle=None, by_time=None, words=("not judged: 12 cars",))
    assert "| valuation | not judged |" in card(facts(), champion, "tiny", COUNTS, unjudged)
