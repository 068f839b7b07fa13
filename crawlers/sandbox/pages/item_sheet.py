"""Item pages: what the template `item` is filled with."""

from typing import Any

from crawlers.sandbox.items import Item
from crawlers.sandbox.pages.addresses import item_url, photo_urls, thumbnail
from crawlers.sandbox.pages.dollars import in_dollars, written
from crawlers.sandbox.pages.ld_json import breadcrumbs, product
from crawlers.sandbox.pages.wording import Feedback, bids, definition, place, specifics, written_date


def item_sheet(item: Item) -> dict[str, Any]:
    """All that the page of one item shows."""
    dollars = in_dollars(item)
    sizes = ("1600.jpg", "500.jpg", "140.jpg")
    return {
        "item": item,
        "url": item_url(item),
        "photos": [
            {"large": large, "small": thumbnail(small), "tiny": tiny}
            for large, small, tiny in zip(*(photo_urls(item, size) for size in sizes), strict=True)
        ],
        "own_price": written(item),
        "dollars": f"US ${dollars:,.2f}" if dollars is not None and item.currency != "USD" else "",
        "bids": bids(item),
        "sold": "" if item.started else written_date(item.sold_on),
        "definition": definition(item),
        "place": place(item),
        "feedback": Feedback.of(item.seller),
        "specifics": list(specifics(item)),
        "breadcrumbs": breadcrumbs(item),
        "product": product(item),
    }
