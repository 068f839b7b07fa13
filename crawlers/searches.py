"""The searches of a night: which slices and pages there are to ask, out of what the pages before them said."""

from collections.abc import Mapping, Sequence

from crawlers.advert import Advert, SearchAnswer
from crawlers.items import Page
from crawlers.ledger import Ledger
from crawlers.rules import Rules
from crawlers.slices import ROOT_NAME, Sized, Slice, divided

FILTER_IGNORED = "filter_ignored"  # the cause of a slice that is as large as what it was cut from


class Searches:
    """The ledger's slices and pages. Every method is part of its caller's transaction."""

    def __init__(self, ledger: Ledger, rules: Rules) -> None:
        self._ledger = ledger
        self._rules = rules

    def open_whole(self, kind: str) -> None:
        """Open the search for everything of a kind, if it is not open yet."""
        self._open(kind, Sized(Slice(), None), parent="")

    def close_whole(self, kind: str, announced: int) -> None:
        """Write down that all of a kind was read, in one go."""
        self._ledger.execute(
            "INSERT OR REPLACE INTO slices (kind, name, announced, state) VALUES (?, ?, ?, 'done')",
            kind,
            ROOT_NAME,
            announced,
        )

    def withdraw(self, kind: str) -> None:
        """Ask nothing more of a kind, and forget that it was asked: the source does not offer it."""
        for table in ("pages", "slices", "seen"):
            self._ledger.execute(f"DELETE FROM {table} WHERE kind = ?", kind)  # noqa: S608 - names of our own

    def reopen_whole(self, kind: str) -> None:
        """Ask the first page of the search for everything of a kind once more."""
        self._ledger.execute(
            "UPDATE pages SET state = 'open' WHERE kind = ? AND slice = ? AND position = 0", kind, ROOT_NAME
        )

    def reopen_ignored(self) -> None:
        """Ask once more for the slices whose filter the source ignored."""
        self._ledger.execute(
            "UPDATE pages SET state = 'open' WHERE position = 0 AND (kind, slice) IN "
            "(SELECT kind, name FROM slices WHERE cause = ?)",
            FILTER_IGNORED,
        )
        self._ledger.execute("UPDATE slices SET state = 'open', cause = '' WHERE cause = ?", FILTER_IGNORED)

    def settle(self, page: Page, state: str, cause: str) -> None:
        """Write down what became of a page: done, or failed with a cause."""
        self._ledger.execute(
            "UPDATE pages SET state = ?, cause = ? WHERE kind = ? AND slice = ? AND position = ?",
            state,
            cause,
            page.kind,
            page.part.name,
            page.offset,
        )

    def shown_by(self, page: Page) -> Slice:
        """Return the slice that a page's entries are of: the whole, where the source ignores the page's filter."""
        cause = self._ledger.value("SELECT cause FROM slices WHERE kind = ? AND name = ?", page.kind, page.part.name)
        return Slice() if cause == FILTER_IGNORED else page.part

    def plan(self, page: Page, answer: SearchAnswer, *, news: bool) -> None:
        """Open what a page's answer says must be asked further; `news`: whether anything on it was new."""
        part, rules, total = page.part, self._rules, answer.total
        if page.offset == 0:
            ignored = self._filter_ignored(page, total)
            self._ledger.execute(
                "UPDATE slices SET announced = ? WHERE kind = ? AND name = ?", total, page.kind, part.name
            )
            if ignored:
                self._set_slice(page.kind, part, "failed", FILTER_IGNORED)
                self._ledger.execute(
                    "UPDATE seen SET slice = ? WHERE kind = ? AND slice = ?", ROOT_NAME, page.kind, part.name
                )
                self._ledger.execute(
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
            self._go_on_by_price(page, answer.entries[-1:])
        elif page.offset == 0:
            self._divide(page, answer.refinements)

    def _filter_ignored(self, page: Page, total: int) -> bool:
        """Return whether a slice is as large as what it was cut from, and not because that is all of one kind.

        Where no size was told, it must be seen that another part of the same whole is not empty either.
        """
        row = self._ledger.execute(
            "SELECT p.announced, s.announced, (SELECT count(*) FROM slices o WHERE o.kind = s.kind "
            "AND o.parent = s.parent AND o.name <> s.name AND o.announced > 0) "
            "FROM slices s JOIN slices p ON p.kind = s.kind AND p.name = s.parent WHERE s.kind = ? AND s.name = ?",
            page.kind,
            page.part.name,
        ).fetchone()
        if row is None:
            return False
        parent, told, others = row
        return total >= parent and (others > 0 if told is None else total > 1.5 * told)

    def _divide(self, page: Page, refinements: Mapping[str, Mapping[str, int]]) -> None:
        rules = self._rules
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
            self._open_pages(page.kind, page.part, self._rules.reach)
        if page.offset + self._rules.page_size < self._rules.reach:
            return
        # The source sorts and filters by the price that it shows, which may be a converted one.
        low = (last[0].converted_price or last[0].price) if last else ""
        if not low.replace(".", "", 1).isdecimal() or float(low) <= float(page.part.low or -1):
            self._set_slice(page.kind, page.part, "failed", "inseparable")
            return
        self._set_slice(page.kind, page.part, "split", "")
        following = Slice(page.part.makes, page.part.years, low)
        self._open(page.kind, Sized(following, None), parent=page.part.name)

    def _last_done(self, sized: Sized) -> str:
        """Return the night on which the stalest make of a slice was read to its end, '' for never: it comes first."""
        done_on = "SELECT done_on FROM known_makes WHERE make = ?"
        return min((self._ledger.value(done_on, make) or "" for make in sized.part.makes), default="")

    def _set_slice(self, kind: str, part: Slice, state: str, cause: str) -> None:
        self._ledger.execute(
            "UPDATE slices SET state = ?, cause = ? WHERE kind = ? AND name = ?", state, cause, kind, part.name
        )

    def _open(self, kind: str, sized: Sized, *, parent: str) -> None:
        self._ledger.execute(
            "INSERT OR IGNORE INTO slices (kind, name, parent, announced) VALUES (?, ?, ?, ?)",
            kind,
            sized.part.name,
            parent,
            sized.total,
        )
        ahead = sized.total if sized.total and kind not in self._rules.stop_at_known else 1
        self._open_pages(kind, sized.part, ahead if ahead <= self._rules.reach or sized.part.by_price else 1)

    def _open_pages(self, kind: str, part: Slice, total: int) -> None:
        for offset in range(0, max(1, min(total, self._rules.reach)), self._rules.page_size):
            self._open_page(kind, part, offset)

    def _open_page(self, kind: str, part: Slice, offset: int) -> None:
        self._ledger.execute(
            "INSERT OR IGNORE INTO pages (kind, slice, position) VALUES (?, ?, ?)", kind, part.name, offset
        )
