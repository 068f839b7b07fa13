"""The Browse API's answers: search pages (`item_summary/search`) and items (`item/{id}`)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from autodetect.records import Sighting, canonical_digest

# Item specifics as eBay Motors names them -> our field.
ASPECTS = {
    "Make": "make",
    "Model": "model",
    "Year": "year",
    "Trim": "trim",
    "Mileage": "mileage",
    "Body Type": "body_type",
    "Engine": "engine",
    "Number of Cylinders": "cylinders",
    "Drive Type": "drive_type",
    "VIN (Vehicle Identification Number)": "vin",
}


@dataclass(frozen=True)
class Provenance:
    """What is stamped on every sighting of a crawl."""

    source: str
    night: date
    permission: str
    seller_salt: str


@dataclass(frozen=True)
class Slice:
    """A part of a result set: how many listings the source says it holds."""

    name: str
    total: int


def legacy_id(item_id: str) -> str:
    """Return the item id that pages show: 'v1|123|0' and '123' are both '123'."""
    parts = item_id.split("|")
    return parts[1] if len(parts) >= 2 else item_id


def summary_digest(summary: Mapping[str, Any]) -> str:
    """Return what changes when a search page shows a listing differently: title, price, buying options, photos."""
    return canonical_digest(
        [
            summary.get("title", ""),
            summary.get("price", {}),
            sorted(summary.get("buyingOptions", [])),
            photo_urls(summary),
        ]
    )


def make_slices(answer: Mapping[str, Any]) -> list[Slice]:
    """Return the makes that a search with ASPECT_REFINEMENTS says its result set divides into."""
    for aspect in answer.get("refinement", {}).get("aspectDistributions", []):
        if aspect.get("localizedAspectName") == "Make":
            return [
                Slice(value["localizedAspectValue"], int(value["matchCount"]))
                for value in aspect.get("aspectValueDistributions", [])
            ]
    return []


def photo_urls(item: Mapping[str, Any]) -> list[str]:
    """Return an item's photo URLs, the main one first, each once."""
    images = [item.get("image", {}), *item.get("additionalImages", [])]
    return list(dict.fromkeys(image["imageUrl"] for image in images if image.get("imageUrl")))


def item_sighting(item: Mapping[str, Any], summary: str, provenance: Provenance) -> Sighting:
    """Return the sighting that an item answer describes.

    Args:
        item: the JSON of `item/{id}`.
        summary: the digest of the search page's summary of it.
        provenance: what is stamped on it.
    """
    price = item.get("price", {})
    return Sighting(
        item_id=legacy_id(item["itemId"]),
        kind="asking",
        observed_on=provenance.night,
        price=str(price.get("value", "")),
        currency=str(price.get("currency", "")),
        buying_options=tuple(sorted(item.get("buyingOptions", []))),
        url=item.get("itemWebUrl", ""),
        photo_urls=tuple(photo_urls(item)),
        summary_digest=summary,
        **common_fields(item, provenance),
    )


def common_fields(item: Mapping[str, Any], provenance: Provenance) -> dict[str, Any]:
    """Return the fields that live items and sales share: title, aspects, place, seller, provenance."""
    aspects = _aspects(item.get("localizedAspects", []))
    place = item.get("itemLocation", {})
    seller = item.get("seller", {}).get("username", "")
    return {
        "source": provenance.source,
        "title": item.get("title", ""),
        **{field: aspects[name] for name, field in ASPECTS.items() if name in aspects},
        "aspects": aspects,
        "postal_code": place.get("postalCode", ""),
        "country": place.get("country", ""),
        "seller_hash": _seller_hash(seller, provenance.seller_salt) if seller else "",
        "permission": provenance.permission,
    }


def _aspects(pairs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(pair["name"]): str(pair["value"]) for pair in pairs if pair.get("name") and pair.get("value")}


def _seller_hash(username: str, salt: str) -> str:
    """Return a salted digest: tells sellers apart within one lake, names none."""
    return hashlib.sha256(f"{salt}\0{username}".encode()).hexdigest()[:16]
