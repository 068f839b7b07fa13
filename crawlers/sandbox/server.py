"""Serves a marketplace folder, as of one night, the way eBay does: Browse and Insights APIs, pages and photos."""

import json
import re
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from autodetect.errors import UsageError
from crawlers.parent import exit_with_parent
from crawlers.sandbox import responses
from crawlers.sandbox.faults.disturbances import CAPTCHA_PATH, captcha_page
from crawlers.sandbox.faults.kinds import parse_fault
from crawlers.sandbox.faults.layer import FaultLayer
from crawlers.sandbox.items import Item, from_listing, from_sale, origins
from crawlers.sandbox.marketplace import Marketplace
from crawlers.sandbox.pages.web import Generation, Web
from crawlers.sandbox.query import RefusedError, understand
from crawlers.sandbox.tokens import LIFETIME_S, TokenDesk

Handler = Callable[[Request], Awaitable[Response]]
_PHOTO_PATHS = tuple(
    f"{shelf}/images/g/{{photo}}/s-l{{size:int}}.{suffix}" for shelf in ("", "/thumbs") for suffix in ("jpg", "webp")
)
_ITEM_ID = re.compile(r"v1\|(.+)\|\d+")
_PAGING = frozenset({"limit", "offset", "fieldgroups"})  # which part of what was found is shown


