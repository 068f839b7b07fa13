"""One small market, served without faults, and what an undisturbed crawl of it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.crawlers.crawling import Crawls
from tests.crawlers.faulty import Attempt, attempt, faulty, market, tables


@dataclass(frozen=True)
class Undisturbed:
    """An undisturbed crawl by one spider: its attempt, and all rows that it wrote."""

    attempt: Attempt
    tables: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session")
def cars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market of 12 listings with one photo each, and of 3 sales."""
    return market(tmp_path_factory.mktemp("cars") / "market", 12)


@pytest.fixture(scope="session")
def sound(cars: Path) -> Iterator[str]:
    """The market on its first night, without faults."""
    with faulty(cars) as url:
        yield url


@pytest.fixture(scope="session")
def undisturbed(sound: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Undisturbed]:
    """Crawls the market by a spider, once for all tests."""

    @cache
    def crawled(spider: str) -> Undisturbed:
        crawls = Crawls(tmp_path_factory.mktemp("undisturbed"))
        return Undisturbed(attempt(crawls, sound, spider), tables(crawls))

    return crawled
