"""Plain GETs against a server that breaks off, hangs up, stalls, leads astray and sends too much."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodetect.errors import AutoDetectError, CorruptError, DependencyDownError, UsageError
from autodetect.lake.objects import LocalStore, ObjectMissingError
from autodetect.lake.objects.base import MAX_POLLED_BYTES
from autodetect.release.client.http_source import HttpOptions, HttpSource
from autodetect.release.client.opening import open_source
from autodetect.release.client.source import read
from tests.release.client.asking import synced
from tests.release.sample import CONTENT, publish_night
from tests.servers.web import WebServer, serving

DATA = bytes(range(256)) * 1000
PATIENT = HttpOptions(backoff_s=0)


@contextmanager
def answering(answer: bytes, *, stall: bool = False) -> Iterator[HttpSource]:
    """A server that sends these bytes whatever it is asked, on every connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=listener.accept()[:1], daemon=True).start()

    def talk(client: socket.socket) -> None:
        with suppress(OSError), client:
            client.recv(65536)
            client.sendall(answer)
            if stall:
                done.wait(10)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        port = listener.getsockname()[1]
        yield HttpSource(f"http://127.0.0.1:{port}/x", HttpOptions(backoff_s=0, read_timeout_s=0.2, attempts=2))
    finally:
        done.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


@pytest.fixture
def blob(store: LocalStore) -> bytes:
    store.put("objects/blob", DATA)
    return DATA


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("breaks", [[0], [1000], [100_000, 100_000], [200_000, 0, 1]])
def test_a_download_that_breaks_off_is_taken_up_where_it_broke(
    web: WebServer, source: HttpSource, blob: bytes, breaks: list[int], ranges: bool
) -> None:
    web.ranges, web.breaks = ranges, list(breaks)
    assert read(source, "objects/blob", len(blob)) == blob
    asked = [request.headers.get("Range") for request in web.requests]
    assert asked[0] is None
    assert len(asked) == len(breaks) + 1
    if ranges:
        assert sum(request.sent for request in web.requests) == len(blob)


def test_a_download_that_always_breaks_off_is_given_up(web: WebServer, source: HttpSource, blob: bytes) -> None:
    web.breaks = [10] * 99
    with pytest.raises(DependencyDownError, match="broke off after 40 bytes"):
        read(source, "objects/blob", len(blob))
    assert len(web.requests) == PATIENT.attempts


def test_what_passes_is_tried_again_and_what_does_not_is_not(web: WebServer, source: HttpSource, blob: bytes) -> None:
    web.statuses = [503, 0, 429]
    assert read(source, "objects/blob", len(blob)) == blob
    web.statuses = [500] * 9
    with pytest.raises(DependencyDownError, match="HTTP 500"):
        read(source, "objects/blob", len(blob))
    assert len(web.statuses) == 9 - PATIENT.attempts
    for status, error in {404: ObjectMissingError, 403: ObjectMissingError, 401: UsageError, 400: UsageError}.items():
        web.statuses = [status]
        with pytest.raises(error, match=f"HTTP {status}|{status}"):
            read(source, "objects/blob", len(blob))
        assert web.statuses == []
    assert read(source, "objects/blob", len(blob)) == blob


def test_one_connection_serves_a_whole_sync(store: LocalStore, web: WebServer, cache: Path, tmp_path: Path) -> None:
    opened: list[socket.socket] = []

    class Counting(HttpSource):
        def _get(self, *args: object) -> object:
            answer = super()._get(*args)  # type: ignore[arg-type]
            if self._connection.sock and self._connection.sock not in opened:
                opened.append(self._connection.sock)
            return answer

    publish_night(store, tmp_path, 1)
    assert synced(Counting(web.url), cache).sequence == 1
    assert len(web.requests) > len(CONTENT)
    assert len(opened) <= 2  # a 404 closes it


def test_redirects_stay_on_the_same_server(web: WebServer, source: HttpSource, blob: bytes, tmp_path: Path) -> None:
    with serving(tmp_path) as elsewhere:
        for target in (elsewhere.url + "/objects/blob", "https://127.0.0.1/x", "//host/x", "http://[", "ftp://x/y"):
            web.moved = target
            with pytest.raises(UsageError, match="another place"):
                read(source, "objects/blob", len(blob))
        assert elsewhere.requests == []
    web.moved = "/releases/objects/blob"
    assert read(source, "objects/blob", len(blob)) == blob
    web.requests.clear()
    web.moved = "{path}?again"
    with pytest.raises(UsageError, match="HTTP 302"):
        read(source, "objects/blob", len(blob))
    assert len(web.requests) == 4


def test_no_more_is_read_than_may_be_there(web: WebServer, store: LocalStore, blob: bytes) -> None:
    source = HttpSource(web.url, HttpOptions(attempts=1))
    with pytest.raises(CorruptError, match="longer than the 255,999 bytes"):
        read(source, "objects/blob", len(blob) - 1)
    store.put("latest.json", b" " * (MAX_POLLED_BYTES + 1))
    with pytest.raises(CorruptError, match="longer than"):
        source.get_if_changed("latest.json", None)
    store.put("latest.json", b"{}")
    assert source.get_if_changed("latest.json", None) is not None  # the connection is not out of step


def test_an_endless_body_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with answering(head + b"400\r\n" + b"x" * 1024 + b"\r\n", stall=True) as source:
        with pytest.raises(CorruptError, match="longer than"):
            read(source, "a", 1000)
        with pytest.raises(DependencyDownError, match="broke off after 1,024 bytes"):
            read(source, "a", 5000)


def test_a_server_that_is_silent_or_drips_is_given_up(web: WebServer, blob: bytes) -> None:
    with answering(b"", stall=True) as silent, pytest.raises(DependencyDownError, match="does not answer"):
        read(silent, "a", 10)
    slow = HttpSource(web.url, HttpOptions(grace_s=1e-9, slowest_bytes_per_s=1e15))
    with pytest.raises(DependencyDownError, match=r"gave .* bytes in"):
        read(slow, "objects/blob", len(blob))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\nabcd",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\nContent-Range: bytes 0-3/9\r\n\r\nabcd",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\nContent-Encoding: br\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_to_another_question_is_refused(answer: bytes) -> None:
    with answering(answer) as source, pytest.raises(UsageError):
        read(source, "a", 10)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.binary(max_size=60), framed=st.booleans())
def test_whatever_bytes_a_server_sends_end_in_an_answer_or_in_words(answer: bytes, framed: bool) -> None:
    with (
        answering(
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" if framed else b"HTTP/1.1 ") + answer
        ) as source,
        suppress(AutoDetectError),
    ):
        assert isinstance(read(source, "a", 1 << 20), bytes)


@pytest.mark.parametrize(
    "url", ["http://", "https:///x", "http://u:p@h/x", "http://h/x?y", "http://h:99999/", "http://h/#x"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        open_source(url)


def test_an_address_below_which_nothing_answers_is_down(cache: Path) -> None:
    with pytest.raises(DependencyDownError):
        synced(HttpSource("http://127.0.0.1:9/releases", PATIENT), cache)
    with pytest.raises(UsageError):
        open_source("ftp://host/x")
