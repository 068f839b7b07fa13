"""The JSON-LD blocks of a page: what it tells search engines of the item."""

import json
from collections.abc import Iterator
from typing import Any

from parsel import Selector

from crawlers.pages.money import NOTHING, Money, read_money

_ITEMS = {"Product", "Vehicle", "Car", "Motorcycle", "IndividualProduct"}


def product(page: Selector) -> dict[str, Any]:
    """Return the first block that describes an item for sale, {} where none does; a broken block is none."""
    for script in page.xpath("//script[@type='application/ld+json']/text()").getall():
        try:
            block = json.loads(script, strict=False)
        except (ValueError, RecursionError):
            continue
        for node in _nodes(block):
            types = node.get("@type")
            if _ITEMS & set(types if isinstance(types, list) else [types]):
                return node
    return {}


def offer_price(item: dict[str, Any]) -> Money:
    """Return the price that an item is offered at: on eBay, in the currency of the reader, not of the seller."""
    offers = item.get("offers")
    offer = offers[0] if isinstance(offers, list) and offers else offers
    if not isinstance(offer, dict):
        return NOTHING
    amount, currency = str(offer.get("price", "")), str(offer.get("priceCurrency", ""))
    return Money(read_money(amount).amount, currency) if amount and currency else NOTHING


def images(item: dict[str, Any]) -> list[str]:
    """Return the addresses of an item's images."""
    value = item.get("image")
    values = value if isinstance(value, list) else [value]
    found = [each.get("url") or each.get("contentUrl") if isinstance(each, dict) else each for each in values]
    return [each for each in found if isinstance(each, str) and each]


def _nodes(block: Any) -> Iterator[dict[str, Any]]:
    if isinstance(block, list):
        for each in block:
            yield from _nodes(each)
    elif isinstance(block, dict):
        yield block
        yield from _nodes(block.get("@graph"))
