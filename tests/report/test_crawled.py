"""What the crawl reached is told from its receipt and its slices; a night without trouble tells of none."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import SLICES
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt
from autodetect.report.crawled import crawl_facts, crawl_lines
from autodetect.report.facts import CrawlFacts
from autodetect.settings import Settings

NIGHT = date(2026, 11, 2)
COUNTS = {"announced": 60_000, "seen": 58_000, "missing": 3, "listings_new": 5, "listings_changed": 7}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(Settings(lake=str(tmp_path / "lake")), create=True)


def told(lake: Lake, slices: list[dict[str, Any]] = [], **facts: Any) -> dict[str, str]:  # noqa: B006 - never changed
    """Return the lines about a crawl with these slices (of tonight, unless they say otherwise) and facts."""
    rows = [
        {"source": "s", "kind": "asking", "night": NIGHT, "announced": 10, "found": 0, "cause": ""} | s for s in slices
    ]
    version = lake.tables.upsert(SLICES, rows_of(SLICES, rows))
    crawl = Receipt(
        night=NIGHT,
        stage="crawl",
        run_id="r",
        versions={"slices": version},
        counts=COUNTS,
        run={"calls": 4_990.0},
        facts={"coverage": 0.97, **facts},
    )
    return dict(crawl_lines(crawl_facts(lake, crawl, None, daily_calls=5_000)))


def part(name: str, state: str, **facts: Any) -> dict[str, Any]:
    return {"slice": name, "state": state, **facts}


def test_a_night_without_trouble_tells_what_it_cost(lake: Lake) -> None:
    slices = [part("all", "split"), part("Make=Ford", "done")]
    assert told(lake, slices, stopped={}, drift={}, backlog=0) == {"calls": "4,990 of the night's 5,000"}


def test_a_folder_that_asked_nobody_tells_nothing() -> None:
    assert list(crawl_lines(CrawlFacts(announced=5, seen=5, coverage=1.0))) == []


def test_the_backlog_is_told_of_all_there_are(lake: Lake) -> None:
    assert told(lake, backlog=31_200)["backlog"] == "31,200 of 60,000 still to be read in full"


def test_slices_that_were_not_read_are_named_the_failed_ones_first_the_largest_first(lake: Lake) -> None:
    slices = [
        part("Make=Audi", "deferred", announced=900),
        part("Make=Ford", "failed", announced=20, cause="http_503"),
        part("Make=Kia", "done", announced=20),
        part("Make=Tesla", "failed", announced=400, cause="timeout"),
        part("all", "failed", kind="sold", cause="http_403"),
        part("Make=Saab", "failed", night=date(2026, 11, 1), cause="http_500"),
    ]
    wanted = "Make=Tesla (timeout), Make=Ford (http 503), sales of all (http 403), Make=Audi (put off)"
    assert told(lake, slices)["not reached"] == wanted


@pytest.mark.parametrize(("count", "rest"), [(5, ""), (6, " and 1 more slice"), (40, " and 35 more slices")])
def test_at_most_five_slices_are_named(lake: Lake, count: int, rest: str) -> None:
    words = told(lake, [part(f"Make={n:02}", "deferred") for n in range(count)])["not reached"]
    assert words == ", ".join(f"Make={n:02} (put off)" for n in range(5)) + rest


def test_the_name_of_a_slice_of_many_makes_is_cut(lake: Lake) -> None:
    words = told(lake, [part("Make=" + "|".join(["Chevrolet"] * 60), "deferred")])["not reached"]
    assert len(words) < 80
    assert "…" in words


def test_why_the_crawl_ended_early_is_told_with_where(lake: Lake) -> None:
    stopped = {"cause": "captcha", "words": "the source asks for a captcha", "url": "https://shop.invalid/b"}
    assert told(lake, stopped=stopped)["stopped early"] == "the source asks for a captcha [https://shop.invalid/b]"
    assert told(lake, stopped=stopped | {"url": ""})["stopped early"] == "the source asks for a captcha"


def test_drift_is_told_with_its_example(lake: Lake) -> None:
    drift = {"fields": ["make"], "words": "make in 3 of 120", "example": "https://shop.invalid/1", "kept": "5a" * 32}
    words = told(lake, drift=drift)["drift"]
    assert words == f"make in 3 of 120 [https://shop.invalid/1]; an example is kept as artifact {'5a' * 6}"


def test_what_curation_made_of_the_listings_is_among_the_facts(lake: Lake) -> None:
    crawl = Receipt(night=NIGHT, stage="crawl", run_id="r", counts=COUNTS | {"imported": 4}, facts={"coverage": 1.0})
    made = {"listings_missing": 3, "listings_ended": 2}
    curate = Receipt(night=NIGHT, stage="curate", run_id="r", counts=made)
    facts = crawl_facts(lake, crawl, curate, daily_calls=5_000)
    assert (facts.missing, facts.ended, facts.imported, facts.seen, facts.coverage) == (3, 2, 4, 58_000, 1.0)
    assert dict(crawl_lines(facts))["imported"] == "4 listings"
