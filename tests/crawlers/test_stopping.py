"""A crawl ends early once, for one named cause, and sends nothing after."""

import time

import pytest

from crawlers.stopping import Cause
from tests.crawlers.middlewares.asking import crawl
from tests.crawlers.middlewares.serving import Answer, Asked, serving


def test_nothing_is_sent_after_the_end_wherever_it_waits() -> None:
    def answer(_: Asked) -> Answer:
        time.sleep(0.5)  # until other requests wait in the downloader
        return Answer()

    with serving(answer) as site:
        # /then will wait in the scheduler; most of the others have not been handed out.
        first = {"url": f"{site.url}/0", "meta": {"stop": "drift", "then": f"{site.url}/then"}}
        urls = [f"{site.url}/{n}" for n in range(1, 20)]
        found = crawl([first, *urls], site.host, CONCURRENT_REQUESTS=8, DOWNLOAD_DELAY=5)
    assert site.paths() == ["/0"]
    assert found.stopped == {"cause": "drift", "words": "the test says drift", "url": f"{site.url}/0"}
    assert found.stats["finish_reason"] == "drift"
    withdrawn = found.counted("stopping")["withdrawn"]
    assert withdrawn > 0
    assert [outcome.get("error") for outcome in found.outcomes] == [None] + ["StoppedError"] * withdrawn
    assert found.log.count("the crawl ends early (drift): the test says drift") == 1


def test_only_the_first_cause_counts() -> None:
    with serving(lambda _: Answer()) as site:
        causes = {"/0": "robots_disallow", "/1": "quota"}
        requests = [{"url": site.url + path, "meta": {"stop": cause}} for path, cause in causes.items()]
        found = crawl(requests, site.host)
    assert sorted(site.paths()) == ["/0", "/1"]  # both were in flight
    assert found.statuses == [200, 200]
    assert found.stopped["cause"] == causes[found.outcomes[0]["url"].removeprefix(site.url)]
    assert found.log.count("the crawl ends early") == 1


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_is_a_plain_word(cause: Cause) -> None:
    assert f"{cause}" == cause.value == cause.name.lower()
