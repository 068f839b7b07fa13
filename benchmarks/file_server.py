"""A web server over a folder, in a process of its own: ETags, 304, kept connections; every answer is a line of a log.

`python -m benchmarks.file_server ROOT LOG` prints its port and serves until its standard input ends.
"""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, NamedTuple

CHUNK_BYTES = 1 << 20


class Answer(NamedTuple):
    """What was asked for, and what was sent: the status and how many bytes of body."""

    path: str
    status: int
    sent: int


class FileServer(NamedTuple):
    """A running server: `url` is its address, `log` holds its answers."""

    url: str
    log: Path

    def answers(self) -> list[Answer]:
        """Return what was answered since the last call."""
        lines = [line.split() for line in self.log.read_text("utf-8").splitlines()]
        self.log.write_text("", "utf-8")
        return [Answer(path, int(status), int(sent)) for path, status, sent in lines]


@contextmanager
def serving(root: Path, log: Path) -> Iterator[FileServer]:
    """Serve a folder for as long as the block runs."""
    log.write_text("", "utf-8")
    command = [sys.executable, "-m", "benchmarks.file_server", str(root), str(log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield FileServer(f"http://127.0.0.1:{int(server.stdout.readline())}", log)
        server.communicate(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    root: ClassVar[Path]
    log: ClassVar[Path]
    etags: ClassVar[dict[Path, str]] = {}

    def do_GET(self) -> None:
        path = self.root / self.path.lstrip("/")
        if not path.is_file():
            self._head(404, 0, "")
            return
        etag = self._etag(path)
        if self.headers.get("If-None-Match") == etag:
            self._head(304, None, etag)
            return
        self._head(200, path.stat().st_size, etag)
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                self.wfile.write(chunk)

    def log_message(self, *_: object) -> None:
        """Say nothing: `_head` keeps the log."""

    def _etag(self, path: Path) -> str:
        """Return the ETag of a file; objects never change, and are read once for it."""
        if path in self.etags:
            return self.etags[path]
        with path.open("rb") as file:
            etag = f'"{hashlib.file_digest(file, "md5").hexdigest()}"'
        if path.parent.name == "sha256":
            self.etags[path] = etag
        return etag

    def _head(self, status: int, size: int | None, etag: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{self.path} {status} {size or 0}\n")
        self.send_response(status)
        if etag:
            self.send_header("ETag", etag)
        if size is not None:
            self.send_header("Content-Length", str(size))
        self.end_headers()


def main(root: str, log: str) -> None:
    """Serve until standard input ends."""
    _Handler.root, _Handler.log = Path(root), Path(log)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        print(server.server_port, flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
