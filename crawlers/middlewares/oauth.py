"""Put an application token (OAuth 2.0, client-credentials grant) into requests with meta `oauth`.

A token is asked for when the first request needs one, and again a minute before it ends or after the source refuses
it with 401; requests meanwhile wait for that one answer. A request refused with 401 is sent once more with a fresh
token; a second 401 goes to the spider. If the key lacks a scope, the base scope alone is asked for, from then on. A key
that is refused ends the crawl, and so does a token server that stays down after `RETRY_TIMES` tries: nothing could be
read without a token. The token goes to the origin (scheme, host, port) of `AUTODETECT_OAUTH_URL` alone: a redirect to
any other place travels without it. Neither secret nor token is ever logged or counted.

Number: 555. The request for a token passes the other middlewares like any other, so that it is paused and tried again
with them; requests must have their token before they wait for their host (560).

Settings: `AUTODETECT_OAUTH_URL` (of the token endpoint; without it this middleware is off),
`AUTODETECT_OAUTH_CLIENT_ID`, `AUTODETECT_OAUTH_CLIENT_SECRET`, `AUTODETECT_OAUTH_SCOPES` (list, the base scope first),
`RETRY_TIMES`, `RETRY_EXCEPTIONS`.

Counts `autodetect/oauth/<reason>`: minted, renewed_after_401, scope_refused, withheld (requests to another origin),
refused (of the key), down.
"""

import asyncio
import base64
import json
import re
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Request, Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.misc import load_object

from crawlers.stopping import Cause, StoppedError, refuse_if_stopped, stop

RENEW_BEFORE_S = 60.0
UNTOLD_LIFETIME_S = 300.0  # of a token whose answer does not say; RFC 6749 only recommends that it does
LONGEST_LIFETIME_S = 86_400.0
MAX_WASTED = 3  # fresh tokens refused as well: then 401 is about the request, and eBay grants 1,000 tokens a day
RENEWED = "autodetect_oauth_renewed"  # meta: sent again with a fresh token after a 401


@dataclass(frozen=True)
class Token:
    """A token and the moment (monotonic, seconds) from which a new one is asked for."""

    value: str = field(repr=False)
    renew_at: float


class OAuth:
    """Mint, renew and use the application token."""

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self._crawler = crawler
        self._url: str = settings.get("AUTODETECT_OAUTH_URL") or ""
        if not self._url:
            raise NotConfigured
        key = f"{settings.get('AUTODETECT_OAUTH_CLIENT_ID')}:{settings.get('AUTODETECT_OAUTH_CLIENT_SECRET')}"
        self._key = base64.b64encode(key.encode()).decode()
        self._scopes: list[str] = settings.getlist("AUTODETECT_OAUTH_SCOPES")
        self._network_errors = tuple(load_object(name) for name in settings.getlist("RETRY_EXCEPTIONS"))
        self._held: Token | None = None
        self._held_worked = False
        self._minting = asyncio.Lock()
        self._wasted = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the crawl's settings."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Give the request its token (`StoppedError`: there is none to be had)."""
        if not request.meta.get("oauth"):
            return
        if not self._same_origin(request):
            request.headers.pop("Authorization", None)
            self._count("withheld")
            return
        request.headers["Authorization"] = f"Bearer {(await self._token()).value}"

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """After a 401, send the request once more with a fresh token."""
        if not request.meta.get("oauth") or not self._same_origin(request):
            return response
        current = self._bears_held(request)
        if response.status != 401:
            self._held_worked = self._held_worked or current
            return response
        retried, hopeless = bool(request.meta.get(RENEWED)), self._wasted >= MAX_WASTED
        if retried or (current and not self._held_worked):
            self._wasted += 1
        if retried or hopeless:
            return response
        if current:  # else another request's 401 has brought a new one already
            self._held, self._held_worked = None, False
        self._count("renewed_after_401")
        again = request.copy()
        again.meta[RENEWED] = True
        again.dont_filter = True
        return again

    async def _token(self) -> Token:
        async with self._minting:
            refuse_if_stopped(self._crawler)
            if self._held is None or monotonic() >= self._held.renew_at:
                self._held = await self._mint()
            return self._held

    async def _mint(self) -> Token:
        response = await self._ask()
        if len(self._scopes) > 1 and response.status == 400 and error_of(response.body) == "invalid_scope":
            self._count("scope_refused")
            self._scopes = self._scopes[:1]
            response = await self._ask()
        token = read_token(response.body, monotonic()) if response.status == 200 else None
        if token is None:
            raise self._refused(response)
        self._count("minted")
        return token

    async def _ask(self) -> Response:
        """Ask for a token; network errors and 5xx answers have been tried again when this returns."""
        form = {"grant_type": "client_credentials", "scope": " ".join(self._scopes)}
        request = Request(
            self._url,
            method="POST",
            body=urlencode({name: value for name, value in form.items() if value}),
            headers={"Authorization": f"Basic {self._key}", "Content-Type": "application/x-www-form-urlencoded"},
            meta={"dont_redirect": True, "dont_obey_robotstxt": True},  # an endpoint made for programs
            dont_filter=True,
            callback=NO_CALLBACK,
        )
        try:
            return await self._crawler.engine.download_async(request)
        except self._network_errors as error:
            self._count("down")
            words = f"the token server does not answer ({type(error).__name__})"
            stop(self._crawler, Cause.SERVER_DOWN, words, self._url)
            raise StoppedError(Cause.SERVER_DOWN.value) from error

    def _refused(self, response: Response) -> StoppedError:
        if response.status == 429:
            cause, words = Cause.RATE_LIMITED, "the token server keeps answering HTTP 429"
        elif response.status in {408, *range(500, 600)}:
            self._count("down")
            cause, words = Cause.SERVER_DOWN, f"the token server keeps answering HTTP {response.status}"
        else:
            self._count("refused")
            answer = " ".join(filter(None, [f"HTTP {response.status}", error_of(response.body)]))
            cause = Cause.TOKEN_REFUSED
            words = f"{answer} instead of a token: check ebay.client_id and ebay.client_secret"
        stop(self._crawler, cause, words, self._url)
        return StoppedError(cause.value)

    def _bears_held(self, request: Request) -> bool:
        held = self._held
        return held is not None and request.headers.get("Authorization") == f"Bearer {held.value}".encode()

    def _same_origin(self, request: Request) -> bool:
        return origin(request.url) == origin(self._url)

    def _count(self, reason: str) -> None:
        self._crawler.stats.inc_value(f"autodetect/oauth/{reason}")


def read_token(body: bytes, now: float) -> Token | None:
    """Read the answer to a grant, or return None if it holds no token that a header can carry.

    A token is renewed a minute before `expires_in` ends; one that lives shorter than two, at half its life.
    """
    answer = _json_object(body)
    value, lifetime = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value):
        return None
    lasts_s = UNTOLD_LIFETIME_S
    if isinstance(lifetime, int | float) and lifetime > 0:
        lasts_s = float(min(lifetime, LONGEST_LIFETIME_S))
    return Token(value, now + lasts_s - min(RENEW_BEFORE_S, lasts_s / 2))


def error_of(body: bytes) -> str:
    """Return the OAuth error code of a refusal, e.g. `invalid_client`; only a plain name, since it will be logged."""
    error = _json_object(body).get("error")
    return error if isinstance(error, str) and re.fullmatch(r"[a-z_]{1,40}", error) else ""


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port; the port is the scheme's default where the URL names none."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
