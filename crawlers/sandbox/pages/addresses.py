"""The addresses that pages show: of hosts that do not exist, and such that they may stand in unquoted attributes."""

from urllib.parse import quote
from zlib import crc32

from crawlers.sandbox.items import Item
from crawlers.sandbox.query import CATEGORY
from crawlers.sandbox.responses import PHOTO_HOST, WEB_HOST

HOME = f"{WEB_HOST}/"
CATEGORY_URL = f"{WEB_HOST}/b/Cars-Trucks/{CATEGORY}/bn_1865117"
FILLER_URL = "https://sandbox.invalid/itm/123456?_skw=car&hash=item1e240"  # of the cards 'Shop on eBay'
FILLER_PHOTO = "https://ir.sandbox.invalid/rs/v/shop.png"


def item_url(item: Item) -> str:
    """The address of an item's page."""
    return f"{WEB_HOST}/itm/{safe(item.item_id)}"


def tracked(item: Item, words: str) -> str:
    """The address as a search for `words` links to it."""
    return f"{item_url(item)}?_skw={safe(words)}&hash={marker(item)}"


def photo_urls(item: Item, size: str) -> list[str]:
    """The addresses of an item's photos in a size: '1600.jpg', '500.webp'."""
    return [f"{PHOTO_HOST}/images/g/{safe(photo)}/s-l{size}" for photo in item.photos]


def thumbnail(photo: str) -> str:
    """The same photo from where eBay keeps its small ones."""
    return photo.replace("/images/", "/thumbs/images/")


def marker(item: Item) -> str:
    """An item's number as it stands in `hash` and `id`."""
    number = int(item.item_id) if item.item_id.isdecimal() else crc32(item.item_id.encode())
    return f"item{number:x}"


def safe(text: str, besides: str = "") -> str:
    """Text as a part of an address; the characters `besides` stay as they are."""
    return quote(text, safe=besides)
