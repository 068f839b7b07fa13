"""What a car is worth, in words: whose figures stand in, how old they are, and when there is no rating."""

from datetime import date
from typing import Any

import pytest

from autodetect.prices.explain import Explanation
from autodetect.prices.sqlite.lookup import OfferFact, PriceFact
from autodetect.release.value import AskedCar, CarValue, Worth
from flows.cli.price_words import explained_lines, valued_lines, year_lines

NIGHT = date(2026, 3, 14)
WORTH = Worth(
    value=12_000,
    low=9_000,
    high=16_000,
    basis="sold",
    currency="USD",
    coverage=0.8,
    newest_sale=date(2026, 3, 1),
    rating=None,
)


def band(**facts: Any) -> PriceFact:
    figures = ("median", "median_low", "median_high", "q1", "q3", "trimmed_mean", "low", "high")
    row = dict.fromkeys((*figures, "window_start", "window_end", "precision", "reason", "level_name", "level_count"))
    row |= {"make_model_id": "ford/mustang", "basis": "sold", "year_band": "1960-1964", "region": "", "currency": "USD"}
    return PriceFact(**(row | {"count": 2, "sellers": 2, "outliers": 0, "level": None} | facts))


def explanation(regions: list[PriceFact]) -> Explanation:
    rows = tuple(regions)
    facts: dict[str, Any] = {"sightings": {}, "listings": {}, "funnels": (), "bands": (), "notes": ()}
    return Explanation(make_model_id="ford/mustang", name="Ford Mustang", night=NIGHT, regions=rows, **facts)


def lines(worth: Worth | None = WORTH, price: float | None = None, **facts: Any) -> list[str]:
    fields = dict.fromkeys(("price", "band", "state", "near"))
    found = CarValue(
        release_id="r",
        night=NIGHT,
        make_model_id="ford/mustang",
        make="Ford",
        model="Mustang",
        asked=AskedCar(make="Ford", model="Mustang", price=price),
        worth=worth,
        **(fields | {"bands": (), "comparables": (), "offers": OfferFact()} | facts),
    )
    return [" ".join(line.split()) for line in (*year_lines(found), *valued_lines(found))]


def test_the_value_comes_with_its_interval() -> None:
    assert lines() == ["Ford Mustang", "worth $12,000; 80% of such cars go for $9,000 to $16,000", "offers none"]


def test_old_sales_are_told_with_their_age() -> None:
    old = WORTH.model_copy(update={"newest_sale": date(2020, 3, 14)})
    assert lines(old)[2] == "as of 2020-03-14, the newest sale: 2,191 days before the release"


@pytest.mark.parametrize(
    ("rating", "words"),
    [
        ("great", "$8,000: a great price"),
        ("no rating", "$8,000: no rating, for such cars go for very different prices; say more of it"),
    ],
)
def test_what_is_asked_is_rated_or_told_why_not(rating: Any, words: str) -> None:
    assert f"asked {words}" in lines(WORTH.model_copy(update={"rating": rating}), price=8_000)


def test_a_car_that_nobody_knows_has_no_rating() -> None:
    told = lines(None, price=8_000)
    assert "worth not known: the release has no valuation of such a car" in told
    assert "asked 8,000: no rating, for nobody knows what the car is worth" in told


def test_whose_figures_stand_in_is_said_and_why_there_are_none() -> None:
    make = {"level": "make", "level_name": "Ford", "level_count": 75, "median": 6_800.0}
    told = lines(bands=(band(**make), band(year_band="before 1950", reason="1 comparable sale")))
    assert told[1] == "1960-1964 $6,800 (median of 75 of Ford, for the model has only 2)"
    assert told[2] == "before 1950 no price: 1 comparable sale"


def test_values_that_rest_on_asking_prices_are_of_what_is_asked() -> None:
    assert any("of such cars go for" in line for line in lines())
    assert any("of such cars are offered for" in line for line in lines(WORTH.model_copy(update={"basis": "asking"})))


def test_rows_without_a_figure_are_summed_up_in_one_line_for_each_basis() -> None:
    figures = {"level": "model", "median": 6_800.0}
    states = [band(year_band="", region="US-FL", count=9, **figures)]
    states += [band(year_band="", region=f"US-{n:02}", count=2, reason="2 comparable sales") for n in range(40)]
    states += [band(year_band="", region="US-FL", basis="asking", count=3, reason="3 comparable offers")]
    told = [" ".join(line.split()) for line in explained_lines(explanation(regions=states))]
    assert told[told.index("by state") + 1 :] == [
        "US-FL sold $6,800 (median of 9)",
        "others sold no price for 40 more: too few comparables, 80 in all",
        "others asking no price for any of 1: too few comparables, 3 in all",
    ]
