"""What the sandbox can be asked for: a listing as it stands on one night, or a sale, in the words of eBay's API."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath

from crawlers.sandbox.marketplace import MarketListing

TITLE_LENGTH = 80  # eBay's limit
_FIRST_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - of the first night; written out as UTC
_ISO_PREFIX = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?)?)?)?Z?")
_ASPECTS: tuple[tuple[str, str, str], ...] = (  # eBay's name, column of listings.csv, column of sold.csv
    ("Year", "year", "Year"),
    ("VIN (Vehicle Identification Number)", "vin", ""),
    ("Mileage", "mileage", "Mileage"),
    ("Body Type", "body_type", "BodyType"),
    ("Drive Type", "drive_type", "DriveType"),
    ("Engine", "engine", "Engine"),
    ("Make", "make", "Make"),
    ("Model", "model", "Model"),
    ("Number of Cylinders", "cylinders", "NumCylinders"),
    ("Trim", "trim", "Trim"),
    ("Fuel Type", "fuel_type", ""),
    ("Transmission", "transmission", ""),
    ("Vehicle Title", "title_status", ""),
)
ASPECT_NAMES = tuple(name for name, _, _ in _ASPECTS)
_UNITS = {"mi": "miles", "km": "km"}


@dataclass(frozen=True, slots=True)
class Item:
    """An advertisement or a sale.

    Args:
        item_id: the bare number, without eBay's `v1|...|0`.
        title: the seller's title.
        aspects: item specifics by eBay's name; what the seller left empty is absent.
        price: asking or sold price, as written.
        currency: of the price.
        postal_code: as written, possibly masked.
        buying_options: one or more of FIXED_PRICE, BEST_OFFER, AUCTION and CLASSIFIED_AD.
        seller: the seller's name.
        photos: photo ids, the first being the gallery photo.
        started: the night on which it was listed (0 for a sale).
        sold_on: the sale date as written (empty for an advertisement).
        bids: the number of bids as written, where it is an auction.
        condition: as eBay calls it.
        city: where it stands, if the seller says so; likewise `state`.
        earlier_price: what it cost before, where the price was changed.
        origin: the instant at which the offer was first put up (ISO 8601); a relist has that of what it relists.
    """

    item_id: str
    title: str
    aspects: dict[str, str]
    price: str
    currency: str
    postal_code: str
    buying_options: tuple[str, ...]
    seller: str
    photos: tuple[str, ...]
    started: int = 0
    sold_on: str = ""
    bids: str = ""
    condition: str = "Used"
    city: str = ""
    state: str = ""
    earlier_price: str = ""
    origin: str = ""

    def sold_between(self, low: str, high: str) -> bool:
        """Whether the sale may have happened between two ISO 8601 times; a bare year stands for any day in it.

        A date that cannot be read is never filtered away: dirt is served.
        """
        if not _ISO_PREFIX.fullmatch(self.sold_on):
            return True
        return earliest(high or "9999") >= earliest(self.sold_on) and latest(self.sold_on) >= earliest(low or "0000")


def earliest(moment: str) -> str:
    """The first instant of an ISO 8601 date of any precision, comparable as text."""
    text = moment.rstrip("Z")
    return text + "0000-01-01T00:00:00.000"[len(text) :]


def latest(moment: str) -> str:
    """The last instant of an ISO 8601 date of any precision, comparable as text."""
    text = moment.rstrip("Z")
    return text + "9999-12-31T23:59:59.999"[len(text) :]


def origins(listings: Iterable[MarketListing]) -> dict[str, str]:
    """The instant at which each listing's offer was first put up, by item id: made up, the same on every night.

    A chain of relists has the instant of its first listing; of a circle there is no first, and none is followed twice.
    """
    by_id = {listing.item_id: listing for listing in listings}
    found: dict[str, str] = {}
    for item_id, listing in by_id.items():
        first, passed = listing, {item_id}
        while (before := first.facts.get("relist_of", "").strip()) in by_id and before not in passed:
            first = by_id[before]
            passed.add(before)
        milliseconds = int(hashlib.sha256(first.item_id.encode()).hexdigest(), 16) % 86_400_000
        instant = _FIRST_DAY + timedelta(days=first.first_night - 1, milliseconds=milliseconds)
        found[item_id] = instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"
    return found


def from_listing(listing: MarketListing, night: int, origin: str = "") -> Item:
    """A listing as a visitor of that night sees it."""
    facts = listing.facts
    return Item(
        item_id=listing.item_id,
        title=facts.get("title") or _title(facts["year"], facts["make"], facts["model"], facts["trim"]),
        aspects={name: facts[column] for name, column, _ in _ASPECTS if facts.get(column)} | _mileage(facts),
        price=listing.price_on(night),
        currency=facts.get("currency") or "USD",
        postal_code=facts["zipcode"],
        buying_options=tuple(facts.get("buying_option", "").split()) or ("FIXED_PRICE",),
        seller=facts.get("seller") or f"seller-{listing.item_id[-4:]}",
        photos=tuple(PurePath(name).stem for name in listing.photos),
        started=listing.first_night,
        bids=facts.get("bids", ""),
        condition=facts.get("condition") or "Used",
        city=facts.get("city", ""),
        state=facts.get("state", ""),
        earlier_price=listing.price_before(night),
        origin=origin,
    )


def from_sale(row: dict[str, str]) -> Item:
    """A row of `sold.csv`."""
    return Item(
        item_id=row["ID"],
        title=_title(row["Year"], row["Make"], row["Model"], row["Trim"]),
        aspects={name: row[column] for name, _, column in _ASPECTS if column and row[column]},
        price=row["pricesold"],
        currency="USD",
        postal_code=row["zipcode"],
        buying_options=("FIXED_PRICE",),
        seller="",
        photos=(),
        sold_on=row["yearsold"],
    )


def _mileage(facts: dict[str, str]) -> dict[str, str]:
    """The mileage with its unit, where the seller names one: '61,000 miles'."""
    number, unit = facts["mileage"], _UNITS.get(facts.get("mileage_unit", ""))
    if not number or unit is None:
        return {}
    return {"Mileage": f"{int(number):,} {unit}" if number.isdecimal() else f"{number} {unit}"}


def _title(*parts: str) -> str:
    return " ".join(part for part in parts if part)[:TITLE_LENGTH].rstrip()
