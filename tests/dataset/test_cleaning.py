"""Cleaning: text becomes facts, failed rules correct exactly what they name, and listings live, sell and end."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autodetect.dataset.cleaning import apply, cleaned, listing_rows
from autodetect.dataset.presence import Presence, presences
from autodetect.lake.schemas import LISTINGS, SIGHTINGS
from autodetect.lake.tables import rows_of
from autodetect.validation.check import Finding, check
from autodetect.validation.rules import Rule, listing_suite

FIRST, SECOND, THIRD = (date(2026, 11, day) for day in (1, 2, 3))
KEY = ("sandbox", "1")
SIGHTING: dict[str, Any] = {
    **{column.name: "" for column in SIGHTINGS.schema if column.type == "string"},
    "source": "sandbox",
    "item_id": "1",
    "kind": "asking",
    "observed_on": FIRST,
    "precision": "day",
    "night": FIRST,
    "title": "2012 Ford Mustang GT",
    "price": "15,000.00",
    "currency": "USD",
    "make": "FORD",
    "model": "mustang",
    "year": "2012",
    "mileage": "61,000 miles",
    "cylinders": "8",
    "trim": "GT",
    "postal_code": " 10001 ",
    "country": "US",
    "vin": "VIN1",
    "url": "https://www.sandbox.invalid/itm/1",
}
IMPORT = {"kind": "import", "price": "", "currency": ""}
MISSING: dict[str, Any] = {}  # stands for a sighting that says nothing but that the listing was not there
SALE = {"kind": "sold", "observed_on": date(2026, 10, 30), "price": "14000", "mileage": "", "vin": "", "url": ""}


def frame_of(*sightings: dict[str, Any]) -> pd.DataFrame:
    return cleaned(rows_of(SIGHTINGS, (SIGHTING | sighting for sighting in sightings)))[0]


def fact(**changes: Any) -> dict[str, Any]:
    (row,) = frame_of(changes).to_dict("records")
    return row


def finding(effect: str, column: str, *keys: tuple[str, str]) -> Finding:
    rule = Rule(f"rule.{column}", effect, "Any", {"column": column})
    return Finding("listings", rule, tuple((("sandbox", *key), "value") for key in keys))


def after(*nights: tuple[date, list[dict[str, Any]], str | None]) -> dict[str, dict[str, Any]]:
    """The listings after these nights: (night, sightings, slice that saw listing 1, None when none was read)."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    missing: list[dict[str, Any]] = []
    for night, sightings, seen in nights:
        missing += [{"source": "sandbox", "item_id": "1", "observed_on": night} for s in sightings if s is MISSING]
        facts = frame_of(*({"night": night, "observed_on": night} | s for s in sightings if s is not MISSING))
        rows = [{"source": "sandbox", "item_id": "1", "night": night, "slice": seen}] if seen else []
        found = presences(rows, missing)
        for row in listing_rows(map(dict, known.values()), facts, found, night=night, missing_nights=2):
            known[row["source"], row["item_id"]] = row
    return {row["item_id"]: row for row in rows_of(LISTINGS, known.values()).to_pylist()}


def test_a_listings_text_becomes_facts() -> None:
    row = fact()
    assert row["make_model_id"] == "ford/mustang"
    assert (row["asking_price"], row["any_price"], row["year"], row["mileage"]) == (15000.0, 15000.0, 2012.0, 61000.0)
    assert (row["cylinders"], row["postal_code"], row["sighting"]) == (8, "10001", "asking")
    assert (row["price_unreadable"], row["year_unreadable"], row["mileage_unreadable"]) == (False, False, False)
    assert pd.isna(row["sold_price"])
    assert row["sold_on"] is None


def test_a_sales_price_and_date_are_its_own() -> None:
    row = fact(**SALE)
    assert (row["sold_price"], row["sold_on"], row["sold_precision"]) == (14000.0, date(2026, 10, 30), "day")
    assert (row["any_price"], row["sighting"]) == (14000.0, "sold 2026-10-30")
    assert pd.isna(row["asking_price"])


@pytest.mark.parametrize("field", ["price", "year", "mileage"])
def test_text_without_a_number_is_marked_and_empty_text_is_not(field: str) -> None:
    column = {"price": "asking_price"}.get(field, field)
    for text, unreadable in (("call me", True), ("", False), ("9" * 400, True)):
        row = fact(**{field: text})
        assert row[f"{field}_unreadable"] is unreadable
        assert pd.isna(row[column])


@pytest.mark.parametrize(
    ("text", "unit", "miles"),
    [
        ("100,000 km", "km", 62137),
        ("1 km", "km", 1),
        ("0", "km", 0),
        ("100,000 miles", "mi", 100000),
        ("100000", "", 100000),
        ("999999 km", "km", 999999),  # what sellers type who do not want to say, for the rule that knows it
        ("", "km", None),
        ("far", "km", None),
    ],
)
def test_mileage_is_in_miles(text: str, unit: str, miles: int | None) -> None:
    value = fact(mileage=text, mileage_unit=unit)["mileage"]
    assert (None if pd.isna(value) else value) == miles


