"""A web server on this machine that answers as a test says and remembers every request, with the moment it came."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request: `at` is when it came, `count` how often its path had been asked before."""

    path: str
    method: str
    headers: Mapping[str, str]
    body: str
    at: float
    count: int


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass
class Site:
    """A server that runs; `asked` and `answered_at` (when each answer left) are in the order of arrival."""

    host: str
    asked: list[Asked] = field(default_factory=list)
    answered_at: dict[int, float] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


@contextmanager
def serving(answer: Callable[[Asked], Answer]) -> Iterator[Site]:
    """Run a server; `answer` is called for one request at a time in the order of arrival."""
    site, lock = Site(""), Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def _answer(self) -> None:
            at = monotonic()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            with lock:
                asked = Asked(self.path, self.command, dict(self.headers), body, at, site.paths().count(self.path))
                number = len(site.asked)
                site.asked.append(asked)
                found = answer(asked)
                site.answered_at[number] = monotonic()
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    site.host = f"127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
