"""`ebay-api`: listings by the Browse API, sales by the Marketplace Insights API where access is granted.

A search's result set ends at `window` results; a larger one is read make by make. Search pages show what is new or
changed: only that is read in full, and only photos that are not held are fetched.
"""

import base64
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from scrapy import Spider
from scrapy.http import FormRequest, JsonRequest, Request, Response
from scrapy.spidermiddlewares.httperror import HttpError

from autodetect.lake.blobs import BlobStore
from autodetect.settings import CrawlSettings, EbaySettings
from crawlers.items import Announced, Failure, PageDone, PhotoItem, SightingItem
from crawlers.known import Known
from crawlers.ledger import Ledger
from crawlers.pages.browse import Provenance, Slice, item_sighting, legacy_id, make_slices, summary_digest
from crawlers.pages.insights import sale_sighting

SCOPES = "https://api.ebay.com/oauth/api_scope https://api.ebay.com/oauth/api_scope/buy.marketplace.insights"
ACCESS_NOT_GRANTED = (403, 404)
Yield = Iterator[Any]


@dataclass(frozen=True)
class CrawlPlan:
    """What the spider is told: how to ask, where to put what it finds, and what is known already."""

    ebay: EbaySettings
    crawl: CrawlSettings
    provenance: Provenance
    ledger: Ledger
    photos: BlobStore
    known: Known = field(default_factory=Known)


