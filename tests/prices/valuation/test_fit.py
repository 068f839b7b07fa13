"""The valuation, as it is fitted and asked."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.errors import UsageError
from autodetect.prices.valuation.fit import fit
from autodetect.prices.valuation.model import ValuationModel
from tests.prices.valuation.invented import FACTS, MODELS, SETTINGS, TODAY, sales


def fitted(frame: pd.DataFrame, seed: int = 1) -> ValuationModel:
    return fit(frame, as_of=TODAY, settings=SETTINGS, seed=seed)


SALES = sales(1500)
MODEL = fitted(SALES)
NUMBERS = st.one_of(st.none(), st.floats(), st.sampled_from([1967.0, 2020.0, 5e4, 999_999.0]))
TEXTS = st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["GT Premium", "V8 5.0", "ford/mustang", "--"]))


def one(**known: object) -> pd.Series:
    return MODEL.value(pd.DataFrame([{"make": "Ford", "make_model_id": "ford/mustang"} | known])).iloc[0]


def test_values_are_close_to_what_cars_are_worth():
    fresh = sales(800, seed=5, noise=0.0)
    missed = (MODEL.value(fresh)["value"] / fresh["price"] - 1).abs()
    known = fresh[list(FACTS)].notna().all(axis=1)
    assert missed[known].median() < 0.1


def test_the_order_of_sales_changes_nothing():
    shuffled = fitted(SALES.sample(frac=1, random_state=3))
    assert shuffled.terms == MODEL.terms
    tables = MODEL.tables()
    assert all(table.rows.equals(tables[name].rows) for name, table in shuffled.tables().items())


def test_what_is_known_of_a_car_counts():
    known = {"year": 2020, "mileage": 40_000, "trim": "SE"}
    assert one(**known)["value"] > one(**known | {"year": 2010})["value"]
    assert one(**known)["value"] > one(**known | {"mileage": 150_000})["value"]
    assert one(**known | {"trim": "GT Premium"})["value"] > 1.1 * one(**known)["value"]


def test_who_knows_less_gets_the_wider_interval():
    known = {"year": 2014, "mileage": 90_000, "trim": "SE"}
    wide = [one(**dict(list(known.items())[:count])) for count in range(4)]
    name, year, miles, trim = (each["high"] / each["low"] for each in wide)
    assert name > year > 1.05 * miles
    assert year > 1.05 * trim


def test_a_model_that_was_never_sold_has_its_makes_value_and_an_unknown_make_none():
    known = {"year": 2015, "mileage": 80_000}
    unseen, seen = (
        one(**known, make_model_id="ford/escort"),
        (one(**known, make_model_id=each) for each in ("ford/mustang", "ford/focus")),
    )
    dear, cheap = (each["value"] for each in seen)
    assert cheap < unseen["value"] < dear
    assert one(**known, make_model_id=None)["value"] == unseen["value"]
    assert one(**known, make="Lada").isna().all()
    assert one(**known, make=None).isna().all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"make": st.sampled_from(["Ford", "Kia", "", None]), "make_model_id": TEXTS}
            | dict.fromkeys(("year", "mileage", "cylinders"), NUMBERS)
            | dict.fromkeys(("trim", "engine", "body_type", "drive_type", "region"), TEXTS)
        ),
        max_size=5,
    )
)
def test_whatever_a_car_is_said_to_be_its_value_is_a_price_or_none(cars):
    frame = pd.DataFrame(cars, columns=["make", "make_model_id", *FACTS], index=[f"at{n}" for n in range(len(cars))])
    found = MODEL.value(frame)
    assert list(found.columns) == ["value", "low", "high"]
    assert found.index.equals(frame.index)
    assert (found["value"].isna() == ~frame["make"].isin(["Ford", "Kia"])).all()
    told = found.dropna()
    assert ((told > 0) & np.isfinite(told)).all(axis=None)
    assert ((told["low"] <= told["value"]) & (told["value"] <= told["high"])).all()


@pytest.mark.parametrize("wrong", ["text", 7, -3.5, np.inf, b"\x00", True, pd.NaT, pd.NA, "9" * 400])
def test_a_fact_of_the_wrong_kind_is_no_fact_or_text(wrong):
    plain = {"make": "Ford", "make_model_id": "ford/mustang", "year": 2015.0, "mileage": 9e4, "trim": "SE"}
    cars = pd.DataFrame([plain | {fact: wrong} for fact in ("make_model_id", *FACTS)], dtype=object)
    found = MODEL.value(cars)
    assert np.isfinite(found).all(axis=None)
    assert MODEL.value(cars.assign(make=wrong)).isna().all(axis=None)


@pytest.mark.parametrize("absurd", [1.0, 5e8])
def test_one_absurd_price_hardly_moves_the_values(absurd):
    """It moves half of its model's values by less than 1 %, all but one in a hundred by less than 10 %."""
    mad = SALES.copy()
    at = mad.index[mad["make_model_id"] == "ford/mustang"][7]
    mad.loc[at, "price"] = absurd
    asked = SALES[SALES["make_model_id"] == "ford/mustang"].drop(index=at)
    moved = fitted(mad).value(asked)["value"] / MODEL.value(asked)["value"]
    assert moved.sub(1).abs().median() < 0.01
    assert moved.sub(1).abs().quantile(0.99) < 0.1


