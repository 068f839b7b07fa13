"""Obey robots.txt as RFC 9309 has it: what cannot be had for the server's or the network's sake forbids all (2.3.1.4).

Scrapy takes a failure to read for a permission, and lets all but the first of those pass that wait for one answer. Here
an answer 429 or 5xx, and none at all, forbid the whole host, and all wait for what the answer says. Another 4xx says
that there are no rules (2.3.1.3), whatever its page says.

Number: 100, in the place of Scrapy's own. Counts `autodetect/robots/forbids_all`, hosts.
"""

import logging

from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.http import Request, Response
from scrapy.robotstxt import RobotParser
from scrapy.utils.httpobj import urlparse_cached

from crawlers.stopping import refuse_if_stopped

log = logging.getLogger(__name__)
NOTHING = b"User-agent: *\nDisallow: /\n"


class Robots(RobotsTxtMiddleware):
    """Scrapy's middleware, with rules for a robots.txt that cannot be had."""

    async def robot_parser(self, request: Request) -> RobotParser:
        """Return the rules of a request's host (`StoppedError`: the crawl ended over them)."""
        await super().robot_parser(request)  # returns the rules to the first of several that waited alone
        found = self._parsers[urlparse_cached(request).netloc]
        if isinstance(found, RobotParser):
            return found
        refuse_if_stopped(self.crawler)
        return self._rules(NOTHING)

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status == 429 or response.status >= 500:
            self._tell(netloc, f"HTTP {response.status}")
            response = response.replace(body=NOTHING)
        elif response.status >= 400:
            response = response.replace(body=b"")
        await super()._parse_robots(response, netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        self._tell(netloc, type(exc).__name__)
        super()._robots_error(exc, netloc)

    def _rules(self, body: bytes) -> RobotParser:
        return self._parserimpl.from_crawler(self.crawler, body)

    def _tell(self, netloc: str, why: str) -> None:
        self.crawler.stats.inc_value("autodetect/robots/forbids_all")
        log.warning("robots.txt of %s cannot be had (%s): nothing of the host is asked", netloc, why)
