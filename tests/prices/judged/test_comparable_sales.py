import subprocess
import sys
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.prices.files import SALES, typed
from autodetect.prices.judged.comparable_sales import nearest
from autodetect.prices.judged.shipped_sales import KEY, SHIPPED, shipped_sales
from autodetect.prices.sqlite.lookup import SaleFact
from autodetect.prices.valuation.facts import PhoneCar
from tests.prices.judged.invented import sales

TODAY = date(2026, 3, 14)
NAME = {"make": "Ford", "make_model_id": "ford/mustang"}
CAR = PhoneCar(**NAME, year=2010, mileage=90_000, trim="GT Premium", region="331")


def sale(item_id: str = "1", **changed) -> SaleFact:
    """A sale of today, like the car in everything."""
    facts = {"source": "shop", "item_id": item_id, "sold_on": TODAY, "sold_precision": "day", "price": 9_000.0}
    alike = {"currency": "USD", "year": 2010, "mileage": 90_000, "trim": "GT Premium", "region": "331"}
    return SaleFact(**facts | alike | changed)


def found(*rows: SaleFact, car: PhoneCar = CAR, k: int = 99):
    return nearest(rows, car, k, currency="USD", as_of=TODAY)


@pytest.mark.parametrize(
    ("changed", "distance", "why"),
    [
        ({}, 0.0, "same model year, same mileage, same trim"),
        ({"year": 2009}, 1 / 3, "1 year older, same mileage, same trim"),
        ({"year": 2014}, 4 / 3, "4 years newer, same mileage, same trim"),
        ({"year": None}, 1.0, "model year not known, same mileage, same trim"),
        ({"mileage": 140_000}, 1.0, "same model year, 50,000 miles more, same trim"),
        ({"mileage": 89_999}, 0.0, "same model year, 1 mile fewer, same trim"),
        ({"mileage": None}, 1.0, "same model year, mileage not known, same trim"),
        ({"trim": "premium gt"}, 0.0, "same model year, same mileage, same trim"),
        ({"trim": "GT"}, 0.5, "same model year, same mileage, another trim"),
        ({"trim": "Base"}, 1.0, "same model year, same mileage, another trim"),
        ({"trim": None}, 1.0, "same model year, same mileage, trim not known"),
        ({"region": "300"}, 0.25, "same model year, same mileage, same trim"),
        ({"region": "902"}, 0.5, "same model year, same mileage, same trim"),
        ({"region": None}, 0.5, "same model year, same mileage, same trim"),
        ({"sold_on": date(2024, 3, 14)}, 0.4997, "same model year, same mileage, same trim"),
        ({"sold_on": date(2026, 1, 1), "sold_precision": "year"}, 0.0, "same model year, same mileage, same trim"),
    ],
)
def test_distance_is_told_in_units_and_words(changed, distance, why):
    [one] = found(sale(**changed))
    assert one.distance == pytest.approx(distance, abs=2e-4)
    assert one.why == why


def test_what_is_not_known_of_the_car_counts_for_no_sale():
    rows = [sale("1", year=1950, mileage=None, trim="X", region=None), sale("2")]
    answer = found(*rows, car=PhoneCar(**NAME))
    assert [each.distance for each in answer] == [0.0, 0.0]
    assert {each.why for each in answer} == {"same make and model"}


def test_the_nearest_come_first_then_the_newer_then_by_item_id():
    yesterday = TODAY - timedelta(days=1)
    rows = [sale("d", year=2001), sale("c"), sale("b"), sale("a", sold_on=yesterday), sale("e", year=2011)]
    assert [each.item_id for each in found(*rows, k=4)] == ["b", "c", "a", "e"]


def test_other_currencies_are_passed_over():
    assert [each.item_id for each in found(sale("1", currency="CAD"), sale("2"))] == ["2"]


ROWS = st.lists(
    st.builds(
        sale,
        item_id=st.uuids().map(str),
        year=st.none() | st.integers(1950, 2026),
        mileage=st.none() | st.integers(0, 300_000),
        trim=st.none() | st.text("GT base-é ", max_size=8),
        region=st.none() | st.sampled_from(["331", "902", "M5V"]),
        sold_precision=st.sampled_from(["day", "month", "year"]),
        sold_on=st.dates(date(2020, 1, 1), TODAY),
    ),
    max_size=12,
)
CARS = st.builds(
    PhoneCar,
    make=st.just("Ford"),
    make_model_id=st.just("ford/mustang"),
    year=st.none() | st.integers(1950, 2026),
    mileage=st.none() | st.floats(0, 300_000),
    trim=st.text("GT base-é ", max_size=8),
    region=st.sampled_from(["331", "902", "M5V", ""]),
)


@given(ROWS, CARS, st.integers(0, 12), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters_and_distances_are_sane(rows, car, k, random):
    answer = found(*rows, car=car, k=k)
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert found(*shuffled, car=car, k=k) == answer
    assert len(answer) == min(k, len(rows))
    assert all(0 <= each.distance < 100 for each in answer)


def test_the_newest_sales_of_each_model_ship():
    frame = sales(300)
    kept = shipped_sales(frame, 5)
    assert list(kept.columns) == SHIPPED
    assert not kept.duplicated(KEY).any()
    assert kept[KEY].to_numpy().tolist() == sorted(kept[KEY].to_numpy().tolist())
    for make_model_id, mine in frame.groupby("make_model_id"):
        newest = sorted(zip(-mine["sold_on"].astype("int64"), mine["item_id"], strict=True))[:5]
        assert set(kept.loc[kept["make_model_id"] == make_model_id, "item_id"]) == {item_id for _, item_id in newest}
    assert shipped_sales(frame.sample(frac=1, random_state=1), 5).equals(kept)
    assert shipped_sales(frame, 0).empty


def test_what_ships_is_what_the_price_files_take():
    frame = sales(30).assign(year=float("nan"), trim=None)
    written = typed(pa.Table.from_pandas(shipped_sales(frame, 5), preserve_index=False), SALES, name="sales")
    assert written.num_rows == 15
    assert written["year"].null_count == 15


def test_sales_of_one_day_ship_by_item_id():
    frame = sales(50, precision="year").assign(make_model_id="ford/mustang", sold_on=date(2025, 1, 1))
    assert shipped_sales(frame, 3)["item_id"].tolist() == ["i00000", "i00001", "i00002"]


def test_a_phone_like_client_needs_no_data_frames():
    code = (
        "import sys, autodetect.prices.judged.comparable_sales, autodetect.prices.judged.rating; "
        "print([name for name in ('pandas', 'sklearn', 'scipy', 'tensorflow', 'pyarrow') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
