"""A fresh lake to crawl into."""

from pathlib import Path

import pytest

from tests.crawlers.crawling import Crawls


@pytest.fixture
def crawls(tmp_path: Path) -> Crawls:
    """A fresh lake to crawl into."""
    return Crawls(tmp_path)
