"""Of a page's JSON-LD, the block on the item is read; broken ones are as good as absent."""

import json
from typing import Any

import pytest
from parsel import Selector

from crawlers.pages.ld_json import images, offer_price, product
from crawlers.pages.money import NOTHING, Money

ITEM = {"@type": "Product", "image": ["a"], "offers": {"price": "3971.45", "priceCurrency": "USD"}}


def page(*blocks: Any) -> Selector:
    texts = [block if isinstance(block, str) else json.dumps(block) for block in blocks]
    scripts = "".join(f"<script type=application/ld+json>{text}</script>" for text in texts)
    return Selector(f"<html><body>{scripts}</body></html>")


@pytest.mark.parametrize(
    "block",
    [
        ITEM,
        [{"@type": "BreadcrumbList"}, ITEM],
        {"@graph": [{"@type": "Thing"}, ITEM]},
        ITEM | {"@type": ["Thing", "Car"]},
    ],
)
def test_the_item_is_found_however_the_block_is_nested(block: Any) -> None:
    found = product(page("{broken", {"@type": "BreadcrumbList"}, block))
    assert offer_price(found) == Money("3971.45", "USD")
    assert images(found) == ["a"]


@pytest.mark.parametrize(
    "block", ["", "[" * 100_000, "null", "3", {"@type": "BreadcrumbList"}, {"@graph": 5}, {"@type": None}]
)
def test_no_item_is_an_empty_one(block: Any) -> None:
    assert product(page(block)) == {}


@pytest.mark.parametrize("offers", [None, [], "x", {}, {"price": "1"}, {"price": "soon", "priceCurrency": ""}])
def test_an_offer_without_amount_or_currency_is_no_price(offers: Any) -> None:
    assert offer_price({"offers": offers}) == NOTHING


def test_images_may_be_texts_objects_or_one_of_them() -> None:
    assert images({"image": [{"url": "a"}, {"contentUrl": "b"}, "c", None, 5, {}]}) == ["a", "b", "c"]
    assert images({"image": "a"}) == ["a"]
    assert images({}) == []
