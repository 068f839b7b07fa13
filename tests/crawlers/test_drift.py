"""Drift: a field that stops coming is named; the luck of a small night, or another mix of sellers, is not."""

from datetime import date
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.records import Sighting
from crawlers.drift import REQUIRED, WATCHED, broken_generation, drift_words, drifted, fill_of, lower_tail, pooled

WHOLE: dict[str, Any] = {
    "source": "ebay-api",
    "item_id": "1",
    "kind": "asking",
    "observed_on": date(2026, 11, 1),
    "title": "2012 Ford Mustang",
    "price": "9000.00",
    "currency": "USD",
    "make": "Ford",
    "model": "Mustang",
    "year": "2012",
    "mileage": "61,000",
    "body_type": "Coupe",
    "engine": "5.0L",
    "drive_type": "RWD",
    "condition": "Used",
    "postal_code": "336**",
    "city": "Tampa",
    "photo_urls": ("https://photos.invalid/1.jpg",),
    "seller_hash": "5a",
    "vin": "1ZVBP8CF1C5200000",
    "buying_options": ("FIXED_PRICE",),
}
USUAL = [{"make": [95, 100], "vin": [60, 100]}] * 7


def every(counts: list[int]) -> dict[str, list[int]]:
    return {field: list(counts) for field in WATCHED}


def listing(**changes: Any) -> Sighting:
    return Sighting(**(WHOLE | changes))


def test_every_watched_field_of_a_whole_listing_is_filled() -> None:
    assert fill_of([listing(), listing()]) == every([2, 2])


@pytest.mark.parametrize("field", sorted(set(WATCHED) - {"place"}))
def test_an_empty_field_is_counted_as_such_and_no_other(field: str) -> None:
    wanted = every([1, 1]) | {field: [0, 1]}
    assert fill_of([listing(**{field: () if field == "photo_urls" else ""})]) == wanted


@pytest.mark.parametrize(("place", "filled"), [(("336**", ""), 1), (("", "Tampa"), 1), (("", ""), 0)])
def test_a_place_is_a_postal_code_or_a_city(place: tuple[str, str], filled: int) -> None:
    assert fill_of([listing(postal_code=place[0], city=place[1])])["place"] == [filled, 1]


@pytest.mark.parametrize(
    ("facts", "counted"),
    [
        ({"price": "", "currency": "", "buying_options": ("CLASSIFIED_AD",)}, [0, 0]),
        ({"price": "9", "currency": "USD", "buying_options": ("CLASSIFIED_AD",)}, [1, 1]),
        ({"price": "", "currency": "", "buying_options": ("AUCTION",), "bids": "7"}, [0, 1]),
        ({"price": "", "currency": "", "buying_options": ()}, [0, 1]),
    ],
)
def test_only_a_classified_ad_may_lack_its_price(facts: dict[str, Any], counted: list[int]) -> None:
    fill = fill_of([listing(**facts)])
    assert (fill["price"], fill["currency"], fill["make"]) == (counted, counted, [1, 1])


@pytest.mark.parametrize("kind", ["sold", "import", "missing"])
def test_only_listings_on_offer_are_counted(kind: str) -> None:
    assert set(map(tuple, fill_of([listing(kind=kind)]).values())) == {(0, 0)}


def test_parts_of_a_night_add_up() -> None:
    cars = [listing(vin=vin) for vin in ("", "x", "", "y", "z")]
    assert pooled([fill_of(cars[:2]), fill_of(cars[2:])]) == fill_of(cars)
    assert pooled([]) == {}


