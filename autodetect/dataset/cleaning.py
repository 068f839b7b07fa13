"""Sightings as the source showed them -> listings with typed, judged facts."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from autodetect.catalog.answers import Answers
from autodetect.catalog.fields import Reading, read_number, read_postal_code
from autodetect.catalog.identify import Identity, identify
from autodetect.dataset.presence import Presence, placed
from autodetect.photos.vehicles import ListingKey
from autodetect.records import Refusal
from autodetect.validation.check import Finding
from autodetect.validation.rules import MILEAGE_PLACEHOLDERS

MAX_CYLINDERS = 16
MILES_PER_KM = 0.621371  # the international mile of 1959: 1.609344 km
NUMBERS = ("asking_price", "sold_price", "year", "mileage")


def cleaned(sightings: pa.Table, answers: Answers | None = None) -> tuple[pd.DataFrame, list[Identity]]:
    """Read sightings into a frame of facts, one row a sighting, for the validation suites to judge.

    Args:
        sightings: rows of `sightings` of any kind but `missing`, which has no facts.
        answers: what a person decided about makes and models.

    Returns:
        The frame: the columns of `listings` that a sighting decides, `kind`, `seen_on` (the night that brought it),
        `sighting` (the kind and a sale's date) and `<field>_unreadable` flags; numbers are float64 (NaN: none),
        `mileage` is in miles, text is str or None. And the catalogue's decisions, row by row.
    """
    rows, identities = [], []
    for sighting in sightings.to_pylist():
        identity = identify(sighting["make"], sighting["model"], sighting["title"], answers)
        identities.append(identity)
        rows.append(_facts(sighting, identity))
    frame = pd.DataFrame(rows)
    if len(frame):
        frame[list(NUMBERS)] = frame[list(NUMBERS)].astype("float64")
        frame["any_price"] = frame["asking_price"].fillna(frame["sold_price"])
        texts = frame.columns[frame.dtypes.map(pd.api.types.is_string_dtype)]
        frame[texts] = frame[texts].astype(object).where(frame[texts].notna(), None)
    return frame, identities


def apply(findings: Iterable[Finding], frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Refusal]]:
    """Do what the failed rules ask for: leave rows out, set values to null; say so in refusals.

    Returns:
        The frame that remains, and one refusal per failed row and rule.
    """
    if frame.empty:  # a night that brought nothing new: there are not even columns
        return frame, []
    refusals: list[Refusal] = []
    kept = frame.copy()
    names = (frame[name] for name in ("source", "item_id", "sighting"))
    by_key: dict[tuple[str, ...], int] = {key: position for position, key in enumerate(zip(*names, strict=True))}
    dropped: set[int] = set()
    for finding in findings:
        effect = finding.rule.effect
        if effect == "held":
            continue
        for key, value in finding.rows:
            source, item_id, _ = key
            name = f"{source}/{item_id}"
            refusals.append(Refusal(table=finding.table, key=name, rule=finding.rule.name, value=value, effect=effect))
        positions = [by_key[key] for key, _ in finding.rows]
        if effect == "refused":
            dropped.update(positions)
        elif effect == "nulled":
            kept.iloc[positions, kept.columns.get_loc(finding.rule.column)] = None
    return kept.drop(index=kept.index[sorted(dropped)]), refusals


def listing_rows(
    known: Iterable[dict[str, Any]],
    facts: pd.DataFrame,
    presence: Mapping[ListingKey, Presence],
    *,
    night: date,
    missing_nights: int,
) -> list[dict[str, Any]]:
    """Return the rows of `listings` that tonight changes.

    Args:
        known: the listings as of last night.
        facts: what `cleaned` and `apply` left of the new and changed sightings.
        presence: what `dataset.presence` gathered of the nights that no curation has taken in; a listing that is not
            among them stays as it was.
        night: tonight.
        missing_nights: in how many nights a listing must have been missing to have ended.
    """
    rows = {(row["source"], row["item_id"]): row for row in known}
    changed: set[ListingKey] = set()
    for fact in sorted(facts.to_dict("records"), key=_offers_first):
        key = (fact["source"], fact["item_id"])
        rows[key] = _merged(rows.get(key), fact, night)
        changed.add(key)
    for key, found in presence.items():
        row = rows.get(key)  # a listing that was seen may wait to be read in full, or have been refused
        if row is not None and (new := placed(row, found, night=night, missing_nights=missing_nights)) != row:
            rows[key] = new
            changed.add(key)
    return [rows[key] for key in sorted(changed)]


def _facts(sighting: dict[str, Any], identity: Identity) -> dict[str, Any]:
    kind = sighting["kind"]
    # What somebody once wrote beside an imported photo is neither an offer nor a sale.
    price = read_number(sighting["price"]) if kind != "import" else Reading(None)
    year, mileage = (read_number(sighting[name]) for name in ("year", "mileage"))
    sold = kind == "sold"
    text = {
        name: sighting[name] or None for name in ("trim", "body_type", "engine", "drive_type", "vin", "seller_hash")
    }
    return {
        "source": sighting["source"],
        "item_id": sighting["item_id"],
        "kind": kind,
        "seen_on": sighting["night"],
        "sighting": f"sold {sighting['observed_on']}" if sold else kind,
        "make_model_id": identity.make_model_id,
        "catalog_reason": identity.reason,
        "title": sighting["title"],
        "year": _rounded(year),
        "mileage": _miles(mileage, sighting["mileage_unit"]),
        "cylinders": _cylinders(sighting["cylinders"]),
        **text,
        "postal_code": read_postal_code(sighting["postal_code"]),
        "country": sighting["country"] or None,
        "asking_price": None if sold else price.value,
        "sold_price": price.value if sold else None,
        "sold_on": sighting["observed_on"] if sold else None,
        "sold_precision": sighting["precision"] if sold else None,
        "currency": (sighting["currency"] or None) if kind != "import" else None,
        "url": sighting["url"] or None,
        "permission": sighting["permission"] or None,
        "price_unreadable": price.unreadable,
        "year_unreadable": year.unreadable,
        "mileage_unreadable": mileage.unreadable,
    }


def _offers_first(fact: dict[str, Any]) -> tuple[str, str, str]:
    """Return the order in which a night's facts make a listing: asked, then imported, then its sales by date."""
    return fact["source"], fact["item_id"], fact["sighting"]


def _merged(old: dict[str, Any] | None, fact: dict[str, Any], night: date) -> dict[str, Any]:
    """Return the listing that a new fact makes of the old one.

    What a sale or an import does not say stays as the listing said; what an offer does not say is no longer so.
    """
    new: dict[str, Any] = {name: (None if pd.isna(value) else value) for name, value in fact.items()}
    kind, seen_on = new.pop("kind"), new.pop("seen_on")
    new |= {name: int(new[name]) for name in ("year", "mileage", "cylinders") if new[name] is not None}
    status = {"asking": "active", "sold": "sold", "import": "imported"}[kind]
    if old is None:
        standing = {"first_seen": seen_on, "last_seen": seen_on, "last_slice": "", "missed": 0, "status": status}
        return new | standing | {"night": night}
    if kind == "asking":
        new |= {name: old[name] for name in ("sold_price", "sold_on", "sold_precision")}
        standing = {"last_seen": max(old["last_seen"], seen_on), "missed": 0, "status": status}
    else:
        new = {name: old[name] if value is None and name in old else value for name, value in new.items()}
        standing = {"last_seen": old["last_seen"], "missed": old["missed"]}
        standing["status"] = status if kind == "sold" else old["status"]
    return new | {name: old[name] for name in ("first_seen", "last_slice")} | standing | {"night": night}


def _rounded(reading: Reading) -> float | None:
    return None if reading.value is None else float(round(reading.value))


def _miles(reading: Reading, unit: str) -> float | None:
    """Return miles; what sellers type who do not want to say stays as typed, for the rule that knows it."""
    value = _rounded(reading)
    if value is None or unit != "km" or value in MILEAGE_PLACEHOLDERS:
        return value
    return float(round(value * MILES_PER_KM))


def _cylinders(text: str) -> int | None:
    value = read_number(text).value
    return int(value) if value is not None and 0 < value <= MAX_CYLINDERS else None
