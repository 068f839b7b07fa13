"""The phone's way to a value and the factory's are one."""

import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.prices.valuation.fit import fit
from autodetect.prices.valuation.model import ValuationModel
from autodetect.prices.valuation.phone import PhoneCar, Read, value_of
from tests.prices.valuation.invented import FACTS, SETTINGS, TODAY, sales

MODEL = fit(sales(1500), as_of=TODAY, settings=SETTINGS, seed=1)


def reader(model: ValuationModel) -> Read:
    return lambda names: {name: model.terms[name] for name in names if name in model.terms}


def phone_car(row: Mapping[str, object]) -> PhoneCar:
    known = {name: value for name, value in row.items() if name in PhoneCar.__annotations__ and not pd.isna(value)}
    return PhoneCar(**{"make": "", "make_model_id": ""} | known)


@pytest.mark.parametrize("gaps", [0.0, 0.2, 0.7])
def test_both_agree_to_a_billionth(gaps):
    cars = sales(300, seed=7, gaps=gaps)
    found = [
        value_of(reader(MODEL), phone_car(row)) for row in cars[["make", "make_model_id", *FACTS]].to_dict("records")
    ]
    ours = np.array([(each.value, each.low, each.high) for each in found if each])
    np.testing.assert_allclose(ours, MODEL.value(cars).to_numpy(), rtol=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        PhoneCar,
        make=st.sampled_from(["Ford", "Audi", "Lada", ""]),
        make_model_id=st.sampled_from(["ford/mustang", "audi/tt", "audi/new", ""]),
        year=st.one_of(st.none(), st.floats(), st.integers(1880, 2030).map(float)),
        mileage=st.one_of(
            st.none(), st.floats(), st.integers(0, 400_000).map(float), st.sampled_from([0.0, 1.0, 123_456.0])
        ),
        trim=st.one_of(st.text(max_size=20), st.sampled_from(["GT Premium", "SE"])),
        engine=st.one_of(st.text(max_size=20), st.sampled_from(["V8 5.0", "2,0 TDI"])),
        body_type=st.one_of(st.text(max_size=9), st.just("Coupe")),
        drive_type=st.one_of(st.text(max_size=9), st.just("4 x 4")),
        cylinders=st.one_of(st.none(), st.floats(), st.just(8.0)),
        region=st.sampled_from(["336", "", "999"]),
    )
)
def test_both_agree_whatever_the_car(car):
    found = value_of(reader(MODEL), car)
    factory = MODEL.value(pd.DataFrame([vars(car)])).iloc[0]
    if found is None:
        assert factory.isna().all()
    else:
        np.testing.assert_allclose([found.value, found.low, found.high], factory.to_numpy(), rtol=1e-9)


def test_a_release_without_a_valuation_has_no_values():
    assert value_of(lambda names: {}, PhoneCar("Ford", "ford/mustang")) is None


def test_the_stored_table_is_all_that_it_takes(tmp_path):
    rows = MODEL.tables()["valuation_terms"].rows
    with sqlite3.connect(tmp_path / "phone.sqlite") as database:
        database.execute("CREATE TABLE valuation_terms (term TEXT PRIMARY KEY, coefficient INTEGER) WITHOUT ROWID")
        database.executemany("INSERT INTO valuation_terms VALUES (?, ?)", zip(*rows.to_pydict().values(), strict=True))

    def read(names: Sequence[str]) -> dict[str, float]:
        marks = ", ".join("?" * len(names))
        return dict(database.execute(f"SELECT * FROM valuation_terms WHERE term IN ({marks})", list(names)).fetchall())

    car = PhoneCar("Kia", "kia/rio", year=2019, mileage=60_000, trim="SE")
    assert value_of(read, car) == value_of(reader(MODEL), car)


def test_it_needs_the_standard_library_alone():
    code = (
        "import sys, autodetect.prices.valuation.phone\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded - sys.stdlib_module_names - {'autodetect', '__main__'}))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
