"""What the benchmarks of the crawler have in common: a marketplace, its sandbox, and our spider beside a bare one."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks.children import answer_of
from benchmarks.table import Row, Table
from crawlers.sandbox.making.bulk import write_bulk
from crawlers.sandbox.process import sandbox_process

NIGHT = "2026-11-01"
GOAL = 0.8  # of the bare spider's rate
EVERY_CALL = 1_000_000  # a night's budget that nothing exhausts
PACKAGES = ("scrapy", "twisted", "httpx", "uvicorn")


@contextmanager
def marketplace(listings: int, photos: int = 0) -> Iterator[Path]:
    """A folder with a bulk marketplace `market`, gone afterwards; no two of its listings share a photo."""
    with tempfile.TemporaryDirectory() as folder:
        write_bulk(Path(folder) / "market", listings=listings, photos=photos, pool=listings * photos)
        yield Path(folder)


def crawled(url: str, folder: Path, *, tell_asked: bool = False, **options: Any) -> dict[str, Any]:
    """Crawl a sandbox into a new lake and return what `benchmarks.one_crawl` answers.

    Args:
        url: the sandbox.
        folder: where lake and ledger go.
        tell_asked: whether the answer lists the URLs.
        options: settings of the crawl.
    """
    settings = {
        "lake": str(folder / "lake"),
        "ebay.base_url": url,
        "ebay.photo_base_url": url,
        "ebay.client_id": "sandbox",
        "ebay.client_secret": "sandbox",
        "crawl.search_share": 1,
        **{f"crawl.{name}": value for name, value in options.items()},
    }
    request = {"settings": settings, "night": NIGHT, "work": str(folder / "work"), "tell_asked": tell_asked}
    return answer_of("one_crawl", request)


def compared(
    name: str,
    claim: str,
    *,
    listings: int,
    photos: int = 0,
    answers_after_s: float = 0,
    rounds: int = 3,
    notes: Sequence[str] = (),
) -> Table:
    """Time our spider, a bare one and a bare client, in turns, over the same URLs.

    Args:
        name: the benchmark's.
        claim: the sentence.
        listings: how many the marketplace has.
        photos: of each listing, no two alike.
        answers_after_s: how long the sandbox waits before an answer, seconds.
        rounds: timed ones; the one before them finds the URLs.
        notes: what is to be said beside.
    """
    slow = ("--fault", f"slow:seconds={answers_after_s},times=0") if answers_after_s else ()
    # Without photos the watch over empty fields would end the crawl: `photo_urls` is one of them.
    options = {"daily_calls": EVERY_CALL, **({} if photos else {"min_fill": 0})}
    took: dict[str, list[tuple[float, float]]] = {"ours": [], "bare_spider": [], "bare_client": []}
    with marketplace(listings, photos) as folder, sandbox_process(folder / "market", options=slow) as url:
        dry = crawled(url, folder / "dry", tell_asked=True, **options)
        request = {"urls": dry["asked"], "headers": _authorization(url), "settings": dry["scrapy"]}
        for number in range(rounds):
            ours = crawled(url, folder / str(number), **options)
            assert ours["counts"]["listings_new"] == listings, "not everything was read"
            assert ours["counts"]["photos_fetched"] == listings * photos, "not every photo was fetched"
            took["ours"].append((ours["run"]["elapsed_time_seconds"], ours["took"]["spider_cpu"]))
            for peer in ("bare_spider", "bare_client"):
                bare = answer_of(peer, request)
                assert bare["answered"] >= len(dry["asked"]) - 2, "a peer was refused what we were given"
                took[peer].append((bare["seconds"], bare["cpu"]))
    rows = (
        Row("our spider: parsed, checked, in the ledger", "ours", _wall(took["ours"])),
        Row("a bare Scrapy spider", "peer", _wall(took["bare_spider"])),
        Row("httpx, as many requests in flight", "peer", _wall(took["bare_client"])),
    )
    ratio = rows[1].median / rows[0].median
    rates = f"{_rates(rows[0], listings, photos)} to {_rates(rows[1], listings, photos)}"
    cpu = {who: f"{median(cpu for _, cpu in found):.2f} s" for who, found in took.items()}
    told = (
        f"goal {GOAL:.0%} of the bare spider's rate, ours {ratio:.0%}, {'kept' if ratio >= GOAL else 'NOT kept'}",
        f"{rates}; {len(dry['asked']):,} requests, {dry['scrapy']['CONCURRENT_REQUESTS_PER_DOMAIN']} in flight",
        f"processor time: ours {cpu['ours']}, bare spider {cpu['bare_spider']}, httpx {cpu['bare_client']}",
        "from the spider's opening to its close, each in a fresh process; same URLs, order and Scrapy settings",
        "the sandbox, one more process, shares the cores with whoever crawls",
    )
    return Table(name=name, claim=claim, rows=rows, notes=(*told, *notes), packages=PACKAGES)


def _authorization(url: str) -> dict[str, str]:
    answer = httpx.post(
        f"{url}/identity/v1/oauth2/token", data={"grant_type": "client_credentials"}, auth=("sandbox", "sandbox")
    )
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def _wall(took: list[tuple[float, float]]) -> tuple[float, ...]:
    return tuple(wall for wall, _ in took)


def _rates(row: Row, listings: int, photos: int) -> str:
    rates = f"{listings / row.median:,.0f} items/s"
    return f"{rates} and {listings * photos / row.median:,.0f} photos/s" if photos else rates
