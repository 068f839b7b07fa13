"""eBay's item pages: `https://<host>/itm/<item id>`."""

import re
from collections.abc import Mapping
from datetime import date

from parsel import Selector
from web_poet import WebPage, field
from web_poet.utils import cached_method

from autodetect.records import Precision
from crawlers.advert import Advert
from crawlers.pages.buying import bids_of, buying_options, offer_accepted
from crawlers.pages.dates import read_date, read_http_date
from crawlers.pages.item_specifics import read_specifics
from crawlers.pages.ld_json import images, offer_price, product
from crawlers.pages.links import host_of, item_id_of, item_url, photo_urls
from crawlers.pages.markup import UnknownMarkupError, collapse, html_of, seen_text
from crawlers.pages.money import NOTHING, Money, read_money
from crawlers.pages.offer_fields import OfferFields
from crawlers.pages.place import Place, read_place, says_place
from crawlers.pages.sale_status import SaleStatus, sale_status
from crawlers.pages.vehicle_fields import VehicleFields
from crawlers.specifics import fields_of

_TITLE = "h1.x-item-title__mainTitle, [data-testid=x-item-title] h1, h1#itemTitle"
_PRICES = ".x-price-section, [data-testid=x-price-section], .x-bin-price, .x-bid-price"
_FIXED = ".x-bin-price, [data-testid=x-bin-price]"
_BID = ".x-bid-price, [data-testid=x-bid-price]"
_BID_COUNT = ".x-bid-count, [data-testid=x-bid-count], .x-quantity__bids"
_BUTTONS = (
    ".x-buybox-cta .ux-call-to-action__text, [data-testid=x-buybox-cta] .ux-call-to-action__text,"
    " #mainContent .ux-call-to-action__text"
)
_MESSAGES = ".d-statusmessage, [data-testid=d-statusmessage], .x-alert-module, .d-top-panel-message, #msgPanel"
_ENDED_LABEL = (
    "//*[@id='mainContent']//text()[starts-with(normalize-space(), 'Ended') or"
    " starts-with(normalize-space(), 'Beendet')]/ancestor::div[1]"
)
_CONDITION = ".x-item-condition-text, [data-testid=x-item-condition-text], .x-item-condition-value"
_CAROUSEL = ".ux-image-carousel-item img, .ux-image-carousel img, .ux-image-grid-item img"
_FILMSTRIP = ".ux-image-filmstrip-carousel-item img, .ux-image-filmstrip img"
_RELISTED = re.compile(r"\b(?:relisted|wieder eingestellt)\b", re.IGNORECASE)
_PHOTO_SOURCES = ("data-zoom-src", "data-src", "src")
_SELLER = (
    ".x-sellercard-atf__about-seller-item--seller-name",
    ".x-sellercard-atf__info__about-seller > a",
    ".x-sellercard-atf__info__about-seller .ux-textspans--BOLD",
)
_LOCATION_LABELS = ".ux-labels-values--itemLocation, .ux-labels-values--location"
_LOCATION_LINES = "//span[contains(@class, 'ux-textspans')][contains(., ':')]"


