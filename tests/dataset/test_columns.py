"""What is read by the column is what is read row by row, however sellers write."""

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodetect.catalog.answers import Answer, Answers, written_key
from autodetect.catalog.names import Name
from autodetect.dataset.cleaning import Cleaned, cleaned
from tests.dataset.row_by_row import cleaned_row_by_row
from tests.dataset.sightings import FIRST, sightings

ANSWERS = Answers({
    written_key("Ford / Mustnag"): Answer(Name("Ford", "Mustang")),
    written_key("chop / top"): Answer(None),
    written_key("1967 beautiful cruiser"): Answer(Name("Ford", "Galaxie")),
})  # fmt: skip
DIGITS = st.integers(0, 10**10).map(str)
GROUPED = st.integers(-10, 10**7).map("{:,}".format)
ANYTHING = st.text(max_size=12) | st.text("0123456789.,'k$€/-* \u00a0miMITUkabc", max_size=10)
WRITTEN_PRICES = [
    "", " ", "0", "1", "0.99", "123456", "1,234.50", "$1,234.50", "12.345,00", "12.345", "12,345", "12,50",
    "12.5k", "15K obo", "€9.000", "US $5,000", "CA$ 800", "1.2m", "$299/mo", "1234.500", "call me", "9" * 400,
    "-5",
]  # fmt: skip
PRICES = st.sampled_from(WRITTEN_PRICES)
WRITTEN_MILEAGES = [
    "", "999999", "1234567890", "98k", "98K miles", "123,456 km", "123456 km", "61,000 miles", "61000 mi",
    "TMU", "98,000 TMU", "exempt", "98.000", "999999 km", "1.5", "12,5", "100 km (62 mi)", "98k km", "0",
]  # fmt: skip
MILEAGES = st.sampled_from(WRITTEN_MILEAGES)
WRITTEN_YEARS = [
    "", "2012", "20050000", "05", "'67", "99", "28", "29", "5", "0", "1967/68", "1967-1968", "2012 (62 plate)",
    "03/2012", "2012-03", "2005-06", "2012.5", "2012 2013", "MY2012", "1066", "new",
]  # fmt: skip
YEARS = st.sampled_from(WRITTEN_YEARS)
WRITTEN_CODES = [
    "", " ", "33602", "336**", "33602-1234", "2139", "2139-1234", "00000", "00501", "005**", "000**", "99950",
    "99951", "999**", "T6J ***", "m5v3l9", "M5V-3L9", "SW1A 1AA", "10115", "*****", "nowhere", "33***",
]  # fmt: skip
CODES = st.sampled_from(WRITTEN_CODES)
WRITTEN_CURRENCIES = ["USD", "EUR", "CAD", "GBP", "", "$", "usd", " EUR ", "XX"]
CURRENCIES = st.sampled_from(WRITTEN_CURRENCIES)
MAKES = st.sampled_from(["Ford", "FORD", "Frod", "", " ", "Dodge RAM", "Ka", "chop", "Replica/Kit Makes", "BMW"])
MODELS = st.sampled_from(["Mustang", "Mustnag", "", "Other", "328i", "top", "Corvette", "2 door", "-NO RESERVE-"])
WRITTEN_TITLES = [
    "", "2012 Ford Mustang GT", "1967/68 Ford", "2005", "1967 beautiful cruiser", "2016 BMW 7-Series",
    " 2011 BMW", "Ford Ka", "20012 Ford", "'67 Ford", "2012\u00a0Ford", "Corvette 1999", "(2005) Ford",
]  # fmt: skip
TITLES = st.sampled_from(WRITTEN_TITLES)
WRITTEN_VINS = ["", "VIN1", "1M8GDM9AXKP042788", "1HGCM82633A004352", "WBA3A5C5XCF256651", "1M8GDM9AXUP042788"]
VINS = st.sampled_from(WRITTEN_VINS)
SIGHTINGS = st.fixed_dictionaries({
    "kind": st.sampled_from(["asking", "sold", "import"]),
    "observed_on": st.dates(date(2015, 1, 1), FIRST),
    "night": st.sampled_from([FIRST, date(2025, 1, 1)]),
    "price": PRICES | DIGITS | GROUPED | ANYTHING,
    "currency": CURRENCIES,
    "converted_price": st.sampled_from(["", "", "1234.5", "9000"]),
    "converted_currency": st.sampled_from(["", "USD", "EUR"]),
    "mileage": MILEAGES | DIGITS | GROUPED | ANYTHING,
    "mileage_unit": st.sampled_from(["", "mi", "km"]),
    "year": YEARS | DIGITS | ANYTHING,
    "cylinders": st.sampled_from(["", "8", "V6", "0", "17", "electric"]),
    "postal_code": CODES | DIGITS | ANYTHING,
    "country": st.sampled_from(["", "US", "CA", "DE", "United States", "PR"]),
    "make": MAKES,
    "model": MODELS,
    "title": TITLES | ANYTHING,
    "vin": VINS,
    "trim": st.sampled_from(["", "GT"]),
    "title_status": st.sampled_from(["", "Clean", "Salvage"]),
    "condition": st.sampled_from(["", "Used"]),
    "buying_options": st.none() | st.lists(st.sampled_from(["FIXED_PRICE", "AUCTION", "auction ", "SWAP", ""])),
    "bids": st.sampled_from(["", " ", "0", "7", "1,204", "1 bid", "many", "-1"]) | ANYTHING,
})  # fmt: skip


