"""What tonight's crawl asks next, and what becomes of each answer: the queues of the ledger, in their order.

First all searching, as far as the night's budget for it goes; then the listings that are new or changed, changed ones
first, then the newest; a listing's photos before the next listing. Every outcome is one transaction.
"""

from collections.abc import Collection

from crawlers.advert import Provenance
from crawlers.finds import Finds
from crawlers.items import Failed, Listing, ListingRead, Outcome, Page, PageRead, Photo, PhotoRead, PutOff, Work
from crawlers.kept import KeptListing
from crawlers.ledger import Ledger
from crawlers.rules import Rules
from crawlers.searches import Searches
from crawlers.slices import Slice

NOT_OFFERED = "not_offered"  # the cause of a search that this source does not have
ANNOUNCED = "announced"  # what drifted where the source announces far fewer results than before


class Frontier:
    """Hands out work, takes outcomes. What is handed out is open in the ledger until its outcome is recorded."""

    def __init__(self, ledger: Ledger, rules: Rules, provenance: Provenance) -> None:
        self.ledger = ledger
        self.rules = rules
        self._searches = Searches(ledger, rules)
        self._finds = Finds(ledger, provenance, max_photos=rules.max_photos)
        self._in_flight: dict[type, set[Work]] = {Page: set(), Listing: set(), Photo: set()}
        self._last_page = self._last_photo = 0
        self._may_have = {Page: True, Photo: True}  # whether the ledger may hold more than was handed out
        self._batch: list[Listing] = []
        self._spent = False

    @property
    def busy(self) -> bool:
        """Whether anything handed out has no outcome yet."""
        return any(self._in_flight.values())

    def begin(self) -> None:
        """Open the first search, or, after an interruption, whatever failed then."""
        with self.ledger.transaction():
            self._searches.open_whole(self.rules.kinds[0])
            self._searches.reopen_ignored()
            for table in ("pages", "listings", "photos"):
                self.ledger.execute(f"UPDATE {table} SET state = 'open', cause = '' WHERE state = 'failed'")  # noqa: S608

    def next(self, *, most_photos: int, most_others: int) -> Work | None:
        """Return the next piece of work; None when there is none now (ask again once an outcome was recorded).

        Args:
            most_photos: photos that may be in flight.
            most_others: pages and listings that may be.
        """
        work: Work | None = None
        if len(self._in_flight[Photo]) < most_photos:
            work = self._next_photo()
        if work is None and self._reading < most_others:
            work = self._next_page()
            if work is None and not self._in_flight[Page]:
                work = self._next_listing()
        if work is not None:
            self._in_flight[type(work)].add(work)
        return work

    def record(self, outcome: Outcome) -> None:
        """Write down what became of a piece of work."""
        self._in_flight[type(outcome.work)].discard(outcome.work)
        with self.ledger.transaction():
            self.ledger.keep_account()
            match outcome:
                case PageRead(page, answer):
                    self._may_have = {Page: True, Photo: True}
                    self._searches.settle(page, "done", "")
                    news = self._finds.take(page.kind, self._searches.shown_by(page), answer.entries)
                    self._searches.plan(page, answer, news=news)
                    if (page.kind, page.part, page.offset) == (self.rules.kinds[0], Slice(), 0):
                        for kind in self.rules.kinds[1:]:
                            self._searches.open_whole(kind)
                case ListingRead(listing, found):
                    self._may_have[Photo] = True
                    self._finds.take_listing(listing, found)
                case PhotoRead(photo, _, sha256):
                    self._finds.settle_photo(photo, "done", sha256=sha256, fetched=1)
                case Failed(Page(kind=kind, offset=0, part=Slice(makes=())), cause) if cause == NOT_OFFERED:
                    self._searches.withdraw(kind)
                case Failed(Page() as page, cause):
                    self._searches.settle(page, "failed", cause)
                case Failed(Listing() as listing, cause):
                    self._finds.settle_listing(listing, "failed", cause)
                case Failed(Photo() as photo, cause):
                    self._finds.settle_photo(photo, "failed", cause=cause)
                case PutOff(_):
                    self._spent = True

    def take_kept(self, kept: KeptListing) -> None:
        """Write down a listing that came with its photos: nothing of it is left to ask."""
        with self.ledger.transaction():
            self._finds.take_kept(kept)

    def take_back(self, drifted: Collection[str]) -> None:
        """Open again what is not to be believed, for another attempt: it is not taken in tonight.

        Args:
            drifted: fields that drifted; `announced` stands for the number of results.
        """
        with self.ledger.transaction():
            if ANNOUNCED in drifted:
                self._searches.reopen_whole(self.rules.kinds[0])
            self._finds.take_back([field for field in drifted if field != ANNOUNCED])
            for note in ("example", "example_url"):
                self.ledger.note(note, "")

    def close_whole(self, kind: str, announced: int) -> None:
        """Write down that all of a kind was read, in one go."""
        self._searches.close_whole(kind, announced)

    def _next_page(self) -> Page | None:
        searching = self.ledger.calls_for("search") + len(self._in_flight[Page])
        if not self._may_have[Page] or self._spent or searching >= self.rules.search_calls:
            return None
        row = self.ledger.execute(
            "SELECT id, kind, slice, position FROM pages WHERE state = 'open' AND id > ? ORDER BY id LIMIT 1",
            self._last_page,
        ).fetchone()
        if row is None:
            self._may_have[Page] = False
            return None
        self._last_page = row[0]
        return Page(row[1], Slice.named(row[2]), row[3])

    def _next_photo(self) -> Photo | None:
        if not self._may_have[Photo]:
            return None
        row = self.ledger.execute(
            "SELECT id, item_id, position, url FROM photos WHERE state = 'open' AND id > ? ORDER BY id LIMIT 1",
            self._last_photo,
        ).fetchone()
        if row is None:
            self._may_have[Photo] = False
            return None
        self._last_photo = row[0]
        return Photo(*row[1:])

    def _next_listing(self) -> Listing | None:
        if self._spent or self.ledger.calls + self._reading >= self.rules.daily_calls:
            return None
        if not self._batch:
            rows = self.ledger.execute(
                "SELECT item_id, summary, slice, origin_at FROM listings WHERE state = 'open' "
                "ORDER BY known DESC, length(item_id) DESC, item_id DESC LIMIT 200"
            )
            found = (Listing(item_id, summary, Slice.named(name), origin) for item_id, summary, name, origin in rows)
            self._batch = [listing for listing in found if listing not in self._in_flight[Listing]][::-1]
        return self._batch.pop() if self._batch else None

    @property
    def _reading(self) -> int:
        """How many pages and listings are in flight."""
        return len(self._in_flight[Page]) + len(self._in_flight[Listing])
