"""A source in memory, for trying the frontier without a network: it answers searches as the Browse API does."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from autodetect.records import Sighting
from crawlers.advert import Advert, Provenance, SearchAnswer, sighting
from crawlers.frontier import Frontier
from crawlers.items import Listing, ListingRead, Outcome, Page, PageRead, Photo, PhotoRead, Work
from crawlers.ledger import Ledger
from crawlers.rules import ASKING, Rules

NIGHT = date(2026, 11, 1)
PROVENANCE = Provenance("sandbox", NIGHT, "", "salt")


@dataclass
class Source:
    """Listings by item id, and a count of what was asked."""

    adverts: dict[str, Advert]
    tells: bool = True
    asked: Counter[Work] = field(default_factory=Counter)

    def answer(self, work: Work) -> Outcome:
        """Answer one request."""
        self.asked[work] += 1
        match work:
            case Page():
                return PageRead(work, self._page(work))
            case Listing():
                return ListingRead(work, self._sighting(work))
            case Photo():
                return PhotoRead(work, sha256=f"digest of {work.url}")

    def searches(self) -> int:
        """How many pages were asked for."""
        return sum(count for work, count in self.asked.items() if isinstance(work, Page))

    def _page(self, page: Page) -> SearchAnswer:
        if page.kind != ASKING:
            return SearchAnswer(total=0, entries=())
        part = page.part
        found = [
            advert
            for advert in self.adverts.values()
            if (not part.makes or (advert.make or "Not Specified") in part.makes)
            and (not part.years or (advert.year or "Not Specified") in part.years)
            and (not part.low or float(advert.price) >= float(part.low))
        ]
        if part.by_price:
            found.sort(key=lambda advert: float(advert.price))
        refinements = {}
        if self.tells and page.offset == 0:
            refinements = {
                "Make": Counter(advert.make or "Not Specified" for advert in found),
                "Year": Counter(advert.year or "Not Specified" for advert in found),
            }
        shown = found[page.offset : page.offset + RULES.page_size]
        entries = tuple(Advert(item_id=a.item_id, title=a.title, price=a.price, currency="USD") for a in shown)
        return SearchAnswer(total=len(found), entries=entries, refinements=refinements)

    def _sighting(self, listing: Listing) -> Sighting:
        return sighting(self.adverts[listing.item_id], PROVENANCE, summary=listing.summary)


RULES = Rules(page_size=10, reach=100, daily_calls=100_000, search_calls=100_000, max_photos=2)


def ledger_path(folder: Path) -> Path:
    """Where the ledger of the night lies."""
    return folder / f"crawl-{NIGHT}.sqlite"


def crawl(source: Source, folder: Path, rules: Rules = RULES, *, most: int = 4) -> Ledger:
    """Crawl to the end with `most` requests in flight, answered in the order they were sent; return the open ledger."""
    ledger = Ledger(folder, NIGHT, {"night": "1"}).__enter__()
    work_through(source, Frontier(ledger, rules, PROVENANCE), most=most)
    return ledger


def work_through(source: Source, frontier: Frontier, *, most: int = 4, at_most: int = 10**9) -> None:
    """Answer what the frontier hands out, `at_most` answers."""
    frontier.begin()
    waiting: list[Work] = []
    for _ in range(at_most):
        while (work := frontier.next(most_photos=most, most_others=most)) is not None:
            if not isinstance(work, Photo):
                frontier.ledger.pay("search" if isinstance(work, Page) else "listing")
            waiting.append(work)
        if not waiting:
            return
        frontier.record(source.answer(waiting.pop(0)))


def car(number: int, make: str = "Ford", year: str = "2012", price: int = 15_000, photos: int = 0) -> Advert:
    """An advert."""
    urls = tuple(f"https://photos.invalid/{number}/{n}" for n in range(photos))
    return Advert(
        item_id=str(number), title=f"{year} {make} {number}", make=make, year=year, price=str(price), photo_urls=urls
    )
