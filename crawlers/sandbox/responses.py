"""The JSON shapes of eBay's Browse API (v1) and Marketplace Insights API (v1 beta), as far as the sandbox fills them.

A field that has no value is left out, as eBay does. `base` is the address under which the caller reached the sandbox.
Photos and item pages carry the addresses of hosts that do not exist (RFC 2606): like eBay's they are other hosts than
the API's, and the same on every run, whatever port the sandbox got. Photos are asked of the sandbox by their path.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from crawlers.sandbox.items import Item
from crawlers.sandbox.query import CATEGORY, NOT_SPECIFIED, WINDOW, Search

Json = dict[str, Any]
PHOTO_HOST = "https://i.sandbox.invalid"
WEB_HOST = "https://www.sandbox.invalid"
BROWSE = "/buy/browse/v1"
SEARCH_PATH = f"{BROWSE}/item_summary/search"
SALES_PATH = "/buy/marketplace_insights/v1_beta/item_sales/search"
CONDITION_IDS = {"New": "1000", "Used": "3000"}
REFINED_ASPECTS = ("Make", "Model", "Year")


def item_id(item: Item) -> str:
    """The RESTful item id."""
    return f"v1|{item.item_id}|0"


def errors(*refusals: tuple[int, str, str]) -> Json:
    """The error body, from (error id, domain, message)."""
    return {"errors": [error(*refusal) for refusal in refusals]}


def error(error_id: int, domain: str, message: str) -> Json:
    """One error or warning."""
    return {"errorId": error_id, "domain": domain, "category": "REQUEST", "message": message, "longMessage": message}


def page(search: Search, chosen: Sequence[Item], base: str, path: str, params: Mapping[str, str]) -> Json:
    """A page of search results."""

    def href(offset: int) -> str:
        return f"{base}{path}?{urlencode({**params, 'limit': search.limit, 'offset': offset})}"

    body: Json = {"href": href(search.offset), "total": len(chosen), "limit": search.limit, "offset": search.offset}
    following = search.offset + search.limit
    if search.with_items and following < min(len(chosen), WINDOW):
        body["next"] = href(following)
    if search.with_items and search.offset:
        body["prev"] = href(search.offset - search.limit)
    sales = path == SALES_PATH
    if search.with_items and search.offset < len(chosen):
        shown = chosen[search.offset : following]
        body["itemSales" if sales else "itemSummaries"] = [sale(it) if sales else summary(it, base) for it in shown]
    if search.with_aspects:
        body["refinement"] = _refinement(chosen, f"{base}{path}", params)
    if search.warnings:
        body["warnings"] = [error(number, "API_BROWSE", message) for number, message in search.warnings]
    return body


def _refinement(chosen: Sequence[Item], url: str, params: Mapping[str, str]) -> Json:
    """How many of the chosen items have each make, model and year, or none, and the search that narrows to it."""
    kept = {name: value for name, value in params.items() if name not in ("offset", "fieldgroups")}
    before = kept.pop("aspect_filter", f"categoryId:{CATEGORY}")
    distributions = []
    for name in REFINED_ASPECTS:
        counts = Counter(item.aspects.get(name, NOT_SPECIFIED) for item in chosen)
        values = []
        for value, count in sorted(counts.items()):
            href = f"{url}?{urlencode({**kept, 'aspect_filter': f'{before},{name}:{{{escaped(value)}}}'})}"
            values.append({"localizedAspectValue": value, "matchCount": count, "refinementHref": href})
        distributions.append({"localizedAspectName": name, "aspectValueDistributions": values})
    return {"dominantCategoryId": CATEGORY, "aspectDistributions": distributions}


def escaped(value: str) -> str:
    """An aspect value as `aspect_filter` wants it."""
    return "".join(f"\\{character}" if character in "\\|{}" else character for character in value)


def _photos(item: Item) -> Json:
    images = [{"imageUrl": f"{PHOTO_HOST}/images/g/{quote(photo)}/s-l1600.jpg"} for photo in item.photos]
    fields: Json = {"image": images[0]} if images else {}
    if images[1:]:
        fields["additionalImages"] = images[1:]
    return fields


def _common(item: Item) -> Json:
    """What a search result and an item page share."""
    body: Json = {
        "itemId": item_id(item),
        "legacyItemId": item.item_id,
        "title": item.title,
        "itemWebUrl": f"{WEB_HOST}/itm/{quote(item.item_id)}",
        "buyingOptions": list(item.buying_options),
        "condition": item.condition,
        "seller": {"username": item.seller},
        "itemLocation": _location(item),
    } | _photos(item)
    if item.price:
        body["price"] = {"value": item.price, "currency": item.currency}
    if item.condition in CONDITION_IDS:
        body["conditionId"] = CONDITION_IDS[item.condition]
    if item.bids.isdecimal():
        body["bidCount"] = int(item.bids)
    return body


def _location(item: Item) -> Json:
    named = {"city": item.city, "stateOrProvince": item.state, "postalCode": item.postal_code}
    return {name: value for name, value in named.items() if value} | {"country": "US"}


def summary(item: Item, base: str) -> Json:
    """An `ItemSummary`. When the offer was first put up stands here and not in the item, as on eBay."""
    origin = {"itemOriginDate": item.origin} if item.origin else {}
    return (
        _common(item)
        | origin
        | {
            "itemHref": f"{base}{BROWSE}/item/{quote(item_id(item), safe='')}",
            "categories": [{"categoryId": CATEGORY}],
        }
    )


def details(item: Item) -> Json:
    """An `Item`."""
    return _common(item) | {
        "categoryId": CATEGORY,
        "categoryPath": "eBay Motors|Cars & Trucks",
        "localizedAspects": _aspects(item),
    }


def _aspects(item: Item) -> list[Json]:
    return [{"type": "STRING", "name": name, "value": value} for name, value in item.aspects.items()]


def sale(item: Item) -> Json:
    """An `ItemSales`; its item specifics come along, since a sale has no item page to ask for them."""
    body: Json = {
        "itemId": item_id(item),
        "title": item.title,
        "itemLocation": _location(item),
        "localizedAspects": _aspects(item),
        "totalSoldQuantity": 1,
    }
    if item.price:
        body["lastSoldPrice"] = {"value": item.price, "currency": item.currency}
    if item.sold_on:
        body["lastSoldDate"] = item.sold_on
    return body
