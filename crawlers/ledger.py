"""The crawl's own ledger: an SQLite file that holds what tonight's crawl knows, has to do, and has found.

One transaction an outcome, so that a SIGKILL at any moment loses nothing that was answered and repeats at most what was
in flight. Nothing of it is held in memory: a crawl of 60,000 listings takes as much as one of 2,000.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Self

from crawlers.slices import ROOT_NAME

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE account (purpose TEXT PRIMARY KEY, calls INTEGER NOT NULL) WITHOUT ROWID;

-- what earlier nights knew
CREATE TABLE known_listings (item_id TEXT PRIMARY KEY, digest TEXT NOT NULL, summary TEXT NOT NULL,
  last_slice TEXT NOT NULL DEFAULT '', live INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE known_sales (item_id TEXT, sold_on TEXT, digest TEXT NOT NULL, PRIMARY KEY (item_id, sold_on))
  WITHOUT ROWID;
CREATE TABLE known_photos (url TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE given_up_photos (url TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE lacking_photos (item_id TEXT, position INTEGER, url TEXT NOT NULL, PRIMARY KEY (item_id, position))
  WITHOUT ROWID;
CREATE TABLE known_makes (make TEXT PRIMARY KEY, done_on TEXT NOT NULL) WITHOUT ROWID;

-- what there is to do tonight: state is open, done or failed; a slice may also be split
CREATE TABLE slices (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, parent TEXT NOT NULL DEFAULT '',
  announced INTEGER, state TEXT NOT NULL DEFAULT 'open', cause TEXT NOT NULL DEFAULT '', UNIQUE (kind, name));
CREATE TABLE pages (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, slice TEXT NOT NULL, position INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open', cause TEXT NOT NULL DEFAULT '', UNIQUE (kind, slice, position));
CREATE TABLE listings (
  item_id TEXT PRIMARY KEY, summary TEXT NOT NULL, slice TEXT NOT NULL, known INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open', cause TEXT NOT NULL DEFAULT '', belongs INTEGER NOT NULL DEFAULT 1,
  origin_at TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE INDEX open_listings ON listings (known DESC, length(item_id) DESC, item_id DESC) WHERE state = 'open';
CREATE TABLE photos (
  id INTEGER PRIMARY KEY, item_id TEXT NOT NULL, position INTEGER NOT NULL, url TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open', cause TEXT NOT NULL DEFAULT '', sha256 TEXT NOT NULL DEFAULT '',
  fetched INTEGER NOT NULL DEFAULT 0, UNIQUE (item_id, position));
CREATE INDEX open_photos ON photos (id) WHERE state = 'open';

-- what was found
CREATE TABLE seen (kind TEXT, item_id TEXT, slice TEXT NOT NULL, PRIMARY KEY (kind, item_id)) WITHOUT ROWID;
CREATE TABLE sightings (kind TEXT, item_id TEXT, observed_on TEXT, known INTEGER NOT NULL, changed INTEGER NOT NULL,
  record TEXT NOT NULL, PRIMARY KEY (kind, item_id, observed_on)) WITHOUT ROWID;
CREATE TABLE undated_sales (item_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""


PREFIX = "crawl-"
SALES_READ_TO = "sales_read_to"  # the note of the date up to which earlier nights read all sales; '' for none


class Ledger:
    """The file, opened for one night: a file of another night, source or code is begun anew."""

    def __init__(self, folder: Path, night: date, identity: Mapping[str, Any]) -> None:
        self._path = folder / f"{PREFIX}{night.isoformat()}.sqlite"
        self._identity = json.dumps(identity, sort_keys=True)
        self._paid: Counter[str] = Counter()  # the account, which every request asks for: only this process writes it
        self._kept: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = self._resumed()
        if database is not None:
            self._database = database
            self._paid = Counter(dict(self.execute("SELECT purpose, calls FROM account")))
            self._kept = self._paid.copy()
            return self
        for leftover in self._path.parent.glob(f"{PREFIX}*"):  # of earlier nights too: their receipts are written
            leftover.unlink()
        self._database = self._opened()
        with self.transaction():
            for statement in _SCHEMA.split(";\n"):
                self._database.execute(statement)
            self.note("identity", self._identity)
        return self

    def __exit__(self, *_: object) -> None:
        self.keep_account()
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none; inside another one it is part of that."""
        if self._database.in_transaction:
            yield
            return
        self._database.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Run one statement; outside a transaction it is one of its own."""
        return self._database.execute(statement, values)

    def insert_many(self, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
        """Run one statement for every row, in one transaction."""
        with self.transaction():
            self._database.executemany(statement, rows)

    def value(self, statement: str, *values: Any) -> Any:
        """Return the single value that a query gives; None when it gives no row."""
        row = self.execute(statement, *values).fetchone()
        return None if row is None else row[0]

    def note(self, name: str, value: str) -> None:
        """Keep a text under a name; it replaces what was there."""
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, value)

    def noted(self, name: str) -> str:
        """Return the text kept under a name, '' when there is none."""
        return self.value("SELECT value FROM meta WHERE name = ?", name) or ""

    def announced(self, kind: str) -> int | None:
        """Return how many results the source says it has of a kind; None when not even its first page was read."""
        return self.value("SELECT announced FROM slices WHERE kind = ? AND name = ?", kind, ROOT_NAME)

    def seen(self, kind: str) -> int:
        """Return how many different ones of a kind were seen."""
        return int(self.value("SELECT count(*) FROM seen WHERE kind = ?", kind))

    @property
    def calls(self) -> int:
        """How many requests tonight's budget has paid for, over all attempts."""
        return self._paid.total()

    def calls_for(self, purpose: str) -> int:
        """How many of them went into one purpose: 'search' or 'listing'."""
        return self._paid[purpose]

    def pay(self, purpose: str, calls: int = 1) -> None:
        """Pay for one more request; -1 pays one back. It is written with the next outcome (`keep_account`)."""
        self._paid[purpose] += calls

    def keep_account(self) -> None:
        """Write down what was paid: a kill forgets no more than the requests that were in flight."""
        if self._paid != self._kept:
            self._database.executemany("INSERT OR REPLACE INTO account VALUES (?, ?)", self._paid.items())
            self._kept = self._paid.copy()

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, isolation_level=None)
        # A commit reaches the system at once and the disk at checkpoints: a SIGKILL loses nothing, a power cut little.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        return database

    def _resumed(self) -> sqlite3.Connection | None:
        """Return the file of an earlier attempt of this very night; None for any other, and for one that is damaged."""
        if not self._path.is_file():
            return None
        try:
            database = self._opened()
            row = database.execute("SELECT value FROM meta WHERE name = 'identity'").fetchone()
        except sqlite3.DatabaseError:
            return None
        if row == (self._identity,):
            return database
        database.close()
        return None
