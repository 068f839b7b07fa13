"""A real host is touched only under a named permission; this machine's own servers always may be."""

from typing import Any

import pytest

from autodetect.errors import UsageError
from autodetect.settings import Settings, Source
from crawlers.permission import require_permission

COMPLETE = {
    "ebay.permission": "contract 7",
    "ebay.client_id": "id",
    "ebay.client_secret": "secret",
    "crawl.contact": "me@example.org",
}
NEEDS: dict[Source, list[str]] = {
    "ebay-api": list(COMPLETE),
    "ebay-pages": ["ebay.permission", "crawl.contact"],
}
FRONT: dict[Source, str] = {"ebay-api": "ebay.base_url", "ebay-pages": "ebay.web_url"}
LOCAL = ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:9", "https://LOCALHOST"]
REAL = [
    "https://api.ebay.com",
    "http://127.0.0.1.example.org",
    "http://127.0.0.1@api.ebay.com",
    "https://10.0.0.1",
    "http://[::1",
    "",
    "api",
]


def settings(source: Source, **values: Any) -> Settings:
    return Settings(source=source).with_values(values)


@pytest.mark.parametrize("source", NEEDS)
@pytest.mark.parametrize("url", LOCAL)
def test_a_server_on_this_machine_needs_no_permission(source: Source, url: str) -> None:
    require_permission(settings(source, **{FRONT[source]: url}))
    require_permission(settings(source, **{FRONT[source]: url, "ebay.photo_base_url": LOCAL[0]}))


@pytest.mark.parametrize(("source", "missing"), [(source, name) for source in NEEDS for name in NEEDS[source]])
@pytest.mark.parametrize("url", REAL)
def test_a_real_host_needs_all_that_makes_it_allowed(source: Source, url: str, missing: str) -> None:
    complete = {name: COMPLETE[name] for name in NEEDS[source]}
    require_permission(settings(source, **complete, **{FRONT[source]: url}))
    for nothing in ("", "  "):
        with pytest.raises(UsageError, match=missing) as refusal:
            require_permission(settings(source, **complete | {missing: nothing}, **{FRONT[source]: url}))
        assert [name for name in COMPLETE if name in refusal.value.what] == [missing]
        assert "eBay's terms" in refusal.value.what


@pytest.mark.parametrize("source", NEEDS)
def test_a_real_host_that_photos_come_from_counts_as_well(source: Source) -> None:
    values = {FRONT[source]: LOCAL[0], "ebay.photo_base_url": "https://photos.example.org"}
    with pytest.raises(UsageError, match=r"crawling photos\.example\.org needs"):
        require_permission(settings(source, **values))


def test_each_source_is_judged_by_the_hosts_that_it_asks() -> None:
    require_permission(settings("ebay-api", **{"ebay.base_url": LOCAL[0], "ebay.web_url": REAL[0]}))
    require_permission(settings("ebay-pages", **{"ebay.web_url": LOCAL[0], "ebay.base_url": REAL[0]}))
    with pytest.raises(UsageError, match=r"crawling www\.ebay\.com needs"):
        require_permission(settings("ebay-pages"))
    with pytest.raises(UsageError, match=r"crawling api\.ebay\.com needs"):
        require_permission(settings("ebay-api"))


@pytest.mark.parametrize("source", NEEDS)
def test_everything_that_is_missing_is_named_at_once_with_three_ways_on(source: Source) -> None:
    with pytest.raises(UsageError) as refusal:
        require_permission(settings(source))
    assert [name for name in COMPLETE if name in refusal.value.what] == NEEDS[source]
    for way in ("--source sandbox", "autodetect import DIR", "--source folder", "ask eBay", "ebay.permission"):
        assert way in refusal.value.remedy


def test_your_own_data_needs_no_permission() -> None:
    require_permission(settings("folder"))


@pytest.mark.parametrize(("spider", "front"), [("api", "ebay.base_url"), ("pages", "ebay.web_url")])
def test_the_sandbox_needs_nothing_unless_it_is_pointed_at_a_real_host(spider: str, front: str) -> None:
    values = {"sandbox.spider": spider, front: LOCAL[0], "ebay.photo_base_url": LOCAL[0]}
    require_permission(settings("sandbox", **values))
    with pytest.raises(UsageError, match=r"ebay\.permission"):
        require_permission(settings("sandbox", **values | {front: "https://ebay.example.org"}))
