"""One entry of a search page: today's `s-card` markup and the older `s-item`, read into the same fields."""

import re
from datetime import date
from typing import ClassVar, NamedTuple

import attr
from parsel import Selector
from web_poet import SelectorExtractor, field

from autodetect.records import Precision
from crawlers.advert import Advert
from crawlers.pages.buying import bids_of, buying_options, offer_accepted
from crawlers.pages.dates import read_date
from crawlers.pages.links import host_of, item_id_of, item_url, photo_urls
from crawlers.pages.markup import collapse, seen_text
from crawlers.pages.money import NOTHING, Money, is_range, read_money
from crawlers.pages.offer_fields import OfferFields
from crawlers.pages.place import Place, read_place, says_place

FILLER_ID, FILLER_TITLE = "123456", "Shop on eBay"
_DEBRIS = re.compile(
    r"^(?:new listing|neues angebot|sponsored|anzeige:)\s*|"
    r"\s*(?:opens in a new window or tab|wird in neuem fenster oder tab geöffnet)\.?$",
    re.IGNORECASE,
)
_SOLD = re.compile(r"^\W*(?:sold|verkauft)\b", re.IGNORECASE)
# What stands inside the title without being part of it.
_TAGS = "LIGHT_HIGHLIGHT s-card__new-listing s-item__title--tag s-item__title--tagblock"
_APPROXIMATELY = re.compile(r"^\W*(?:approx(?:\.|imately)?|ca\.|≈)", re.IGNORECASE)
_SELLER_ROW = "s-item__seller-info"  # a name may be anything: it says nothing of the item
_IMAGE_SOURCES = ("data-defer-load", "data-src", "src")


class Marks(NamedTuple):
    """CSS selectors of one generation of markup."""

    title: str
    caption: str
    rows: str
    price: str
    struck: str
    converted: str
    images: str


@attr.s(auto_attribs=True)
class SearchEntry(OfferFields, SelectorExtractor[Advert]):
    """What both generations share.

    Args:
        selector: the entry's element.
        page_url: the address of the page it is on.
    """

    page_url: str
    marks: ClassVar[Marks]

    def is_listing(self) -> bool:
        """Return whether this is a listing, not one of the filler cards that lead nowhere."""
        return self.item_id not in {"", FILLER_ID} and self.title != FILLER_TITLE

    @field
    def item_id(self) -> str:
        """The number in the link; filler cards carry that of some other listing beside it."""
        if found := item_id_of(self._link()):
            return found
        return (self.css("::attr(data-listingid)").get() or "").strip() if not self._link() else ""

    @field
    def url(self) -> str:
        """The item page."""
        return item_url(self.page_url, self._link(), self.item_id)

    @field
    def title(self) -> str:
        """As the seller wrote it."""
        text = seen_text(self.css(self.marks.title)[:1], without=_TAGS)
        while (clean := _DEBRIS.sub("", text).strip()) != text:
            text = clean
        return text

    @field
    def buying_options(self) -> tuple[str, ...]:
        """A live price without a word is a fixed price."""
        said = buying_options(self._lines())
        live = self.sold_on is None and seen_text(self.css(self.marks.price))
        return said or (("FIXED_PRICE",) if live else ())

    @field
    def bids(self) -> str:
        """Of an auction."""
        return bids_of(self._lines())

    @field
    def sold_on(self) -> date | None:
        """The day in the caption 'Sold Mar 7, 2026'."""
        sale = self._sale()
        return sale[0] if sale else None

    @field
    def sold_precision(self) -> Precision:
        """As the caption is written; the day on eBay."""
        sale = self._sale()
        return sale[1] if sale else "day"

    @field
    def photo_urls(self) -> tuple[str, ...]:
        """The preview's photos at full size."""
        images = self.css(self.marks.images)
        shown = (next(filter(None, map(image.attrib.get, _IMAGE_SOURCES)), "") for image in images)
        return photo_urls(self.page_url, shown)

    def _link(self) -> str:
        return self.css('a[href*="/itm/"]::attr(href)').get() or ""

    def _lines(self) -> list[str]:
        return [line for row in self.css(self.marks.rows) if (line := seen_text(row, without=_SELLER_ROW))]

    def _money(self) -> Money:
        return NOTHING if self._shows_converted() or offer_accepted(self._lines()) else self._shown_price()

    def _converted(self) -> Money:
        if self._shows_converted():
            return self._shown_price()
        apart = (read_money(line, host_of(self.page_url)) for line in self._lines() if _APPROXIMATELY.match(line))
        return next((money for money in apart if money != NOTHING), NOTHING)

    def _shows_converted(self) -> bool:
        return bool(self.css(self.marks.converted))

    def _shown_price(self) -> Money:
        """The first price that is not struck through; a row may show its pieces in several elements."""
        first = self.css(self.marks.price)[:1]
        row = first.xpath("..")
        if is_range(seen_text(row, without=self.marks.struck)):
            return NOTHING
        pieces = row.css(self.marks.price)
        return read_money(seen_text(pieces, without=self.marks.struck), host_of(self.page_url))

    def _sale(self) -> tuple[date, Precision] | None:
        captions = map(seen_text, self.css(self.marks.caption))
        return next((read_date(text) for text in captions if _SOLD.match(text)), None)

    def _place(self) -> Place:
        return next((read_place(line) for line in self._lines() if says_place(line)), Place())


