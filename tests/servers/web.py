"""A web server over a folder, as a release store is served to phones: ETags, ranges, and faults on demand."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple


class Request(NamedTuple):
    """What was asked for, and what was answered: the status and how many bytes of body."""

    path: str
    headers: dict[str, str]
    status: int
    sent: int


class WebServer:
    """Serves `root` below `/releases` on a port of its own.

    Attributes:
        requests: what was asked, in order.
        breaks: bytes of body after which the next answers break off, one after another.
        statuses: what the next requests are answered with, one after another; 0 hangs up, 200 is an answer as usual.
        moved: where all requests are sent on to, '{path}' standing for theirs.
        etags, ranges: whether the server knows these.
        extra: more headers of every answer.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[Request] = []
        self.breaks: list[int] = []
        self.statuses: list[int] = []
        self.moved = ""
        self.etags = self.ranges = True
        self.extra: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/releases"

    def close(self) -> None:
        """Answer nothing any more."""
        self._server.shutdown()
        self._server.server_close()

    def paths(self) -> list[str]:
        """Return the keys that were asked for since the last call, and forget them."""
        asked = [request.path.removeprefix("/releases/") for request in self.requests]
        self.requests.clear()
        return asked


@contextmanager
def serving(root: Path) -> Iterator[WebServer]:
    """Serve a folder for as long as the block runs."""
    server = WebServer(root)
    try:
        yield server
    finally:
        server.close()


def _handler(server: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status = server.statuses.pop(0) if server.statuses else 200
            file = server.root / self.path.removeprefix("/releases/")
            if not status:
                self._note(0, 0)
                self.close_connection = True
            elif status != 200:
                self._answer(status, b"not now")
            elif server.moved not in {"", self.path}:
                self._answer(302, b"", {"Location": server.moved.format(path=self.path)})
            elif not file.is_file():
                self._answer(404, b"nothing here")
            else:
                self._file(file.read_bytes())

        def _file(self, data: bytes) -> None:
            etag = f'"{hashlib.md5(data).hexdigest()}"'
            headers = {"ETag": etag} if server.etags else {}
            if server.etags and self.headers.get("If-None-Match") == etag:
                self._answer(304, b"", headers)
            elif server.ranges and (span := self.headers.get("Range")):
                start = int(span.removeprefix("bytes=").removesuffix("-"))
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
                self._answer(206, data[start:], headers)
            else:
                self._answer(200, data, headers)

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            kept = body
            if status in {200, 206} and server.breaks:
                kept = body[: server.breaks.pop(0)]
                self.close_connection = True
            self._note(status, len(kept))
            self.send_response(status)
            for name, value in {**(headers or {}), **server.extra}.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # who asked has seen enough
                self.wfile.write(kept)

        def _note(self, status: int, sent: int) -> None:
            server.requests.append(Request(self.path, dict(self.headers), status, sent))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
