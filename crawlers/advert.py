"""What a source says of one listing, read but not judged: the record that the API and the pages have in common."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from autodetect.records import Precision, Sighting, canonical_digest


@dataclass(frozen=True)
class Provenance:
    """What is stamped on every sighting of a crawl."""

    source: str
    night: date
    permission: str
    seller_salt: str


@dataclass(frozen=True, kw_only=True)
class Advert:
    """One advertisement or sale, as an item page, an item answer or an entry of a search shows it.

    Args:
        item_id: the bare number: of 'v1|123|0' and '123' alike '123'.
        price: decimal number as text ('15300.00'), in `currency` (ISO 4217): what the seller asks, or got.
        converted_price: what the source made of it in `converted_currency` for this reader.
        buying_options: of AUCTION, BEST_OFFER, CLASSIFIED_AD and FIXED_PRICE.
        bids: number of bids of an auction, as text.
        sold_on: the sale date, where it is a sale; to `sold_precision`.
        aspects: all item specifics, by the source's names.
        origin_at: when the offer was first put up, as the source writes it; a relist keeps it.
        relist_of: the item id of the listing that is the same offer, put up before or again.
        photo_urls: at full size, the main one first.
        seller: the seller's name; it goes no further than `sighting`, which keeps a salted digest.

    The others are what `crawlers.specifics` reads from the aspects, and the place.
    """

    item_id: str
    url: str = ""
    title: str = ""
    price: str = ""
    currency: str = ""
    converted_price: str = ""
    converted_currency: str = ""
    buying_options: tuple[str, ...] = ()
    bids: str = ""
    sold_on: date | None = None
    sold_precision: Precision = "day"
    condition: str = ""
    make: str = ""
    model: str = ""
    year: str = ""
    trim: str = ""
    mileage: str = ""
    mileage_unit: str = ""
    body_type: str = ""
    engine: str = ""
    cylinders: str = ""
    drive_type: str = ""
    fuel_type: str = ""
    transmission: str = ""
    title_status: str = ""
    vin: str = ""
    postal_code: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    origin_at: str = ""
    relist_of: str = ""
    photo_urls: tuple[str, ...] = ()
    seller: str = ""
    aspects: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SearchAnswer:
    """One page of search results.

    Args:
        total: how many results the source says the whole search has.
        entries: this page's results, as far as a search shows them (`Advert`s without specifics).
        refinements: by aspect ('Make', 'Year'), how many results each value has; empty where the source does not tell.
    """

    total: int
    entries: tuple[Advert, ...]
    refinements: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def summary_digest(entry: Advert) -> str:
    """Return what changes when a search shows a listing differently: title, price, buying options, photos."""
    price = [entry.price, entry.currency]
    return canonical_digest([entry.title, price, sorted(entry.buying_options), list(entry.photo_urls)])


def sighting(advert: Advert, provenance: Provenance, *, summary: str = "") -> Sighting:
    """Return the sighting that an advert is: of kind `sold` when it has a sale date, else `asking`.

    Args:
        advert: what the source says.
        provenance: what is stamped on it.
        summary: the digest of the search entry that led to it.
    """
    facts = dict(vars(advert))
    seller, sold_on, precision = facts.pop("seller"), facts.pop("sold_on"), facts.pop("sold_precision")
    return Sighting(
        **facts,
        source=provenance.source,
        kind="sold" if sold_on else "asking",
        observed_on=sold_on or provenance.night,
        precision=precision,
        seller_hash=seller_hash(seller, provenance.seller_salt) if seller else "",
        summary_digest=summary,
        permission=provenance.permission,
    )


def seller_hash(name: str, salt: str) -> str:
    """Return a salted digest: tells sellers apart within one lake, names none."""
    return hashlib.sha256(f"{salt}\0{name}".encode()).hexdigest()[:16]
