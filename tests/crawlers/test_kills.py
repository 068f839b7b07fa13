"""Crawls that are killed again and again: nothing is lost or doubled, what was recorded is not asked twice."""

import random
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from crawlers.spiders.listings import AHEAD
from tests.crawlers.crawling import Crawls
from tests.crawlers.faulty import SPIDERS, attempt, faulty, market, tables
from tests.crawlers.watched import Door, watched

KILLS = 6  # while it asks
LATE_KILLS = 2  # when it has asked for all, and writes
AT_A_TIME = 2  # requests to the API or the pages, and to the photo host
PATIENCE_S = 60
_ITEM = re.compile(r"/(?:item/v1\||itm/)(\d+)")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox with 16 listings of two photos each."""
    with faulty(market(tmp_path_factory.mktemp("shop") / "market", 16, photos=2)) as url:
        yield url


def asked_for(door: Door) -> Counter[str]:
    """How often each listing (by item id), photo (by path) and search (as 'search') was asked for."""
    asked: Counter[str] = Counter()
    for passed in list(door.passed):
        path = unquote(passed.path)
        if item := _ITEM.search(path):
            asked[item[1]] += 1
        elif not path.startswith(("/robots.txt", "/identity")):
            asked[path if path.startswith("/images/") else "search"] += 1
    return asked


def recorded(crawls: Crawls) -> set[str]:
    """What tonight's ledger says was read, in the same words; 'search' when no search is left."""
    (path,) = crawls.work.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as ledger:
        read = {item_id for (item_id,) in ledger.execute("SELECT item_id FROM listings WHERE state = 'done'")}
        photos = ledger.execute("SELECT url FROM photos WHERE state = 'done'").fetchall()
        pages = ledger.execute("SELECT sum(state = 'done'), sum(state = 'open') FROM pages").fetchone()
    return read | {urlsplit(url).path for (url,) in photos} | ({"search"} if pages[0] and not pages[1] else set())


@pytest.mark.parametrize("spider", SPIDERS)
def test_a_crawl_that_is_killed_again_and_again_ends_as_one_that_was_not(
    spider: str, shop: str, tmp_path: Path
) -> None:
    rng = random.Random(f"kills of {spider}")
    undisturbed = Crawls(tmp_path / "undisturbed")
    whole = attempt(undisturbed, shop, spider)
    some = {"crawl.page_size": 5, "crawl.concurrency": AT_A_TIME, "crawl.photo_concurrency": AT_A_TIME}
    crawls = Crawls(tmp_path / "killed", {"sandbox.spider": spider, **some})
    settled: list[tuple[set[str], Counter[str]]] = []
    with watched(shop) as door:
        for more in [rng.randint(1, 6) for _ in range(KILLS)] + [whole.pages] * LATE_KILLS:
            goal = min(len(asked_for(door)) + more, 1 + 16 + 32)
            child = crawls.start(door.url)
            deadline = time.monotonic() + PATIENCE_S
            while len(asked_for(door)) < goal and child.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 0.05) if more < whole.pages else rng.uniform(0.2, 0.6))
            child.kill()
            child.communicate()
            settled.append((recorded(crawls), asked_for(door)))
        last = attempt(crawls, shop, spider, via=door.url)
        asked = asked_for(door)

    assert len(settled[-1][0]) > 16 + 32 - AT_A_TIME - AHEAD, "the late kills came early"
    for done, until_then in settled:
        assert {name: asked[name] for name in done} == {name: until_then[name] for name in done}
        assert sum(until_then.values()) <= whole.pages + len(settled) * 2 * (AT_A_TIME + AHEAD)
    assert last.receipt.digest == whole.receipt.digest
    assert tables(crawls) == tables(undisturbed)
    keys = Counter((row["item_id"], row["kind"], row["observed_on"]) for row in tables(crawls)["sightings"])
    assert set(keys.values()) == {1}
