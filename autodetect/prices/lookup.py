"""The reading side of `autodetect.sqlite`: what a car sells for and how many are on offer.

For whoever holds a release and nothing else: the standard library's sqlite3, opened read-only and immutable (no lock,
no journal, nothing is ever written beside the file).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autodetect.errors import CorruptError
from autodetect.records import Record

SQLITE_SCHEMA_VERSION = 1  # `PRAGMA user_version`: what a phone checks before it trusts the columns
APPLICATION_ID = 0x41444554  # `PRAGMA application_id`: "ADET"
_REMEDY = "download the release again and verify it"

# A basis with figures before one without, and among those what cars sold for before what is asked.
_PRICE_SQL = """
SELECT make_model_id, basis, currency, count, median, q1, q3, mean, low, high, window_start, window_end, reason
FROM prices WHERE make_model_id = ? ORDER BY median IS NULL, basis != 'sold' LIMIT 1
"""
# One currency, the one that most offers are in: prices in different currencies are never averaged.
_OFFER_SQL = """
SELECT currency, count(*) AS count, round(avg(price), 2) AS average, min(price) AS lowest, max(price) AS highest
FROM offers WHERE make_model_id = ? GROUP BY currency ORDER BY count(*) DESC, currency
"""


class PriceFact(Record):
    """What is known of a car's price. Without enough comparables the figures are `None` and `reason` says why."""

    make_model_id: str
    basis: str
    currency: str | None
    count: int
    median: float | None
    q1: float | None
    q3: float | None
    mean: float | None
    low: float | None
    high: float | None
    window_start: date
    window_end: date
    reason: str | None


class OfferFact(Record):
    """The offers of a car in the currency that most of them are in; `others` more are in other currencies."""

    count: int = 0
    currency: str | None = None
    average: float | None = None
    lowest: float | None = None
    highest: float | None = None
    others: int = 0


def price_of(sqlite_path: Path, make_model_id: str) -> PriceFact | None:
    """Return the best price fact of a make and model (sold before asking), `None` when nothing at all is known.

    Raises:
        CorruptError: the file is missing, damaged, or of another format.
    """
    with _opened(sqlite_path) as database:
        row = database.execute(_PRICE_SQL, (make_model_id,)).fetchone()
        return PriceFact(**dict(row)) if row else None


def offers_of(sqlite_path: Path, make_model_id: str) -> OfferFact:
    """Return what is on offer of a make and model; a count of 0 when nothing is.

    Raises:
        CorruptError: the file is missing, damaged, or of another format.
    """
    with _opened(sqlite_path) as database:
        rows: list[Any] = database.execute(_OFFER_SQL, (make_model_id,)).fetchall()
        return OfferFact(**dict(rows[0]), others=sum(row["count"] for row in rows[1:])) if rows else OfferFact()


def meta_of(sqlite_path: Path) -> dict[str, str]:
    """Return the file's meta values: night, class_map_digest, currency, schema_version.

    Raises:
        CorruptError: the file is missing, damaged, or of another format.
    """
    with _opened(sqlite_path) as database:
        return dict(tuple(row) for row in database.execute("SELECT key, value FROM meta ORDER BY key"))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.row_factory = sqlite3.Row
            version = database.execute("PRAGMA user_version").fetchone()[0]
            application = database.execute("PRAGMA application_id").fetchone()[0]
            if (application, version) != (APPLICATION_ID, SQLITE_SCHEMA_VERSION):
                what = f"{path} is no price file of format {SQLITE_SCHEMA_VERSION} (found {application:#x}/{version})"
                raise CorruptError(what, "use the program version that the release was made for, or " + _REMEDY)
            pages, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
            if path.stat().st_size != pages * size:  # SQLite itself notices only when it needs a page that is gone
                raise CorruptError(f"the price file {path} is not as long as it says: it is truncated", _REMEDY)
            yield database
    except (sqlite3.Error, ValidationError, TypeError, ValueError) as error:
        raise CorruptError(f"the price file {path} cannot be read: {error}", _REMEDY) from error
