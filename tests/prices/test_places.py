"""Postal codes become positions, as precise as they are and no more."""

import csv
import math
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.errors import UsageError
from autodetect.prices.places import Place, locate, located, parse_place
from autodetect.prices.radius import DEFAULT_RADIUS, parse_radius
from autodetect.prices.sqlite.cells import distance_km

SOLD = Path(__file__).parents[3] / "shared" / "marketplace" / "sold.csv"

KNOWN = [
    # code, country, precision, state, latitude and longitude from a map, how far off it may be (km)
    ("33602", "US", "code", "US-FL", (27.95, -82.46), 5),
    ("33602-1234", "US", "code", "US-FL", (27.95, -82.46), 5),
    ("336**", "US", "area", "US-FL", (27.95, -82.46), 15),
    ("33699", "US", "area", "US-FL", (27.95, -82.46), 15),  # in no gazetteer; its area is Tampa
    ("18005", "US", "area", "US-PA", (40.6, -75.5), 60),  # the gazetteer knows it, but puts it at 0, 0
    ("2139", "US", "code", "US-MA", (42.36, -71.1), 5),  # a spreadsheet took its zero
    ("99501", "US", "code", "US-AK", (61.22, -149.88), 10),
    ("00901", "PR", "code", "US-PR", (18.47, -66.11), 5),
    ("96799", "", "code", "US-AS", (-14.27, -170.7), 20),
    ("96940", "US", "code", None, (7.4, 134.5), 60),  # Palau is a country of its own
    ("T6J", "CA", "area", "CA-AB", (53.48, -113.5), 5),
    ("T6J ***", "CA", "area", "CA-AB", (53.48, -113.5), 5),
    ("K1A 0B1", "", "area", "CA-ON", (45.42, -75.7), 5),
    ("k1a-0b1", "", "area", "CA-ON", (45.42, -75.7), 5),
    ("X0A 0H0", "CA", "area", "CA-NU", (63.75, -68.5), 1000),
]
NOWHERE = [
    ("09001", "US"),  # to the armed forces in Europe
    ("34001", "US"),
    ("96505", "US"),  # the gazetteer has a position for this fleet, in Alaska
    ("995**", "US"),  # from Anchorage to the end of the Aleutians
    ("H0H 0H0", "CA"),  # Santa Claus
    ("10115", "DE"),
    ("33602", "CA"),
    ("K1A 0B1", "US"),
    ("00000", "US"),
    ("99999", "US"),
    ("SW1A 1AA", "GB"),
    ("nowhere", "US"),
    ("", "US"),
]


@pytest.mark.parametrize(("code", "country", "precision", "state", "position", "off_km"), KNOWN)
def test_a_code_is_where_the_map_has_it(code, country, precision, state, position, off_km):
    place = locate(code, country)
    assert (place.precision, place.state) == (precision, state)
    assert distance_km(place.latitude, place.longitude, *position) < off_km


@pytest.mark.parametrize(("code", "country"), NOWHERE)
def test_what_has_no_position_is_nowhere(code, country):
    assert locate(code, country) is None


def test_positions_say_no_more_than_the_source():
    for code, decimals in (("33602", 4), ("336**", 2), ("T6J", 4)):
        place = locate(code)
        assert (place.latitude, place.longitude) == (round(place.latitude, decimals), round(place.longitude, decimals))


codes = st.sampled_from([code for code, *_ in KNOWN + NOWHERE]) | st.from_regex(r"[0-9]{5}", fullmatch=True) | st.none()
countries = st.sampled_from(["US", "CA", "DE", "PR", "", None])


@given(st.lists(st.tuples(codes, countries)))
@settings(deadline=None)
def test_columns_have_the_places_of_their_rows(pairs):
    index = pd.Index([f"row {i}" for i in range(len(pairs))])
    texts, homes = (pd.Series([pair[i] for pair in pairs], index, dtype="str") for i in (0, 1))
    found = located(texts, homes)
    assert list(found.columns) == ["latitude", "longitude", "place_precision", "state"]
    assert found.index.equals(index)
    for (code, country), row in zip(pairs, found.itertuples(index=False), strict=True):
        place = locate(code or "", country or "")
        if place is None:
            assert math.isnan(row.latitude)
            assert pd.isna([row.longitude, row.place_precision, row.state]).all()
        else:
            state = None if pd.isna(row.state) else row.state
            assert Place(latitude=row[0], longitude=row[1], precision=row[2], state=state) == place


def test_every_state_is_an_iso_code_and_lies_on_earth():
    every = pd.Series(
        [f"{i:05d}" for i in range(100_000)] + [f"{a}{b}{c}" for a in "TKXVY" for b in "019" for c in "AZ"]
    )
    found = located(every, pd.Series([""] * len(every)))
    assert found["latitude"].dropna().between(-90, 90).all()
    assert found["latitude"].notna().sum() > 80_000  # most numbers stand in an area that is known
    assert all(re.fullmatch(r"US-[A-Z]{2}|CA-[A-Z]{2}", state) for state in found["state"].dropna().unique())
    assert not found[(found["latitude"] == 0) & (found["longitude"] == 0)].size


@pytest.mark.skipif(not SOLD.is_file(), reason="the recorded marketplace is not beside this checkout")
def test_recorded_codes_are_nearly_all_found():
    with SOLD.open(encoding="utf-8", newline="") as file:
        written = pd.Series([row["zipcode"] for row in csv.DictReader(file)], dtype="str")
    shaped = written[written.str.fullmatch(r"[0-9]{5}|[0-9]{3}\*\*|[A-Z][0-9][A-Z].*")]
    found = located(shaped, pd.Series("", shaped.index))
    assert len(shaped) > 10_000
    assert found["latitude"].notna().mean() > 0.99


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("27.95,-82.46", (27.95, -82.46)),
        (" 27.95 , -82.46 ", (27.95, -82.46)),
        ("-90;180", (-90, 180)),
        ("+52 13.4", (52, 13.4)),
    ],
)
def test_a_typed_position_is_taken_as_it_is(typed, place):
    assert parse_place(typed) == Place(latitude=place[0], longitude=place[1], precision="point")


@pytest.mark.parametrize("typed", ["33602", " 33602 ", "336**", "k1a 0b1", "T6J"])
def test_a_typed_code_is_looked_up(typed):
    assert parse_place(typed) == locate(typed.strip())


@pytest.mark.parametrize(
    "typed", ["", "Tampa", "336", "91,0", "0,181", "27,95;-82,46", "27.95", "09001", "99999", "nan,nan", "1e1,2"]
)
def test_what_is_no_place_is_told_with_an_example(typed):
    with pytest.raises(UsageError) as told:
        parse_place(typed)
    assert repr(typed) in told.value.what
    assert "27.95,-82.46" in told.value.remedy


def test_a_typed_radius_has_its_unit():
    assert parse_radius("50mi").km == pytest.approx(80.4672)
    assert parse_radius("50mi") == DEFAULT_RADIUS
    assert (parse_radius(" 80.5 KM").km, parse_radius("80 kilometres").words) == (80.5, "80 km")
    assert (parse_radius("1 mile").words, parse_radius("2 miles").words) == ("1 mile", "2 miles")


@pytest.mark.parametrize("typed", ["50", "", "0mi", "-5km", "5 m", "km", "1e3km", "inf mi", "9" * 400 + "mi"])
def test_what_is_no_radius_is_told(typed):
    with pytest.raises(UsageError, match="50mi or 80km"):
        parse_radius(typed)