class SCard(SearchEntry):
    """An entry in the `s-card` markup."""

    marks = Marks(
        title=".s-card__title",
        caption=".s-card__caption",
        rows=".su-card-container__attributes__primary .s-card__attribute-row",
        price=".s-card__price",
        struck="strikethrough",
        converted=".s-card__price.italic, .s-card__price .italic",
        images=".su-card-container__media img, img.s-card__image",
    )

    @field
    def condition(self) -> str:
        """The last subtitle; those before it are the seller's own words."""
        return _first_part(seen_text(self.css(".s-card__subtitle")[-1:]))

    @field
    def seller(self) -> str:
        """The name before the feedback, or in a badge."""
        rows = self.css(".su-card-container__attributes__secondary .s-card__attribute-row")
        for row in rows:
            pieces = [seen_text(piece) for piece in row.xpath("./span")]
            if len(pieces) > 1 and "%" in pieces[1]:
                return pieces[0]
        badge = seen_text(rows.css(".su-program-badge")[:1])
        return badge or _without_feedback(seen_text(rows[:1]))


class SItem(SearchEntry):
    """An entry in the `s-item` markup."""

    marks = Marks(
        title=".s-item__title",
        caption=".s-item__caption, .s-item__title--tag, .s-item__title--tagblock, .s-item__caption--signal",
        rows=".s-item__detail",
        price=".s-item__price",
        struck="STRIKETHROUGH",
        converted=".s-item__price .ITALIC",
        images=".s-item__image img, img.s-item__image-img",
    )

    @field
    def condition(self) -> str:
        """What is marked as such; a subtitle without the mark is the seller's own words."""
        marked = self.css(".s-item__subtitle .SECONDARY_INFO, .s-item__normalizedCondition .SECONDARY_INFO")
        return _first_part(seen_text(marked[-1:]))

    @field
    def seller(self) -> str:
        """The name before the number of ratings."""
        return _without_feedback(seen_text(self.css(".s-item__seller-info-text")[:1]))


def entry_of(element: Selector, page_url: str) -> SearchEntry:
    """Return the reader of an entry's generation."""
    generation = SCard if "s-card" in element.attrib.get("class", "").split() else SItem
    return generation(element, page_url)


def _first_part(text: str) -> str:
    return collapse(re.split(r"\s[·|]\s", text, maxsplit=1)[0])


def _without_feedback(text: str) -> str:
    """Return the name in 'name (1,234) 99.8%' and in 'name 100% positive (354)'."""
    return re.sub(r"\s+(?:\(|[\d.,]+\s?%).*$", "", text)
