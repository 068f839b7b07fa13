"""A host that asks for a pause gets it, from every request; a source that has had enough for today is left alone."""

import gzip
import json
import signal
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.middlewares.retry_after import asked_pause, tells_quota
from tests.crawlers.middlewares.asking import crawl, finish, start
from tests.crawlers.middlewares.serving import Answer, Asked, Site, serving

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}


def errors(*found: dict[str, Any]) -> bytes:
    return json.dumps({"errors": list(found)}).encode()


QUOTA = errors({"errorId": 10001, "domain": "API_BROWSE", "message": "The call limit has been reached."})
GATEWAY = errors({"errorId": 2001, "domain": "ACCESS", "message": "Too many requests."})


def pause_of(site: Site, number: int) -> float:
    """Seconds between the answer to request `number` and the next request that came after it."""
    left = site.answered_at[number]
    return min(asked.at for asked in site.asked if asked.at > left) - left


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
def test_no_request_reaches_a_host_that_pauses(status: int, as_date: bool) -> None:
    def answer(asked: Asked) -> Answer:
        if len(site.asked) > 1:
            return Answer()
        time.sleep(0.5)  # until other requests wait in the downloader
        until = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        date = {"Date": format_datetime(datetime.now(UTC), usegmt=True)} if as_date else {}
        return Answer(status, headers={"Retry-After": until if as_date else "1"} | date)

    with serving(answer) as site:
        # One connection: the requests behind the first wait in the downloader, where no middleware sees them.
        found = crawl([f"{site.url}/{n}" for n in range(6)], site.host, CONCURRENT_REQUESTS_PER_DOMAIN=1)
    assert found.statuses == [200] * 6
    assert pause_of(site, 0) >= 1
    assert found.counted("retry_after")["asked"] == 1
    assert found.counted("retry_after")["held_back"] > 0
    assert found.stats["retry/count"] == 1


def test_only_the_host_that_asked_is_left_alone() -> None:
    pausing = Answer(429, headers={"Retry-After": "1"})
    with serving(lambda asked: Answer() if asked.count else pausing) as site, serving(lambda _: Answer()) as other:
        found = crawl([f"{site.url}/a", *(f"{other.url}/{n}" for n in range(4))], site.host, other.host)
    assert found.statuses == [200] * 5
    assert found.counted("retry_after") == {"asked": 1, "waited": 1}


def test_a_pause_longer_than_a_night_ends_the_crawl() -> None:
    with serving(lambda _: Answer(429, headers={"Retry-After": "3600"})) as site:
        found = crawl([f"{site.url}/{n}" for n in range(5)], site.host, CONCURRENT_REQUESTS=1)
    assert len(site.asked) == 1
    assert found.stopped["cause"] == "rate_limited"
    assert "3600 s" in found.stopped["words"]
    assert found.stopped["url"] == site.url + site.asked[0].path
    assert found.counted("retry_after") == {"too_long": 1}


def test_the_longest_pause_that_is_waited_for_is_a_setting() -> None:
    with serving(lambda asked: Answer(503, headers={"Retry-After": "1"})) as site:
        found = crawl([f"{site.url}/a"], site.host, AUTODETECT_MAX_RETRY_AFTER_S=0.5)
    assert (len(site.asked), found.stopped["cause"]) == (1, "rate_limited")


def test_without_a_word_of_how_long_the_pauses_double() -> None:
    with serving(lambda asked: Answer() if asked.count > 2 else Answer(429)) as site:
        found = crawl([f"{site.url}/a"], site.host, RETRY_TIMES=3, AUTODETECT_BACKOFF_S=0.2)
    assert found.outcomes == [{"url": f"{site.url}/a", "status": 200, "tries": 4}]
    for number, least in enumerate((0.2, 0.4, 0.8)):
        assert pause_of(site, number) >= least
    assert found.counted("retry_after") == {"backoff": 3, "waited": 3}


def test_a_request_is_tried_as_often_as_any_other() -> None:
    with serving(lambda _: Answer(429)) as site:
        found = crawl([f"{site.url}/a"], site.host, RETRY_TIMES=2)
    assert found.outcomes == [{"url": f"{site.url}/a", "status": 429, "tries": 3}]
    assert (found.stats["retry/count"], found.stats["retry/max_reached"]) == (2, 1)
    assert not found.stopped


def test_a_server_that_stumbles_is_not_paused_for() -> None:
    with serving(lambda asked: Answer() if asked.count else Answer(503)) as site:
        found = crawl([f"{site.url}/a"], site.host)
    assert found.statuses == [200]
    assert found.counted("retry_after") == {}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(429, QUOTA, JSON),
        Answer(429, GATEWAY, JSON),
        Answer(429, gzip.compress(QUOTA), JSON | {"Content-Encoding": "gzip"}),
        Answer(429, QUOTA, JSON | {"Retry-After": "0"}),
    ],
    ids=["10001", "2001", "compressed", "with a time to come again"],
)
def test_the_days_quota_ends_the_crawl_at_once(answer: Answer) -> None:
    with serving(lambda _: answer) as site:
        found = crawl([f"{site.url}/{n}" for n in range(5)], site.host, CONCURRENT_REQUESTS=1)
    assert (len(site.asked), found.stopped["cause"], found.counted("retry_after")["quota"]) == (1, "quota", 1)
    assert found.stats["finish_reason"] == "quota"
    assert found.stats.get("retry/count", 0) == 0


