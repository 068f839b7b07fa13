"""What the doctor says the next night will cost."""

from datetime import date

import pytest

from autodetect.records import Receipt
from autodetect.sections import CrawlSettings
from crawlers.quota import cost_in_words, next_night


def receipt(*, announced: int, searches: int, backlog: int = 0, new: int = 0, changed: int = 0) -> Receipt:
    return Receipt(
        night=date(2026, 11, 1),
        stage="crawl",
        run_id="r",
        counts={"announced": announced, "listings_new": new, "listings_changed": changed},
        facts={"backlog": backlog},
        run={"calls_searching": searches},
    )


def test_a_first_sweep_of_sixty_thousand_takes_more_than_twelve_nights() -> None:
    cost = next_night(receipt(announced=60_000, searches=304, backlog=55_304, new=4_696), CrawlSettings())
    assert (cost.searches, cost.listings, cost.waiting) == (304, 4_696, 55_304 - 4_696)
    assert cost.nights == 12  # and one has been


def test_an_ordinary_night_costs_its_searches_and_what_is_new_or_changed() -> None:
    cost = next_night(receipt(announced=60_000, searches=304, new=900, changed=600), CrawlSettings())
    assert (cost.listings, cost.waiting, cost.nights) == (1_500, 0, 0)
    words = cost_in_words(receipt(announced=60_000, searches=304, new=900, changed=600), CrawlSettings())
    assert words == "about 304 searches and 1,500 listings of 5,000 requests"


def test_more_news_than_the_budget_reads_is_told() -> None:
    last = receipt(announced=60_000, searches=304, new=6_000)
    assert next_night(last, CrawlSettings()).nights is None
    assert "more are new each night than can be read" in cost_in_words(last, CrawlSettings())


@pytest.mark.parametrize("calls", [1_000, 5_000])
def test_before_the_first_crawl_the_rule_is_told(calls: int) -> None:
    assert f"at most {calls:,} a night" in cost_in_words(None, CrawlSettings(daily_calls=calls))
