"""The proxy does to a request what it counts, and to the others nothing."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.servers.fault_proxy import FAULTS, FaultProxy


class Upstream(BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    protocol_version = "HTTP/1.1"
    seen: list[bytes]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(body)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[ThreadingHTTPServer]:
    Upstream.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def put(port: int, data: bytes) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("PUT", "/a", data, {"Expect": "100-continue"})
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize(
    ("fault", "arrives", "answered"),
    [
        ("slow", True, True),
        ("overloaded", False, True),
        ("cut request", False, False),
        ("lost answer", True, False),
        ("late answer", True, False),
        ("cut answer", True, False),
    ],
)
def test_each_fault_is_what_it_is_called(
    upstream: ThreadingHTTPServer, fault: str, arrives: bool, answered: bool
) -> None:
    with closing(FaultProxy(upstream.server_address[1], faults={fault: 1.0}, late_s=0.01)) as proxy:
        if answered:
            assert put(proxy.port, b"data") == ((503, put(proxy.port, b"")[1]) if not arrives else (200, b"data"))
        else:
            with pytest.raises((http.client.HTTPException, ConnectionError)):
                put(proxy.port, b"data")
        assert (b"data" in Upstream.seen) is arrives
        assert proxy.counts.keys() == {fault}


def test_the_same_seed_draws_the_same_faults(upstream: ThreadingHTTPServer) -> None:
    drawn = []
    for seed in (1, 1, 2):
        with closing(FaultProxy(upstream.server_address[1], seed)) as proxy:
            drawn.append([proxy.draw() for _ in range(3_000)])
            assert proxy.counts.keys() == {*FAULTS, "sound"}
    assert drawn[0] == drawn[1] != drawn[2]
    with closing(FaultProxy(upstream.server_address[1], faults={})) as proxy:
        assert put(proxy.port, b"data") == (200, b"data")
