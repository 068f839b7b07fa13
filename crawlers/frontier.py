"""What tonight's crawl asks next, and what becomes of each answer: the queues of the ledger, in their order.

First all searching, as far as the night's budget for it goes; then the listings that are new or changed, changed ones
first, then the newest; a listing's photos before the next listing. Every outcome is one transaction.
"""

from collections.abc import Collection, Mapping, Sequence

from autodetect.records import Sighting
from crawlers.advert import Advert, Provenance, sighting, summary_digest
from crawlers.items import Failed, Listing, ListingRead, Outcome, Page, PageRead, Photo, PhotoRead, PutOff, Work
from crawlers.kept import KeptListing
from crawlers.ledger import Ledger
from crawlers.rules import ASKING, SOLD, Rules
from crawlers.slices import ROOT_NAME, Sized, Slice, divided

NOT_OFFERED = "not_offered"  # the cause of a search that this source does not have


class Frontier:
    """Hands out work, takes outcomes. What is handed out is open in the ledger until its outcome is recorded."""

    def __init__(self, ledger: Ledger, rules: Rules, provenance: Provenance) -> None:
        self.ledger = ledger
        self.rules = rules
        self._provenance = provenance
        self._in_flight: set[Work] = set()
        self._last_page = self._last_photo = 0
        self._batch: list[Listing] = []
        self._spent = False

    @property
    def busy(self) -> bool:
        """Whether anything handed out has no outcome yet."""
        return bool(self._in_flight)

    def begin(self) -> None:
        """Open the first search, or, after an interruption, whatever failed then."""
        with self.ledger.transaction():
            self._open(self.rules.kinds[0], Sized(Slice(), None), parent="")
            for table in ("pages", "listings", "photos"):
                self.ledger.execute(f"UPDATE {table} SET state = 'open', cause = '' WHERE state = 'failed'")  # noqa: S608

    def _withdraw(self, kind: str) -> None:
        """Ask nothing more of a kind, and forget that it was asked: the source does not offer it."""
        with self.ledger.transaction():
            for table in ("pages", "slices", "seen"):
                self.ledger.execute(f"DELETE FROM {table} WHERE kind = ?", kind)  # noqa: S608 - names of our own

    def next(self, *, most_photos: int, most_others: int) -> Work | None:
        """Return the next piece of work; None when there is none now (ask again once an outcome was recorded).

        Args:
            most_photos: photos that may be in flight.
            most_others: pages and listings that may be.
        """
        others = sum(not isinstance(work, Photo) for work in self._in_flight)
        work: Work | None = None
        if len(self._in_flight) - others < most_photos:
            work = self._next_photo()
        if work is None and others < most_others:
            work = self._next_page()
            if work is None and not any(isinstance(other, Page) for other in self._in_flight):
                work = self._next_listing()
        if work is not None:
            self._in_flight.add(work)
        return work

    def record(self, outcome: Outcome) -> None:
        """Write down what became of a piece of work."""
        self._in_flight.discard(outcome.work)
        match outcome:
            case PageRead(page, answer):
                with self.ledger.transaction():
                    self._set_page(page, "done", "")
                    news = self._take(page, answer.entries)
                    self._plan(page, answer.total, answer.refinements, last=answer.entries[-1:], news=news)
                    if (page.kind, page.part, page.offset) == (self.rules.kinds[0], Slice(), 0):
                        for kind in self.rules.kinds[1:]:
                            self._open(kind, Sized(Slice(), None), parent="")
            case ListingRead(listing, found):
                with self.ledger.transaction():
                    self._take_listing(listing, found)
            case PhotoRead(photo, _, sha256):
                self._set_photo(photo, "done", sha256=sha256, fetched=1)
            case Failed(Page(kind=kind, offset=0, part=Slice(makes=())), cause) if cause == NOT_OFFERED:
                self._withdraw(kind)
            case Failed(Page() as page, cause):
                self._set_page(page, "failed", cause)
            case Failed(Listing() as listing, cause):
                self._set_listing(listing, "failed", cause)
            case Failed(Photo() as photo, cause):
                self._set_photo(photo, "failed", cause=cause)
            case PutOff(_):
                self._spent = True

    def take_kept(self, kept: KeptListing, new_photos: Collection[str]) -> None:
        """Write down a listing that came with its photos: nothing of it is left to ask."""
        found = kept.sighting
        with self.ledger.transaction():
            if found.kind == SOLD:
                self._take_sale_of(found)
            else:
                self._saw(ASKING, found.item_id, ROOT_NAME)
                known = self.ledger.value("SELECT digest FROM known_listings WHERE item_id = ?", found.item_id)
                self._found(found, known is not None, changed=known != found.digest)
            for photo in kept.photos:
                self.ledger.execute(
                    "INSERT OR REPLACE INTO photos (item_id, position, url, state, sha256, fetched) "
                    "VALUES (?, ?, ?, 'done', ?, ?)",
                    found.item_id,
                    photo.position,
                    photo.url,
                    photo.sha256,
                    int(photo.sha256 in new_photos),
                )

    def close_whole(self, kind: str, announced: int) -> None:
        """Write down that all of a kind was read, in one go."""
        self.ledger.execute(
            "INSERT OR REPLACE INTO slices (kind, name, announced, state) VALUES (?, ?, ?, 'done')",
            kind,
            ROOT_NAME,
            announced,
        )

    # -- what comes next -------------------------------------------------------------------------------------------

    def _next_page(self) -> Page | None:
        searching = sum(isinstance(work, Page) for work in self._in_flight)
        if self._spent or self.ledger.calls_for("search") + searching >= self.rules.search_calls:
            return None
        row = self.ledger.execute(
            "SELECT id, kind, slice, position FROM pages WHERE state = 'open' AND id > ? ORDER BY id LIMIT 1",
            self._last_page,
        ).fetchone()
        if row is None:
            return None
        self._last_page = row[0]
        return Page(row[1], Slice.named(row[2]), row[3])

    def _next_photo(self) -> Photo | None:
        row = self.ledger.execute(
            "SELECT id, item_id, position, url FROM photos WHERE state = 'open' AND id > ? ORDER BY id LIMIT 1",
            self._last_photo,
        ).fetchone()
        if row is None:
            return None
        self._last_photo = row[0]
        return Photo(*row[1:])

    def _next_listing(self) -> Listing | None:
        if self._spent or self.ledger.calls + self._reading() >= self.rules.daily_calls:
            return None
        if not self._batch:
            rows = self.ledger.execute(
                "SELECT item_id, summary, slice FROM listings WHERE state = 'open' "
                "ORDER BY known DESC, length(item_id) DESC, item_id DESC LIMIT 200"
            )
            found = (Listing(item_id, summary, Slice.named(name)) for item_id, summary, name in rows)
            self._batch = [listing for listing in found if listing not in self._in_flight][::-1]
        return self._batch.pop() if self._batch else None

    def _reading(self) -> int:
        return sum(not isinstance(work, Photo) for work in self._in_flight)

    # -- what becomes of it ----------------------------------------------------------------------------------------

    def _take(self, page: Page, entries: Sequence[Advert]) -> bool:
        """Take down a page's entries; return whether any of them is news."""
        news = 0
        for entry in entries:
            news += self._take_sale(entry) if page.kind == SOLD else self._take_entry(entry, page.part.name)
        return news > 0

    def _take_entry(self, entry: Advert, slice_name: str) -> bool:
        self._saw(ASKING, entry.item_id, slice_name)
        summary = summary_digest(entry)
        known = self.ledger.value("SELECT summary FROM known_listings WHERE item_id = ?", entry.item_id)
        if known == summary:
            self.ledger.execute(
                "INSERT OR IGNORE INTO photos (item_id, position, url) "
                "SELECT item_id, position, url FROM lacking_photos WHERE item_id = ?",
                entry.item_id,
            )
            return False
        self.ledger.execute(
            "INSERT OR IGNORE INTO listings (item_id, summary, slice, known) VALUES (?, ?, ?, ?)",
            entry.item_id,
            summary,
            slice_name,
            int(known is not None),
        )
        return True

    def _take_sale(self, entry: Advert) -> bool:
        self._saw(SOLD, entry.item_id, ROOT_NAME)
        if entry.sold_on is None:
            self.ledger.execute("INSERT OR IGNORE INTO undated_sales VALUES (?)", entry.item_id)
            return False
        return self._take_sale_of(sighting(entry, self._provenance))

    def _take_sale_of(self, found: Sighting) -> bool:
        known = self.ledger.value(
            "SELECT digest FROM known_sales WHERE item_id = ? AND sold_on = ?",
            found.item_id,
            found.observed_on.isoformat(),
        )
        if known == found.digest:
            return False
        self._found(found, known is not None, changed=True)
        return True

    def _take_listing(self, listing: Listing, found: Sighting) -> None:
        known = self.ledger.value("SELECT digest FROM known_listings WHERE item_id = ?", listing.item_id)
        self._found(found, known is not None, changed=known != found.digest)
        self._set_listing(listing, "done", "", belongs=int(listing.part.holds(found.make, found.year)))
        for position, url in enumerate(found.photo_urls[: self.rules.max_photos]):
            if self.ledger.value("SELECT 1 FROM given_up_photos WHERE url = ?", url):
                continue
            sha256 = self.ledger.value("SELECT sha256 FROM known_photos WHERE url = ?", url) or ""
            self.ledger.execute(
                "INSERT OR IGNORE INTO photos (item_id, position, url, state, sha256) VALUES (?, ?, ?, ?, ?)",
                listing.item_id,
                position,
                url,
                "done" if sha256 else "open",
                sha256,
            )

    def _plan(
        self,
        page: Page,
        total: int,
        refinements: Mapping[str, Mapping[str, int]],
        *,
        last: Sequence[Advert],
        news: bool,
    ) -> None:
        """Open what a page's answer says must be asked further."""
        part, rules = page.part, self.rules
        if page.offset == 0:
            ignored = self._filter_ignored(page, total)
            self.ledger.execute(
                "UPDATE slices SET announced = ? WHERE kind = ? AND name = ?", total, page.kind, part.name
            )
            if ignored:
                self._set_slice(page.kind, part, "failed", "inseparable" if part.low else "filter_ignored")
                self.ledger.execute(
                    "DELETE FROM pages WHERE kind = ? AND slice = ? AND position > 0", page.kind, part.name
                )
                return
        if page.kind in rules.stop_at_known:
            if news and page.offset + rules.page_size < min(total, rules.reach):
                self._open_page(page.kind, part, page.offset + rules.page_size)
            return
        if total <= rules.reach:
            if page.offset == 0:
                self._open_pages(page.kind, part, total)
        elif part.by_price:
            self._go_on_by_price(page, last)
        elif page.offset == 0:
            self._divide(page, refinements)

    def _filter_ignored(self, page: Page, total: int) -> bool:
        """Return whether a slice is as large as what it was cut from, and not because that is all of one kind."""
        row = self.ledger.execute(
            "SELECT p.announced, s.announced FROM slices s JOIN slices p ON p.kind = s.kind AND p.name = s.parent "
            "WHERE s.kind = ? AND s.name = ?",
            page.kind,
            page.part.name,
        ).fetchone()
        if row is None:
            return False
        parent, told = row
        return total >= parent and (told is None or total > 1.5 * told)

    def _divide(self, page: Page, refinements: Mapping[str, Mapping[str, int]]) -> None:
        rules = self.rules
        parts = divided(page.part, refinements, reach=rules.reach, makes=rules.makes, years=rules.years)
        if not parts:  # nothing to divide by: what its window shows is all that can be had
            self._set_slice(page.kind, page.part, "failed", "beyond_window")
            self._open_pages(page.kind, page.part, rules.reach)
            return
        self._set_slice(page.kind, page.part, "split", "")
        for sized in sorted(parts, key=self._last_done):
            self._open(page.kind, sized, parent=page.part.name)

    def _go_on_by_price(self, page: Page, last: Sequence[Advert]) -> None:
        """Read a slice in order of price to the end of its window; there the next slice begins at the last price."""
        if page.offset == 0:
            self._open_pages(page.kind, page.part, self.rules.reach)
        if page.offset + self.rules.page_size < self.rules.reach:
            return
        low = last[0].price if last else ""
        if not low or low == page.part.low:
            self._set_slice(page.kind, page.part, "failed", "inseparable")
            return
        self._set_slice(page.kind, page.part, "split", "")
        following = Slice(page.part.makes, page.part.years, low)
        self._open(page.kind, Sized(following, None), parent=page.part.name)

    def _last_done(self, sized: Sized) -> str:
        """Return the night on which the stalest make of a slice was read to its end, '' for never: it comes first."""
        nights = [
            self.ledger.value("SELECT done_on FROM known_makes WHERE make = ?", make) or "" for make in sized.part.makes
        ]
        return min(nights, default="")

    # -- rows ------------------------------------------------------------------------------------------------------

    def _open(self, kind: str, sized: Sized, *, parent: str) -> None:
        self.ledger.execute(
            "INSERT OR IGNORE INTO slices (kind, name, parent, announced) VALUES (?, ?, ?, ?)",
            kind,
            sized.part.name,
            parent,
            sized.total,
        )
        ahead = sized.total if sized.total and kind not in self.rules.stop_at_known else 1
        self._open_pages(kind, sized.part, ahead if ahead <= self.rules.reach or sized.part.by_price else 1)

    def _open_pages(self, kind: str, part: Slice, total: int) -> None:
        for offset in range(0, max(1, min(total, self.rules.reach)), self.rules.page_size):
            self._open_page(kind, part, offset)

    def _open_page(self, kind: str, part: Slice, offset: int) -> None:
        self.ledger.execute(
            "INSERT OR IGNORE INTO pages (kind, slice, position) VALUES (?, ?, ?)", kind, part.name, offset
        )

    def _saw(self, kind: str, item_id: str, slice_name: str) -> None:
        self.ledger.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", kind, item_id, slice_name)

    def _found(self, found: Sighting, known: bool, *, changed: bool) -> None:
        self.ledger.execute(
            "INSERT OR REPLACE INTO sightings VALUES (?, ?, ?, ?, ?, ?)",
            found.kind,
            found.item_id,
            found.observed_on.isoformat(),
            int(known),
            int(changed),
            found.model_dump_json(),
        )

    def _set_page(self, page: Page, state: str, cause: str) -> None:
        self.ledger.execute(
            "UPDATE pages SET state = ?, cause = ? WHERE kind = ? AND slice = ? AND position = ?",
            state,
            cause,
            page.kind,
            page.part.name,
            page.offset,
        )

    def _set_slice(self, kind: str, part: Slice, state: str, cause: str) -> None:
        self.ledger.execute(
            "UPDATE slices SET state = ?, cause = ? WHERE kind = ? AND name = ?", state, cause, kind, part.name
        )

    def _set_listing(self, listing: Listing, state: str, cause: str, belongs: int = 1) -> None:
        self.ledger.execute(
            "UPDATE listings SET state = ?, cause = ?, belongs = ? WHERE item_id = ?",
            state,
            cause,
            belongs,
            listing.item_id,
        )

    def _set_photo(self, photo: Photo, state: str, *, cause: str = "", sha256: str = "", fetched: int = 0) -> None:
        self.ledger.execute(
            "UPDATE photos SET state = ?, cause = ?, sha256 = ?, fetched = ? WHERE item_id = ? AND position = ?",
            state,
            cause,
            sha256,
            fetched,
            photo.item_id,
            photo.position,
        )
