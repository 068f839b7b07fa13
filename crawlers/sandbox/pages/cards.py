"""Search cards: what the templates `s-card` and `s-item` are filled with, for each item."""

from dataclasses import dataclass, replace
from zlib import crc32

from crawlers.sandbox.items import Item
from crawlers.sandbox.pages.addresses import marker, photo_urls, safe, thumbnail, tracked
from crawlers.sandbox.pages.dollars import in_dollars, written
from crawlers.sandbox.pages.sponsored import VARIANTS, sponsored
from crawlers.sandbox.pages.wording import SEARCH_CONDITIONS, Feedback, offers, sold_caption


@dataclass(frozen=True, slots=True)
class Card:
    """An item as a search shows it.

    Args:
        item: the item.
        is_new: whether it was listed this night.
        item_id: its number, safe in an unquoted attribute; likewise all addresses.
        marker: the number as eBay writes it into `id`.
        href: the item page, with its tracking query.
        photo: the gallery photo, empty without one; likewise the smaller `preview` and `thumbnail`.
        price: in US dollars, where that can be said.
        was: the higher price that it had before.
        converted: whether the seller asks in another currency.
        offers: the lines that say how it can be bought.
        caption: 'Sold  Mar 7, 2026', for a sale.
        condition: in a search's words.
        sponsored: the word, spelt with decoys.
    """

    item: Item
    is_new: bool
    item_id: str
    marker: str
    href: str
    photo: str
    preview: str
    thumbnail: str
    price: str
    was: str
    converted: bool
    offers: tuple[str, ...]
    caption: str
    condition: str
    feedback: Feedback
    sponsored: str

    @classmethod
    def of(cls, item: Item, words: str, night: int) -> "Card":
        """The card of an item in a search for `words` on a night."""
        return cls(
            item=item,
            is_new=item.started == night,
            item_id=safe(item.item_id),
            marker=marker(item),
            href=tracked(item, words),
            photo=_gallery(item, "500.webp"),
            preview=_gallery(item, "140.webp"),
            thumbnail=thumbnail(_gallery(item, "225.webp")),
            price=_shown(item),
            was=_was(item),
            converted=item.currency != "USD" and in_dollars(item) is not None,
            offers=offers(item),
            caption="" if item.started else sold_caption(item.sold_on),
            condition=SEARCH_CONDITIONS.get(item.condition, item.condition),
            feedback=Feedback.of(item.seller),
            sponsored=sponsored(crc32(item.item_id.encode()) % VARIANTS),
        )


def _gallery(item: Item, size: str) -> str:
    return next(iter(photo_urls(item, size)), "")


def _shown(item: Item) -> str:
    dollars = in_dollars(item)
    return written(item) if dollars is None else f"${dollars:,.2f}"


def _was(item: Item) -> str:
    now, before = in_dollars(item), in_dollars(replace(item, price=item.earlier_price))
    return f"${before:,.2f}" if now is not None and before is not None and before > now else ""
