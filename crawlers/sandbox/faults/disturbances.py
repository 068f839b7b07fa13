"""What each fault does to a request: one short function per fault, from the app behind it to the app that answers."""

import asyncio
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from crawlers.sandbox import responses
from crawlers.sandbox.faults.kinds import LOOP_KEY, Fault, address_of, side_of
from crawlers.sandbox.faults.rewriting import cut_short, rewritten, with_other_markup, without_keys, without_sale_dates
from crawlers.sandbox.query import unfiltered

CAPTCHA_PATH = "/splashui/captcha"
BOMB_SIDE = 50_000  # pixels
MARKUP_KEYS = frozenset({"price", "currentBidPrice", "lastSoldPrice", "localizedAspects"})
Disturbance = Callable[[Fault, Request, ASGIApp], ASGIApp]

ROBOTS = {
    "all": "User-agent: *\nAllow: /\n",
    "none": "User-agent: *\nDisallow: /\n",
    "ebay": "User-agent: *\nDisallow: /sch/\nDisallow: /sch/*_sacat=\nDisallow: /b/*LH_\nDisallow: /itm/*?fits\n"
    "Disallow: /itm/*_nkw\nDisallow: /itm/*_pgn=\n",
}


def captcha_page() -> Response:
    """The page that asks whether the visitor is a person."""
    return _page("Security Measure | eBay", "Please verify yourself to continue.")


def _page(title: str, text: str, status: int = 200) -> Response:
    return HTMLResponse(
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body><p>{text}</p></body></html>", status
    )


def _refusal(
    request: Request, status: int, error: tuple[int, str, str], headers: dict[str, str] | None = None
) -> Response:
    """The API's error body, or for other visitors a bare text."""
    if side_of(request.url.path) == "api":
        return JSONResponse(responses.errors(error), status, headers)
    return PlainTextResponse(error[2], status, headers)


def _quota(_fault: Fault, request: Request, _app: ASGIApp) -> ASGIApp:
    spent = (10001, "API_BROWSE", "The call limit of the day has been reached for this resource.")
    return _refusal(request, 429, spent)


def _rate(fault: Fault, request: Request, _app: ASGIApp) -> ASGIApp:
    seconds = int(fault.keys["retry_after"])
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    header = when if fault.keys["as"] == "date" else str(seconds)
    return _refusal(request, 429, (2001, "ACCESS", "Too many requests."), {"Retry-After": header})


def _storm(_fault: Fault, request: Request, _app: ASGIApp) -> ASGIApp:
    return _refusal(request, 429, (2001, "ACCESS", "Too many requests."))


def _errors(fault: Fault, request: Request, _app: ASGIApp) -> ASGIApp:
    return _refusal(request, int(fault.keys["status"]), (12000, "API_BROWSE", "There was a problem with a system."))


def _slow(fault: Fault, _request: Request, app: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(float(fault.keys["seconds"]))
        await app(scope, receive, send)

    return serve


def _captcha(_fault: Fault, request: Request, _app: ASGIApp) -> ASGIApp:
    query = urlencode({"ap": "1", "appName": "orch", "ru": str(request.url)})
    return RedirectResponse(f"{CAPTCHA_PATH}?{query}", 302)


def _interruption(_fault: Fault, _request: Request, _app: ASGIApp) -> ASGIApp:
    return _page("Pardon Our Interruption...", "As you were browsing, something made us think you were a bot.")


def _forbidden(_fault: Fault, _request: Request, _app: ASGIApp) -> ASGIApp:
    return _page("Access Denied", "You don't have permission to access this page.", 403)


def _truncated(_fault: Fault, _request: Request, app: ASGIApp) -> ASGIApp:
    return cut_short(app)


def _loop(_fault: Fault, request: Request, _app: ASGIApp) -> ASGIApp:
    address = address_of(request.scope)
    rounds = int(request.query_params.get(LOOP_KEY, "0")) + 1
    return RedirectResponse(f"{address}{'&' if '?' in address else '?'}{LOOP_KEY}={rounds}", 302)


def _gone(_fault: Fault, _request: Request, _app: ASGIApp) -> ASGIApp:
    return PlainTextResponse("Not Found", 404)


def _html_photo(_fault: Fault, _request: Request, _app: ASGIApp) -> ASGIApp:
    return _page("Error", "The image you asked for is not available.")


def _bomb(_fault: Fault, _request: Request, _app: ASGIApp) -> ASGIApp:
    return Response(_bomb_png(), media_type="image/png")


def _bomb_png() -> bytes:
    """A PNG whose header declares far more pixels than its few bytes of data hold."""
    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def _redirect_photo(fault: Fault, _request: Request, _app: ASGIApp) -> ASGIApp:
    return RedirectResponse(str(fault.keys["to"]), 302)


def _markup(_fault: Fault, _request: Request, app: ASGIApp) -> ASGIApp:
    return rewritten(app, of_json=lambda value: without_keys(value, MARKUP_KEYS), of_html=with_other_markup)


def _no_date(_fault: Fault, _request: Request, app: ASGIApp) -> ASGIApp:
    return rewritten(app, of_json=lambda value: without_keys(value, {"lastSoldDate"}), of_html=without_sale_dates)


def _robots(fault: Fault, _request: Request, _app: ASGIApp) -> ASGIApp:
    return PlainTextResponse(ROBOTS[str(fault.keys["rules"])])


def _ignored_filter(_fault: Fault, request: Request, app: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "query_string": unfiltered(request.url.query).encode()}, receive, send)

    return serve


DISTURBANCES: dict[str, Disturbance] = {
    "quota": _quota,
    "rate": _rate,
    "errors": _errors,
    "slow": _slow,
    "captcha": _captcha,
    "interruption": _interruption,
    "forbidden": _forbidden,
    "storm": _storm,
    "truncated": _truncated,
    "loop": _loop,
    "gone": _gone,
    "html-photo": _html_photo,
    "bomb": _bomb,
    "redirect-photo": _redirect_photo,
    "markup": _markup,
    "robots": _robots,
    "ignored-filter": _ignored_filter,
    "no-date": _no_date,
}
