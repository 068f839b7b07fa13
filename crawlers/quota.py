"""What a night's crawl will cost, out of what the last one did."""

from dataclasses import dataclass
from math import ceil

from autodetect.records import Receipt
from autodetect.sections import CrawlSettings
from crawlers.slices import fewest_calls


@dataclass(frozen=True)
class NightCost:
    """Requests that the next night is expected to make.

    Args:
        searches: to see every listing once.
        listings: to read in full what waits and what is likely to be new, as far as the budget goes.
        waiting: listings that will still wait after it.
        nights: nights until none waits, if as many are new every night.
    """

    searches: int
    listings: int
    waiting: int
    nights: int | None


def next_night(last: Receipt, crawl: CrawlSettings) -> NightCost:
    """Estimate the next night from the receipt of the last crawl: as many searches, as many new and changed listings.

    A first sweep's listings are all new, so its rate of change says nothing yet: then only what waits is counted.
    """
    searches = int(last.run.get("calls_searching", 0)) or fewest_calls(last.counts["announced"], crawl.page_size)
    backlog = last.facts.get("backlog", 0)
    daily_news = 0 if backlog else last.counts["listings_new"] + last.counts["listings_changed"]
    room = max(0, crawl.daily_calls - searches)
    wanted = backlog + daily_news
    listings = min(wanted, room)
    progress = room - daily_news
    nights = None if progress <= 0 and wanted > room else ceil(backlog / progress) if progress > 0 else 0
    return NightCost(searches, listings, wanted - listings, nights)


def cost_in_words(last: Receipt | None, crawl: CrawlSettings) -> str:
    """Return what the next night will cost, for a person; `last` is the newest crawl's receipt, if there is one."""
    if last is None:
        return (
            f"not known before the first crawl: one search per {crawl.page_size} listings, and one request for each "
            f"listing that is new; at most {crawl.daily_calls:,} a night, the rest on the nights after"
        )
    cost = next_night(last, crawl)
    words = f"about {cost.searches:,} searches and {cost.listings:,} listings of {crawl.daily_calls:,} requests"
    if not cost.waiting:
        return words
    when = f"{cost.nights} nights until all are read" if cost.nights else "more are new each night than can be read"
    return f"{words}; {cost.waiting:,} listings wait longer: {when}"
