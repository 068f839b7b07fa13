"""Columns of every kind: what can be read is read, what cannot be right is none, what is another column is an error."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from autodetect.errors import UsageError
from autodetect.prices.table.columns import NO_DAY, codes, days, each_once, mask, numbers, texts
from autodetect.prices.table.price_table import price_table
from autodetect.sections import PriceSettings


def frame(*values, dtype=None):
    return pd.DataFrame({"x": pd.Series(values, dtype=dtype)})


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string", pd.ArrowDtype(pa.string())])
def test_text_is_read_from_every_dtype_it_comes_in(dtype):
    assert texts(frame("b", None, "a", dtype=dtype), "x").to_pylist() == ["b", None, "a"]


@pytest.mark.parametrize("dtype", ["float64", "object", "str"])
def test_a_column_of_nothing_is_a_column_of_no_text(dtype):
    found = texts(frame(None, np.nan, dtype=dtype), "x")
    assert (found.to_pylist(), found.type) == ([None, None], pa.large_string())


@pytest.mark.parametrize(
    ("values", "dtype", "read"),
    [
        ([1, 2], "int16", [1, 2]),
        ([1.5, np.nan], "float64", [1.5, None]),
        ([np.inf, -np.inf], "float64", [None, None]),
        ([3, None], "Int64", [3, None]),
        (["12.5", "call me", "", None], "object", [12.5, None, None, None]),
        (["12.5", "nan", "inf", "1e999"], "str", [12.5, None, None, None]),
        ([2, "3", None, float("nan")], "object", [2, 3, None, None]),
        ([-5], "float32", [-5]),
        ([[1], 2, date(2026, 1, 1)], "object", [None, 2, None]),
        ([], "float64", []),
    ],
)
def test_numbers_are_finite_or_none(values, dtype, read):
    found = numbers(frame(*values, dtype=dtype), "x")
    assert found.dtype == np.float64
    assert [None if np.isnan(each) else each for each in found] == read


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([date(1970, 1, 3), None, date(9999, 12, 31)], "object"),
        (["1970-01-03", None, "9999-12-31"], "datetime64[s]"),
        (["1970-01-03T23:59", None, "9999-12-31"], "datetime64[us]"),
        ([date(1970, 1, 3), None, date(9999, 12, 31)], pd.ArrowDtype(pa.date32())),
    ],
)
def test_dates_are_days_whatever_they_are_kept_in(values, dtype):
    assert days(frame(*values, dtype=dtype), "x").tolist() == [2, NO_DAY, 2_932_896]


def test_no_dates_at_all_are_no_days():
    assert days(frame(None, None, dtype="object"), "x").tolist() == [NO_DAY, NO_DAY]


@pytest.mark.parametrize(
    ("read", "values", "dtype", "wanted"),
    [
        (texts, [1, 2], "int64", "text"),
        (texts, ["a", 1], "object", "text"),
        (texts, [["a"], ["b"]], "object", "text"),
        (texts, [date(2026, 1, 1)], "object", "text"),
        (texts, [b"bytes"], "object", "text"),
        (numbers, ["2026-01-01"], "datetime64[s]", "numbers"),
        (days, ["2026-01-01"], "object", "dates"),
        (days, [20_000.0], "float64", "dates"),
    ],
)
def test_a_column_of_another_kind_is_an_error_that_names_it(read, values, dtype, wanted):
    with pytest.raises(UsageError, match=f"the column 'x' of the listings to price should hold {wanted}"):
        read(frame(*values, dtype=dtype), "x")


@pytest.mark.parametrize("read", [texts, numbers, days])
def test_a_column_that_is_not_there_is_an_error_that_names_it(read):
    with pytest.raises(UsageError, match="no column 'y'"):
        read(frame("a"), "y")


def test_codes_and_flags_take_nulls_for_no():
    some = pa.array(["b", None, "x", "a"], pa.large_string())
    assert codes(some, pa.array(["a", "b"], pa.large_string())).tolist() == [1, -1, -1, 0]
    assert mask(pa.array([True, None, False])).tolist() == [True, False, False]
    assert each_once(some, lambda names: np.array([name > "a" for name in names.to_pylist()])).tolist() == [
        True,
        False,
        True,
        False,
    ]


NEEDED = ["status", "sold_price", "asking_price", "sold_on", "first_seen", "last_seen", "sold_precision", "currency"]
NEEDED += ["make_model_id", "title", "condition", "title_status", "buying_options", "bids", "year", "seller_hash"]
NEEDED += ["body_type", "source", "item_id"]


@pytest.mark.parametrize("name", NEEDED)
def test_the_table_says_which_column_it_lacks_or_cannot_read(market, name):
    rows = [market.sold(i, 10_000 + i, vehicle_id="v") for i in range(3)] + [market.asking("a", 9_000, vehicle_id="v")]
    listings = market.frame(rows)
    other_kind = [pd.Timestamp(1) if listings[name].dtype.kind == "f" else [1]] * len(listings)
    for broken in (listings.drop(columns=name), listings.assign(**{name: other_kind})):
        with pytest.raises(UsageError, match=f"'{name}'"):
            price_table(broken, market.make_models, night=market.night, settings=PriceSettings())


@pytest.mark.parametrize("dtypes", ["object", "arrow"])
def test_the_table_does_not_depend_on_what_keeps_its_columns(market, dtypes):
    rows = [market.sold(i, 10_000 + 77 * i, year=1960 + i, state="US-FL", vehicle_id=str(i % 9)) for i in range(20)]
    rows += [market.asking(f"a{i}", 9_000 + i, title="deposit" if i else None, bids=i) for i in range(9)]
    listings = market.frame(rows)
    if dtypes == "object":
        other = listings.astype({name: object for name in listings.columns if listings[name].dtype == "str"})
    else:
        other = pa.Table.from_pandas(listings).to_pandas(types_mapper=pd.ArrowDtype)
    other.index = range(7, 7 + len(other))
    one, two = (
        price_table(each, market.make_models, night=market.night, settings=PriceSettings())
        for each in (listings, other)
    )
    assert one.rows.equals(two.rows)
    assert one.funnel == two.funnel
