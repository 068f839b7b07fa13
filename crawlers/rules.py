"""How each source lets itself be read, and how much of it in one night."""

from collections.abc import Sequence
from dataclasses import dataclass

from autodetect.catalog.makes import make_names
from autodetect.sections import CrawlSettings

ASKING, SOLD = "asking", "sold"
API_PAGE = 200  # results a search page, at most
WEB_PAGES = (60, 120, 240)  # the page sizes that a result page offers
FIRST_YEAR = 1900


@dataclass(frozen=True)
class Rules:
    """How a source lets itself be read, and how much of it tonight.

    Args:
        page_size: results a search page.
        reach: results that one search can page through, a multiple of `page_size`.
        daily_calls: requests that the night may make, photos aside.
        search_calls: how many of them may go into searching.
        max_photos: photos taken of one listing.
        kinds: what to search for; the others are searched for once the first one's first page was read.
        makes: the makes to divide by, where the source does not tell them.
        years: likewise the years.
        stop_at_known: kinds whose results come newest first and are read only until a page brings nothing new.
    """

    page_size: int
    reach: int
    daily_calls: int
    search_calls: int
    max_photos: int
    kinds: tuple[str, ...] = (ASKING, SOLD)
    makes: Sequence[str] = ()
    years: Sequence[str] = ()
    stop_at_known: frozenset[str] = frozenset()


def rules_of(spider: str, crawl: CrawlSettings, year: int) -> Rules:
    """Return the rules of a spider, 'ebay-api' or 'ebay-pages'.

    Args:
        spider: its name.
        crawl: how much to ask, and how.
        year: the newest model year is the one after it.
    """
    pages = spider == "ebay-pages"
    size = min(crawl.page_size, API_PAGE)
    if pages:
        size = next(allowed for allowed in WEB_PAGES if allowed >= min(crawl.page_size, WEB_PAGES[-1]))
    return Rules(
        page_size=size,
        reach=max(size, crawl.window // size * size),  # a page that ends beyond the window is refused
        daily_calls=crawl.daily_calls,
        search_calls=int(crawl.daily_calls * crawl.search_share),
        max_photos=crawl.max_photos_per_listing,
        makes=make_names() if pages else (),
        years=[str(number) for number in range(FIRST_YEAR, year + 2)] if pages else (),
        stop_at_known=frozenset({SOLD}) if pages else frozenset(),
    )
