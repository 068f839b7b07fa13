"""Sightings as the source showed them -> listings with typed, judged facts."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from autodetect.catalog.fields import Reading, read_number, read_postal_code
from autodetect.catalog.identify import Identity, identify
from autodetect.records import Refusal
from autodetect.validation.check import Finding

MAX_CYLINDERS = 16
NUMBERS = ("asking_price", "sold_price", "year", "mileage")


def cleaned(sightings: pa.Table) -> tuple[pd.DataFrame, list[Identity]]:
    """Read one night's sightings into a frame of facts, one row a sighting, for the validation suites to judge.

    Returns:
        The frame: the columns of `listings` that a sighting decides, `kind`, `sighting` (the kind and a sale's date)
        and `<field>_unreadable` flags; numbers are float64 (NaN: none), text is str or None. And the catalogue's
        decisions, row by row.
    """
    rows, identities = [], []
    for sighting in sightings.to_pylist():
        identity = identify(sighting["make"], sighting["model"], sighting["title"])
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
    known: Iterable[dict[str, Any]], facts: pd.DataFrame, seen: set[tuple[str, str]], *, night: date, complete: bool
) -> list[dict[str, Any]]:
    """Return the rows of `listings` that tonight changes.

    Args:
        known: the listings as of last night.
        facts: what `cleaned` and `apply` left of tonight's new and changed sightings.
        seen: (source, item_id) of every listing that was there tonight.
        night: tonight.
        complete: whether the crawl reached everything; only then is a listing that was not seen an ended one.
    """
    rows = {(row["source"], row["item_id"]): row for row in known}
    changed: set[tuple[str, str]] = set()
    for fact in sorted(facts.to_dict("records"), key=_offers_first):
        key = (fact["source"], fact["item_id"])
        old = rows.get(key)
        new = _merged(old, fact, night)
        rows[key] = new
        changed.add(key)
    for key, row in rows.items():
        if key in seen and row["status"] != "sold":
            row |= {"last_seen": night, "status": "active"}
            changed.add(key)
        elif complete and row["status"] == "active" and key not in seen:
            row |= {"status": "ended", "night": night}
            changed.add(key)
    return [rows[key] for key in sorted(changed)]


def _facts(sighting: dict[str, Any], identity: Identity) -> dict[str, Any]:
    price, year, mileage = (read_number(sighting[name]) for name in ("price", "year", "mileage"))
    sold = sighting["kind"] == "sold"
    text = {
        name: sighting[name] or None for name in ("trim", "body_type", "engine", "drive_type", "vin", "seller_hash")
    }
    return {
        "source": sighting["source"],
        "item_id": sighting["item_id"],
        "kind": sighting["kind"],
        "sighting": f"sold {sighting['observed_on']}" if sold else "asking",
        "make_model_id": identity.make_model_id,
        "catalog_reason": identity.reason,
        "title": sighting["title"],
        "year": _rounded(year),
        "mileage": _rounded(mileage),
        "cylinders": _cylinders(sighting["cylinders"]),
        **text,
        "postal_code": read_postal_code(sighting["postal_code"]),
        "country": sighting["country"] or None,
        "asking_price": None if sold else price.value,
        "sold_price": price.value if sold else None,
        "sold_on": sighting["observed_on"] if sold else None,
        "sold_precision": sighting["precision"] if sold else None,
        "currency": sighting["currency"] or None,
        "url": sighting["url"] or None,
        "permission": sighting["permission"] or None,
        "price_unreadable": price.unreadable,
        "year_unreadable": year.unreadable,
        "mileage_unreadable": mileage.unreadable,
    }


def _offers_first(fact: dict[str, Any]) -> tuple[str, str, str]:
    """Return the order in which a night's facts make a listing: what was asked, then its sales by date."""
    return fact["source"], fact["item_id"], fact["sighting"]


def _merged(old: dict[str, Any] | None, fact: dict[str, Any], night: date) -> dict[str, Any]:
    """Return the listing that a new fact makes of the old one; what a sale does not say stays as the listing said."""
    new: dict[str, Any] = {name: (None if pd.isna(value) else value) for name, value in fact.items()}
    sold = new.pop("kind") == "sold"
    new |= {name: int(new[name]) for name in ("year", "mileage", "cylinders") if new[name] is not None}
    if old is not None and sold:
        new = {name: old[name] if value is None and name in old else value for name, value in new.items()}
    if old is not None and not sold:
        new |= {name: old[name] for name in ("sold_price", "sold_on", "sold_precision")}
    new |= {
        "night": night,
        "first_seen": old["first_seen"] if old else night,
        "last_seen": old["last_seen"] if old and sold else night,
        "status": "sold" if sold else "active",
    }
    return new


def _rounded(reading: Reading) -> float | None:
    return None if reading.value is None else float(round(reading.value))


def _cylinders(text: str) -> int | None:
    value = read_number(text).value
    return int(value) if value is not None and 0 < value <= MAX_CYLINDERS else None
