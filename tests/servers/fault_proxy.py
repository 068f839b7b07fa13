"""An HTTP proxy before a real server, for clients whose network is bad: slow, cut, overloaded, or silent afterwards.

Faults are drawn by seed, one draw for each request. A request is read whole before anything happens to it, so that it
is known whether the server ever saw it.
"""

import contextlib
import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType

# What share of requests meets which fault.
FAULTS: Mapping[str, float] = MappingProxyType(
    {
        "slow": 0.03,  # the request is held back for a while
        "overloaded": 0.02,  # 503 SlowDown; the server never sees it
        "cut request": 0.01,  # the connection ends; the server never sees it
        "lost answer": 0.01,  # the server did it; the connection ends before it says so
        "late answer": 0.005,  # the server did it; it says so when the client has given up
        "cut answer": 0.01,  # the connection ends in the middle of the answer's body
    }
)
SLOW_DOWN = b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>'
_HOP_BY_HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}


class FaultProxy:
    """Forwards to a loopback port; `counts` says how often which fault was met, and `sound` how often none.

    Args:
        upstream_port: where the server listens.
        seed: of the draws.
        faults: shares of requests, which come to less than 1.
        slow_s: the most that a slow request is held back.
        late_s: how long a late answer takes: more than the client's patience.
    """

    def __init__(
        self,
        upstream_port: int,
        seed: int = 0,
        faults: Mapping[str, float] = FAULTS,
        *,
        slow_s: float = 0.2,
        late_s: float = 1.5,
    ) -> None:
        self.upstream_port, self.slow_s, self.late_s = upstream_port, slow_s, late_s
        self.counts: Counter[str] = Counter()
        self._faults = dict(faults)
        self._random, self._lock = random.Random(seed), threading.Lock()
        proxy = self

        class Relay(_Relay):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def draw(self) -> tuple[str, float]:
        """Return what happens to the next request, and how long it is held back if it is slow."""
        with self._lock:
            kinds = [*self._faults, "sound"]
            shares = [*self._faults.values(), 1 - sum(self._faults.values())]
            fault = self._random.choices(kinds, shares)[0]
            self.counts[fault] += 1
            return fault, self._random.uniform(0, self.slow_s)


class _Relay(BaseHTTPRequestHandler):
    """One connection of a client; each of its requests goes to the server over a new one."""

    owner: FaultProxy
    protocol_version = "HTTP/1.1"

    def relay(self) -> None:
        """Pass one request on, and its answer back, unless a fault comes in between."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault, pause = self.owner.draw()
        if fault == "overloaded":
            self.answer(503, [("Content-Type", "application/xml")], SLOW_DOWN)
            return
        if fault == "cut request":
            self.cut()
            return
        if fault == "slow":
            time.sleep(pause)
        status, headers, data = self.ask(body)
        if fault == "late answer":
            time.sleep(self.owner.late_s)
        if fault in {"lost answer", "late answer"}:
            self.cut()
        elif fault == "cut answer" and len(data) > 1:
            self.answer(status, headers, data, sent=len(data) // 2)
            self.cut()
        else:
            self.answer(status, headers, data)

    def ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return the server's whole answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.owner.upstream_port, timeout=60)
        with contextlib.closing(connection):
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
            return answer.status, headers, answer.read()

    def answer(self, status: int, headers: list[tuple[str, str]], data: bytes, sent: int | None = None) -> None:
        """Send an answer, or the first bytes of its body."""
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in headers} and status not in {204, 304}:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:sent])

    def cut(self) -> None:
        """End the connection without another word."""
        self.close_connection = True

    def handle(self) -> None:
        """Serve the connection; a client that goes away, or is killed, is nothing to speak of."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            super().handle()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
    setattr(_Relay, f"do_{method}", _Relay.relay)
