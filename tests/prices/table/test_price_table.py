"""What a price row promises, whatever the listings are."""

import math
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.lake.schemas import PRICES
from autodetect.prices.table.comparables import RULES
from autodetect.prices.table.price_table import price_table
from autodetect.prices.table.statistics import FIGURES
from autodetect.sections import PriceSettings
from autodetect.validation.suites.prices import prices

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
        "title": st.sampled_from([None, "1967 Mustang", "1967 Mustang parts only", "deposit on a TT"]),
        "buying_options": st.sampled_from([None, "FIXED_PRICE", "AUCTION"]),
        "bids": st.sampled_from([None, 0, 3]),
        "title_status": st.sampled_from([None, "Clean", "Salvage"]),
        "year": st.sampled_from([None, 1949, 1967, 1968, 2012]),
        "state": st.sampled_from([None, "US-FL", "CA-AB"]),
        "seller_hash": st.sampled_from([None, "s1", "s2"]),
        "body_type": st.sampled_from([None, "Coupe", "SUV"]),
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
                **{name: value for name, value in facts.items() if name not in {"price", "days"}},
                "asking_price": facts["price"],
                "sold_price": facts["price"] if facts["status"] == "sold" else None,
                "sold_on": day if facts["status"] == "sold" else None,
                "first_seen": day,
                "last_seen": day,
            }
        )
    return rows


