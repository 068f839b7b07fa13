"""Changes an answer on its way out: other JSON, other HTML, or half of the body only."""

import json
import re
from collections.abc import Callable, Collection
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Emit = Callable[[Message, bytes], tuple[bytes, bool]]
_SOLD_ON = re.compile(rb"(Sold)\s+(?:[A-Z][a-z]{2} (?:\d{1,2}, )?)?\d{4}")
_DEFINITION_LIST = re.compile(rb"<(/?)d[ltd](?=[\s>])")
_RENAMED = {b"price": b"figure", b"Price": b"Figure", b"labels-values": b"facts-row", b"ld+json": b"json"}


def rewritten(
    app: ASGIApp, *, of_json: Callable[[Any], Any] | None = None, of_html: Callable[[bytes], bytes] | None = None
) -> ASGIApp:
    """The app with its JSON answers, or its pages, changed; others pass as they are.

    Args:
        app: what answers.
        of_json: from a decoded answer to the one to send.
        of_html: from a page's bytes to those to send.
    """

    def change(start: Message, body: bytes) -> tuple[bytes, bool]:
        kind = Headers(raw=start["headers"]).get("content-type", "")
        if of_json and kind.startswith("application/json"):
            body = json.dumps(of_json(json.loads(body)), ensure_ascii=False, separators=(",", ":")).encode()
        elif of_html and kind.startswith("text/html"):
            body = of_html(body)
        MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
        return body, True

    return _emitting(app, change)


def cut_short(app: ASGIApp) -> ASGIApp:
    """The app with bodies that stop half way, whatever their Content-Length promised; then the connection closes."""

    def halve(start: Message, body: bytes) -> tuple[bytes, bool]:
        MutableHeaders(raw=start["headers"])["content-length"] = str(max(len(body), 1))
        return body[: len(body) // 2], False  # the server closes a connection whose answer never ends

    return _emitting(app, halve)


def _emitting(app: ASGIApp, emit: Emit) -> ASGIApp:
    """The app with its whole answer handed to `emit`, which returns the body to send and whether it is complete."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = {**message, "headers": list(message.get("headers", []))}
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                sent, complete = emit(start, body)
                await send(start)
                await send({"type": "http.response.body", "body": sent, "more_body": not complete})

        await app(scope, receive, collect)

    return serve


def without_keys(value: Any, names: Collection[str]) -> Any:
    """A JSON value without the entries of these names, at any depth."""
    if isinstance(value, dict):
        return {name: without_keys(entry, names) for name, entry in value.items() if name not in names}
    if isinstance(value, list):
        return [without_keys(entry, names) for entry in value]
    return value


def with_other_markup(page: bytes) -> bytes:
    """A page that calls the price and the item specifics something else, and tells search engines nothing."""
    for name, other in _RENAMED.items():
        page = page.replace(name, other)
    return _DEFINITION_LIST.sub(rb"<\1div", page)


def without_sale_dates(page: bytes) -> bytes:
    """A page that says of what is sold that it is, but not when."""
    return _SOLD_ON.sub(rb"\1", page)