class Sandbox:
    """One marketplace on one night.

    Args:
        marketplace: what to serve.
        night_index: the night, from 1.
        desk: who issues the tokens.
        marketplace_id: the only X-EBAY-C-MARKETPLACE-ID that finds anything; empty where every one does.
        faults: what goes wrong.
        markup: the generation of markup that search pages are in.
    """

    def __init__(
        self,
        marketplace: Marketplace,
        night_index: int,
        desk: TokenDesk,
        *,
        marketplace_id: str = "",
        faults: FaultLayer | None = None,
        markup: Generation = "s-card",
    ) -> None:
        self.night_index = night_index
        origin = origins(marketplace.listings)
        self.listings = tuple(
            from_listing(listing, night_index, origin[listing.item_id]) for listing in marketplace.on(night_index)
        )
        self.requests: Counter[str] = Counter()
        self._desk = desk
        self._marketplace_id = marketplace_id
        self._faults = faults or FaultLayer()
        self._by_id = {item.item_id: item for item in self.listings}
        self._sales = None if marketplace.sales is None else tuple(from_sale(row) for row in marketplace.sales)
        self._web = Web(self.listings, self._sales or (), night_index, markup)
        self._photo_paths = marketplace.photo_paths
        self._select = lru_cache(maxsize=256)(self._select_now)

    def app(self) -> Starlette:
        """The web application."""
        routes: list[tuple[str, str, str, Handler]] = [
            ("token", "POST", "/identity/v1/oauth2/token", self._token),
            ("search", "GET", responses.SEARCH_PATH, self._needs_token(self._search)),
            ("item", "GET", responses.BROWSE + "/item/{item_id}", self._needs_token(self._item)),
            ("sales", "GET", responses.SALES_PATH, self._needs_token(self._search_sales)),
            *(("photo", "GET", path, self._photo) for path in _PHOTO_PATHS),
            *self._web.routes(),
            ("robots", "GET", "/robots.txt", self._robots),
            ("captcha", "GET", CAPTCHA_PATH, self._captcha),
            ("status", "GET", "/sandbox/status", self._status),
        ]
        return Starlette(
            routes=[
                Route(path, handler, methods=[method], middleware=[Middleware(self._counted, name)])
                for name, method, path, handler in routes
            ]
        )

    def _counted(self, app: ASGIApp, name: str) -> ASGIApp:
        """A route that counts its requests, also those that a fault answers."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self.requests[name] += 1
            await self._faults.serve(app, scope, receive, send)

        return counted

    def _needs_token(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            if not self._desk.holds(request.headers.get("authorization", "")):
                return JSONResponse(responses.errors((1001, "OAuth", "Invalid access token")), 401)
            try:
                return await handler(request)
            except RefusedError as refusal:
                body = responses.errors((refusal.error_id, "API_BROWSE", refusal.message))
                return JSONResponse(body, refusal.status)

        return guarded

    async def _token(self, request: Request) -> Response:
        form = (await request.body()).decode(errors="replace")
        status, body = self._desk.grant(request.headers.get("authorization", ""), form)
        return JSONResponse(body, status)

    def _select_now(self, params: tuple[tuple[str, str], ...], path: str) -> list[Item]:
        """The items of a search, whatever the page; kept, so that paging through a slice filters it once."""
        sales = path == responses.SALES_PATH
        return understand(dict(params), sales=sales).select(self._sales or () if sales else self.listings)

    def _page(self, request: Request, path: str) -> Response:
        params = dict(request.query_params)
        search = understand(params, sales=path == responses.SALES_PATH)
        choice = tuple((k, v) for k, v in sorted(params.items()) if k not in _PAGING)
        chosen = self._select(choice, path) if self._serves(request) else []
        return JSONResponse(responses.page(search, chosen, _base(request), path, params))

    def _serves(self, request: Request) -> bool:
        """Whether the marketplace that the caller names has this category; eBay takes EBAY_US for none named."""
        named = request.headers.get("x-ebay-c-marketplace-id", "EBAY_US")
        return self._marketplace_id in ("", named)

    async def _search(self, request: Request) -> Response:
        return self._page(request, responses.SEARCH_PATH)

    async def _search_sales(self, request: Request) -> Response:
        if self._sales is None:  # as eBay answers a key without access to this limited release
            return JSONResponse(responses.errors((1100, "ACCESS", "Access denied")), 403)
        return self._page(request, responses.SALES_PATH)

    async def _item(self, request: Request) -> Response:
        match = _ITEM_ID.fullmatch(request.path_params["item_id"])
        item = self._by_id.get(match[1]) if match else None
        if item is None:
            raise RefusedError(11001, "The specified item ID was not found.", 404)
        return JSONResponse(responses.details(item))

    async def _photo(self, request: Request) -> Response:
        """The stored bytes, always called a JPEG: photo hosts do not look inside either."""
        path = self._photo_paths.get(request.path_params["photo"])
        if path is None or not path.is_file():
            return PlainTextResponse("Not Found", 404)
        return Response(path.read_bytes(), media_type="image/jpeg")

    async def _robots(self, _: Request) -> Response:
        return PlainTextResponse("User-agent: *\nAllow: /\n")

    async def _captcha(self, _: Request) -> Response:
        return captcha_page()

    async def _status(self, _: Request) -> Response:
        counts = {"requests": dict(self.requests), "faults": dict(self._faults.served)}
        return JSONResponse({"night_index": self.night_index, "listings": len(self.listings), **counts})


def _base(request: Request) -> str:
    """The address under which the caller reached the sandbox, so that links also hold through a port mapping."""
    return str(request.base_url).rstrip("/")


def serve(
    folder: Path,
    *,
    night_index: int = 1,
    host: str = "127.0.0.1",
    port: int = 0,
    with_parent: int | None = None,
    client_id: str | None = "sandbox",
    client_secret: str | None = "sandbox",  # noqa: S107 - the sandbox guards nothing
    token_lifetime_s: int = LIFETIME_S,
    marketplace_id: str = "",
    faults: Iterable[str] = (),
    fault_seed: int = 0,
    markup: Generation = "s-card",
) -> None:
    """Serve a marketplace folder until SIGTERM or SIGINT, after announcing the address as one JSON line on stdout.

    Args:
        folder: the marketplace folder.
        night_index: the night to serve, from 1.
        host: the address to bind.
        port: the port to bind; 0 takes a free one.
        with_parent: a process id with whose end the server ends too.
        client_id: the OAuth client id to accept; None accepts any.
        client_secret: the OAuth client secret to accept; None accepts any.
        token_lifetime_s: seconds for which a token holds.
        marketplace_id: the only marketplace that finds anything; empty where every one does.
        faults: what goes wrong, each as `NAME[:key=value,key=value]`.
        fault_seed: decides which addresses are hit.
        markup: the generation of markup that search pages are in.

    Raises:
        UsageError: there is no such fault or night, the folder is no marketplace, or the address cannot be bound.
    """
    import uvicorn

    if with_parent is not None:
        exit_with_parent(with_parent)
    if night_index < 1:
        raise UsageError(
            f"night index {night_index} does not exist: nights count from 1", "pass --night-index 1 or more"
        )
    layer = FaultLayer([parse_fault(text) for text in faults], fault_seed)
    desk = TokenDesk(client_id, client_secret, token_lifetime_s)
    sandbox = Sandbox(
        Marketplace.load(folder), night_index, desk, marketplace_id=marketplace_id, faults=layer, markup=markup
    )
    listener = _bind(host, port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    ready = {"sandbox": address, "night_index": night_index, "listings": len(sandbox.listings)}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        sandbox.app(), log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listener])


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket: from here on the kernel queues visitors, so the address may be announced.

    It is made with TCP named outright: only then does asyncio switch off Nagle's algorithm on its connections, which
    would hold every answer back for 40 ms.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}", "choose another --port") from error
    return listener
