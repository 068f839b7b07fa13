"""Merging: failed rules correct exactly what they name, and listings live, sell and end in one currency."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autodetect.dataset.cleaning import Cleaned, cleaned
from autodetect.dataset.merging import Merged, apply, listing_rows
from autodetect.dataset.presence import Presence, presences
from autodetect.lake.schemas import LISTINGS
from autodetect.lake.tables import rows_of
from autodetect.validation.check import Finding, check
from autodetect.validation.rule import Rule
from autodetect.validation.suites.listings import listing_suite
from tests.dataset.sightings import FIRST, IMPORT, SALE, SECOND, THIRD, sightings

KEY = ("sandbox", "1")
MISSING: dict[str, Any] = {}  # stands for a sighting that says nothing but that the listing was not there


def done(*changes: dict[str, Any]) -> Cleaned:
    return cleaned(sightings(*changes))


def frame_of(*changes: dict[str, Any]) -> pd.DataFrame:
    return cleaned(sightings(*changes)).frame


def finding(effect: str, column: str, *keys: tuple[str, str]) -> Finding:
    rule = Rule(f"rule.{column}", effect, "Any", {"column": column})
    return Finding("listings", rule, tuple((("sandbox", *key), "value") for key in keys))


def after(*nights: tuple[date, list[dict[str, Any]], str | None]) -> dict[str, dict[str, Any]]:
    """The listings after these nights: (night, sightings, slice that saw listing 1, None when none was read)."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    missing: list[dict[str, Any]] = []
    for night, told, seen in nights:
        missing += [{"source": "sandbox", "item_id": "1", "observed_on": night} for s in told if s is MISSING]
        facts = frame_of(*({"night": night, "observed_on": night} | s for s in told if s is not MISSING))
        rows = [{"source": "sandbox", "item_id": "1", "night": night, "slice": seen}] if seen else []
        found = presences(rows, missing)
        for row in listing_rows(known.values(), facts, found, night=night, missing_nights=2).rows:
            known[row["source"], row["item_id"]] = row
    return {row["item_id"]: row for row in rows_of(LISTINGS, known.values()).to_pylist()}


def test_a_failed_rule_corrects_exactly_what_it_names() -> None:
    read = done({}, {"item_id": "2"}, {"item_id": "3"}, {"item_id": "2", **SALE})
    findings = [
        finding("nulled", "mileage", ("1", "asking"), ("2", "asking")),
        finding("nulled", "asking_price", ("2", "asking")),
        finding("refused", "currency", ("3", "asking")),
        finding("noted", "title", ("1", "asking")),
        finding("held", "title", ("1", "asking")),
    ]
    kept, refusals = apply(findings, read)
    assert [*zip(kept["item_id"], kept["sighting"], strict=True)] == [
        ("1", "asking"),
        ("2", "asking"),
        ("2", "sold 2026-10-30"),
    ]
    assert kept["mileage"].isna().tolist() == [True, True, True]  # the sale says none
    assert kept["asking_price"].isna().tolist() == [False, True, True]
    assert kept["year"].tolist() == [2012.0] * 3
    assert [(r.key, r.rule, r.effect, r.value) for r in refusals] == [
        ("sandbox/1", "rule.mileage", "nulled", "61,000 miles"),
        ("sandbox/2", "rule.mileage", "nulled", "61,000 miles"),
        ("sandbox/2", "rule.asking_price", "nulled", "15,000.00"),
        ("sandbox/3", "rule.currency", "refused", "value"),
        ("sandbox/1", "rule.title", "noted", "value"),
    ]
    assert read.frame["mileage"].notna().sum() == 3


def test_a_night_without_sightings_is_no_failure() -> None:
    kept, refusals = apply([], done())
    assert (len(kept), refusals) == (0, [])
    assert listing_rows([], kept, {}, night=FIRST, missing_nights=2) == Merged([], [])


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
    read = done(*dirty)
    outcome = check([(listing_suite(FIRST), read.frame)], docs=tmp_path, run_name=FIRST.isoformat())
    kept, refusals = apply(outcome.findings, read)
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
    rows = {row["item_id"]: row for row in listing_rows([], kept, {}, night=FIRST, missing_nights=2).rows}
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


@pytest.mark.parametrize(("said", "bids"), [("", None), ("12", 12)])
def test_the_bids_of_the_night_are_not_those_of_the_sale(said: str, bids: int | None) -> None:
    offer = {"buying_options": ["AUCTION"], "bids": "0", "title_status": "Salvage", "condition": "Used"}
    row = after((FIRST, [offer], "all"), (SECOND, [SALE | {"buying_options": [], "bids": said}], None))["1"]
    assert (row["bids"], row["buying_options"]) == (bids, "AUCTION")
    assert (row["title_status"], row["condition"]) == ("Salvage", "Used")