def as_rows(done: Cleaned, names: list[str]) -> list[dict[str, Any]]:
    frame = done.frame[names]
    columns = (frame[name].astype(object).where(frame[name].notna(), None) for name in names)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(SIGHTINGS, max_size=8), st.sampled_from([None, ANSWERS]), st.sampled_from([1, 3, 100]))
def test_the_columns_say_what_the_rows_say(told: list[dict[str, Any]], answers: Answers | None, at_once: int) -> None:
    table = sightings(*({"item_id": str(n)} | each for n, each in enumerate(told)))
    facts, decisions, corrections = cleaned_row_by_row(table, answers)
    done = cleaned(table, answers, rows_at_once=at_once)
    assert as_rows(done, [*facts[0]] if facts else []) == facts
    assert done.decisions == pd.Series(decisions, dtype=object).value_counts().to_dict()
    found = [tuple(rule) for rule in done.rules]
    assert set(found) == {(row, rule, text) for row, rule, text in corrections}
    assert len(found) == len(corrections)


def test_each_way_of_writing_is_read_alike_in_every_surrounding() -> None:
    plain = {"title": "", "year": "2012"}
    told = [plain | {"price": price, "currency": code} for price in WRITTEN_PRICES for code in ("USD", "EUR", "")]
    told += [plain | {"mileage": text, "mileage_unit": unit} for text in WRITTEN_MILEAGES for unit in ("", "mi", "km")]
    told += [plain | {"year": year, "title": title} for year in WRITTEN_YEARS for title in WRITTEN_TITLES]
    told += [plain | {"year": year, "vin": vin} for year in WRITTEN_YEARS for vin in WRITTEN_VINS]
    told += [
        plain | {"postal_code": code, "country": home} for code in WRITTEN_CODES for home in ("", "US", "CA", "DE")
    ]
    told += [plain | {"currency": code, "kind": kind} for code in WRITTEN_CURRENCIES for kind in ("asking", "import")]
    table = sightings(*({"item_id": str(n)} | each for n, each in enumerate(told)))
    facts, _, corrections = cleaned_row_by_row(table, None)
    done = cleaned(table, rows_at_once=100)
    assert as_rows(done, [*facts[0]]) == facts
    assert {tuple(rule) for rule in done.rules} == corrections


def test_a_title_decides_for_its_own_listing_only() -> None:
    titles = ["2016 BMW 7-Series", "2012 Ford Mustang", "nothing", "2016 BMW 7-Series"]
    table = sightings(*({"item_id": str(n), "make": "", "model": "", "title": t} for n, t in enumerate(titles)))
    for at_once in (1, 4):
        ids = cleaned(table, rows_at_once=at_once).frame["make_model_id"]
        assert ids.astype(object).where(ids.notna(), None).tolist() == [
            "bmw/7-series",
            "ford/mustang",
            None,
            "bmw/7-series",
        ]


def test_chunks_and_nulls_of_a_stored_table_change_nothing() -> None:
    one, two = sightings({}), sightings({"item_id": "2", "price": "12.5k"})
    both = cleaned(pa.concat_tables([one, two]))
    assert both.frame.equals(cleaned(pa.concat_tables([one, two]).combine_chunks()).frame)
    names = [field.name for field in two.schema if field.type == pa.string() and field.name not in
             {"source", "item_id", "kind"}]  # fmt: skip
    bare = two
    for name in names:
        bare = bare.set_column(bare.schema.get_field_index(name), name, pa.nulls(1, pa.string()))
    empty = cleaned(sightings({"item_id": "2"} | dict.fromkeys(names, ""))).frame
    assert cleaned(bare).frame.drop(columns="sold_precision").equals(empty.drop(columns="sold_precision"))
