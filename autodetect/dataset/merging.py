"""Facts of a night -> rows of `listings`: failed rules are carried out, and listings appear, change and sell.

A listing has one currency, that of its newest price:

=================================  ============================================================================
listing.currency_changed           its newest price is in another currency than the one that it replaces
listing.currency_contradicts       its other price (asked, or sold) was in another one: no such price any more
listing.currency_assumed           its newest price came without one, and is taken for one in the listing's
=================================  ============================================================================
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from autodetect.catalog.answers import written
from autodetect.dataset.cleaning import Cleaned
from autodetect.dataset.presence import Presence, placed
from autodetect.photos.vehicles import ListingKey
from autodetect.records import Refusal
from autodetect.validation.check import Finding
from autodetect.validation.rule import OF_ROWS

# What stands in a sighting for what a rule judges: refusals show it as the seller wrote it.
_WRITTEN = {
    "asking_price": "price",
    "sold_price": "price",
    "price_unreadable": "price",
    "year": "year",
    "year_unreadable": "year",
    "mileage": "mileage",
    "mileage_unreadable": "mileage",
    "postal_code": "postal_code",
    "bids": "bids",
}
_KEY = ["source", "item_id", "sighting"]


class Merged(NamedTuple):
    """The rows of `listings` that a night changes, by key, and what it took to keep their prices in one currency."""

    rows: list[dict[str, Any]]
    refusals: list[Refusal]


def apply(findings: Iterable[Finding], done: Cleaned) -> tuple[pd.DataFrame, list[Refusal]]:
    """Do what the failed rules ask for: leave rows out, set values to null; say so in refusals.

    Returns:
        The frame that remains, and a refusal for each correction of the cleaning and for each failed row and rule.
    """
    judged = [finding for finding in findings if finding.rule.effect in OF_ROWS]
    kept, refusals = done.frame.copy(deep=False), done.refusals()
    position = _positions(done.frame, judged)
    dropped: set[int] = set()
    for finding in judged:
        at = [position[key] for key, _ in finding.rows]
        refusals += _refusals(finding, done, at)
        if finding.rule.effect == "refused":
            dropped.update(at)
        elif finding.rule.effect == "nulled":
            kept.iloc[at, kept.columns.get_loc(finding.rule.column)] = None
            if finding.rule.column == "postal_code":
                kept.iloc[at, kept.columns.get_loc("region")] = None
    return kept.drop(index=kept.index[sorted(dropped)]), refusals


def listing_rows(
    known: Iterable[Mapping[str, Any]],
    facts: pd.DataFrame,
    presence: Mapping[ListingKey, Presence],
    *,
    night: date,
    missing_nights: int,
) -> Merged:
    """Return what tonight makes of listings.

    Args:
        known: the listings as of last night that `facts` or `presence` tell of; what is told of no other changes
            nothing, so that they need not be handed over.
        facts: what `cleaned` and `apply` left of the new and changed sightings.
        presence: what `dataset.presence` gathered of the nights that no curation has taken in; a listing that is not
            among them stays as it was.
        night: tonight.
        missing_nights: in how many nights a listing must have been missing to have ended.
    """
    rows: dict[ListingKey, Mapping[str, Any]] = {(row["source"], row["item_id"]): row for row in known}
    changed: set[ListingKey] = set()
    refusals: list[Refusal] = []
    for fact in _offers_first(facts):
        key = (fact["source"], fact["item_id"])
        rows[key], found = _merged(rows.get(key), fact, night)
        refusals += found
        changed.add(key)
    for key, told in presence.items():
        row = rows.get(key)  # a listing that was seen may wait to be read in full, or have been refused
        if row is not None and (new := placed(row, told, night=night, missing_nights=missing_nights)) != row:
            rows[key] = new
            changed.add(key)
    return Merged([dict(rows[key]) for key in sorted(changed)], refusals)


def _positions(frame: pd.DataFrame, findings: Sequence[Finding]) -> dict[tuple[str, ...], int]:
    """Return where in the frame the rows are that findings name."""
    named = {key for finding in findings for key, _ in finding.rows}
    among = frame["item_id"].isin({item_id for _, item_id, _ in named}).to_numpy().nonzero()[0]
    names = (frame[name].iloc[among] for name in _KEY)
    return {key: at for key, at in zip(zip(*names, strict=True), among.tolist(), strict=True) if key in named}


def _refusals(finding: Finding, done: Cleaned, at: list[int]) -> Iterable[Refusal]:
    """Yield a refusal for each row that failed a rule, with what was written in place of what was made of it."""
    column = finding.rule.column or ""
    rows = done.sightings.take(at).to_pylist() if column in _WRITTEN or column == "make_model_id" else None
    for number, ((source, item_id, _), value) in enumerate(finding.rows):
        if rows is None:
            told = value
        elif column == "make_model_id":
            told = written(rows[number]["make"] or "", rows[number]["model"] or "", rows[number]["title"] or "")
        else:
            told = rows[number][_WRITTEN[column]] or ""
        yield Refusal(
            table=finding.table,
            key=f"{source}/{item_id}",
            rule=finding.rule.name,
            value=told,
            effect=finding.rule.effect,
        )


def _offers_first(facts: pd.DataFrame) -> Iterable[dict[str, Any]]:
    """Yield facts in the order in which they make a listing: asked, then imported, then its sales by date."""
    ordered = facts.sort_values(_KEY, kind="stable")
    names = [*ordered.columns]
    columns = [ordered[name].astype(object).where(ordered[name].notna(), None).tolist() for name in names]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _merged(
    old: Mapping[str, Any] | None, fact: Mapping[str, Any], night: date
) -> tuple[dict[str, Any], list[Refusal]]:
    """Return the listing that a new fact makes of the old one, and what its currency took.

    What a sale or an import does not say stays as the listing said, but for the bids, which were those of that night;
    what an offer does not say is no longer so.
    """
    new = dict(fact)
    kind, seen_on = new.pop("kind"), new.pop("seen_on")
    new |= {name: int(new[name]) for name in ("year", "mileage", "cylinders", "bids") if new[name] is not None}
    status = {"asking": "active", "sold": "sold", "import": "imported"}[kind]
    if old is None:
        standing = {"first_seen": seen_on, "last_seen": seen_on, "last_slice": "", "missed": 0, "status": status}
        return new | standing | {"night": night}, []
    if kind == "asking":
        new |= {name: old[name] for name in ("sold_price", "sold_on", "sold_precision")}
        standing = {"last_seen": max(old["last_seen"], seen_on), "missed": 0, "status": status}
    else:
        region = new["region"] if new["postal_code"] else old["region"]
        bids = new["bids"] if kind == "sold" else old["bids"]
        new = {name: old[name] if value is None and name in old else value for name, value in new.items()}
        new |= {"region": region, "bids": bids}
        standing = {"last_seen": old["last_seen"], "missed": old["missed"]}
        standing["status"] = status if kind == "sold" else old["status"]
    currency, refusals = _one_currency(old, fact, new)
    kept = {name: old[name] for name in ("first_seen", "last_slice")}
    return new | currency | kept | standing | {"night": night}, refusals


def _one_currency(
    old: Mapping[str, Any], fact: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Refusal]]:
    """Return the currency of a listing with a new fact, and the price that can no longer stand beside it."""
    price, other = ("sold_price", "asking_price") if fact["kind"] == "sold" else ("asking_price", "sold_price")
    before, now = old["currency"], fact["currency"]
    if fact[price] is None:  # it says nothing of a price, so it changes nothing of what the others are in
        return {"currency": before if new[price] is not None or new[other] is not None else new["currency"]}, []
    if now == before:
        return {}, []

    def told(rule: str, value: str, effect: Any = "noted") -> Refusal:
        return Refusal(
            table="listings",
            key=f"{fact['source']}/{fact['item_id']}",
            rule=f"listing.currency_{rule}",
            value=value,
            effect=effect,
        )

    if now is None:
        return {"currency": before}, [told("assumed", f"{fact[price]:g} {before}")]
    refusals: list[Refusal] = []
    changes: dict[str, Any] = {"currency": now}
    if old[price] is not None:
        refusals.append(told("changed", f"{before or 'none'} -> {now}"))
    if old[other] is not None:
        changes[other] = None
        refusals.append(told("contradicts", f"{other} {old[other]:g} {before or 'no currency'}, now {now}", "nulled"))
    return changes, refusals
