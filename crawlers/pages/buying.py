"""How an item can be bought, as the pages say it in English and German -> the API's buying options."""

import re
from collections.abc import Iterable

_BIDS = re.compile(r"(?<![\d.,])(\d[\d.,]*)\s*(?:bids?|Gebote?)\b", re.IGNORECASE)
_SAYS = {
    "AUCTION": re.compile(r"^(?:place bid|bid now|bieten|gebot abgeben|jetzt bieten)$", re.IGNORECASE),
    "FIXED_PRICE": re.compile(
        r"\b(?:buy it now|add to cart|sofort[- ]kaufen|in den (?:einkaufs|waren)(?:wagen|korb))\b", re.IGNORECASE
    ),
    "BEST_OFFER": re.compile(r"\b(?:best offer|make (?:an )?offer|preisvorschlag|preis vorschlagen)\b", re.IGNORECASE),
    "CLASSIFIED_AD": re.compile(
        r"\b(?:classified ad|kleinanzeige)\b|^(?:contact (?:the )?(?:seller|dealer)|e-?mail (?:the )?(?:seller|dealer)|"
        r"(?:den )?verkäufer kontaktieren)$",
        re.IGNORECASE,
    ),
}
_ACCEPTED = re.compile(r"\bbest offer accepted\b|\bpreisvorschlag (?:angenommen|akzeptiert)\b", re.IGNORECASE)


def buying_options(lines: Iterable[str]) -> tuple[str, ...]:
    """Return what short lines (labels and buttons) say, sorted: of AUCTION, BEST_OFFER, CLASSIFIED_AD, FIXED_PRICE.

    Best offers are made on fixed prices, except on auctions and classified ads; one with a button to buy or bid is no
    classified ad just because the seller can be written to.
    """
    lines = list(lines)
    found = {option for option, said in _SAYS.items() for line in lines if said.search(line)}
    if bids_of(lines):
        found.add("AUCTION")
    if found & {"AUCTION", "FIXED_PRICE"}:
        found.discard("CLASSIFIED_AD")
    if found == {"BEST_OFFER"}:
        found.add("FIXED_PRICE")
    return tuple(sorted(found))


def bids_of(lines: Iterable[str]) -> str:
    """Return the number of bids as text, '' where none is said: '7 bids', '1.204 Gebote · Restzeit'."""
    for line in lines:
        if match := _BIDS.search(line):
            return re.sub(r"\D", "", match[1])
    return ""


def offer_accepted(lines: Iterable[str]) -> bool:
    """Return whether it sold for an offer: then the price on the page is not what it sold for."""
    return any(_ACCEPTED.search(line) for line in lines)
