"""`ebay-api`: listings by the Browse API, sales by the Marketplace Insights API where access is granted."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from scrapy.http import Request, Response

from crawlers.advert import sighting
from crawlers.frontier import NOT_OFFERED
from crawlers.items import Failed, Listing, ListingRead, Outcome, Page, PageRead, Work
from crawlers.ledger import SALES_READ_TO
from crawlers.pages.browse import advert, search_answer
from crawlers.pages.insights import sales_answer
from crawlers.plan import CrawlPlan
from crawlers.rules import ASKING, SOLD
from crawlers.slices import MAKE, YEAR, Slice
from crawlers.spiders.listings import ListingsSpider

SEARCH = "/buy/browse/v1/item_summary/search"
ITEM = "/buy/browse/v1/item/"
SALES = "/buy/marketplace_insights/v1_beta/item_sales/search"
MARKETPLACES = ("EBAY_MOTORS_US", "EBAY_US")  # which one serves vehicles is not documented: the first crawl asks both
# Auctions that nobody has bid on and classified ads are shown only to those who ask for them.
EVERY_FORMAT = "buyingOptions:{FIXED_PRICE|AUCTION|CLASSIFIED_AD|BEST_OFFER}"
ACCESS_NOT_GRANTED = ("http_403", "http_404")
NO_SUCH_MARKETPLACE = ("http_400", "http_404", "http_409")
MARKETPLACE = "marketplace"  # the ledger's note of the one that serves
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)


class EbayApiSpider(ListingsSpider):
    """Read a category by eBay's own interface."""

    name = "ebay-api"

    def __init__(self, plan: CrawlPlan, **kwargs: Any) -> None:
        super().__init__(plan, **kwargs)
        asked = "" if plan.ebay.marketplace == "auto" else plan.ebay.marketplace
        known = asked or plan.ledger.noted(MARKETPLACE) or plan.marketplace
        self._marketplaces = [known] if known else list(MARKETPLACES)

    def page_request(self, page: Page) -> Request:
        """Return the request for a page of listings or of sales."""
        query = self._query(page.part, page.offset)
        filters = []
        if page.kind == ASKING:
            filters.append(EVERY_FORMAT)
        elif read_to := self.plan.ledger.noted(SALES_READ_TO):
            since = date.fromisoformat(read_to) - timedelta(self.plan.crawl.sold_overlap_days)
            filters.append(f"lastSoldDate:[{since.isoformat()}T00:00:00Z..]")
        if page.part.low:
            filters.append(f"price:[{page.part.low}..],priceCurrency:USD")
        if filters:
            query["filter"] = ",".join(filters)
        path = SEARCH if page.kind == ASKING else SALES
        request = self._request(f"{path}?{urlencode(query)}", self.read_page)
        request.meta["may_be_forbidden"] = page.kind == SOLD
        return request

    def listing_request(self, listing: Listing) -> Request:
        """Return the request for one item."""
        return self._request(ITEM + quote(f"v1|{listing.item_id}|0", safe=""), self.read_listing)

    def read_page(self, response: Response) -> Outcome | Request:
        """Read a page of listings or of sales."""
        page: Page = response.meta["work"]
        try:
            read = search_answer if page.kind == ASKING else sales_answer
            answer = read(json.loads(response.body))
        except UNREADABLE as error:
            return self.unreadable(page, error)
        if not answer.total and (again := self._elsewhere(page)):
            return again
        if answer.total:
            self.plan.ledger.note(MARKETPLACE, self._marketplaces[0])
        return PageRead(page, answer)

    def read_listing(self, response: Response) -> Outcome:
        """Read one item."""
        listing: Listing = response.meta["work"]
        try:
            item = advert(json.loads(response.body))
        except UNREADABLE as error:
            return self.unreadable(listing, error)
        item = replace(item, origin_at=item.origin_at or listing.origin_at)
        found = sighting(item, self.plan.provenance, summary=listing.summary)
        return ListingRead(listing, found, response.body)

    def not_fetched(self, work: Work, cause: str) -> Outcome | Request:
        """Sales are a limited release: a key without access to it is refused, which is no failure."""
        if isinstance(work, Page) and work.kind == SOLD and cause in ACCESS_NOT_GRANTED:
            self.logger.info("sales: the source does not offer them (%s)", cause)
            return Failed(work, NOT_OFFERED)
        if isinstance(work, Page) and cause in NO_SUCH_MARKETPLACE and (again := self._elsewhere(work)):
            return again
        return super().not_fetched(work, cause)

    def _elsewhere(self, page: Page) -> Request | None:
        """Return the same first search at the next marketplace, while it is not known which one serves the category."""
        if len(self._marketplaces) == 1 or page != Page(ASKING, Slice(), 0):
            return None
        gone = self._marketplaces.pop(0)
        self.logger.info("marketplace %s has nothing in category %s; asking another", gone, self.plan.ebay.category)
        return self.request_for(page)

    def _query(self, part: Slice, offset: int) -> dict[str, Any]:
        ebay = self.plan.ebay
        query: dict[str, Any] = {"category_ids": ebay.category, "limit": self.plan.frontier.rules.page_size}
        query["offset"] = offset
        aspects = [
            f"{name}:{{{_escaped(values)}}}" for name, values in ((MAKE, part.makes), (YEAR, part.years)) if values
        ]
        if aspects:
            query["aspect_filter"] = ",".join([f"categoryId:{ebay.category}", *aspects])
        if part.by_price:
            query["sort"] = "price"
        elif offset == 0 and len(part.makes) <= 1:
            query["fieldgroups"] = "MATCHING_ITEMS,ASPECT_REFINEMENTS"
        return query

    def _request(self, path: str, callback: Any) -> Request:
        return Request(
            self.plan.ebay.base_url + path,
            callback=callback,
            headers={"Accept": "application/json", "X-EBAY-C-MARKETPLACE-ID": self._marketplaces[0]},
            meta={"oauth": True},
        )


def _escaped(values: tuple[str, ...]) -> str:
    """Return aspect values as `aspect_filter` wants them."""
    return "|".join(
        "".join(f"\\{character}" if character in "\\|{}" else character for character in value) for value in values
    )
