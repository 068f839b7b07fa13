"""Items in the words of eBay's pages."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from crawlers.sandbox.items import Item

SEARCH_CONDITIONS = {"Used": "Pre-Owned", "New": "Brand New"}  # a search has other words for them than an item page
DEFINITIONS = {
    "Used": "Somebody has driven and registered this vehicle before. Look at the photos and at the seller's own words "
    "for its state, its faults and what was repaired.",
    "New": "Nobody has driven or registered this vehicle before. The seller's own words say what comes with it.",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(\d\d))?)?(?!\d)")
_EXCERPT = 90


class Feedback(NamedTuple):
    """What other buyers thought of a seller: made up, always the same."""

    percent: str
    ratings: str

    @classmethod
    def of(cls, seller: str) -> "Feedback":
        """The feedback of the seller of that name."""
        digest = crc32(seller.encode())
        return cls(f"{95 + digest % 51 / 10:g}%", f"{digest % 9000 + 3:,}")


def offers(item: Item) -> tuple[str, ...]:
    """How it can be bought, in a search's words: ('7 bids', 'Buy It Now')."""
    lines = []
    if "AUCTION" in item.buying_options:
        lines.append(bids(item))
    if "BEST_OFFER" in item.buying_options:
        lines.append("or Best Offer")
    elif "FIXED_PRICE" in item.buying_options:
        lines.append("Buy It Now")
    if "CLASSIFIED_AD" in item.buying_options:
        lines.append("Classified Ad")
    return tuple(lines)


def bids(item: Item) -> str:
    """'7 bids', '1 bid'; none where the seller's row does not say."""
    number = item.bids or "0"
    return f"{number} bid" if number == "1" else f"{number} bids"


def sold_caption(sold_on: str) -> str:
    """'Sold  Mar 7, 2026', with two blanks as eBay writes it; 'Sold  2019' where no more is known."""
    return f"Sold  {written_date(sold_on)}".rstrip()


def written_date(moment: str) -> str:
    """'Mar 7, 2026', 'Mar 2026' or '2026', as precise as the ISO 8601 date; dirt as it is."""
    match = _DATE.match(moment)
    if match is None:
        return moment
    year, month, day = match.groups()
    if month is None:
        return year
    name = _MONTHS[int(month) - 1]
    return f"{name} {int(day)}, {year}" if day else f"{name} {year}"


def place(item: Item) -> str:
    """'Tampa, Florida, United States', else with the ZIP code, else the country alone."""
    named = [item.city, item.state] if item.city else [item.postal_code]
    return ", ".join([*filter(None, named), "United States"])


def specifics(item: Item) -> Iterator[tuple[str, str, str]]:
    """The item specifics: (name in camel case, name, value)."""
    for name, value in item.aspects.items():
        joined = "".join(word[:1].upper() + word[1:] for word in name.split())
        yield joined[:1].lower() + joined[1:], name, value


class Definition(NamedTuple):
    """What a condition means, after its name: where a page cuts it off, and all of it."""

    beginning: str
    whole: str


def definition(item: Item) -> Definition:
    """What the item's condition means."""
    whole = f"{item.condition}: {DEFINITIONS.get(item.condition, 'See what the seller says of it.')}"
    return Definition(whole if len(whole) <= _EXCERPT else whole[:_EXCERPT].rpartition(" ")[0] + " ... ", whole)