def test_too_many_requests_with_a_time_to_come_again_is_no_quota() -> None:
    limited = Answer(429, GATEWAY, JSON | {"Retry-After": "0"})
    with serving(lambda asked: Answer() if asked.count else limited) as site:
        found = crawl([f"{site.url}/a"], site.host)
    assert (found.statuses, found.stopped) == ([200], {})


LONG = Answer(429, headers={"Retry-After": "250"})  # longer than these tests have patience for


def test_requests_that_wait_do_not_hold_up_an_early_end() -> None:
    with serving(lambda _: LONG) as slow, serving(lambda _: Answer()) as other:
        last = {"url": f"{other.url}/z", "meta": {"stop": "drift"}}  # asked once the pause has begun
        found = crawl([f"{slow.url}/a", f"{slow.url}/b", last], slow.host, other.host, DOWNLOAD_DELAY=0.5)
    assert (found.stopped["cause"], len(other.asked)) == ("drift", 1)
    assert len(slow.asked) in {1, 2}  # the second may have left before the first was answered
    assert {outcome.get("error") for outcome in found.outcomes} == {"StoppedError", None}


def test_requests_that_wait_do_not_hold_up_a_termination() -> None:
    with serving(lambda _: LONG) as slow:
        child = start([f"{slow.url}/a"], AUTODETECT_ALLOWED_HOSTS=[slow.host])
        while not slow.asked and child.poll() is None:
            time.sleep(0.1)
        time.sleep(0.5)  # until the answer has been heeded; were it not, the crawl would end as well
        child.send_signal(signal.SIGTERM)
        found = finish(child)
    assert found.stats["finish_reason"] == "shutdown"
    assert len(slow.asked) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b"120", 120), (b" 0 ", 0), (b"1.5", 1.5), (b"", None), (None, None), (b"-1", None), (b"soon", None),
        (b"nan", None), (b"1e3", None), (b"Sun, 22 Nov 2026 12:02:00 GMT", 120),
        (b"Sunday, 22-Nov-26 12:02:00 GMT", 120), (b"Sun Nov 22 12:02:00 2026", 120),
        (b"Sun, 22 Nov 2026 11:00:00 GMT", 0), (b"Sun, 99 Nov 2026 11:00:00 GMT", None),
    ],
)  # fmt: skip
def test_a_retry_after_is_seconds_or_a_date(header: bytes | None, seconds: float | None) -> None:
    assert asked_pause(header, None, NOW) == seconds


def test_a_date_is_counted_from_the_servers_clock() -> None:
    until, servers = b"Sun, 22 Nov 2026 15:00:30 GMT", b"Sun, 22 Nov 2026 15:00:00 GMT"
    assert asked_pause(until, servers, NOW) == 30
    assert asked_pause(until, b"yesterday", NOW) == 3 * 3600 + 30


@given(st.binary(max_size=40) | st.from_regex(rb"[0-9]{1,400}", fullmatch=True), st.none() | st.binary(max_size=40))
def test_any_header_can_be_read(header: bytes, date: bytes | None) -> None:
    found = asked_pause(header, date, NOW)
    assert found is None or found >= 0


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (QUOTA, True), (GATEWAY, True), (errors({"errorId": "10001"}), True), (errors({}, {"errorId": 10001}), True),
        (errors({"errorId": 2001, "domain": "API_BROWSE"}), False), (errors({"errorId": 12000}), False),
        (b'{"errors": {"errorId": 10001}}', False), (b"[10001]", False), (b"10001", False),
        (b"[" * 60_000, False), (b" " * 70_000 + QUOTA, False),
    ],
)  # fmt: skip
def test_quota_is_what_ebay_calls_it(body: bytes, told: bool) -> None:
    assert tells_quota(body, waiting_helps=False) is told


@given(
    st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda x: json.dumps(x).encode())
)
def test_any_body_can_be_looked_at(body: bytes) -> None:
    assert tells_quota(body, waiting_helps=False) is False


def test_a_pause_is_not_shortened_by_a_later_word() -> None:
    def answer(asked: Asked) -> Answer:
        if asked.path == "/0" and not asked.count:
            time.sleep(0.4)  # until the other request is under way
        return Answer() if asked.count else Answer(429, headers={"Retry-After": "1" if asked.path == "/0" else "0"})

    with serving(answer) as site:
        found = crawl([f"{site.url}/0", f"{site.url}/1"], site.host)
    assert found.statuses == [200, 200]
    assert pause_of(site, site.paths().index("/0")) >= 1
