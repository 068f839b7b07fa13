"""The two JSON-LD blocks of an item page."""

import json
from typing import Any

from crawlers.sandbox.items import Item
from crawlers.sandbox.pages.addresses import CATEGORY_URL, item_url, marker, photo_urls, safe
from crawlers.sandbox.pages.dollars import in_dollars
from crawlers.sandbox.responses import WEB_HOST


def breadcrumbs(item: Item) -> str:
    """The first JSON-LD block."""
    trail = [("eBay", WEB_HOST), ("eBay Motors", f"{WEB_HOST}/b/Auto-Parts-Vehicles/6000/bn_1865334")]
    trail.append(("Cars & Trucks", CATEGORY_URL))
    if make := item.aspects.get("Make"):
        trail.append((make, f"{CATEGORY_URL}?Make={safe(safe(make))}"))
    steps = [
        {"@type": "ListItem", "position": position, "name": name, "item": url}
        for position, (name, url) in enumerate(trail, start=1)
    ]
    return _json({"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": steps})


def product(item: Item) -> str:
    """The second JSON-LD block: its price is in US dollars, whatever the seller asks in."""
    offer: dict[str, Any] = {
        "@type": "Offer",
        "url": f"{item_url(item)}?hash={marker(item)}",
        "itemCondition": f"https://schema.org/{'New' if item.condition == 'New' else 'Used'}Condition",
        "availability": f"https://schema.org/{'InStock' if item.started else 'OutOfStock'}",
    }
    dollars = in_dollars(item)
    if dollars is not None:
        offer |= {"priceCurrency": "USD", "price": f"{dollars:.2f}"}
    images = photo_urls(item, "1600.jpg")
    body = {"@type": "Product", "@context": "https://schema.org", "name": item.title, "image": images, "offers": offer}
    return _json(body)


def _json(body: dict[str, Any]) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
