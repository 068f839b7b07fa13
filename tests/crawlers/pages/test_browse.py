"""The Browse API's answers become sightings: every field of the recorded shape, and nothing that is not there."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.pages.browse import (
    ASPECTS,
    Provenance,
    Slice,
    item_sighting,
    legacy_id,
    make_slices,
    photo_urls,
    summary_digest,
)

RECORDED = Path(__file__).parents[4] / "shared" / "ebay" / "vehicle_localizedAspects.json"
NIGHT = date(2026, 11, 1)
PROVENANCE = Provenance("ebay-api", NIGHT, "contract 7", "salt")
ITEM: dict[str, Any] = {
    "itemId": "v1|123|0",
    "title": "2012 Ford Mustang GT",
    "price": {"value": "15000.00", "currency": "USD"},
    "buyingOptions": ["FIXED_PRICE", "BEST_OFFER"],
    "itemWebUrl": "https://www.ebay.com/itm/123",
    "image": {"imageUrl": "https://i/1"},
    "additionalImages": [{"imageUrl": "https://i/2"}, {"imageUrl": "https://i/1"}, {}],
    "seller": {"username": "bob"},
    "itemLocation": {"postalCode": "100**", "country": "US"},
    "localizedAspects": [
        {"type": "STRING", "name": "Make", "value": "Ford"},
        {"type": "STRING", "name": "Model", "value": "Mustang"},
        {"type": "STRING", "name": "VIN (Vehicle Identification Number)", "value": "1ZV"},
        {"type": "STRING", "name": "Number of Cylinders", "value": 8},
        {"type": "STRING", "name": "Exterior Color", "value": "Red"},
        {"type": "STRING", "name": "Trim"},
    ],
}


def test_an_item_becomes_a_sighting() -> None:
    found = item_sighting(ITEM, "summary", PROVENANCE)
    assert (found.source, found.item_id, found.kind, found.observed_on) == ("ebay-api", "123", "asking", NIGHT)
    assert (found.title, found.price, found.currency) == ("2012 Ford Mustang GT", "15000.00", "USD")
    assert (found.make, found.model, found.vin, found.cylinders, found.trim) == ("Ford", "Mustang", "1ZV", "8", "")
    assert found.aspects["Exterior Color"] == "Red"
    assert (found.postal_code, found.country) == ("100**", "US")
    assert found.buying_options == ("BEST_OFFER", "FIXED_PRICE")
    assert found.photo_urls == ("https://i/1", "https://i/2")
    assert (found.url, found.permission, found.summary_digest) == (ITEM["itemWebUrl"], "contract 7", "summary")


def test_an_item_may_lack_everything_but_its_id() -> None:
    found = item_sighting({"itemId": "v1|9|0"}, "", PROVENANCE)
    assert (found.item_id, found.title, found.price, found.photo_urls, found.seller_hash) == ("9", "", "", (), "")


@pytest.mark.parametrize("item_id", ["v1|123|0", "v1|123|456", "123"])
def test_an_item_has_one_id_however_it_is_written(item_id: str) -> None:
    assert legacy_id(item_id) == "123"


def test_sellers_are_told_apart_and_named_nowhere() -> None:
    def hashed(name: str, salt: str = "salt") -> str:
        provenance = Provenance("ebay-api", NIGHT, "", salt)
        found = item_sighting(ITEM | {"seller": {"username": name}}, "", provenance)
        assert name not in found.model_dump_json()
        return found.seller_hash

    assert hashed("bob the seller") == hashed("bob the seller")
    assert len({hashed("bob the seller"), hashed("alice"), hashed("bob the seller", "other")}) == 3


def test_the_gallery_photo_comes_first_and_none_twice() -> None:
    assert photo_urls(ITEM) == ["https://i/1", "https://i/2"]
    assert photo_urls({"additionalImages": [{"imageUrl": "b"}, {"imageUrl": "a"}]}) == ["b", "a"]
    assert photo_urls({}) == []


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"title": "other"}, False),
        ({"price": {"value": "14000.00", "currency": "USD"}}, False),
        ({"buyingOptions": ["AUCTION"]}, False),
        ({"image": {"imageUrl": "https://i/9"}}, False),
        ({"buyingOptions": ["BEST_OFFER", "FIXED_PRICE"]}, True),
        ({"seller": {"username": "alice"}, "watchCount": 3}, True),
    ],
)
def test_a_search_result_differs_when_what_it_shows_of_the_listing_does(change: dict[str, Any], same: bool) -> None:
    assert (summary_digest(ITEM | change) == summary_digest(ITEM)) == same


def test_the_makes_of_a_result_set_are_its_slices() -> None:
    def aspect(name: str, **counts: int) -> dict[str, Any]:
        values = [{"localizedAspectValue": value, "matchCount": count} for value, count in counts.items()]
        return {"localizedAspectName": name, "aspectValueDistributions": values}

    answer = {"refinement": {"aspectDistributions": [aspect("Year", y2012=1), aspect("Make", Ford=7, Audi=3)]}}
    assert make_slices(answer) == [Slice("Ford", 7), Slice("Audi", 3)]
    assert make_slices({"refinement": {"aspectDistributions": [aspect("Year", y2012=1)]}}) == []
    assert make_slices({}) == make_slices({"refinement": {}}) == []


@pytest.mark.skipif(not RECORDED.is_file(), reason="the recorded answers (../shared/ebay) are not here")
def test_the_item_specifics_of_a_recorded_vehicle_are_understood() -> None:
    recorded = json.loads(RECORDED.read_text("utf-8"))
    aspects = recorded["localizedAspects"] if isinstance(recorded, dict) else recorded
    found = item_sighting({"itemId": "1", "localizedAspects": aspects}, "", PROVENANCE)
    given = {each["name"]: each["value"] for each in aspects}
    named = {ASPECTS[name]: value for name, value in given.items() if name in ASPECTS}
    assert {"make", "model", "year", "mileage"} <= set(named)
    assert {name: getattr(found, name) for name in named} == named
    assert found.aspects == given


TEXT = st.text(max_size=10)
ANSWERS = st.fixed_dictionaries(
    {"itemId": TEXT},
    optional={
        "title": TEXT,
        "price": st.fixed_dictionaries({}, optional={"value": TEXT, "currency": TEXT}),
        "image": st.fixed_dictionaries({}, optional={"imageUrl": TEXT}),
        "localizedAspects": st.lists(st.fixed_dictionaries({}, optional={"name": TEXT, "value": TEXT}), max_size=4),
        "seller": st.fixed_dictionaries({}, optional={"username": TEXT}),
        "buyingOptions": st.lists(TEXT, max_size=3),
    },
)


@settings(deadline=None, max_examples=200)
@given(ANSWERS)
def test_any_answer_with_parts_left_out_is_read_the_same_way_twice(answer: dict[str, Any]) -> None:
    first, again = (item_sighting(json.loads(json.dumps(answer)), "", PROVENANCE) for _ in range(2))
    assert first.digest == again.digest
    assert first.title == answer.get("title", "")
