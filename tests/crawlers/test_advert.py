"""An advert becomes a sighting: asking tonight, or sold on its own day; the seller's name stays behind."""

from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest

from crawlers.advert import Advert, Provenance, seller_hash, sighting, summary_digest

NIGHT = date(2026, 11, 1)
PROVENANCE = Provenance("ebay-pages", NIGHT, "contract 7", "salt")
ADVERT = Advert(
    item_id="123",
    url="https://www.ebay.com/itm/123",
    title="2012 Ford Mustang GT",
    price="15000.00",
    currency="USD",
    buying_options=("BEST_OFFER", "FIXED_PRICE"),
    make="Ford",
    photo_urls=("https://i/1", "https://i/2"),
    seller="bob the seller",
    aspects={"Make": "Ford", "Exterior Color": "Red"},
)


def test_a_listing_is_asking_on_the_night_of_the_crawl() -> None:
    found = sighting(ADVERT, PROVENANCE, summary="digest")
    assert (found.source, found.item_id, found.kind, found.observed_on) == ("ebay-pages", "123", "asking", NIGHT)
    assert (found.permission, found.summary_digest, found.precision) == ("contract 7", "digest", "day")


def test_a_sale_is_sold_on_its_own_day_to_its_own_precision() -> None:
    found = sighting(replace(ADVERT, sold_on=date(2019, 1, 1), sold_precision="year"), PROVENANCE)
    assert (found.kind, found.observed_on, found.precision) == ("sold", date(2019, 1, 1), "year")


def test_every_field_of_an_advert_reaches_its_sighting_except_the_sellers_name() -> None:
    found = sighting(ADVERT, PROVENANCE)
    kept = [each.name for each in fields(Advert) if each.name not in {"seller", "sold_on", "sold_precision"}]
    assert {name: getattr(found, name) for name in kept} == {name: getattr(ADVERT, name) for name in kept}
    assert ADVERT.seller not in found.model_dump_json()


def test_sellers_are_told_apart_within_a_lake_and_not_across_lakes() -> None:
    assert seller_hash("bob", "salt") == seller_hash("bob", "salt")
    assert len({seller_hash("bob", "salt"), seller_hash("alice", "salt"), seller_hash("bob", "other")}) == 3
    assert sighting(replace(ADVERT, seller=""), PROVENANCE).seller_hash == ""


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"title": "other"}, False),
        ({"price": "14000.00"}, False),
        ({"currency": "CAD"}, False),
        ({"buying_options": ("AUCTION",)}, False),
        ({"photo_urls": ("https://i/2", "https://i/1")}, False),
        ({"buying_options": ("FIXED_PRICE", "BEST_OFFER")}, True),
        ({"seller": "alice", "bids": "3", "condition": "Used"}, True),
    ],
)
def test_a_search_result_differs_when_what_it_shows_of_the_listing_does(change: dict[str, Any], same: bool) -> None:
    assert (summary_digest(replace(ADVERT, **change)) == summary_digest(ADVERT)) == same