@given(drawn=st.lists(LISTING, max_size=40), seed=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_the_order_of_rows_never_matters(market, drawn, seed):
    rows = as_rows(market, drawn)
    shuffled = seed.sample(rows, len(rows))
    one, other = market.priced(rows, min_comparables=2), market.priced(shuffled, min_comparables=2)
    assert one.rows.equals(other.rows)
    assert one.funnel == other.funnel
    assert one.verdicts.equals(other.verdicts)


@given(drawn=st.lists(LISTING, max_size=40))
@settings(deadline=None, max_examples=60)
def test_no_nan_leaves_and_every_candidate_is_accounted_for(market, drawn):
    table = market.priced(as_rows(market, drawn), min_comparables=1)
    assert table.rows.schema.equals(PRICES.schema)
    for row in table.rows.to_pylist():
        figures = [row[name] for name in FIGURES if name not in {"median_low", "median_high"}]
        assert all(figure is None or math.isfinite(figure) for figure in figures)
        assert (row["reason"] is None) == (None not in figures) == (row["count"] >= 1) == (row["level"] == "model")
        assert (row["median_low"] is None) == (row["median_high"] is None) == (row["count"] < 5)
        assert (row["sellers"] or 0) <= row["count"] == (row["level_count"] or 0)
        if row["count"]:
            assert row["low"] <= row["q1"] <= row["median"] <= row["q3"] <= row["high"]
            assert row["low"] <= row["trimmed_mean"] <= row["high"]
            assert row["low"] <= (row["median_low"] or row["median"]) <= row["median"]
            assert row["median"] <= (row["median_high"] or row["median"]) <= row["high"]
    for funnel in table.funnel.values():
        assert funnel["candidates"] == funnel["used"] + sum(funnel[rule] for rule in RULES)
    for basis in ("sold", "asking"):
        headlines = [row for row in table.rows.to_pylist() if not (row["year_band"] or row["region"])]
        assert sum(row["count"] for row in headlines if row["basis"] == basis) == table.funnel[basis]["used"]


@given(drawn=st.lists(LISTING, max_size=40))
@settings(deadline=None, max_examples=60)
def test_the_suite_of_prices_finds_nothing_wrong_in_what_is_made(market, drawn):
    """What the rules would hold a night for never comes out of the table, except prices that no car has."""
    rows = market.priced(as_rows(market, drawn), min_comparables=2).rows
    made = pa.Table.from_pandas(market.make_models)
    suite, frame = prices(rows, make_models=made, settings=PriceSettings(min_comparables=2))
    for rule in suite.rules:
        if rule.expectation == "ExpectColumnValuesToBeInSet":
            assert frame[rule.column].dropna().isin(rule.arguments["value_set"]).all(), rule.name
        elif rule.expectation == "ExpectColumnPairValuesAToBeGreaterThanB":
            both = frame[[rule.arguments["column_A"], rule.arguments["column_B"]]].dropna()
            assert (both.iloc[:, 0] >= both.iloc[:, 1]).all(), rule.name


@given(drawn=st.lists(LISTING, max_size=40))
@settings(deadline=None, max_examples=60)
def test_currencies_never_mix(market, drawn):
    rows = as_rows(market, drawn)
    table = market.priced(rows, min_comparables=1)
    currency_of = {row["item_id"]: row["currency"] for row in rows}
    used = table.verdicts[table.verdicts["rule"] == ""]
    for basis, mine in used.groupby("basis"):
        named = {row["currency"] for row in table.rows.to_pylist() if row["basis"] == basis and row["level"]}
        assert {currency_of[item_id] for item_id in mine["item_id"]} == named
        assert len(named) == 1


@given(
    sound=st.lists(SOUND, min_size=5, max_size=30),
    junk=st.lists(st.floats(min_value=1e-3, max_value=1e7), max_size=29),
)
@settings(deadline=None, max_examples=60)
def test_junk_in_the_minority_cannot_pull_a_figure_far_from_the_sound_prices(market, sound, junk):
    """Fewer junk than sound prices: the log median and MAD stay within what sound prices span, and so does the rest."""
    junk = junk[: len(sound) - 1]
    rows = [market.sold(index, price) for index, price in enumerate(sound + junk)]
    row = market.price(rows, min_comparables=1, min_price=0)
    spread = max(math.log(max(sound) / min(sound)), math.log(1.05))
    reach = math.exp(3.5 * spread / 0.6745)
    assert row["low"] >= min(sound) / reach - 0.01
    assert row["high"] <= max(sound) * reach + 0.01
    assert min(sound) / reach - 0.01 <= row["trimmed_mean"] <= max(sound) * reach + 0.01


def test_figures_are_those_of_the_prices(market):
    prices = [4_000, 1_000, 3_000, 2_000, 5_000.126]
    row = market.price([market.sold(i, price) for i, price in enumerate(prices)], trimmed_share=0.2)
    assert {name: row[name] for name in FIGURES} == {
        "median": 3_000,
        "median_low": 1_000,
        "median_high": 5_000.13,
        "q1": 2_000,
        "q3": 4_000,
        "trimmed_mean": 3_000,
        "low": 1_000,
        "high": 5_000.13,
    }
    assert (row["level"], row["level_name"], row["level_count"]) == ("model", "Ford Mustang", 5)
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


CARS = pd.DataFrame(
    [("ford-mustang", "Ford", "Mustang"), ("ford-falcon", "Ford", "Falcon"), ("audi-tt", "Audi", "TT"),
     ("bmw-z4", "BMW", "Z4"), ("fiat-hearse", "Fiat", "Hearse"), ("opel-hearse", "Opel", "Hearse")],
    columns=["make_model_id", "make", "model"],
)  # fmt: skip


def rolled(market, rows, **chosen):
    table = price_table(market.frame(rows), CARS, night=market.night, settings=PriceSettings(**chosen))
    return market.rows(table)


def sales(market, model, count, price, **facts):
    facts = {"body_type": "Coupe", "state": "US-FL"} | facts
    return [market.sold(f"{model}{price}{i}", price + i, make_model_id=model, **facts) for i in range(count)]


def test_a_band_or_state_with_too_few_of_the_model_has_the_makes_figures_and_then_the_segments(market):
    rows = sales(market, "ford-mustang", 5, 30_000) + sales(market, "ford-mustang", 1, 31_000, state="US-OH")
    rows += sales(market, "ford-falcon", 4, 10_000, state="US-OH")
    rows += sales(market, "audi-tt", 2, 20_000) + sales(market, "bmw-z4", 2, 40_000, state="US-OH")
    rows += sales(market, "bmw-z4", 1, 41_000, state="US-TX")
    found = rolled(market, rows)

    def told(model, region):
        row = found[model, "sold", "", region]
        return row["level"], row["level_name"], row["level_count"], row["count"], row["median"]

    assert told("ford-mustang", "US-FL") == ("model", "Ford Mustang", 5, 5, 30_002)
    assert told("ford-mustang", "US-OH") == ("make", "Ford", 5, 1, 10_002)
    assert told("ford-falcon", "US-OH") == ("make", "Ford", 5, 4, 10_002)
    assert told("audi-tt", "US-FL") == ("segment", "coupe", 7, 2, 30_001)
    assert told("bmw-z4", "US-OH") == ("segment", "coupe", 7, 2, 10_003)
    assert told("bmw-z4", "US-TX") == (None, None, None, 1, None)
    assert found["bmw-z4", "sold", "", "US-TX"]["reason"] == (
        "1 comparable sale, 1 of the make, 1 of the segment; a price needs at least 5"
    )


def test_a_headline_is_never_rolled_up(market):
    rows = sales(market, "ford-mustang", 50, 30_000) + sales(market, "ford-falcon", 4, 10_000)
    row = rolled(market, rows)["ford-falcon", "sold", "", ""]
    assert (row["level"], row["median"], row["count"]) == (None, None, 4)


def test_cars_of_no_known_segment_are_no_measure_for_each_other(market):
    rows = sales(market, "fiat-hearse", 9, 30_000, body_type="Hearse") + sales(
        market, "opel-hearse", 1, 9_000, body_type="Hearse"
    )
    row = rolled(market, rows)["opel-hearse", "sold", "", "US-FL"]
    assert (row["level"], row["count"]) == (None, 1)
    assert row["reason"] == "1 comparable sale, 1 of the make; a price needs at least 5"


def test_a_roll_up_stays_in_its_band_and_basis(market):
    rows = sales(market, "ford-mustang", 5, 30_000, year=1967) + sales(market, "ford-falcon", 1, 9_000, year=1968)
    rows += [market.asking(f"a{i}", 90_000, make_model_id="ford-mustang", year=1967) for i in range(9)]
    rows += sales(market, "ford-mustang", 9, 31_000, year=2012) + sales(market, "ford-falcon", 1, 8_000)
    found = rolled(market, rows)
    row = found["ford-falcon", "sold", "1965-1969", ""]
    assert (row["level"], row["level_count"], row["high"]) == ("make", 6, 30_004)
    assert [key[2] for key in found if key[:2] == ("ford-falcon", "sold")] == ["", "", "1965-1969"]


def test_the_models_own_counts_stand_beside_rolled_up_figures(market):
    mustangs = sales(market, "ford-mustang", 9, 30_000, seller_hash="dealer", sold_precision="year")
    falcons = sales(market, "ford-falcon", 2, 10_000, seller_hash="one") + sales(market, "ford-falcon", 1, 11_000)
    found = rolled(market, mustangs + falcons)
    row = found["ford-falcon", "sold", "", "US-FL"]
    assert (row["count"], row["sellers"], row["outliers"], row["level_count"]) == (3, 1, 0, 12)
    assert (row["level"], row["precision"]) == ("make", "year")
    assert found["ford-mustang", "sold", "", "US-FL"]["sellers"] == 1


def test_sellers_that_nobody_names_are_not_counted_and_outliers_are_in_their_cell(market):
    rows = sales(market, "ford-mustang", 9, 30_000) + sales(market, "ford-mustang", 1, 900_000, state="US-OH")
    found = rolled(market, rows)
    assert found["ford-mustang", "sold", "", ""]["sellers"] is None
    assert found["ford-mustang", "sold", "", ""]["outliers"] == 1
    assert found["ford-mustang", "sold", "", "US-FL"]["outliers"] == 0
    assert ("ford-mustang", "sold", "", "US-OH") not in found


def test_rows_are_in_the_order_of_their_key(market):
    rows = sales(market, "ford-mustang", 2, 9_000, year=1940) + sales(market, "audi-tt", 2, 9_000, year=2001)
    rows += [market.asking(1, 9_000, year=1967, state="US-FL")]
    keys = [*rolled(market, rows)]
    assert keys == sorted(keys)


def test_a_make_or_model_without_a_name_is_null(market):
    unnamed = pd.DataFrame({"make_model_id": ["ford-mustang"], "make": [None], "model": ["Mustang"]})
    frame = market.frame([market.sold(i, 10_000, state="US-FL") for i in range(5)])
    table = price_table(frame, unnamed, night=market.night, settings=PriceSettings())
    assert {(row["make"], row["level_name"]) for row in table.rows.to_pylist()} == {(None, "Mustang")}