class EbayApiSpider(Spider):
    """Crawl one category of one marketplace for one night."""

    name = "ebay-api"

    def __init__(self, plan: CrawlPlan, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self._token = ""

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the application token (OAuth client-credentials grant)."""
        ebay = self.plan.ebay
        key = base64.b64encode(f"{ebay.client_id}:{ebay.client_secret}".encode()).decode()
        yield FormRequest(
            f"{ebay.base_url}/identity/v1/oauth2/token",
            formdata={"grant_type": "client_credentials", "scope": SCOPES},
            headers={"Authorization": f"Basic {key}"},
            callback=partial(self.read, parse=self.parse_token, kind="page", key="token"),
            errback=partial(self.failed, kind="page", key="token"),
        )

    def parse_token(self, response: Response) -> Yield:
        """Begin both searches with the token."""
        self._token = json.loads(response.text)["access_token"]
        yield self._search("asking", Slice("all", 0), 0, first=True)
        yield self._search("sold", Slice("all", 0), 0, first=True)

    def parse_search(self, response: Response, kind: str, part: Slice, offset: int, first: bool) -> Yield:
        """Read one search page; from a first page, plan the others."""
        answer = json.loads(response.text)
        total, size = int(answer["total"]), self.plan.crawl.page_size
        reach = self.plan.crawl.window // size * size  # a page that ends beyond the window is refused
        if first and part.name == "all":
            yield Announced(kind, total)
            if total > reach:
                for make in make_slices(answer):
                    yield self._search(kind, make, 0, first=True)
                return
        if first:
            for later in range(size, min(total, reach), size):
                yield self._search(kind, part, later, first=False)
        if kind == "asking":
            entries = answer.get("itemSummaries", [])
            yield from self._listings(entries)
        else:
            entries = answer.get("itemSales", [])
            yield from self._sales(entries)
        yield PageDone(kind, part.name, offset, tuple(legacy_id(entry["itemId"]) for entry in entries))

    def parse_item(self, response: Response, summary: str) -> Yield:
        """Read one listing in full, then its photos."""
        sighting = item_sighting(json.loads(response.text), summary, self.plan.provenance)
        yield SightingItem(sighting)
        yield from self._photos(sighting.item_id, sighting.photo_urls)

    def parse_photo(self, response: Response, item_id: str, position: int, url: str) -> Yield:
        """Hand over a photo's bytes as they are; curation judges them."""
        yield PhotoItem(item_id, position, url, data=response.body)

    def read(self, response: Response, parse: Any, kind: str, key: str, item_id: str = "") -> Yield:
        """Parse an answer; one that is not what it should be costs only itself, and is recorded."""
        try:
            yield from parse(response)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self.logger.warning("could not read %s %s: %r", kind, key, error)
            yield Failure(kind, key, "answer_unreadable", item_id)

    def failed(self, failure: Any, kind: str, key: str, item_id: str = "") -> Yield:
        """Record what could not be fetched, by a named cause."""
        error = failure.value
        if isinstance(error, HttpError):
            cause = f"http_{error.response.status}"
            if kind == "page" and key.startswith("sold/all/") and error.response.status in ACCESS_NOT_GRANTED:
                self.logger.info("sales: the source does not offer them (HTTP %d)", error.response.status)
                return
        else:
            cause = type(error).__name__
        self.logger.warning("could not fetch %s %s: %s", kind, key, cause)
        yield Failure(kind, key, cause, item_id)

    def _listings(self, summaries: Iterable[Mapping[str, Any]]) -> Yield:
        night = self.plan.provenance.night.isoformat()
        for summary in summaries:
            item_id, digest = legacy_id(summary["itemId"]), summary_digest(summary)
            before = self.plan.ledger.reached.sightings.get(("asking", item_id, night))
            if before:  # read before the crawl was interrupted: only its photos may be missing
                yield from self._photos(item_id, before.photo_urls)
            elif self.plan.known.summaries.get(item_id) != digest:
                yield self._request(
                    f"/buy/browse/v1/item/{quote(summary['itemId'], safe='')}",
                    partial(self.parse_item, summary=digest),
                    kind="item",
                    key=item_id,
                    item_id=item_id,
                )

    def _sales(self, sales: Iterable[Mapping[str, Any]]) -> Yield:
        for sale in sales:
            try:
                sighting = sale_sighting(sale, self.plan.provenance)
            except ValueError:
                yield Failure("item", legacy_id(sale["itemId"]), "sale_date_unreadable", legacy_id(sale["itemId"]))
                continue
            if not self.plan.known.holds(sighting):
                yield SightingItem(sighting)

    def _photos(self, item_id: str, urls: Iterable[str]) -> Yield:
        for position, url in enumerate(urls):
            if position >= self.plan.crawl.max_photos_per_listing:
                return
            if (item_id, position) in self.plan.ledger.reached.photos:
                continue
            if url in self.plan.known.photos:
                yield PhotoItem(item_id, position, url, sha256=self.plan.known.photos[url])
            else:
                yield Request(
                    self._photo_address(url),
                    callback=partial(self.parse_photo, item_id=item_id, position=position, url=url),
                    errback=partial(self.failed, kind="photo", key=url, item_id=item_id),
                    meta={"download_maxsize": self.plan.crawl.max_photo_bytes},
                    dont_filter=True,
                    priority=1,
                )

    def _photo_address(self, url: str) -> str:
        """Return where a photo is fetched: its own URL, or its path on the host that stands in for the photo host."""
        stand_in = self.plan.ebay.photo_base_url
        if not stand_in:
            return url
        return urlunsplit(urlsplit(url)._replace(scheme=urlsplit(stand_in).scheme, netloc=urlsplit(stand_in).netloc))

    def _search(self, kind: str, part: Slice, offset: int, *, first: bool) -> Request:
        plan = self.plan
        query = {"category_ids": plan.ebay.category, "limit": plan.crawl.page_size, "offset": offset}
        if part.name != "all":
            query["aspect_filter"] = f"categoryId:{plan.ebay.category},Make:{{{_escaped(part.name)}}}"
        elif first:
            query["fieldgroups"] = "MATCHING_ITEMS,ASPECT_REFINEMENTS"
        if kind == "asking":
            path = "/buy/browse/v1/item_summary/search"
            query["filter"] = "buyingOptions:{FIXED_PRICE|AUCTION|CLASSIFIED_AD}"
        else:
            path = "/buy/marketplace_insights/v1_beta/item_sales/search"
            since = plan.known.sales_since(plan.crawl.sold_overlap_days)
            if since:
                query["filter"] = f"lastSoldDate:[{since}T00:00:00Z..]"
        callback = partial(self.parse_search, kind=kind, part=part, offset=offset, first=first)
        return self._request(f"{path}?{urlencode(query)}", callback, kind="page", key=f"{kind}/{part.name}/{offset}")

    def _request(self, path: str, callback: Any, *, kind: str, key: str, item_id: str = "") -> Request:
        return JsonRequest(
            self.plan.ebay.base_url + path,
            callback=partial(self.read, parse=callback, kind=kind, key=key, item_id=item_id),
            errback=partial(self.failed, kind=kind, key=key, item_id=item_id),
            headers={"Authorization": f"Bearer {self._token}", "X-EBAY-C-MARKETPLACE-ID": self.plan.ebay.marketplace},
            dont_filter=True,
        )


def _escaped(value: str) -> str:
    """Return an aspect value as `aspect_filter` wants it."""
    return "".join(f"\\{character}" if character in "\\|{}" else character for character in value)
