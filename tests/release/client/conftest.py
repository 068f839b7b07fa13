"""A release store behind a web server, and a client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autodetect.lake.objects import LocalStore
from autodetect.release.client.http_source import HttpOptions, HttpSource
from tests.servers.web import WebServer, serving


@pytest.fixture
def web(store: LocalStore) -> Iterator[WebServer]:
    with serving(store.root) as server:
        yield server


@pytest.fixture
def source(web: WebServer) -> Iterator[HttpSource]:
    made = HttpSource(web.url, HttpOptions(backoff_s=0))
    yield made
    made.close()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
