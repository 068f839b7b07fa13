"""A real host is touched only under a named permission; this machine's own servers always may be."""

from typing import Any

import pytest

from autodetect.errors import UsageError
from autodetect.settings import Settings
from crawlers.permission import require_permission

COMPLETE = {
    "ebay.permission": "contract 7",
    "ebay.client_id": "id",
    "ebay.client_secret": "secret",
    "crawl.contact": "me@example.org",
}


def settings(**values: Any) -> Settings:
    return Settings(source="ebay-api").with_values(values)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:9"])
def test_a_server_on_this_machine_needs_no_permission(url: str) -> None:
    require_permission(settings(**{"ebay.base_url": url}))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.ebay.com",
        "http://127.0.0.1.example.org",
        "http://127.0.0.1@api.ebay.com",
        "https://10.0.0.1",
        "",
        "api",
    ],
)
@pytest.mark.parametrize("missing", list(COMPLETE))
def test_a_real_host_needs_permission_key_and_contact(url: str, missing: str) -> None:
    require_permission(settings(**COMPLETE, **{"ebay.base_url": url}))
    with pytest.raises(UsageError, match=missing) as refusal:
        require_permission(settings(**COMPLETE | {missing: "", "ebay.base_url": url}))
    assert "sandbox" in refusal.value.remedy
    assert [name for name in COMPLETE if name in refusal.value.what] == [missing]


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(UsageError) as refusal:
        require_permission(settings())
    assert all(name in refusal.value.what for name in COMPLETE)