def _no_years(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(year=np.nan)


def _bare(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**dict.fromkeys(FACTS))


SMALL = {
    "two hundred sales": lambda: sales(200),
    "one model": lambda: sales(300).query("make_model_id == 'ford/mustang'"),
    "equal prices": lambda: sales(250).assign(price=5000.0),
    "one sale a model": lambda: sales(240).assign(make_model_id=[f"ford/model-{n}" for n in range(240)]),
    "one sale": lambda: sales(1),
    "three sales": lambda: sales(3),
    "no years": lambda: _no_years(sales(300)),
    "nothing but names": lambda: _bare(sales(300)),
    "one vehicle": lambda: sales(150).assign(vehicle_id="v1"),
    "no dates": lambda: sales(150).assign(sold_on=pd.NaT),
    "bare years": lambda: sales(150).assign(sold_precision="year"),
}


@pytest.mark.parametrize("made", SMALL.values(), ids=SMALL)
def test_few_or_odd_sales_give_values_without_a_warning(made):
    frame = made()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fitted(frame)
        found = model.value(frame)
        fresh = model.value(sales(50, seed=9))
    assert found.notna().all(axis=None)
    assert fresh["value"].notna().equals(sales(50, seed=9)["make"].isin(frame["make"].unique()))
    assert ((found["low"] <= found["value"]) & (found["value"] <= found["high"])).all()


def test_equal_prices_are_everybodys_value():
    found = fitted(sales(250).assign(price=5000.0)).value(sales(40, seed=2))
    assert found["value"].between(4990, 5010).all()


def test_values_are_nearer_to_the_level_of_the_newest_sales_than_to_the_average():
    """Prices rise by a fifth a year, over two years."""
    frame = sales(4000, noise=0.2)
    lag = (pd.Timestamp(TODAY) - frame["sold_on"]).dt.days / 365.25
    risen = frame.assign(price=frame["price"] * 1.2 ** (lag.mean() - lag))
    asked = sales(200, seed=4)
    ratio = fitted(risen).value(asked)["value"] / fitted(frame).value(asked)["value"]
    assert 1.2 ** (lag.mean() / 2) < ratio.median() < 1.2 ** (1.2 * lag.mean())


@pytest.mark.parametrize("price", [0.0, -5.0, np.nan, np.inf])
def test_a_price_that_is_none_is_an_error_that_names_the_sale(price):
    with pytest.raises(UsageError, match="shop/i000002"):
        fitted(sales(5).assign(price=[1.0, 2.0, price, 4.0, 5.0]))


def test_several_currencies_and_no_sales_are_errors():
    with pytest.raises(UsageError, match=r"several currencies.*CAD.*USD"):
        fitted(sales(4).assign(currency=["USD", "USD", "CAD", "USD"]))
    with pytest.raises(UsageError, match="needs sales"):
        fitted(sales(0))


def test_values_without_any_car_are_an_empty_frame():
    assert MODEL.value(SALES.iloc[:0]).shape == (0, 3)


def test_what_is_stored_says_what_values_are():
    tables = MODEL.tables()
    assert {name: table.key for name, table in tables.items()} == {
        "valuation_meta": ("key",),
        "valuation_terms": ("term",),
    }
    for table in tables.values():
        assert table.rows.schema.equals(table.schema)
        assert not any(column.null_count for column in table.rows.columns)
    names = tables["valuation_terms"].rows["term"].to_pylist()
    assert names == sorted(set(names))
    assert not any(" lag:" in name for name in names)
    meta = dict(zip(*tables["valuation_meta"].rows.to_pydict().values(), strict=True))
    assert meta["currency"] == "USD"
    assert meta["as_of"] == TODAY.isoformat()
    assert meta["sales"] == "1500"
    assert meta["models"] == str(len(MODELS))
