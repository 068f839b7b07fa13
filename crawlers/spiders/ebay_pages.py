"""`ebay-pages`: listings, and where robots.txt allows it sales, by eBay's result pages and item pages."""

from typing import Any
from urllib.parse import quote, urlencode

from scrapy.http import Request, Response

from crawlers.advert import sighting
from crawlers.frontier import NOT_OFFERED
from crawlers.items import Failed, Listing, ListingRead, Outcome, Page, PageRead, Work
from crawlers.pages.item_page import ItemPage
from crawlers.pages.markup import UnknownMarkupError
from crawlers.pages.search_page import SearchPage
from crawlers.rules import SOLD
from crawlers.slices import Slice
from crawlers.spiders.listings import ListingsSpider
from crawlers.stopping import Cause, stop

LOWEST_PRICE_FIRST, RECENTLY_ENDED_FIRST = 15, 13  # `_sop`
NOT_ALLOWED = "robots_disallow"
MARKUP_CHANGED = "markup_unknown"


class EbayPagesSpider(ListingsSpider):
    """Read a category as a visitor does, where robots.txt allows it."""

    name = "ebay-pages"

    def page_request(self, page: Page) -> Request:
        """Return the request for a result page."""
        size = self.plan.frontier.rules.page_size
        query: dict[str, Any] = {"_ipg": size, "_pgn": page.offset // size + 1}
        for name, values in (("Make", page.part.makes), ("Model Year", page.part.years)):
            if values:
                query[name] = "|".join(values)
        if page.part.low:
            query["_udlo"] = page.part.low
        if page.part.by_price:
            query["_sop"] = LOWEST_PRICE_FIRST
        if page.kind == SOLD:
            query |= {"LH_Sold": 1, "LH_Complete": 1, "_sop": RECENTLY_ENDED_FIRST}
        ebay = self.plan.ebay
        return Request(f"{ebay.web_url}{ebay.web_path}?{urlencode(query, quote_via=quote)}", callback=self.read_page)

    def listing_request(self, listing: Listing) -> Request:
        """Return the request for an item page."""
        return Request(f"{self.plan.ebay.web_url}/itm/{quote(listing.item_id)}", callback=self.read_listing)

    async def read_page(self, response: Response, page: SearchPage) -> Outcome:
        """Read a result page."""
        work: Page = response.meta["work"]
        try:
            return PageRead(work, await page.to_item())
        except UnknownMarkupError as error:
            return self._changed(work, response, error)

    async def read_listing(self, response: Response, page: ItemPage) -> Outcome:
        """Read an item page."""
        work: Listing = response.meta["work"]
        try:
            advert = await page.to_item()
        except UnknownMarkupError as error:
            return self._changed(work, response, error)
        if page.status != "live" and advert.sold_on is None:
            return Failed(work, page.status)
        return ListingRead(work, sighting(advert, self.plan.provenance, summary=work.summary), response.body)

    def not_fetched(self, work: Work, cause: str) -> Outcome | Request:
        """What robots.txt forbids is not asked: sales are then not offered; without result pages there is no crawl."""
        if isinstance(work, Page) and cause == NOT_ALLOWED:
            if work.kind == SOLD:
                self.logger.info("sales: robots.txt does not allow their pages")
                return Failed(work, NOT_OFFERED)
            ebay = self.plan.ebay
            words = f"robots.txt of {ebay.web_url} does not allow {ebay.web_path} (one that cannot be had forbids all)"
            stop(self.crawler, Cause.ROBOTS_DISALLOW, words, url=ebay.web_url)
        return super().not_fetched(work, cause)

    def _changed(self, work: Page | Listing, response: Response, error: UnknownMarkupError) -> Outcome:
        """A page that is none of the kinds we know: alone it costs itself, as the first one it ends the crawl."""
        self.logger.warning("could not read %s: %s", work.key, error)
        if isinstance(work, Page) and work.part == Slice():
            self.plan.ledger.note("example", self.plan.examples.put(response.body))
            stop(
                self.crawler,
                Cause.DRIFT,
                f"the result pages are built in a way that is not known: {error}",
                url=response.url,
            )
        return Failed(work, MARKUP_CHANGED)
