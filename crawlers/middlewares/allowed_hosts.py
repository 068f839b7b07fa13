"""Let no request leave for a host that was not named beforehand: photo addresses are what sellers and servers wrote.

A request must be http or https to a host of the list, at that host's own port, without user info; https unless the
host is this machine. Host names are compared as written, in lower case: a name that is spelt in any other way (a
trailing dot, percent signs, a number for an address) is not on the list.

Number: 10, before everything. A redirect's target comes back as a request of its own and passes here again; the
robots.txt middleware (100), which asks a new host first, must not come before this one.

Settings: `AUTODETECT_ALLOWED_HOSTS`, a list of `host` (the scheme's default port) or `host:port`; a leading dot admits
the name itself and every name below it. An empty list admits nothing.

Counts `autodetect/allowed_hosts/<reason>`: not_http, user_info, unreadable, host, port, not_https.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request

from autodetect.errors import UsageError
from autodetect.settings import LOOPBACK_HOSTS
from crawlers.stopping import refuse_if_stopped

DEFAULT_PORTS = {"http": 80, "https": 443}
# Everything between '://' and the path, in the one spelling that all parsers read alike.
_PLACE = re.compile(r"(?P<host>\[::1\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::(?P<port>[1-9][0-9]{0,4}))?")
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<place>[^/?#]*)")


class RefusedHostError(IgnoreRequest):
    """The request was not sent: `reason` is one of those this module counts."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not sent: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class AllowedHost:
    """One entry of the list; `port` None stands for the scheme's default."""

    host: str
    port: int | None
    below: bool = False

    @classmethod
    def read(cls, entry: str) -> Self:
        """Read `host`, `host:port` or `.host` (`UsageError`: anything else)."""
        place = _PLACE.fullmatch(entry.lower().removeprefix("."))
        if not place:
            raise UsageError(
                f"'{entry}' in AUTODETECT_ALLOWED_HOSTS is no host", "write host, host:port or .host for all below it"
            )
        return cls(place["host"], int(place["port"]) if place["port"] else None, entry.startswith("."))

    def names(self, host: str) -> bool:
        """Return whether this entry is about `host`, whatever the port."""
        return host == self.host or (self.below and host.endswith(f".{self.host}"))


def why_refused(url: str, allowed: Iterable[AllowedHost]) -> str:
    """Return the reason why a URL may not be asked, or an empty string."""
    parts = _URL.match(url.lower())
    if not parts or parts["scheme"] not in DEFAULT_PORTS:
        return "not_http"
    if "@" in parts["place"]:
        return "user_info"
    place = _PLACE.fullmatch(parts["place"])
    if not place or not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        return "unreadable"
    return _why_place_refused(parts["scheme"], place["host"], place["port"], allowed)


def _why_place_refused(scheme: str, host: str, port: str | None, allowed: Iterable[AllowedHost]) -> str:
    named = [entry for entry in allowed if entry.names(host)]
    default = DEFAULT_PORTS[scheme]
    if not named:
        return "host"
    if int(port or default) not in {entry.port or default for entry in named}:
        return "port"
    return "not_https" if scheme != "https" and host.strip("[]") not in LOOPBACK_HOSTS else ""


class AllowedHosts:
    """Refuse every request that must not leave."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._allowed = [AllowedHost.read(entry) for entry in crawler.settings.getlist("AUTODETECT_ALLOWED_HOSTS")]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the crawl's settings."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Let a request pass, or raise `RefusedHostError`."""
        refuse_if_stopped(self._crawler)
        if reason := why_refused(request.url, self._allowed):
            self._crawler.stats.inc_value(f"autodetect/allowed_hosts/{reason}")
            raise RefusedHostError(reason)