def test_what_cannot_be_read_of_an_auction_is_none_and_told() -> None:
    read = done({"bids": "1,204 bids"}, {"item_id": "2", "bids": "many", "buying_options": ["SWAP", "AUCTION"]})
    _, refusals = apply([], read)
    assert [(r.key, r.rule, r.value, r.effect) for r in refusals] == [
        ("sandbox/2", "listing.buying_option_unknown", "SWAP|AUCTION", "noted"),
        ("sandbox/2", "listing.bids_unreadable", "many", "nulled"),
    ]
    rows = listing_rows([], read.frame, {}, night=FIRST, missing_nights=2).rows
    assert [(row["bids"], row["buying_options"]) for row in rows] == [(1204, "FIXED_PRICE"), (None, "AUCTION")]


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
    changed = listing_rows(known.values(), frame_of(), found, night=SECOND, missing_nights=2).rows
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


def merged(*nights: list[dict[str, Any]]) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """Listing 1 after these nights' sightings, and what the last of them refused."""
    known: list[dict[str, Any]] = []
    for night, told in zip((FIRST, SECOND, THIRD), nights, strict=False):
        facts = frame_of(*({"night": night, "observed_on": night} | each for each in told))
        known, refusals = listing_rows(known, facts, {}, night=night, missing_nights=2)
    (row,) = rows_of(LISTINGS, known).to_pylist()
    return row, [(each.rule, each.value, each.effect) for each in refusals]


def prices_of(row: dict[str, Any]) -> tuple[Any, Any, Any]:
    return row["asking_price"], row["sold_price"], row["currency"]


def test_a_sale_in_another_currency_leaves_no_asking_price_beside_it() -> None:
    row, refusals = merged([{}], [SALE | {"currency": "EUR"}])
    assert prices_of(row) == (None, 14000.0, "EUR")
    assert refusals == [("listing.currency_contradicts", "asking_price 15000 USD, now EUR", "nulled")]


def test_an_offer_in_another_currency_leaves_no_sold_price_beside_it() -> None:
    row, refusals = merged([SALE | {"currency": "EUR"}], [{}])
    assert prices_of(row) == (15000.0, None, "USD")
    assert refusals == [("listing.currency_contradicts", "sold_price 14000 EUR, now USD", "nulled")]


def test_an_offer_and_its_sale_of_one_night_are_in_one_currency_too() -> None:
    row, refusals = merged([{}, SALE | {"currency": "CAD"}])
    assert prices_of(row) == (None, 14000.0, "CAD")
    assert [rule for rule, _, _ in refusals] == ["listing.currency_contradicts"]


def test_a_change_of_currency_between_nights_is_told() -> None:
    row, refusals = merged([{}], [{"currency": "CAD"}])
    assert prices_of(row) == (15000.0, None, "CAD")
    assert refusals == [("listing.currency_changed", "USD -> CAD", "noted")]


def test_a_price_without_a_currency_is_taken_for_one_in_the_listings_and_that_is_told() -> None:
    row, refusals = merged([{}], [SALE | {"currency": ""}])
    assert prices_of(row) == (15000.0, 14000.0, "USD")
    assert refusals == [("listing.currency_assumed", "14000 USD", "noted")]


def test_a_price_whose_currency_nobody_knows_is_not_given_another_prices() -> None:
    row, refusals = merged([{"currency": ""}], [SALE])
    assert prices_of(row) == (None, 14000.0, "USD")
    assert refusals == [("listing.currency_contradicts", "asking_price 15000 no currency, now USD", "nulled")]


def test_what_says_nothing_of_a_price_changes_no_currency() -> None:
    for said in ({"price": "", "currency": "EUR"}, {"price": "call", "currency": ""}):
        row, refusals = merged([{}], [SALE], [said])
        assert prices_of(row) == (None, 14000.0, "USD")
        assert refusals == []


def test_prices_in_one_currency_are_left_alone() -> None:
    row, refusals = merged([{}], [SALE], [{"price": "13000"}])
    assert prices_of(row) == (13000.0, 14000.0, "USD")
    assert refusals == []


def test_a_region_follows_its_postal_code() -> None:
    assert merged([{}], [SALE | {"postal_code": ""}])[0]["region"] == "100"
    assert merged([{}], [SALE | {"postal_code": "60601"}])[0]["region"] == "606"
    row, _ = merged([{}], [SALE | {"postal_code": "10115", "country": "DE"}])
    assert (row["postal_code"], row["region"]) == ("10115", None)


def test_a_postal_code_that_is_taken_away_takes_its_region_along() -> None:
    kept, _ = apply([finding("nulled", "postal_code", ("1", "asking"))], done({}))
    assert kept[["postal_code", "region"]].isna().all(axis=None)


def test_refusals_show_what_was_written() -> None:
    read = done({"price": "12.5k", "year": "05", "title": "", "mileage": "low", "postal_code": "2139"})
    told = apply([finding("noted", "mileage_unreadable", ("1", "asking"))], read)[1]
    assert {(each.key, each.rule, each.value, each.effect) for each in told} == {
        ("sandbox/1", "listing.price_thousands", "12.5k", "noted"),
        ("sandbox/1", "listing.year_ambiguous", "05", "nulled"),
        ("sandbox/1", "listing.postal_code_lost_zero", "2139", "noted"),
        ("sandbox/1", "rule.mileage_unreadable", "low", "noted"),
    }
