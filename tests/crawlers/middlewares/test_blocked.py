"""A source that shuts us out is noticed at the first sign and left alone; an ordinary page is no such sign."""

import gzip
import time

import pytest

from crawlers.middlewares.blocked import HEAD_BYTES, wall_of_page, wall_of_url
from crawlers.stopping import Cause
from tests.crawlers.middlewares.asking import crawl
from tests.crawlers.middlewares.serving import Answer, Asked, serving

HTML = {"Content-Type": "text/html; charset=utf-8"}
CAPTCHA = b"<!doctype html><html><head><title>Security Measure | eBay</title></head><body>Verify</body></html>"
PARDON = b"<html><head>\n<TITLE>\n Pardon Our Interruption...</TITLE><script>var a = '<body>';</script></head></html>"
CHECKING = (
    b"<html><head><title>eBay</title></head><body class=x><style>p{}</style><!-- hi --><div><p>Checking&nbsp;your "
    b"<b>browser</b> before you access eBay.</p></div></body></html>"
)
REFRESH = PARDON.replace(b"<head>", b'<head><meta http-equiv="refresh" content="0; url=/distil_captcha">')
LISTING = b"<html><head><title>2016 BMW 7-Series | eBay</title></head><body><h1>2016 BMW</h1></body></html>"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Answer(200, CAPTCHA, HTML), "captcha"),
        (Answer(302, b"", {"Location": "/splashui/captcha?ap=1&ru=%2F"}), "captcha"),
        (Answer(307, b"", {"Location": "/splashui/challenge"}), "interruption"),
        (Answer(200, PARDON, HTML), "interruption"),
        (Answer(200, CHECKING, HTML), "interruption"),
        (Answer(200, REFRESH, HTML), "interruption"),
        (Answer(503, CHECKING, HTML), "interruption"),
        (Answer(403, PARDON, HTML | {"Retry-After": "250"}), "interruption"),
        (Answer(200, gzip.compress(PARDON), HTML | {"Content-Encoding": "gzip"}), "interruption"),
    ],
    ids=["captcha", "led to captcha", "led to challenge", "pardon", "checking", "refresh", "503", "403", "compressed"],
)
def test_a_wall_ends_the_crawl_and_nothing_more_is_asked(answer: Answer, cause: str) -> None:
    wall = "/2"
    with serving(lambda asked: answer if asked.path == wall else Answer(200, LISTING, HTML)) as site:
        requests = [{"url": f"{site.url}/0", "meta": {"then": f"{site.url}/1"}}]
        requests += [{"url": f"{site.url}{wall}"}, {"url": f"{site.url}/3"}, {"url": f"{site.url}/4"}]
        found = crawl(requests, site.host, CONCURRENT_REQUESTS=1)
    assert site.paths()[-1] == wall
    assert site.paths().count(wall) == 1
    assert found.stopped["cause"] == cause
    assert found.stopped["url"].startswith(site.url)
    assert found.stats["finish_reason"] == cause
    assert found.outcomes[-1] == {"url": f"{site.url}{wall}", "error": "StoppedError", "words": cause}
    assert found.counted("blocked")[cause] == 1


def test_what_already_waits_in_the_downloader_is_not_sent_after_a_wall() -> None:
    def answer(_: Asked) -> Answer:
        time.sleep(0.5)  # until other requests wait there
        return Answer(200, CAPTCHA, HTML)

    with serving(answer) as site:
        found = crawl([f"{site.url}/{n}" for n in range(8)], site.host, DOWNLOAD_DELAY=5)
    assert len(site.asked) == 1
    withdrawn = found.counted("stopping")["withdrawn"]
    assert withdrawn > 0
    assert [outcome["error"] for outcome in found.outcomes] == ["StoppedError"] * (1 + withdrawn)


@pytest.mark.parametrize("status", [403, 429])
def test_refusals_in_a_row_end_the_crawl(status: int) -> None:
    with serving(lambda _: Answer(status)) as site:
        found = crawl(
            [f"{site.url}/{n}" for n in range(9)],
            site.host,
            CONCURRENT_REQUESTS=1, AUTODETECT_MAX_BLOCKS=4, RETRY_TIMES=1,
        )  # fmt: skip
    assert len(site.asked) == 4
    assert found.stopped["cause"] == {403: "forbidden", 429: "rate_limited"}[status]
    assert f"4 requests in a row, the last with HTTP {status}" in found.stopped["words"]
    assert found.counted("blocked") == {f"http_{status}": 4}


