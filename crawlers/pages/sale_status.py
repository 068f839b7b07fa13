"""Whether an item page's listing is live, was sold, or merely ended."""

import re
from collections.abc import Sequence
from typing import Literal

SaleStatus = Literal["live", "sold", "ended"]

_NOT_SOLD = re.compile(r"\b(?:not|nicht|without|ohne)\b[^.]{0,20}\b(?:sold|sale|verkauft|verkauf)\b", re.IGNORECASE)
_SOLD = re.compile(r"\bsold on\b|\b(?:was|has been) sold\b|\b(?:item|listing) sold\b|\bverkauft\b", re.IGNORECASE)
_ENDED = re.compile(r"\bended\b|\bbeendet\b|\bis no longer available\b|\bnicht mehr verfügbar\b", re.IGNORECASE)
_PRICE_OF_A_SALE = re.compile(
    r"^(?:winning bid|sold for|final price|erfolgreiches gebot|verkauft für)\b", re.IGNORECASE
)


def sale_status(messages: Sequence[str], price_lines: Sequence[str]) -> SaleStatus:
    """Tell the three apart.

    Args:
        messages: what the page says of the listing as a whole: 'This listing sold on Sat, Mar 7 at 10:00 AM.'
        price_lines: the labels beside the price; bidding that ended with a 'Winning bid' was a sale, with a 'Current
            bid' none.
    """
    if any(_SOLD.search(text) and not _NOT_SOLD.search(text) for text in messages):
        return "sold"
    if not any(_ENDED.search(text) for text in messages):
        return "live"
    return "sold" if any(_PRICE_OF_A_SALE.search(line) for line in price_lines) else "ended"