class ItemPage(VehicleFields, OfferFields, WebPage[Advert]):
    """The page of one listing, live or over.

    Raises:
        UnknownMarkupError: on reading any field: the page has no title or no item number.
    """

    def validate_input(self) -> None:
        """Refuse a page that is no item page as this program knows them."""
        missing = [name for name, found in (("item number", self._number()), ("title", self._heading())) if not found]
        if missing:
            raise UnknownMarkupError(
                f"{self.response.url} shows no {' and no '.join(missing)}",
                "look at the page in a browser; if it is an item page, crawlers/pages/ must learn its markup",
            )

    @property
    def status(self) -> SaleStatus:
        """Whether the listing is 'live', was 'sold', or 'ended' without a sale."""
        price_lines = [seen_text(line) for line in self._page().css(_PRICES).xpath(".//*[not(*)]|.//div")]
        return sale_status(self._messages(), price_lines)

    @field
    def item_id(self) -> str:
        """The bare number."""
        return self._number()

    @field
    def url(self) -> str:
        """Without tracking."""
        return item_url(str(self.response.url), self._canonical(), self._number())

    @field
    def title(self) -> str:
        """As the seller wrote it."""
        return self._heading()

    @field
    def buying_options(self) -> tuple[str, ...]:
        """What buttons and price labels say; a price that says nothing is a fixed one."""
        found = set(buying_options(self._buying_lines()))
        if self._page().css(_BID):
            found.add("AUCTION")
        if self._page().css(_FIXED) and "CLASSIFIED_AD" not in found:
            found.add("FIXED_PRICE")
        return tuple(sorted(found))

    @field
    def bids(self) -> str:
        """Of an auction."""
        return bids_of([*map(seen_text, self._page().css(_BID_COUNT)), *map(seen_text, self._page().css(_PRICES))])

    @field
    def sold_on(self) -> date | None:
        """The day of the sale. A day without a year is the last one before the page was served."""
        sale = self._sale()
        return sale[0] if sale else None

    @field
    def sold_precision(self) -> Precision:
        """As the page writes it; the day on eBay."""
        sale = self._sale()
        return sale[1] if sale else "day"

    @field
    def condition(self) -> str:
        """Said once; the page repeats it for screen readers and behind 'Read more'."""
        shown = seen_text(self._page().css(_CONDITION)[:1].css(".ux-textspans")[:1]) or seen_text(
            self._page().css(_CONDITION)[:1]
        )
        return shown or self._specifics().get("Condition", "").partition(":")[0]

    @field
    def aspects(self) -> Mapping[str, str]:
        """All item specifics, by the page's names."""
        return self._specifics()

    @field
    def photo_urls(self) -> tuple[str, ...]:
        """The carousel's photos at full size, in its order; the page shows it twice."""
        shown = self._page().css(_CAROUSEL) or self._page().css(_FILMSTRIP)
        sources = (next(filter(None, map(image.attrib.get, _PHOTO_SOURCES)), "") for image in shown)
        page_url = str(self.response.url)
        return photo_urls(page_url, sources) or photo_urls(page_url, images(product(self._page())))

    @field
    def seller(self) -> str:
        """The name in the seller's card."""
        return next((name for place in _SELLER if (name := seen_text(self._page().css(place)[:1]))), "")

    @field
    def relist_of(self) -> str:
        """On a page whose listing is over: the listing that its message names as the same offer, put up again."""
        for message in self._page().css(_MESSAGES) if self.status != "live" else ():
            if _RELISTED.search(seen_text(message)):
                links = map(item_id_of, message.css("a::attr(href)").getall())
                return next((found for found in links if found and found != self._number()), "")
        return ""

    @cached_method
    def _page(self) -> Selector:
        """Not web-poet's own `selector`, which asks the page for its `url`: here a field, read from the selector."""
        return html_of(self.response)

    def _number(self) -> str:
        labelled = seen_text(
            self._page().css(".ux-layout-section--itemId, .ux-layout-section__textual-display--itemId")[:1]
        )
        digits = re.search(r"\d{6,}", labelled)
        return item_id_of(self._canonical()) or item_id_of(str(self.response.url)) or (digits[0] if digits else "")

    def _canonical(self) -> str:
        return self._page().css("link[rel=canonical]::attr(href)").get() or ""

    def _heading(self) -> str:
        spans = self._page().css(_TITLE)[:1].css(".ux-textspans")
        # Beside a translated title stands a lone '-'.
        words = collapse("".join(text for span in spans if (text := span.xpath("string()").get() or "").strip() != "-"))
        return words or re.sub(r"^Details about\s+", "", seen_text(self._page().css(_TITLE)[:1]))

    def _money(self) -> Money:
        sold_for_less = self.status != "live" and offer_accepted(self._buying_lines())
        return NOTHING if sold_for_less else self._shown("primary", without="ux-textspans--STRIKETHROUGH")

    def _converted(self) -> Money:
        """The price in the reader's currency: beside the seller's, or in the JSON-LD block, which has no other."""
        own = self._money()
        apart = self._shown("approx__price") if own != NOTHING else NOTHING
        apart = apart if apart != NOTHING else offer_price(product(self._page()))
        return apart if own != NOTHING and apart.currency != own.currency else NOTHING

    def _shown(self, part: str, *, without: str = "") -> Money:
        host = host_of(str(self.response.url))
        for block in (*self._page().css(_FIXED), *self._page().css(_BID), *self._page().css(_PRICES)):
            text = seen_text(block.css(f".x-price-{part}, [data-testid=x-price-{part}]")[:1], without=without)
            if text:
                return read_money(text, host)
        return NOTHING

    @cached_method
    def _sale(self) -> tuple[date, Precision] | None:
        if self.status != "sold":
            return None
        served_on = read_http_date(self.response.headers.get("Date"))
        return next((found for text in self._messages() if (found := read_date(text, served_on))), None)

    def _buying_lines(self) -> list[str]:
        pieces = [
            *self._page().css(_PRICES).css(".ux-textspans"),
            *self._page().css(_BUTTONS),
            *self._page().css(_BID_COUNT),
        ]
        return [text for piece in pieces if (text := seen_text(piece))] + self._messages()

    def _messages(self) -> list[str]:
        return [
            text
            for part in (*self._page().css(_MESSAGES), *self._page().xpath(_ENDED_LABEL))
            if (text := seen_text(part))
        ]

    @cached_method
    def _specifics(self) -> dict[str, str]:
        return read_specifics(self._page())

    @cached_method
    def _vehicle(self) -> Mapping[str, str]:
        return fields_of(self._specifics())

    def _place(self) -> Place:
        labelled = (seen_text(pair.css(".ux-labels-values__values")[:1]) for pair in self._page().css(_LOCATION_LABELS))
        lines = (text for line in self._page().xpath(_LOCATION_LINES) if says_place(text := seen_text(line)))
        places = map(read_place, (*labelled, *lines))
        return next((place for place in places if place != Place()), Place())
