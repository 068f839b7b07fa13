"""How much of the source tonight's searches reached, slice by slice, and what is missing where they reached all."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from crawlers.ledger import Ledger
from crawlers.rules import ASKING, SOLD
from crawlers.slices import ROOT_NAME, Slice

# Share of a divided slice that its parts may lack for it to count as read: listings come and go meanwhile.
MOST_UNTOLD = 0.005
# Share of a slice's results that its pages may fail to show: answers without entries are no proof of absence.
MOST_UNSHOWN = 0.2


@dataclass(frozen=True)
class SliceState:
    """What became of one slice: `state` is done, failed, deferred (the budget did not reach it) or split."""

    kind: str
    name: str
    parent: str
    announced: int
    found: int
    state: str
    cause: str


class Coverage:
    """What a finished crawl reached, read from its ledger.

    Args:
        ledger: of a crawl that ended.
        expected: fewer listings than this are no whole source: it has collapsed, and nothing counts as missing.
    """

    def __init__(self, ledger: Ledger, *, expected: int = 1) -> None:
        self._ledger = ledger
        self._expected = expected
        self.slices = tuple(_slice_states(ledger))
        self._children: dict[tuple[str, str], list[SliceState]] = defaultdict(list)
        for part in self.slices:
            if part.name != ROOT_NAME:
                self._children[part.kind, part.parent].append(part)
        self._by_name = {(part.kind, part.name): part for part in self.slices}
        self.done_makes = frozenset(self._makes_done())
        self.covers = cache(self._covers)

    @property
    def has_collapsed(self) -> bool:
        """Return whether the source announces far fewer listings than it should have."""
        announced = self._ledger.announced(ASKING)
        return announced is not None and announced < self._expected

    @property
    def is_complete(self) -> bool:
        """Return whether every page of every slice was read, and the slices hold what the whole was said to."""
        root = self._by_name.get((ASKING, ROOT_NAME))
        return root is not None and not self.has_collapsed and self._is_done(root)

    @property
    def read_all_sales(self) -> bool:
        """Return whether there was a search for sales, and it came to its end."""
        root = self._by_name.get((SOLD, ROOT_NAME))
        return root is not None and self._is_done(root)

    def share(self, night: date, fresh_nights: int) -> float:
        """Return the share (0 to 1) of the announced listings that were seen, or that count as seen.

        What the budget left out tonight counts as seen when all its makes were read to their end within `fresh_nights`:
        a sweep may span nights. What failed does not.
        """
        announced = self._ledger.announced(ASKING)
        if not announced:
            return 0.0
        since = (night - timedelta(days=fresh_nights)).isoformat()
        fresh = {make for (make,) in self._ledger.execute("SELECT make FROM known_makes WHERE done_on >= ?", since)}
        put_off = sum(
            part.announced - part.found
            for part in self.slices
            if part.kind == ASKING and part.state == "deferred" and _all_in(Slice.named(part.name).makes, fresh)
        )
        return round(min(1.0, (self._ledger.seen(ASKING) + put_off) / announced), 6)

    def missing(self) -> Iterator[str]:
        """Yield the live listings that were last seen in what tonight covers, and were not there."""
        rows = self._ledger.execute(
            "SELECT item_id, last_slice FROM known_listings WHERE live = 1 AND NOT EXISTS "
            "(SELECT 1 FROM seen WHERE kind = 'asking' AND seen.item_id = known_listings.item_id) ORDER BY item_id"
        )
        return (item_id for item_id, last_slice in rows if self.covers(last_slice))

    def _covers(self, name: str) -> bool:
        """Return whether tonight read all of where a slice of some earlier night looked.

        Years and prices of listings move, makes hardly ever: a slice counts as covered when all its makes are.
        """
        return self.is_complete or (not self.has_collapsed and _all_in(Slice.named(name).makes, self.done_makes))

    def _makes_done(self) -> Iterator[str]:
        for part in self.slices:
            held = Slice.named(part.name)
            if part.kind == ASKING and not held.years and not held.low and self._is_done(part):
                yield from held.makes

    def _is_done(self, part: SliceState) -> bool:
        if part.state in ("failed", "deferred"):
            return False
        children = self._children[part.kind, part.name]
        if not all(self._is_done(child) for child in children):
            return False
        if not children:
            return True
        by_price = any(Slice.named(child.name).low for child in children)
        held = self._found(part) if by_price else sum(child.announced for child in children)
        return held >= (1 - MOST_UNTOLD) * part.announced

    def _found(self, part: SliceState) -> int:
        """Return how many were seen in a slice and those it was cut into."""
        return part.found + sum(self._found(child) for child in self._children[part.kind, part.name])


def _all_in(makes: tuple[str, ...], done: frozenset[str] | set[str]) -> bool:
    return bool(makes) and set(makes) <= done


def _slice_states(ledger: Ledger) -> Iterator[SliceState]:
    found = dict(ledger.execute("SELECT slice, count(*) FROM seen WHERE kind = 'asking' GROUP BY slice").fetchall())
    pages: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for kind, name, state, cause in ledger.execute("SELECT kind, slice, state, cause FROM pages ORDER BY id DESC"):
        pages[kind, name][state] = cause
    for kind, name, parent, announced, state, cause in ledger.execute(
        "SELECT kind, name, parent, announced, state, cause FROM slices ORDER BY id"
    ):
        states = pages[kind, name]
        held = found.get(name, 0) if kind == ASKING else (announced or 0)
        if state == "failed":
            outcome = "failed", cause
        elif "failed" in states:
            outcome = "failed", states["failed"]
        elif "open" in states:
            outcome = "deferred", ""
        elif state == "split":
            outcome = "split", ""
        # The end of a chain by price begins with what the window before it showed.
        elif held < int((1 - MOST_UNSHOWN) * (announced or 0)) and not Slice.named(name).low:
            outcome = "failed", "not_shown"
        else:
            outcome = "done", ""
        yield SliceState(kind, name, parent, announced or 0, held, *outcome)
