"""An answer that a broken connection cut short is never believed, wherever it was cut."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autodetect.lake.objects import S3Options, S3Store

BODY = b"one two three"
GOT = b'HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 13\r\nETag: "e7"\r\nx-amz-meta-a: b\r\n\r\n'
LISTING = b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>%s</Key></Contents></ListBucketResult>"


class CuttingServer:
    """Gives each request its whole answer, but cuts the next one after `cut` bytes and hangs up.

    Attributes:
        answers: by method, without the body that HEAD leaves out.
        cut: how much of the next answer is sent; None: all of it.
    """

    def __init__(self) -> None:
        listing = LISTING % b"key"
        self.answers = {
            b"LIST": b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: %d\r\n\r\n%s" % (len(listing), listing),
            b"GET": GOT + BODY,
            b"HEAD": GOT,
        }
        self.cut: int | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as asked:
                request = asked.readline()
                headers = dict(line.lower().rstrip().split(b": ") for line in iter(asked.readline, b"\r\n") if line)
                answer = self.answers[b"LIST" if b"list-type=2" in request else request.split()[0]]
                if start := headers.get(b"range", b"bytes=0-")[6:-1].lstrip(b"0"):
                    rest = BODY[int(start) :]
                    answer = GOT.replace(b"200 OK", b"206 Some").replace(b": 13", b": %d" % len(rest)) + rest
                cut, self.cut = self.cut, None
                connection.sendall(answer[:cut])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CuttingServer]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    server = CuttingServer()
    yield server
    server.close()


def downloaded(store: S3Store, folder: Path) -> bytes:
    store.download("key", folder / "file")
    return (folder / "file").read_bytes()


@pytest.mark.parametrize(
    ("method", "use", "whole"),
    [
        (b"LIST", lambda store, _: list(store.list()), ["key"]),
        (b"GET", downloaded, BODY),
        (b"GET", lambda store, _: store.get_if_changed("key", None)[0], BODY),
        (b"HEAD", lambda store, _: store.size("key"), len(BODY)),
    ],
)
def test_an_answer_cut_anywhere_is_asked_for_again(
    server: CuttingServer, tmp_path: Path, method: bytes, use: Callable[[S3Store, Path], Any], whole: Any
) -> None:
    store = S3Store("bucket", options=S3Options(endpoint_url=server.endpoint))
    assert use(store, tmp_path) == whole
    for cut in range(len(server.answers[method])):
        server.cut = cut
        assert use(store, tmp_path) == whole, server.answers[method][:cut]
        assert server.cut is None
