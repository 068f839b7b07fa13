"""The Browse API's answers become adverts: every field of the recorded shape, and nothing that is not there."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.pages.browse import advert, legacy_id, photo_urls, refinements, search_answer
from crawlers.specifics import NAMES

RECORDED = Path(__file__).parents[4] / "shared" / "ebay" / "vehicle_localizedAspects.json"
ITEM: dict[str, Any] = {
    "itemId": "v1|123|0",
    "title": "2012 Ford Mustang GT",
    "price": {"value": "15000.00", "currency": "USD"},
    "buyingOptions": ["FIXED_PRICE", "BEST_OFFER"],
    "condition": "Used",
    "itemWebUrl": "https://www.ebay.com/itm/123",
    "image": {"imageUrl": "https://i/1"},
    "additionalImages": [{"imageUrl": "https://i/2"}, {"imageUrl": "https://i/1"}, {}],
    "seller": {"username": "bob"},
    "itemLocation": {"postalCode": "100**", "city": "New York", "stateOrProvince": "NY", "country": "US"},
    "localizedAspects": [
        {"type": "STRING", "name": "Make", "value": "Ford"},
        {"type": "STRING", "name": "Model", "value": "Mustang"},
        {"type": "STRING", "name": "Number of Cylinders", "value": 8},
        {"type": "STRING", "name": "Exterior Color", "value": "Red"},
        {"type": "STRING", "name": "Trim"},
    ],
}


def aspect(name: str, **counts: int) -> dict[str, Any]:
    values = [{"localizedAspectValue": value, "matchCount": count} for value, count in counts.items()]
    return {"localizedAspectName": name, "aspectValueDistributions": values}


def test_an_item_becomes_an_advert() -> None:
    found = advert(ITEM)
    assert (found.item_id, found.title, found.url) == ("123", "2012 Ford Mustang GT", ITEM["itemWebUrl"])
    assert (found.price, found.currency) == ("15000.00", "USD")
    assert (found.converted_price, found.converted_currency) == ("", "")
    assert (found.make, found.model, found.cylinders, found.trim) == ("Ford", "Mustang", "8", "")
    assert found.aspects["Exterior Color"] == "Red"
    assert (found.postal_code, found.city, found.state, found.country) == ("100**", "New York", "NY", "US")
    assert (found.buying_options, found.condition, found.bids) == (("BEST_OFFER", "FIXED_PRICE"), "Used", "")
    assert (found.photo_urls, found.seller) == (("https://i/1", "https://i/2"), "bob")
    assert found.sold_on is None


def test_an_item_may_lack_everything_but_its_id() -> None:
    found = advert({"itemId": "v1|9|0"})
    assert (found.item_id, found.title, found.price, found.photo_urls, found.seller) == ("9", "", "", (), "")


def test_the_sellers_own_price_is_the_price_and_what_ebay_made_of_it_is_kept_apart() -> None:
    price = {"value": "26665.45", "currency": "USD", "convertedFromValue": "23500", "convertedFromCurrency": "EUR"}
    found = advert(ITEM | {"price": price})
    assert (found.price, found.currency) == ("23500", "EUR")
    assert (found.converted_price, found.converted_currency) == ("26665.45", "USD")


def test_an_auction_shows_its_highest_bid() -> None:
    auction = {"itemId": "1", "currentBidPrice": {"value": "610", "currency": "USD"}, "bidCount": 7}
    found = advert(auction | {"buyingOptions": ["AUCTION"]})
    assert (found.price, found.bids, found.buying_options) == ("610", "7", ("AUCTION",))


@pytest.mark.parametrize("item_id", ["v1|123|0", "v1|123|456", "123"])
def test_an_item_has_one_id_however_it_is_written(item_id: str) -> None:
    assert legacy_id(item_id) == "123"


def test_the_gallery_photo_comes_first_and_none_twice() -> None:
    assert photo_urls(ITEM) == ["https://i/1", "https://i/2"]
    assert photo_urls({"additionalImages": [{"imageUrl": "b"}, {"imageUrl": "a"}]}) == ["b", "a"]
    assert photo_urls({}) == []


def test_a_search_answer_has_its_total_its_entries_and_the_counts_of_each_aspect() -> None:
    distributions = [aspect("Year", y2012=1), aspect("Make", Ford=7, Audi=3)]
    answer = {"total": 1204, "itemSummaries": [ITEM], "refinement": {"aspectDistributions": distributions}}
    found = search_answer(answer)
    assert (found.total, found.entries) == (1204, (advert(ITEM),))
    assert found.refinements == {"Year": {"y2012": 1}, "Make": {"Ford": 7, "Audi": 3}}
    assert search_answer({"total": 0}).entries == ()


def test_an_answer_without_counts_of_aspects_has_none() -> None:
    assert refinements({}) == refinements({"refinement": {}}) == {}
    assert refinements({"refinement": {"aspectDistributions": [{"localizedAspectName": "Make"}]}}) == {"Make": {}}


@pytest.mark.parametrize(
    "answer",
    [{}, {"total": "many"}, {"total": None}, {"total": 1, "itemSummaries": [{}]}, {"total": 1, "itemSummaries": 3}],
)
def test_what_is_no_search_answer_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        search_answer(answer)


@pytest.mark.skipif(not RECORDED.is_file(), reason="the recorded answers (../shared/ebay) are not here")
def test_the_item_specifics_of_a_recorded_vehicle_are_understood() -> None:
    aspects = json.loads(RECORDED.read_text("utf-8"))
    given = {each["name"]: each["value"] for each in aspects}
    found = advert({"itemId": "1", "localizedAspects": aspects})
    assert found.aspects == given
    said = {field: given[name] for field, names in NAMES.items() for name in names if name in given}
    assert {field: getattr(found, field) for field in said} == said
    assert {"make", "model", "year", "mileage", "title_status"} <= set(said)
    assert found.vin == given["VIN (Vehicle Identification Number)"]


TEXT = st.text(max_size=10)
ANSWERS = st.fixed_dictionaries(
    {"itemId": TEXT},
    optional={
        "title": TEXT,
        "price": st.fixed_dictionaries({}, optional={"value": TEXT, "currency": TEXT, "convertedFromValue": TEXT}),
        "image": st.fixed_dictionaries({}, optional={"imageUrl": TEXT}),
        "localizedAspects": st.lists(st.fixed_dictionaries({}, optional={"name": TEXT, "value": TEXT}), max_size=4),
        "seller": st.fixed_dictionaries({}, optional={"username": TEXT}),
        "buyingOptions": st.lists(TEXT, max_size=3),
    },
)


@settings(deadline=None, max_examples=200)
@given(ANSWERS)
def test_any_answer_with_parts_left_out_is_read(answer: dict[str, Any]) -> None:
    found = advert(json.loads(json.dumps(answer)))
    assert found.title == answer.get("title", "")
    assert set(found.aspects) == {
        each["name"] for each in answer.get("localizedAspects", []) if each.get("name") and each.get("value")
    }


def test_when_an_offer_was_first_put_up_stands_in_a_summary() -> None:
    summary = ITEM | {"itemOriginDate": "2026-01-03T14:07:21.482Z"}
    answer = search_answer({"total": 1, "itemSummaries": [summary]})
    assert [entry.origin_at for entry in answer.entries] == ["2026-01-03T14:07:21.482Z"]
    assert advert(ITEM).origin_at == ""
