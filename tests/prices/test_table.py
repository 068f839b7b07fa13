"""What a price row promises, whatever the listings are."""

import math
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.lake.schemas import PRICES
from autodetect.prices.comparables import RULES
from autodetect.prices.table import price_table
from autodetect.sections import PriceSettings

FIGURES = ("median", "q1", "q3", "mean", "low", "high")
SOUND = st.floats(min_value=3_000, max_value=60_000, allow_nan=False)
ANYTHING = st.one_of(st.none(), st.floats(), st.floats(min_value=0, max_value=1e9))
LISTING = st.fixed_dictionaries(
    {
        "price": ANYTHING,
        "currency": st.sampled_from(["USD", "EUR", "GBP", None]),
        "make_model_id": st.sampled_from(["ford-mustang", "audi-tt", "unheard-of", None]),
        "status": st.sampled_from(["active", "missing", "sold", "ended", "imported", None]),
        "days": st.one_of(st.none(), st.integers(-400, 3000)),
        "vehicle_id": st.sampled_from([None, "v1", "v2"]),
    }
)


def as_rows(market, drawn):
    rows = []
    for index, facts in enumerate(drawn):
        day = None if facts["days"] is None else market.night - timedelta(days=facts["days"])
        rows.append(
            {
                "source": "shop",
                "item_id": str(index),
                **{name: facts[name] for name in ("currency", "make_model_id", "status", "vehicle_id")},
                "asking_price": facts["price"],
                "sold_price": facts["price"] if facts["status"] == "sold" else None,
                "sold_on": day if facts["status"] == "sold" else None,
                "first_seen": day,
                "last_seen": day,
            }
        )
    return rows


@given(drawn=st.lists(LISTING, max_size=40), seed=st.randoms())
@settings(deadline=None)
def test_the_order_of_rows_never_matters(market, drawn, seed):
    rows = as_rows(market, drawn)
    shuffled = seed.sample(rows, len(rows))
    one, other = market.priced(rows, min_comparables=2), market.priced(shuffled, min_comparables=2)
    assert one.rows.equals(other.rows)
    assert one.funnel == other.funnel
    assert one.verdicts.equals(other.verdicts)


@given(drawn=st.lists(LISTING, max_size=40))
@settings(deadline=None)
def test_no_nan_leaves_and_every_candidate_is_accounted_for(market, drawn):
    table = market.priced(as_rows(market, drawn), min_comparables=1)
    assert table.rows.schema.equals(PRICES.schema)
    for row in table.rows.to_pylist():
        figures = [row[name] for name in FIGURES]
        assert all(figure is None or math.isfinite(figure) for figure in figures)
        assert (row["reason"] is None) == (None not in figures) == (row["count"] >= 1)
        if row["count"]:
            assert row["low"] <= row["q1"] <= row["median"] <= row["q3"] <= row["high"]
            assert row["low"] - 0.01 <= row["mean"] <= row["high"] + 0.01
    for funnel in table.funnel.values():
        assert funnel["candidates"] == funnel["used"] + sum(funnel[rule] for rule in RULES)
    for basis in ("sold", "asking"):
        counted = [row["count"] for row in table.rows.to_pylist() if row["basis"] == basis]
        assert sum(counted) == table.funnel[basis]["used"]


@given(drawn=st.lists(LISTING, max_size=40))
@settings(deadline=None)
def test_currencies_never_mix(market, drawn):
    rows = as_rows(market, drawn)
    table = market.priced(rows, min_comparables=1)
    currency_of = {row["item_id"]: row["currency"] for row in rows}
    used = table.verdicts[table.verdicts["rule"] == ""]
    for basis, mine in used.groupby("basis"):
        named = {row["currency"] for row in table.rows.to_pylist() if row["basis"] == basis and row["count"]}
        assert {currency_of[item_id] for item_id in mine["item_id"]} == named
        assert len(named) == 1