def test_a_success_in_between_starts_the_count_anew() -> None:
    with serving(lambda asked: Answer() if asked.path in {"/3", "/7"} else Answer(403)) as site:
        urls = [f"{site.url}/{n}" for n in range(10)]
        found = crawl(urls, site.host, CONCURRENT_REQUESTS=1, AUTODETECT_MAX_BLOCKS=4)
    assert (site.paths(), found.stopped) == ([f"/{n}" for n in range(10)], {})


def test_the_refusals_of_one_host_are_not_those_of_another() -> None:
    with serving(lambda _: Answer(403)) as site, serving(lambda _: Answer(403)) as other:
        urls = [f"{place.url}/{n}" for n in range(3) for place in (site, other)]
        found = crawl(urls, site.host, other.host, CONCURRENT_REQUESTS=1, AUTODETECT_MAX_BLOCKS=4)
    assert (len(site.asked), len(other.asked), found.stopped) == (3, 3, {})


def test_a_refusal_that_was_to_be_expected_says_nothing() -> None:
    with serving(lambda _: Answer(403)) as site:
        requests = [{"url": f"{site.url}/{n}", "meta": {"may_be_forbidden": True}} for n in range(6)]
        found = crawl(requests, site.host, CONCURRENT_REQUESTS=1, AUTODETECT_MAX_BLOCKS=2)
    assert (found.statuses, found.stopped) == ([403] * 6, {})


def test_requests_under_way_together_are_told_to_wait_but_once() -> None:
    with serving(lambda asked: Answer() if asked.count else Answer(429, headers={"Retry-After": "1"})) as site:
        urls = [f"{site.url}/{n}" for n in range(8)]
        found = crawl(urls, site.host, CONCURRENT_REQUESTS_PER_DOMAIN=8, AUTODETECT_MAX_BLOCKS=3)
    assert (found.statuses, found.stopped) == ([200] * 8, {})
    assert found.counted("blocked")["http_429"] == 8


def page(title: str = "eBay", body: str = "", head: str = "") -> bytes:
    return f"<html><head><title>{title}</title>{head}</head><body>{body}</body></html>".encode()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", LISTING),
        ("text/html", b""),
        ("application/json", CAPTCHA),
        ("text/plain", PARDON),
        ("image/jpeg", CHECKING),
        ("text/html", b" " * HEAD_BYTES + CAPTCHA),
        ("text/html", page("Sticker 'Pardon Our Interruption' for BMW | eBay")),
        ("text/html", page("Home security measure | eBay")),
        ("text/html", page(body="<p>" + "A fine car. " * 20 + "Pardon our interruption: one owner.</p>")),
        ("text/html", page(head='<meta name="description" content="Checking your browser">')),
        ("text/html", page(body="<script>alert('Checking your browser')</script><p>2016 BMW</p>")),
        ("text/html", page(body="<img alt='Pardon Our Interruption' src=x>")),
    ],
)
def test_an_ordinary_answer_is_no_wall(content_type: str, body: bytes) -> None:
    assert wall_of_page(content_type.encode(), body) is None


def test_a_wall_is_known_however_it_is_written() -> None:
    assert wall_of_page(b"Text/HTML", page("\n Security  Measure &#124; eBay ")) is Cause.CAPTCHA
    assert wall_of_page(b"text/html;charset=x", page("PARDON OUR INTERRUPTION")) is Cause.INTERRUPTION
    assert wall_of_page(b"text/html", page("Checking your browser before you access eBay")) is Cause.INTERRUPTION
    assert wall_of_page(b"text/html", page(body="<h1>Pardon Our Interruption</h1>")[:77]) is Cause.INTERRUPTION


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("https://www.ebay.com/splashui/captcha?ap=1", Cause.CAPTCHA),
        ("/splashui/captcha", Cause.CAPTCHA),
        ("//www.ebay.com/SplashUI/captcha_v2", Cause.CAPTCHA),
        ("https://www.ebay.com/%73plashui/challenge", Cause.INTERRUPTION),
        ("https://www.ebay.com/itm/1?ru=/splashui/captcha", None),
        ("https://www.ebay.com/itm/splashui/captcha", None),
        ("https://[broken/splashui/captcha", Cause.CAPTCHA),
        ("", None),
    ],
)
def test_a_wall_is_known_by_its_path(url: str, cause: Cause | None) -> None:
    assert wall_of_url(url) is cause
