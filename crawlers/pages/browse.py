"""The Browse API's answers: search pages (`item_summary/search`) and items (`item/{id}`)."""

from collections.abc import Iterable, Mapping
from typing import Any

from crawlers.advert import Advert, SearchAnswer
from crawlers.specifics import fields_of


def legacy_id(item_id: str) -> str:
    """Return the item id that pages show: 'v1|123|0' and '123' are both '123'."""
    parts = item_id.split("|")
    return parts[1] if len(parts) >= 2 else item_id


def search_answer(answer: Mapping[str, Any]) -> SearchAnswer:
    """Return what a search answer says.

    Raises:
        KeyError, TypeError, ValueError: it is not one.
    """
    return SearchAnswer(
        total=int(answer["total"]),
        entries=tuple(advert(summary) for summary in answer.get("itemSummaries", [])),
        refinements=refinements(answer),
    )


def refinements(answer: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return, of a search with ASPECT_REFINEMENTS, how many results each value of each aspect has."""
    return {
        aspect["localizedAspectName"]: {
            value["localizedAspectValue"]: int(value["matchCount"])
            for value in aspect.get("aspectValueDistributions", [])
        }
        for aspect in answer.get("refinement", {}).get("aspectDistributions", [])
    }


def advert(item: Mapping[str, Any]) -> Advert:
    """Return what an item answer, or a search's summary of one, says.

    Where the seller's currency is not the marketplace's, eBay shows the converted price in `price` and the seller's
    own in `convertedFromValue` and `convertedFromCurrency`. `itemOriginDate` stands in summaries alone.
    """
    price = item.get("price") or item.get("currentBidPrice") or {}
    converted = "convertedFromValue" in price
    shown = str(price.get("value", "")), str(price.get("currency", ""))
    own = (str(price["convertedFromValue"]), str(price.get("convertedFromCurrency", ""))) if converted else shown
    return Advert(
        item_id=legacy_id(item["itemId"]),
        url=str(item.get("itemWebUrl", "")),
        price=own[0],
        currency=own[1],
        converted_price=shown[0] if converted else "",
        converted_currency=shown[1] if converted else "",
        buying_options=tuple(sorted(item.get("buyingOptions", []))),
        bids=str(item.get("bidCount", "")),
        condition=str(item.get("condition", "")),
        origin_at=str(item.get("itemOriginDate", "")),
        photo_urls=tuple(photo_urls(item)),
        **common_fields(item),
    )


def photo_urls(item: Mapping[str, Any]) -> list[str]:
    """Return an item's photo URLs, the main one first, each once."""
    images = [item.get("image", {}), *item.get("additionalImages", [])]
    return list(dict.fromkeys(image["imageUrl"] for image in images if image.get("imageUrl")))


def common_fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that live items and sales share: title, specifics, place, seller."""
    aspects = _aspects(item.get("localizedAspects", []))
    place = item.get("itemLocation", {})
    return {
        "title": str(item.get("title", "")),
        **fields_of(aspects),
        "aspects": aspects,
        "postal_code": str(place.get("postalCode", "")),
        "city": str(place.get("city", "")),
        "state": str(place.get("stateOrProvince", "")),
        "country": str(place.get("country", "")),
        "seller": str(item.get("seller", {}).get("username", "")),
    }


def _aspects(pairs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(pair["name"]): str(pair["value"]) for pair in pairs if pair.get("name") and pair.get("value")}