@pytest.mark.parametrize(("text", "cylinders"), [("8", 8), ("0", None), ("17", None), ("V6", 6), ("electric", None)])
def test_impossible_cylinders_are_none(text: str, cylinders: int | None) -> None:
    (value,) = frame_of({"cylinders": text})["cylinders"].astype(object)
    assert (None if pd.isna(value) else value) == cylinders


def test_every_sighting_has_its_row_and_identity_in_order() -> None:
    table = rows_of(SIGHTINGS, (SIGHTING | {"item_id": str(n), "model": model} for n, model in enumerate("abc")))
    frame, identities = cleaned(table)
    assert frame["item_id"].tolist() == ["0", "1", "2"]
    assert [identity.make_model_id for identity in identities] == ["ford/a", "ford/b", "ford/c"]
    assert frame["make_model_id"].tolist() == ["ford/a", "ford/b", "ford/c"]


def test_a_night_without_sightings_is_no_failure() -> None:
    frame, identities = cleaned(rows_of(SIGHTINGS, []))
    kept, refusals = apply([], frame)
    assert (len(kept), refusals, identities) == (0, [], [])
    assert listing_rows([], kept, {}, night=FIRST, missing_nights=2) == []


def test_a_failed_rule_corrects_exactly_what_it_names() -> None:
    frame = frame_of({}, {"item_id": "2"}, {"item_id": "3"}, {"item_id": "2", **SALE})
    findings = [
        finding("nulled", "mileage", ("1", "asking"), ("2", "asking")),
        finding("nulled", "asking_price", ("2", "asking")),
        finding("refused", "currency", ("3", "asking")),
        finding("noted", "title", ("1", "asking")),
        finding("held", "title", ("1", "asking")),
    ]
    kept, refusals = apply(findings, frame)
    assert [*zip(kept["item_id"], kept["sighting"], strict=True)] == [
        ("1", "asking"),
        ("2", "asking"),
        ("2", "sold 2026-10-30"),
    ]
    assert kept["mileage"].isna().tolist() == [True, True, True]  # the sale says none
    assert kept["asking_price"].isna().tolist() == [False, True, True]
    assert kept["year"].tolist() == [2012.0] * 3
    assert [(r.key, r.rule, r.effect, r.value) for r in refusals] == [
        ("sandbox/1", "rule.mileage", "nulled", "value"),
        ("sandbox/2", "rule.mileage", "nulled", "value"),
        ("sandbox/2", "rule.asking_price", "nulled", "value"),
        ("sandbox/3", "rule.currency", "refused", "value"),
        ("sandbox/1", "rule.title", "noted", "value"),
    ]
    assert frame["mileage"].notna().sum() == 3


def test_what_cleaning_makes_is_what_the_suites_judge(tmp_path: Path) -> None:
    dirty = [
        {},
        {"item_id": "2", "price": "0"},
        {"item_id": "3", "mileage": "999999", "year": "20050000"},
        {"item_id": "4", "currency": "$"},
        {"item_id": "5", "model": "Other", "price": "ask", "postal_code": "nowhere"},
        {"item_id": "2", **SALE, "price": "1"},
        {"item_id": "6", **SALE, "price": "123456789"},
    ]
    frame = frame_of(*dirty)
    outcome = check([(listing_suite(FIRST), frame)], docs=tmp_path, run_name="night")
    kept, refusals = apply(outcome.findings, frame)
    assert {(r.key, r.rule, r.effect) for r in refusals} == {
        ("sandbox/2", "listing.price_not_credible", "nulled"),
        ("sandbox/3", "listing.mileage_placeholder", "nulled"),
        ("sandbox/3", "listing.year_not_credible", "nulled"),
        ("sandbox/4", "listing.currency_unreadable", "refused"),
        ("sandbox/5", "listing.model_not_named", "noted"),
        ("sandbox/5", "listing.price_unreadable", "noted"),
        ("sandbox/5", "listing.postal_code_unreadable", "nulled"),
        ("sandbox/6", "sale.price_not_credible", "nulled"),
    }
    assert outcome.held == []
    rows = {row["item_id"]: row for row in listing_rows([], kept, {}, night=FIRST, missing_nights=2)}
    assert set(rows) == set("12356")
    assert (rows["2"]["asking_price"], rows["2"]["sold_price"], rows["2"]["status"]) == (None, 1.0, "sold")
    assert (rows["3"]["mileage"], rows["3"]["year"], rows["6"]["sold_price"]) == (None, None, None)
    rows_of(LISTINGS, rows.values())


def test_a_new_listing_is_active_since_tonight() -> None:
    row = after((FIRST, [{}], "all"))["1"]
    assert (row["status"], row["first_seen"], row["last_seen"], row["night"]) == ("active", FIRST, FIRST, FIRST)
    assert (row["asking_price"], row["mileage"], row["year"]) == (15000.0, 61000, 2012)
    assert (row["last_slice"], row["missed"]) == ("all", 0)


