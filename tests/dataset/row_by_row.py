"""The cleaning as it reads: one sighting after the other. `autodetect.dataset.cleaning` must say just the same."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from autodetect.catalog.answers import Answers
from autodetect.catalog.fields import (
    PRICE_PLACEHOLDERS,
    Reading,
    leading_year,
    read_bids,
    read_buying_options,
    read_cylinders,
    read_mileage,
    read_price,
    read_year,
)
from autodetect.catalog.identify import Identity, identify
from autodetect.catalog.model_years import FIRST_YEAR, NEAR, SIGNS
from autodetect.catalog.postal_codes import read_postal_code

CARRIED = [
    "trim", "body_type", "engine", "drive_type", "vin", "title_status", "condition", "seller_hash", "country", "url",
    "permission",
]  # fmt: skip
Correction = tuple[int, str, str]  # row, rule, what was written


def cleaned_row_by_row(
    sightings: pa.Table, answers: Answers | None
) -> tuple[list[dict[str, Any]], list[Identity], set[Correction]]:
    """Facts, decisions and corrections."""
    facts, decisions, corrections = [], [], set[Correction]()
    for number, sighting in enumerate(sightings.to_pylist()):
        identity = identify(sighting["make"], sighting["model"], sighting["title"], answers)
        row, rules = facts_of(sighting, identity)
        facts.append(row)
        decisions.append(identity)
        corrections |= {(number, rule, text) for rule, text in rules}
    return facts, decisions, corrections


def facts_of(sighting: dict[str, Any], identity: Identity) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    kind, written = sighting["kind"], sighting["currency"] if sighting["kind"] != "import" else ""
    currency, sold = written.strip().upper(), kind == "sold"
    price = read_price(sighting["price"], currency) if kind != "import" else Reading(None)
    title_year = leading_year(sighting["title"])
    year = read_year(sighting["year"], title_year, latest=sighting["night"].year + 2)
    mileage = read_mileage(sighting["mileage"], sighting["mileage_unit"])
    place = read_postal_code(sighting["postal_code"], sighting["country"])
    rules = [
        (each.rule, sighting[name])
        for each, name in ((price, "price"), (year, "year"), (mileage, "mileage"), (place, "postal_code"))
        if each.rule
    ]
    if not sold and price.value in PRICE_PLACEHOLDERS:
        price = Reading(None)
        rules.append(("listing.price_placeholder", sighting["price"]))
    credible = year.value is not None and 1885 <= year.value <= sighting["night"].year + 2
    rules += contradictions(sighting, year.value if credible else None, price.value, currency)
    bids, options = read_bids(sighting["bids"]), "|".join(sighting["buying_options"] or [])
    known_options, more_options = read_buying_options(options)
    if bids is None and sighting["bids"].strip():
        rules.append(("listing.bids_unreadable", sighting["bids"]))
    if more_options:
        rules.append(("listing.buying_option_unknown", options))
    if currency != written:
        rules.append(("listing.currency_respelt", written))
    row = {
        "source": sighting["source"],
        "item_id": sighting["item_id"],
        "kind": kind,
        "seen_on": sighting["night"],
        "sighting": f"sold {sighting['observed_on']}" if sold else kind,
        "make_model_id": identity.make_model_id,
        "catalog_reason": identity.reason,
        "title": sighting["title"],
        "year": year.value,
        "mileage": mileage.value,
        "cylinders": read_cylinders(sighting["cylinders"]),
        "postal_code": place.code,
        "region": place.region,
        "asking_price": None if sold else price.value,
        "sold_price": price.value if sold else None,
        "any_price": price.value,
        "sold_on": sighting["observed_on"] if sold else None,
        "sold_precision": sighting["precision"] if sold else None,
        "currency": currency or None,
        "buying_options": known_options or None,
        "bids": bids,
        "price_unreadable": price.unreadable,
        "year_unreadable": year.unreadable,
        "mileage_unreadable": mileage.unreadable,
    }
    return row | {name: sighting[name] or None for name in CARRIED}, rules


def contradictions(
    sighting: dict[str, Any], year: float | None, price: float | None, currency: str
) -> Iterator[tuple[str, str]]:
    title_year = leading_year(sighting["title"])
    if year is not None and title_year is not None and year != title_year:
        yield "listing.year_contradicts_title", f"{sighting['year']} / {sighting['title']}"
    if year is not None and vin_contradicts(sighting["vin"], int(year)):
        yield "listing.year_contradicts_vin", f"{sighting['year']} / {sighting['vin']}"
    if price is not None and not currency:
        yield "listing.currency_missing", sighting["price"]
    converted = f"{sighting['converted_price']} {sighting['converted_currency']}"
    if not sighting["converted_price"] or sighting["kind"] == "import":
        return
    if not sighting["price"].strip():
        yield "listing.price_only_converted", converted
    elif (
        price is not None
        and currency
        and sighting["converted_currency"] == currency
        and read_price(sighting["converted_price"], currency).value != price
    ):
        yield "listing.converted_price_contradicts", f"{sighting['price']} / {converted}"


def vin_contradicts(vin: str, year: int) -> bool:
    if len(vin) != 17 or vin[9] not in SIGNS:
        return False
    off = (year - FIRST_YEAR - SIGNS.index(vin[9])) % len(SIGNS)
    return year < FIRST_YEAR - NEAR or NEAR < off < len(SIGNS) - NEAR
