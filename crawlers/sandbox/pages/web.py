"""The pages of the sandbox: search results in both generations of eBay's markup, and item pages."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from math import ceil
from typing import Literal, get_args
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from crawlers.sandbox.items import Item
from crawlers.sandbox.pages.addresses import safe
from crawlers.sandbox.pages.cards import Card
from crawlers.sandbox.pages.item_sheet import item_sheet
from crawlers.sandbox.pages.page_query import paging, translate
from crawlers.sandbox.pages.templating import template
from crawlers.sandbox.query import WINDOW
from crawlers.sandbox.responses import WEB_HOST

Generation = Literal["s-card", "s-item"]
GENERATIONS: tuple[Generation, ...] = get_args(Generation)
WebRoute = tuple[str, str, str, Callable[[Request], Awaitable[Response]]]


class Web:
    """The pages of one marketplace on one night.

    Args:
        listings: what is up.
        sales: what was sold; each has a page of its own, as sold items have on eBay.
        night: the night, from 1.
        generation: the markup of search pages.
    """

    def __init__(self, listings: Sequence[Item], sales: Sequence[Item], night: int, generation: Generation) -> None:
        self._night = night
        self._generation = generation
        self._by_id = {item.item_id: item for item in (*sales, *listings)}
        # Kept, so that paging through a slice selects and sorts it once.
        self._select = lru_cache(maxsize=64)(lambda query: query.select(listings, sales))

    def routes(self) -> list[WebRoute]:
        """(name, method, path, handler) of every page."""
        return [
            ("search-page", "GET", "/b/{slug}/{category}/{node}", self._browse),
            ("search-page", "GET", "/sch/i.html", self._search),
            ("item-page", "GET", "/itm/{item_id}", self._item),
        ]

    async def _browse(self, request: Request) -> Response:
        return self._results(request, request.path_params["category"])

    async def _search(self, request: Request) -> Response:
        return self._results(request, request.query_params.get("_sacat", ""))

    def _results(self, request: Request, category: str) -> Response:
        params = dict(request.query_params)
        chosen: list[Item] = self._select(translate(params, category))
        asked, size = paging(params)
        # The search ends at its 10,000th result, and a page beyond the last shows the last again: both as on eBay.
        last = max(1, ceil(min(len(chosen), WINDOW) / size))
        page = min(asked, last)
        shown = chosen[(page - 1) * size : min(page * size, WINDOW)]
        words = params.get("_nkw", "") or "Cars & Trucks"
        return _page(
            self._generation,
            title=words,
            total=len(chosen),
            page=page,
            last=last,
            link=lambda number: _link(request.url.path, params, number),
            cards=[Card.of(item, words, self._night) for item in shown],
        )

    async def _item(self, request: Request) -> Response:
        item = self._by_id.get(request.path_params["item_id"])
        return _page("missing", status=404) if item is None else _page("item", **item_sheet(item))


def _link(path: str, params: Mapping[str, str], number: int) -> str:
    """The address of another page of the same search."""
    return f"{WEB_HOST}{safe(path, '/')}?{urlencode({**params, '_pgn': number})}"


def _page(name: str, *, status: int = 200, **filling: object) -> Response:
    return HTMLResponse(template(name).render(filling), status)