def test_an_unchanged_listing_is_only_seen_again() -> None:
    row = after((FIRST, [{}], "all"), (SECOND, [], "Make=Ford"))["1"]
    assert (row["status"], row["first_seen"], row["last_seen"], row["night"]) == ("active", FIRST, SECOND, FIRST)
    assert row["last_slice"] == "Make=Ford"


def test_a_changed_listing_takes_the_new_facts_and_keeps_its_first_night() -> None:
    row = after((FIRST, [{}], "all"), (SECOND, [{"price": "9000", "trim": ""}], "all"))["1"]
    assert (row["asking_price"], row["trim"], row["first_seen"], row["night"]) == (9000.0, None, FIRST, SECOND)


def test_a_listing_that_was_read_though_no_search_showed_it_was_there() -> None:
    row = after((FIRST, [{}], "all"), (SECOND, [MISSING], None), (THIRD, [{"price": "9000"}], None))["1"]
    assert (row["status"], row["missed"], row["last_seen"], row["last_slice"]) == ("active", 0, THIRD, "all")


def test_a_sale_keeps_what_the_listing_asked_and_said() -> None:
    row = after((FIRST, [{}], "all"), (SECOND, [SALE | {"title": "sold"}], None))["1"]
    assert (row["status"], row["sold_price"], row["sold_on"]) == ("sold", 14000.0, date(2026, 10, 30))
    assert (row["asking_price"], row["mileage"], row["vin"]) == (15000.0, 61000, "VIN1")
    assert row["url"] == "https://www.sandbox.invalid/itm/1"
    assert (row["first_seen"], row["last_seen"], row["night"]) == (FIRST, FIRST, SECOND)


@pytest.mark.parametrize("third", [([], "all"), ([], None), ([MISSING], None)])
def test_a_sold_listing_is_not_missing_nor_does_it_come_back_to_life(third: tuple[Any, str | None]) -> None:
    row = after((FIRST, [{}], "all"), (SECOND, [SALE], "all"), (THIRD, *third))["1"]
    assert (row["status"], row["missed"], row["night"]) == ("sold", 0, SECOND)


def test_an_offer_and_its_sale_of_one_night_make_a_sold_listing_in_any_order() -> None:
    older = SALE | {"observed_on": date(2026, 10, 1), "price": "13000"}
    rows = [after((FIRST, order, "all"))["1"] for order in ([{}, SALE, older], [SALE, older, {}])]
    assert rows[0] == rows[1]
    assert (rows[0]["status"], rows[0]["asking_price"], rows[0]["sold_price"]) == ("sold", 15000.0, 14000.0)


def test_a_sale_of_an_unknown_listing_is_a_sold_listing() -> None:
    row = after((FIRST, [SALE], None))["1"]
    assert (row["status"], row["asking_price"], row["first_seen"]) == ("sold", None, FIRST)
    assert (row["last_slice"], row["missed"]) == ("", 0)


def test_only_changed_rows_are_written() -> None:
    known = after((FIRST, [{}, {"item_id": "2"}], "all"))
    found = {KEY: Presence({SECOND: "all"}), ("sandbox", "waits to be read"): Presence({SECOND: "all"})}
    changed = listing_rows(known.values(), frame_of(), found, night=SECOND, missing_nights=2)
    assert [row["item_id"] for row in changed] == ["1"]


def test_an_import_is_no_offer_whatever_price_stands_beside_it() -> None:
    for price, currency in (("9000", "USD"), ("call me", "$"), ("", "")):
        row = after((FIRST, [IMPORT | {"price": price, "currency": currency}], None))["1"]
        assert (row["status"], row["asking_price"], row["sold_price"], row["currency"]) == (
            "imported",
            None,
            None,
            None,
        )
        assert (row["make_model_id"], row["mileage"], row["first_seen"]) == ("ford/mustang", 61000, FIRST)
        assert (row["last_slice"], row["missed"]) == ("", 0)


@pytest.mark.parametrize("later", [([MISSING], None), ([], "all"), ([], None)])
def test_an_import_is_never_missing_ended_or_offered(later: tuple[Any, str | None]) -> None:
    row = after((FIRST, [IMPORT], None), (SECOND, *later), (THIRD, *later))["1"]
    assert (row["status"], row["missed"], row["last_seen"]) == ("imported", 0, FIRST)


def test_an_imported_sale_is_a_sale() -> None:
    for nights in ([(FIRST, [IMPORT, SALE], None)], [(FIRST, [SALE], None), (SECOND, [IMPORT], None)]):
        row = after(*nights)["1"]
        assert (row["status"], row["sold_price"], row["asking_price"]) == ("sold", 14000.0, None)


def test_an_import_adds_to_a_listing_and_takes_no_offer_away() -> None:
    row = after((FIRST, [{"vin": ""}], "all"), (SECOND, [IMPORT], None))["1"]
    assert (row["status"], row["asking_price"], row["currency"], row["vin"]) == ("active", 15000.0, "USD", "VIN1")
