"""The queries that docs/ios.md gives an app answer as `identify` and `value` do."""

import math
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.prices.sqlite import near as near_module
from autodetect.prices.sqlite.cells import distance_km, ranges_around
from autodetect.prices.sqlite.lookup import BANDS_SQL, PRICE_SQL, price_of, prices_by_band
from autodetect.prices.sqlite.near import ONE_CAR, TOTALS_SQL, near
from autodetect.prices.sqlite.schema import APPLICATION_ID, SQLITE_SCHEMA_VERSION
from tests.prices.stocked import FORD, offer, price, stock

PAGE = (Path(__file__).parents[2] / "docs" / "ios.md").read_text("utf-8")
CLASS, PRICE, BANDS, TOTALS, OFFERS = (text.strip() for text in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL))
TAMPA = (27.95, -82.46)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    offers = [offer(n, 27.9 + n / 40, -82.5 + n / 50, price=9_000.0 + 100 * n) for n in range(20)]
    euros = [offer(f"e{n}", *TAMPA, currency="EUR") for n in range(3)]
    bands = [price(9_000.0, year_band="2015-2019"), price(None, year_band="before 1950")]
    path = tmp_path_factory.mktemp("ios") / "autodetect.sqlite"
    return stock(path, [*offers, *euros, offer("lost")], prices=[price(9_500.0), *bands])


def rows(path, query, values):
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(query, values)]


def test_the_page_shows_the_statements_that_are_asked():
    one_car = [sql.replace("{car}", ONE_CAR).strip() for sql in (TOTALS_SQL, near_module.OFFERS_SQL)]
    assert [PRICE_SQL.strip(), BANDS_SQL.strip(), *one_car] == [PRICE, BANDS, TOTALS, OFFERS]


def test_a_label_leads_to_the_price_and_the_bands_that_are_told(base):
    [found] = rows(base, CLASS, ("Ford Mustang",))
    assert found == {"make_model_id": FORD}
    [told] = rows(base, PRICE, (FORD,))
    assert told == price_of(base, FORD).model_dump(mode="json")
    bands = rows(base, BANDS, (FORD, "sold"))
    assert bands == [each.model_dump(mode="json") for each in prices_by_band(base, FORD)]
    assert [band["year_band"] for band in bands] == ["before 1950", "2015-2019"]


def test_the_steps_of_the_page_find_the_offers_near_a_place(base):
    radius = 40.0
    found = []
    for first, last in cell_ranges(*TAMPA, radius):
        found += rows(base, TOTALS, {"first": first, "last": last, "make_model_id": FORD})
    within = [row for row in found if distance_km(*TAMPA, row["latitude"], row["longitude"]) <= radius]
    dollars = [row for row in within if row["currency"] == "USD"]
    expected = near(base, latitude=TAMPA[0], longitude=TAMPA[1], radius_km=radius, make_model_id=FORD)
    assert 0 < expected.count < 20
    assert sum(row["count"] for row in dollars) == expected.count
    assert sum(row["total"] for row in dollars) / expected.count == pytest.approx(expected.average, abs=0.01)
    nearest = min(within, key=lambda row: distance_km(*TAMPA, row["latitude"], row["longitude"]))
    [first, *_] = rows(base, OFFERS, {"place": nearest["place"], "make_model_id": FORD, "limit": 3})
    assert first["item_id"] == expected.nearest[0].item_id


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0.1, 30_000))
def test_the_pages_arithmetic_gives_the_ranges_that_are_asked(latitude, longitude, km):
    assert cell_ranges(latitude, longitude, km) == list(ranges_around(latitude, longitude, km))


def cell_ranges(latitude, longitude, km):
    """Return what the page's Swift does, line by line."""

    def cells(degrees):
        return math.floor(degrees * 2)

    angle, degree, margin = km / 6371.0088, 180 / math.pi, 1e-6
    height = angle * degree + margin
    south, north = max(0, cells(latitude - height + 90)), min(360, cells(latitude + height + 90))
    west, east = 0, 720
    if abs(latitude) + height < 90:
        width = math.asin(math.sin(angle) / math.cos(latitude / degree)) * degree + margin
        west, east = cells(longitude - width + 180), cells(longitude + width + 180)
    if east - west >= 719:
        return [(south * 720, (north + 1) * 720 - 1)]
    west, east = (west + 720) % 720, (east + 720) % 720
    spans = [(west, east)] if west <= east else [(0, east), (west, 719)]
    return [(row * 720 + first, row * 720 + last) for row in range(south, north + 1) for first, last in spans]


def test_the_page_names_the_marks_of_the_file():
    assert f"`PRAGMA application_id` = 0x{APPLICATION_ID:X}" in PAGE
    assert f"`PRAGMA user_version` = {SQLITE_SCHEMA_VERSION}" in PAGE