@given(
    sound=st.lists(SOUND, min_size=5, max_size=30),
    junk=st.lists(st.floats(min_value=1e-3, max_value=1e7), max_size=29),
)
@settings(deadline=None)
def test_junk_in_the_minority_cannot_pull_a_figure_far_from_the_sound_prices(market, sound, junk):
    """Fewer junk than sound prices: the log median and MAD stay within what sound prices span, and so does the rest."""
    junk = junk[: len(sound) - 1]
    rows = [market.sold(index, price) for index, price in enumerate(sound + junk)]
    row = market.price(rows, min_comparables=1, min_price=0)
    spread = max(math.log(max(sound) / min(sound)), math.log(1.05))
    reach = math.exp(3.5 * spread / 0.6745)
    assert row["low"] >= min(sound) / reach - 0.01
    assert row["high"] <= max(sound) * reach + 0.01
    assert min(sound) / reach - 0.01 <= row["mean"] <= max(sound) * reach + 0.01


def test_figures_are_those_of_the_prices(market):
    row = market.price([market.sold(i, price) for i, price in enumerate([4_000, 1_000, 3_000, 2_000, 5_000.126])])
    assert [row[name] for name in FIGURES] == [3_000, 2_000, 4_000, 3_000.03, 1_000, 5_000.13]
    assert (row["count"], row["outliers"], row["reason"], row["currency"]) == (5, 0, None, "USD")
    assert (row["make"], row["model"], row["night"]) == ("Ford", "Mustang", market.night)


@pytest.mark.parametrize(("count", "priced"), [(4, False), (5, True)])
def test_too_few_comparables_mean_no_price_but_a_count_and_a_reason(market, count, priced):
    row = market.price([market.sold(i, 10_000) for i in range(count)], min_comparables=5)
    assert row["count"] == count
    assert (row["median"] is not None) is priced
    assert row["reason"] == (None if priced else "4 comparable sales; a price needs at least 5")


def test_a_car_without_a_usable_listing_says_why(market):
    row = market.price([market.sold(1, None), market.sold(2, 5), market.sold(3, 6)])
    assert row["count"] == 0
    assert row["reason"] == (
        "no comparable sales; a price needs at least 5 (left out: price missing 1, price below minimum 2)"
    )


def test_a_car_whose_listings_all_ended_says_so(market):
    row = market.price([market.asking(1, 10_000, status="ended")], basis="asking")
    assert (row["count"], row["median"], row["reason"]) == (0, None, "no active listing and no sale")


def test_asking_and_sold_prices_are_told_apart(market):
    rows = [market.sold(i, 10_000) for i in range(5)] + [market.asking(f"a{i}", 20_000) for i in range(5)]
    assert market.price(rows, basis="sold")["median"] == 10_000
    assert market.price(rows, basis="asking")["median"] == 20_000


def test_the_funnel_of_one_car_is_what_is_behind_its_figures(market):
    rows = [market.sold(1, 10_000), market.sold(2, None), market.sold(3, 10_000, make_model_id=market.audi)]
    funnel = market.priced(rows).funnel_of(market.ford)
    assert (funnel["sold"]["candidates"], funnel["sold"]["price_missing"], funnel["sold"]["used"]) == (2, 1, 1)
    assert funnel["asking"]["candidates"] == 0


def test_no_listings_give_no_rows(market):
    table = market.priced([])
    assert table.rows.num_rows == 0
    assert table.funnel["sold"]["candidates"] == 0


def test_vehicle_ids_are_optional(market):
    frame = market.frame([market.asking(i, 10_000, vehicle_id="v") for i in range(5)]).drop(columns="vehicle_id")
    table = price_table(frame, market.make_models, night=market.night, settings=PriceSettings())
    assert table.rows.to_pylist()[0]["count"] == 5


def test_a_catalogue_that_names_a_car_twice_does_not_double_its_listings(market):
    doubled = market.make_models.loc[[0, 0, 1]]
    frame = market.frame([market.sold(i, 10_000) for i in range(5)])
    table = price_table(frame, doubled, night=market.night, settings=PriceSettings())
    assert [row["count"] for row in table.rows.to_pylist()] == [5]
