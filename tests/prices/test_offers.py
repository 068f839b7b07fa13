"""What may be shown as on offer, and what is told of it."""

import math
import random
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.lake.schemas import LISTINGS, OFFERS
from autodetect.prices.offers import advertised, offers_table, with_histories
from autodetect.prices.places import located
from autodetect.prices.table.comparables import judge
from autodetect.sections import PriceSettings

NIGHT = date(2026, 3, 14)
NO_VALUES = {"value": np.nan, "low": np.nan, "high": np.nan, "rating": "no rating"}


def listing(item_id: object, price: float | None = 10_000.0, **facts: Any) -> dict[str, Any]:
    row = {"source": "shop", "item_id": str(item_id), "make_model_id": "ford/mustang", "currency": "USD"}
    return (
        row
        | {"status": "active", "asking_price": price, "first_seen": NIGHT - timedelta(days=3), "last_seen": NIGHT}
        | facts
    )


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return listings, whose index is no counting, with their places."""
    frame = pa.Table.from_pylist(rows, schema=LISTINGS.schema).to_pandas()
    frame.index = pd.Index([f"row {i}" for i in range(len(frame))])
    return frame.join(located(frame["postal_code"], frame["country"]))


def offered(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return what is offered of listings of a Mustang."""
    judged = judge(frame_of(rows), ["ford/mustang"], "asking", night=NIGHT, settings=PriceSettings())
    return advertised(judged)


def offers(rows: list[dict[str, Any]], values: pd.DataFrame | None = None) -> pa.Table:
    """Return listings as offers."""
    frame = frame_of(rows)
    worth = pd.DataFrame(NO_VALUES, index=frame.index) if values is None else values.set_axis(frame.index)
    return offers_table(frame, worth, night=NIGHT)


def test_an_offer_keeps_the_facts_that_a_buyer_sees():
    facts = {"title": "1967 Mustang", "year": 1967, "mileage": 88_000, "postal_code": "48173", "country": "US"}
    facts |= {"region": "481", "trim": "GT", "url": "https://example.org/1", "first_seen": date(2026, 1, 2)}
    values = pd.DataFrame([{"value": 21_000.004, "low": 15_000.0, "high": 29_000.0, "rating": "good"}])
    [row] = offers([listing(1, 19_999.999, **facts)], values).to_pylist()
    assert row == facts | {
        "night": NIGHT,
        "source": "shop",
        "item_id": "1",
        "make_model_id": "ford/mustang",
        "price": 20_000.0,
        "currency": "USD",
        "latitude": 42.0731,
        "longitude": -83.2127,
        "place_precision": "code",
        "value": 21_000.0,
        "value_low": 15_000.0,
        "value_high": 29_000.0,
        "rating": "good",
        "first_price": 20_000.0,
        "changed_on": None,
    }


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "missing"},
        {"status": "ended"},
        {"status": "sold"},
        {"status": "imported"},
        {"status": None},
        {"make_model_id": None},
        {"asking_price": None},
        {"asking_price": 99.0},
        {"asking_price": 3e7},
        {"asking_price": float("nan")},
        {"asking_price": float("inf")},
        {"asking_price": 1.0},
        {"title": "Ford Mustang for parts only", "asking_price": 700.0},
        {"title": "deposit on a Ford Mustang", "asking_price": 500.0},
        {"buying_options": "AUCTION", "bids": 0},
        {"buying_options": "AUCTION", "bids": 12},
        {"currency": None},
        {"currency": "CAD", "asking_price": 50.0},
        {"currency": "CAD", "title": "deposit on a Ford Mustang", "asking_price": 500.0},
        {"currency": "CAD", "title": "Ford Mustang for parts only"},
        {"title_status": "Salvage", "asking_price": 50.0},
        {"title_status": "Salvage", "buying_options": "AUCTION", "bids": 12},
    ],
    ids=str,
)
def test_what_is_no_offer_is_left_out(facts):
    found = offered([listing("good"), listing("fine"), listing("bad", **facts)])
    assert found["item_id"].tolist() == ["good", "fine"]


def test_wrecks_and_prices_like_no_other_are_offered_without_a_rating():
    usual = [listing(number, 10_000.0 + 100 * number) for number in range(10)]
    odd = [listing("wreck", title_status="Salvage"), listing("cheap", 900.0)]
    found = offered([*usual, *odd]).set_index("item_id")["rated"]
    assert found[found].index.tolist() == [str(number) for number in range(10)]
    assert sorted(found[~found].index) == ["cheap", "wreck"]


def test_a_car_that_is_advertised_twice_is_two_offers():
    twice = [listing("1", vin="x"), listing("2", vin="x", relist_of="1")]
    assert len(offered(twice)) == offers(twice).num_rows == 2


def test_no_listings_give_no_offers():
    found = offers([])
    assert found.num_rows == 0
    assert found.schema.equals(OFFERS.schema)


prices = st.floats(allow_nan=True, allow_infinity=True) | st.floats(100, 20_000_000) | st.none()
codes = st.sampled_from([("33602", "US"), ("336**", "US"), ("T6J", "CA"), ("10115", "DE"), (None, None)])


@given(st.lists(st.tuples(prices, prices, codes, st.sampled_from([None, 1967]), st.booleans())), st.integers(0, 9))
@settings(deadline=None)
def test_offers_are_sorted_typed_and_without_nan_in_any_order_of_rows(drawn, seed):
    rows = [
        listing(i, price, year=year, postal_code=code, country=country, source="shop" if odd else "market")
        for i, (price, _, (code, country), year, odd) in enumerate(drawn)
    ]
    worth = [value for _, value, *_ in drawn]
    values = pd.DataFrame({"value": worth, "low": worth, "high": worth, "rating": None}, dtype=object)
    found = offers(rows, values)
    assert found.schema.equals(OFFERS.schema)
    keys = list(zip(found["source"].to_pylist(), found["item_id"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    for name, column in zip(found.column_names, found.columns, strict=True):
        if pa.types.is_floating(column.type):
            assert all(value is None or math.isfinite(value) for value in column.to_pylist()), name
    assert found["latitude"].null_count == found["longitude"].null_count == found["place_precision"].null_count
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    assert offers([rows[i] for i in order], values.iloc[order]).equals(found)


def test_histories_tell_the_first_price_and_the_newest_change():
    made = offers([listing("a", 9_000.0), listing("b"), listing("c"), listing("a", source="market")])
    histories = pd.DataFrame(
        {
            "source": ["shop", "shop", "shop"],
            "item_id": ["gone", "a", "b"],
            "first_price": [1.0, 9_500.0, 10_000.0],
            "changed_on": pd.to_datetime([None, "2026-03-14", None]).astype("datetime64[s]"),
        }
    )
    told = with_histories(made, histories)
    assert told.schema.equals(OFFERS.schema)
    columns = ("source", "item_id", "first_price", "changed_on")
    assert [tuple(row[name] for name in columns) for row in told.to_pylist()] == [
        ("market", "a", 10_000.0, None),
        ("shop", "a", 9_500.0, NIGHT),
        ("shop", "b", 10_000.0, None),
        ("shop", "c", 10_000.0, None),
    ]
    assert with_histories(made, histories.iloc[:0]).equals(made)


@pytest.mark.parametrize("column", ["asking_price", "item_id", "latitude"])
def test_listings_without_a_column_are_refused(column):
    frame = frame_of([listing(1)])
    with pytest.raises(KeyError, match=column):
        offers_table(frame.drop(columns=column), pd.DataFrame(NO_VALUES, index=frame.index), night=NIGHT)
