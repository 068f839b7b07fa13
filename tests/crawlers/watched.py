"""A door before a sandbox: everything passes as it is, and is written down with the moments it came and left."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

END_TO_END = ("connection", "keep-alive", "transfer-encoding", "content-length")  # the headers that do not pass
Edit = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Passed:
    """One request and its answer; headers by their lower-case names.

    `came` and `left` are monotonic seconds, `came_on` is the moment it came in Unix time.
    """

    path: str
    headers: Mapping[str, str]
    status: int
    answer: Mapping[str, str]
    came: float
    came_on: float
    left: float


@dataclass
class Door:
    """A door that is open: its address, what passed in the order of leaving, and the most requests inside at a time."""

    url: str = ""
    passed: list[Passed] = field(default_factory=list)
    most_inside: int = 0

    def of(self, *beginnings: str) -> list[Passed]:
        """What passed to paths with one of these beginnings, in the order of coming; all without any."""
        found = (passed for passed in self.passed if passed.path.startswith(beginnings or ("/",)))
        return sorted(found, key=lambda passed: passed.came)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextmanager
def watched(url: str, *, edit: Edit = lambda body: body) -> Iterator[Door]:
    """Open a door before a server; `edit` may change what it answers."""
    door, lock, inside = Door(), Lock(), 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            nonlocal inside
            came, came_on = time.monotonic(), time.time()
            with lock:
                inside += 1
                door.most_inside = max(door.most_inside, inside)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, answer = self._asked(body)
            passed = Passed(self.path, _named(self.headers), status, _named(headers), came, came_on, time.monotonic())
            with lock:  # before the answer leaves: the next request comes only after it
                inside -= 1
                door.passed.append(passed)
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET  # noqa: N815 - the name that the server calls

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            server = HTTPConnection(urlsplit(url).netloc, timeout=30)
            try:
                server.request(self.command, self.path, body or None, dict(self.headers))
                answer = server.getresponse()
                kept = {name: value for name, value in answer.getheaders() if name.lower() not in END_TO_END}
                return answer.status, kept, edit(answer.read())
            except (HTTPException, OSError) as error:
                return 502, {}, str(error).encode()
            finally:
                server.close()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    door.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
