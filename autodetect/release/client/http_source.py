"""Reading a release store through a web server by plain GET requests, as a phone does; nothing but Python is needed.

One connection is kept open. Bytes are taken as they come: what they are worth is for signatures and digests to say.
"""

import random
import ssl
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import quote, urljoin, urlsplit

from pydantic import Field

from autodetect import __version__
from autodetect.errors import DependencyDownError, UsageError
from autodetect.lake.objects.base import ObjectMissingError, checked_key, polled
from autodetect.lake.objects.durable import CHUNK_BYTES
from autodetect.records import Record

MOST_REDIRECTS = 3
MISSING = frozenset({403, 404, 410})  # S3 says 403 to clients that may not list
PASSING = frozenset({408, 429, 500, 502, 503, 504})
UNREAD = (OSError, HTTPException)


class HttpOptions(Record):
    """How patient a client is. A body that comes slower than `slowest_bytes_per_s` after `grace_s` is given up."""

    connect_timeout_s: float = Field(5.0, gt=0)
    read_timeout_s: float = Field(10.0, gt=0, description="the longest silence")
    attempts: int = Field(4, ge=1, description="tries of one request, and of one body that breaks off")
    backoff_s: float = Field(0.25, ge=0, description="longest wait before the second try; doubles with each")
    grace_s: float = Field(30.0, gt=0)
    slowest_bytes_per_s: float = Field(2048.0, ge=0)


class HttpSource:
    """A release store below `url`. Redirects are followed on the same scheme, host and port alone."""

    def __init__(self, url: str, options: HttpOptions | None = None) -> None:
        self.url = url.rstrip("/")
        self.options = options or HttpOptions()
        self._connection: HTTPConnection | None = None
        parts = urlsplit(self.url)
        try:
            named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            named = False
        if not named or parts.username is not None or parts.query or parts.fragment or not self.url.isprintable():
            raise UsageError(
                f"{url!r} is no address of a release store", "give https://host/prefix, without a user, '?' or '#'"
            )

    def chunks(self, key: str) -> Iterator[bytes]:
        """Yield the object's bytes in pieces; a broken connection is taken up where it broke."""
        yield from self._body(key, self._answer(key, {}))

    def get_if_changed(self, key: str, etag: str | None) -> tuple[bytes, str] | None:
        """Ask with `If-None-Match` where an ETag is known; None if the server answers 304."""
        answer = self._answer(key, {"If-None-Match": etag} if etag else {})
        if answer.status == 304:
            answer.close()
            return None
        return polled(self._body(key, answer), f"{self.url}/{key}"), answer.headers.get("ETag", "")

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _body(self, key: str, answer: HTTPResponse) -> Iterator[bytes]:
        """Yield a body; where it breaks off, ask for the rest, and skip what a server sends again that cannot do that.

        No `If-Range`: objects never change under their key, and digests tell.
        """
        done, started = 0, time.monotonic()
        for tries_left in reversed(range(self.options.attempts)):
            skip = done if answer.status == 200 else 0
            try:
                for chunk in self._pieces(answer):
                    fresh = chunk[skip:]
                    skip -= len(chunk) - len(fresh)
                    done += len(fresh)
                    self._check_pace(key, done, time.monotonic() - started)
                    if fresh:
                        yield fresh
                if not answer.length:
                    answer.close()
                    return
                why = f"{answer.length:,} bytes are missing"
            except UNREAD as error:
                why = str(error) or type(error).__name__
            finally:
                if not answer.isclosed():
                    self.close()  # the rest of this body must not be taken for the next answer
            if tries_left:
                self._wait(tries_left)
                answer = self._answer(key, {"Range": f"bytes={done}-"} if done else {})
        raise self._down(key, f"broke off after {done:,} bytes: {why}")

    def _pieces(self, answer: HTTPResponse) -> Iterator[bytes]:
        while chunk := answer.read1(CHUNK_BYTES):
            yield chunk

    def _check_pace(self, key: str, done: int, elapsed_s: float) -> None:
        if done < (elapsed_s - self.options.grace_s) * self.options.slowest_bytes_per_s:
            raise self._down(key, f"gave {done:,} bytes in {elapsed_s:.0f} s")

    def _answer(self, key: str, headers: dict[str, str]) -> HTTPResponse:
        """Return the answer to a GET, its body unread; what passes by itself is tried again.

        Raises:
            ObjectMissingError: nothing is there.
            UsageError: the server refuses, leads elsewhere, or answers what was not asked.
            DependencyDownError: it does not answer.
        """
        path = f"{urlsplit(self.url).path}/{quote(checked_key(key))}"
        redirects, tries_left, why = MOST_REDIRECTS, self.options.attempts, ""
        while tries_left:
            try:
                answer = self._get(path, headers)
            except UNREAD as error:
                why = str(error) or type(error).__name__
                self.close()
            else:
                if answer.status in {200, 206 if "Range" in headers else 304}:
                    self._check_answer(key, answer, headers)
                    return answer
                self.close()
                location = answer.headers.get("Location", "")
                if answer.status in MISSING:
                    raise ObjectMissingError(f"{self.url} has no object '{key}' (HTTP {answer.status})")
                if 300 <= answer.status < 400 and location and redirects:
                    path, redirects = self._redirected(path, location), redirects - 1
                    continue
                why = f"HTTP {answer.status}"
                if answer.status not in PASSING:
                    raise UsageError(f"{self.url}/{key}: the server answered {why}", "check the address of the store")
            tries_left -= 1
            if tries_left:
                self._wait(tries_left)
        raise self._down(key, f"does not answer: {why}")

    def _get(self, path: str, headers: dict[str, str]) -> HTTPResponse:
        if self._connection is None or self._connection.sock is None:
            parts, timeout = urlsplit(self.url), self.options.connect_timeout_s
            host = str(parts.hostname)
            if parts.scheme == "https":
                context = ssl.create_default_context()
                self._connection = HTTPSConnection(host, parts.port, timeout=timeout, context=context)
            else:
                self._connection = HTTPConnection(host, parts.port, timeout=timeout)
            self._connection.connect()
            self._connection.sock.settimeout(self.options.read_timeout_s)
        self._connection.request("GET", path, headers={"User-Agent": f"AutoDetect/{__version__}", **headers})
        return self._connection.getresponse()

    def _check_answer(self, key: str, answer: HTTPResponse, headers: dict[str, str]) -> None:
        start = headers.get("Range", "").removesuffix("-").replace("=", " ")
        told = answer.headers.get("Content-Range", "")
        encoding = answer.headers.get("Content-Encoding", "identity")
        if (answer.status == 206 and not told.startswith(f"{start}-")) or encoding != "identity":
            self.close()
            raise UsageError(
                f"{self.url}/{key}: the server answered with {told or encoding}, which was not asked for",
                "let it serve the files as they are",
            )

    def _redirected(self, path: str, location: str) -> str:
        here = urlsplit(self.url)
        try:
            there = urlsplit(urljoin(f"{here.scheme}://{here.netloc}{path}", location))
        except ValueError:
            there = urlsplit("")
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise UsageError(
                f"{self.url} leads to {location!r}, another place, where nothing is fetched from",
                "give the store's own address",
            )
        return f"{there.path}?{there.query}" if there.query else there.path

    def _wait(self, tries_left: int) -> None:
        longest = self.options.backoff_s * 2 ** (self.options.attempts - tries_left - 1)
        time.sleep(random.uniform(0, longest))

    def _down(self, key: str, why: str) -> DependencyDownError:
        self.close()
        return DependencyDownError(f"{self.url}/{key} {why}", "check the address and the network, then run again")