@pytest.mark.parametrize("read", [30, 100, 2500])
def test_a_field_that_vanished_is_named(read: int) -> None:
    tonight = {"make": [0, read], "vin": [read * 6 // 10, read]}
    assert drifted(tonight, USUAL, min_fill=0.5) == ["make"]


def test_fields_are_named_in_order_and_told_with_their_figures() -> None:
    tonight = {"vin": [2, 400], "make": [30, 400], "price": [0, 400], "year": [400, 400]}
    assert drifted(tonight, USUAL, min_fill=0.5) == ["make", "price", "vin"]
    told = drift_words(["make", "price"], tonight, USUAL)
    assert told == "make in 30 of 400 listings, usually in 95%; price in 0 of 400 listings"


@pytest.mark.parametrize(("filled", "named"), [(1188, False), (1150, False), (1000, True), (0, True)])
def test_a_field_may_fall_to_the_share_that_is_allowed_and_no_lower(filled: int, named: bool) -> None:
    """Usually in 95%, allowed half of it: 47.5% of 2,500 are 1,188; 1,150 could be bad luck, 1,000 are not."""
    tonight = {"body_type": [filled, 2500]}
    assert (drifted(tonight, [{"body_type": [95, 100]}] * 7, min_fill=0.5) == ["body_type"]) == named


@pytest.mark.parametrize("read", [0, 1, 19])
def test_a_small_night_says_nothing(read: int) -> None:
    assert drifted(every([0, read]), [every([500, 500])], min_fill=1.0) == []


@pytest.mark.parametrize("history", [[], [{}], [{"make": [1, 1], "vin": [49, 49]}], [{"make": [0, 0]}] * 7])
def test_without_a_history_only_required_fields_are_judged(history: list[dict[str, list[int]]]) -> None:
    assert drifted(every([1, 20]), history, min_fill=0.5) == sorted(REQUIRED)
    assert drifted(every([2, 20]), history, min_fill=0.5) == []


def test_what_has_been_broken_for_a_week_does_not_pass_as_usual() -> None:
    assert drifted({"make": [0, 100]}, [{"make": [0, 100]}] * 7, min_fill=0.5) == ["make"]


def test_a_field_that_few_sellers_fill_is_not_judged() -> None:
    assert drifted({"vin": [0, 1000]}, [{"vin": [29, 100]}] * 7, min_fill=0.5) == []
    assert drifted({"vin": [0, 1000]}, [{"vin": [31, 100]}] * 7, min_fill=0.5) == ["vin"]


def test_only_the_last_week_says_what_is_usual() -> None:
    old, new = {"vin": [100, 100]}, {"vin": [10, 100]}
    assert drifted({"vin": [100, 1000]}, [old] * 9 + [new] * 7, min_fill=0.5) == []
    assert drifted({"vin": [100, 1000]}, [new] * 9 + [old] * 7, min_fill=0.5) == ["vin"]


def test_a_field_of_an_earlier_program_is_no_failure() -> None:
    assert drifted({"make": [99, 100]}, [{"colour": [100, 100]}, *USUAL], min_fill=0.5) == []


@pytest.mark.parametrize(
    ("counts", "broken"),
    [
        ({"make": [0, 50]}, ["make"]),
        ({"make": [0, 49]}, []),
        ({"make": [1, 5000]}, []),
        ({"vin": [0, 5000], "title": [50, 50]}, []),
        (every([0, 60]), list(REQUIRED)),
        ({}, []),
    ],
)
def test_pages_that_never_fill_a_required_field_are_found_early(counts: Any, broken: list[str]) -> None:
    assert broken_generation(counts) == broken


@given(st.integers(0, 60), st.integers(0, 60), st.fractions(0, 1, max_denominator=97))
def test_the_tail_is_the_binomial_one(filled: int, read: int, rate: Fraction) -> None:
    exact = sum(comb(read, k) * rate**k * (1 - rate) ** (read - k) for k in range(min(filled, read) + 1))
    assert lower_tail(filled, read, float(rate)) == pytest.approx(float(exact), rel=1e-9, abs=1e-300)


def test_the_tail_of_a_large_night_is_a_probability() -> None:
    assert lower_tail(30_000, 60_000, 0.5) == pytest.approx(0.5, abs=0.01)
    assert lower_tail(20_000, 60_000, 0.5) == 0.0
    assert lower_tail(40_000, 60_000, 0.5) == pytest.approx(1.0)


@given(st.integers(20, 400), st.data(), st.floats(0, 1), st.integers(0, 700))
def test_a_field_that_is_filled_more_often_is_never_the_more_suspect(
    read: int, data: st.DataObject, min_fill: float, usual: int
) -> None:
    less = data.draw(st.integers(0, read))
    more = data.draw(st.integers(less, read))
    history = [{"make": [usual, 700]}]
    if drifted({"make": [more, read]}, history, min_fill=min_fill):
        assert drifted({"make": [less, read]}, history, min_fill=min_fill)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("min_fill", [0.5, 0.8, 1.0])
def test_nights_like_those_before_raise_no_false_alarm(seed: int, min_fill: float) -> None:
    """Small nights, short histories, any rate; at 1.0, where any fall is drift, all of them sit on the threshold."""
    draw = np.random.default_rng(seed)
    alarms = 0
    for _ in range(5_000):
        rate, read, before = draw.uniform(0.3, 1), int(draw.integers(20, 300)), int(draw.integers(50, 700))
        history = [{"vin": [int(draw.binomial(before, rate)), before]}]
        alarms += bool(drifted({"vin": [int(draw.binomial(read, rate)), read]}, history, min_fill=min_fill))
    assert alarms <= 2  # 2e-4 a night at most: of 5,000 that is one


@pytest.mark.parametrize("seed", [4, 5])
def test_nights_of_another_mix_of_sellers_raise_no_false_alarm(seed: int) -> None:
    """Dealers list many cars alike: a dealer fills a field always or never, and a small night has few of them."""
    draw = np.random.default_rng(seed)
    alarms = 0
    for _ in range(2_000):
        dealers = draw.random(10) < 0.9
        filled = sum(int(draw.integers(1, 6)) * bool(fills) for fills in dealers)
        history = [{"engine": [int(draw.binomial(100, 0.9)), 100]} for _ in range(7)]
        alarms += bool(drifted({"engine": [min(filled, 30), 30]}, history, min_fill=0.5))
    assert alarms <= 2


@pytest.mark.parametrize("seed", [6, 7])
def test_a_field_that_fell_to_a_fifth_is_found_on_an_ordinary_night(seed: int) -> None:
    draw = np.random.default_rng(seed)
    found = 0
    for _ in range(500):
        usual = draw.uniform(0.6, 1)
        history = [{"mileage": [int(draw.binomial(200, usual)), 200]} for _ in range(7)]
        found += drifted({"mileage": [int(draw.binomial(200, usual / 5)), 200]}, history, min_fill=0.5) == ["mileage"]
    assert found >= 490
