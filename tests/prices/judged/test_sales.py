import math
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.prices.judged.sales import CAR_COLUMNS, car_frame, priced_cars, sale_frame
from autodetect.prices.table.comparables import judge
from autodetect.sections import PriceSettings

SALE_COLUMNS = [
    *CAR_COLUMNS,
    *("source", "item_id", "vehicle_id", "seller_hash", "price", "currency", "sold_on", "sold_precision", "basis"),
]


def judged(market, rows):
    listings = market.frame(rows).assign(state="US-FL")
    known = market.make_models["make_model_id"]
    return {
        basis: judge(listings, known, basis, night=market.night, settings=PriceSettings())
        for basis in ("sold", "asking")
    }


def test_the_used_sales_alone_become_a_sale_frame_with_the_facts_of_their_listings(market):
    rows = [
        market.sold(1, 10_000, year=2015, mileage=60_000, trim="GT", cylinders=8, vehicle_id="v1", seller_hash="s1"),
        market.sold(2, 12_000, make_model_id=market.audi, sold_precision="year", sold_on=date(2026, 1, 1)),
        market.sold(3, 1),
        market.sold(4, 9_000, currency="CAD"),
        market.asking(5, 11_000),
    ]
    both = judged(market, rows)
    found = sale_frame(both["sold"], market.make_models)
    assert list(found.columns) == SALE_COLUMNS
    assert found["item_id"].tolist() == ["1", "2"]
    first, second = found.to_dict("records")
    assert (first["make"], first["model"], first["year"], first["mileage"]) == ("Ford", "Mustang", 2015.0, 60_000.0)
    assert (first["cylinders"], first["trim"], first["state"], first["vehicle_id"]) == (8.0, "GT", "US-FL", "v1")
    assert (first["price"], first["currency"], first["basis"], first["sold_precision"]) == (
        10_000,
        "USD",
        "sold",
        "day",
    )
    assert first["sold_on"] == pd.Timestamp(market.night - timedelta(days=10))
    assert math.isnan(second["year"])
    assert math.isnan(second["mileage"])
    assert second["sold_precision"] == "year"


def test_an_asking_price_is_as_of_the_day_it_was_last_seen(market):
    both = judged(market, [market.asking(5, 11_000), market.sold(6, 10_000)])
    found = sale_frame(both["asking"], market.make_models)
    assert found[["item_id", "basis", "sold_precision"]].to_numpy().tolist() == [["5", "asking", "day"]]
    assert found["sold_on"].tolist() == [pd.Timestamp(market.night)]


def test_what_is_asked_stands_in_only_where_sales_are_too_few_and_it_is_enough(market):
    rows = [market.sold(f"s{n}", 10_000 + n) for n in range(3)] + [market.asking(f"a{n}", 12_000 + n) for n in range(5)]
    both = judged(market, rows)

    def found(needed: int):
        return priced_cars(both, market.make_models, min_sales=needed)

    assert (found(3).basis, found(3).words, len(found(3).frame)) == ("sold", "", 3)
    assert (found(5).basis, len(found(5).frame)) == ("asking", 5)
    assert found(5).words == "3 sales are fewer than the 5 that a valuation needs; it learns from 5 asking prices"
    assert (found(9).basis, len(found(9).frame)) == ("sold", 3)
    assert found(9).words == "3 sales are fewer than the 9 that a valuation needs, as are 5 offers"


@settings(max_examples=20, deadline=None)
@given(
    st.randoms(use_true_random=False), st.lists(st.sampled_from(["USD", "CAD", "EUR", None]), min_size=3, max_size=12)
)
def test_one_currency_comes_out_in_one_order_whatever_went_in(market, random, currencies):
    rows = [market.sold(n, 9_000 + n, currency=currency) for n, currency in enumerate(currencies)]
    both = judged(market, rows)
    found = sale_frame(both["sold"], market.make_models)
    assert len(set(found["currency"])) <= 1
    random.shuffle(rows)
    both = judged(market, rows)
    pd.testing.assert_frame_equal(sale_frame(both["sold"], market.make_models), found)


def test_a_car_frame_keeps_the_rows_and_has_numbers_for_numbers(market):
    listings = market.frame([market.asking(2, 1, year=1999), market.asking(1, 2, make_model_id=None)])
    listings.index = [7, 3]
    found = car_frame(listings, market.make_models)
    assert list(found.columns) == CAR_COLUMNS
    assert found.index.tolist() == [7, 3]
    assert found[["year", "mileage", "cylinders"]].dtypes.eq("float64").all()
    assert found["make"].isna().tolist() == [False, True]
    assert found["state"].isna().all()


def test_no_listing_at_all_gives_an_empty_frame_of_the_same_columns(market):
    both = judged(market, [])
    found = priced_cars(both, market.make_models, min_sales=20)
    assert found.frame.empty
    assert list(found.frame.columns) == SALE_COLUMNS


@pytest.mark.parametrize("column", ["year", "mileage", "cylinders"])
def test_numbers_that_are_text_are_refused_not_guessed(market, column):
    listings = market.frame([market.asking(1, 2)]).astype({column: object})
    listings[column] = ["many"]
    with pytest.raises(ValueError, match="many"):
        car_frame(listings, market.make_models)
