"""The reading side of `autodetect.sqlite`: what a car sells for, what it sold for, and how many are on offer.

For whoever holds a release and nothing else: the standard library's sqlite3, opened read-only and immutable (no lock,
no journal, nothing is ever written beside the file). `near` has the offers near a place.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autodetect.errors import CorruptError, UsageError
from autodetect.prices.sqlite.schema import APPLICATION_ID, SQLITE_SCHEMA_VERSION, TABLES
from autodetect.records import Record

PriceBase = Path | sqlite3.Connection  # a price file, or one that `opened` opened
_REMEDY = "download the release again and verify it"
_TABLES = {name: statement for table in TABLES for name, statement in table.statements.items()}

_PRICES = """
SELECT m.make_model_id, p.basis, p.year_band, p.region, p.currency, p.count, p.sellers, p.outliers, p.level,
       p.level_name, p.level_count, p.median, p.median_low, p.median_high, p.q1, p.q3, p.trimmed_mean, p.low, p.high,
       date(p.window_start * 86400, 'unixepoch') AS window_start, date(p.window_end * 86400, 'unixepoch') AS window_end,
       p.precision, p.reason
FROM prices p JOIN make_models m USING (make_model)
"""
# A basis with figures before one without, and among those what cars sold for before what is asked.
PRICE_SQL = f"""{_PRICES}WHERE m.make_model_id = ? AND p.year_band = '' AND p.region = ''
ORDER BY p.median IS NULL, p.basis != 'sold' LIMIT 1
"""
BANDS_SQL = f"""{_PRICES}WHERE m.make_model_id = ? AND p.basis = ? AND p.year_band != '' AND p.region = ''
ORDER BY p.year_band LIKE '1%' OR p.year_band LIKE '2%', p.year_band
"""
STATES_SQL = f"""{_PRICES}WHERE m.make_model_id = ? AND p.basis = ? AND p.year_band = '' AND p.region != ''
ORDER BY p.region
"""
# One currency, the one that most offers are in: prices in different currencies are never averaged.
OFFERS_SQL = """
SELECT o.currency, count(*) AS count, round(avg(o.price), 2) AS average, min(o.price) AS lowest,
       max(o.price) AS highest
FROM offers o JOIN make_models m USING (make_model) WHERE m.make_model_id = ?
GROUP BY o.currency ORDER BY count(*) DESC, o.currency
"""
SALES_SQL = """
SELECT s.name AS source, a.item_id, date(a.sold_on * 86400, 'unixepoch') AS sold_on, a.sold_precision, a.price,
       a.currency, a.year, a.mileage, a.trim, a.region
FROM sales a JOIN make_models m USING (make_model) JOIN sources s USING (source) WHERE m.make_model_id = ?
ORDER BY a.sold_on DESC, s.name, a.item_id
"""
HISTORY_SQL = """
SELECT h.basis, date(h.night * 86400, 'unixepoch') AS night, h.count, h.median
FROM history h JOIN make_models m USING (make_model) WHERE m.make_model_id = ? ORDER BY h.basis, h.night
"""


class PriceFact(Record):
    """What is known of a car's price. Without enough comparables the figures are `None` and `reason` says why.

    `year_band` and `region` are empty for the headline. Where a band or a state has too few comparables of the model,
    the figures are those of its make or segment: `level` says which, `level_name` names it, and `level_count` counts
    what is behind them; `count` is always the model's own.
    """

    make_model_id: str
    basis: str
    year_band: str
    region: str
    currency: str | None
    count: int
    sellers: int | None
    outliers: int
    level: str | None
    level_name: str | None
    level_count: int | None
    median: float | None
    median_low: float | None
    median_high: float | None
    q1: float | None
    q3: float | None
    trimmed_mean: float | None
    low: float | None
    high: float | None
    window_start: date | None
    window_end: date | None
    precision: str | None
    reason: str | None


class OfferFact(Record):
    """The offers of a car in the currency that most of them are in; `others` more are in other currencies."""

    count: int = 0
    currency: str | None = None
    average: float | None = None
    lowest: float | None = None
    highest: float | None = None
    others: int = 0


class SaleFact(Record):
    """One sale; of `sold_on` is known what `sold_precision` says ('day', 'month', 'year'); `mileage` in miles."""

    source: str
    item_id: str
    sold_on: date
    sold_precision: str
    price: float
    currency: str
    year: int | None
    mileage: int | None
    trim: str | None
    region: str | None


class HistoryFact(Record):
    """The headline price of one night."""

    basis: str
    night: date
    count: int
    median: float | None


class MakeModel(Record):
    """A make and model that the file speaks of."""

    make_model_id: str
    make: str
    model: str


def price_of(base: PriceBase, make_model_id: str) -> PriceFact | None:
    """Return the best price fact of a make and model (sold before asking), `None` when nothing at all is known.

    This and every function below opens a price file, or reads one that is open.

    Raises:
        CorruptError: the file is missing, damaged, or of another format.
    """
    with opened(base) as database:
        row = database.execute(PRICE_SQL, (make_model_id,)).fetchone()
        return PriceFact(**dict(row)) if row else None


def prices_by_band(base: PriceBase, make_model_id: str, basis: str = "sold") -> tuple[PriceFact, ...]:
    """Return the prices of a make and model by year band, oldest first."""
    return _prices(base, BANDS_SQL, make_model_id, basis)


def prices_by_state(base: PriceBase, make_model_id: str, basis: str = "sold") -> tuple[PriceFact, ...]:
    """Return the prices of a make and model by state (ISO 3166-2), sorted."""
    return _prices(base, STATES_SQL, make_model_id, basis)


def offers_of(base: PriceBase, make_model_id: str) -> OfferFact:
    """Return what is on offer of a make and model; a count of 0 when nothing is."""
    with opened(base) as database:
        rows: list[Any] = database.execute(OFFERS_SQL, (make_model_id,)).fetchall()
        return OfferFact(**dict(rows[0]), others=sum(row["count"] for row in rows[1:])) if rows else OfferFact()


def sales_of(base: PriceBase, make_model_id: str) -> tuple[SaleFact, ...]:
    """Return the newest sales of a make and model that the release carries, newest first."""
    with opened(base) as database:
        return tuple(SaleFact(**dict(row)) for row in database.execute(SALES_SQL, (make_model_id,)))


def history_of(base: PriceBase, make_model_id: str) -> tuple[HistoryFact, ...]:
    """Return the headline prices of a make and model over the nights, by basis and night."""
    with opened(base) as database:
        return tuple(HistoryFact(**dict(row)) for row in database.execute(HISTORY_SQL, (make_model_id,)))


def meta_of(base: PriceBase) -> dict[str, str]:
    """Return the file's meta values: night, class_map_digest, currency, schema_version."""
    with opened(base) as database:
        return dict(tuple(row) for row in database.execute("SELECT key, value FROM meta ORDER BY key"))


def make_models(base: PriceBase) -> tuple[MakeModel, ...]:
    """Return every make and model that has a name, by make and model."""
    with opened(base) as database:
        rows = database.execute(
            "SELECT make_model_id, make, model FROM make_models WHERE make IS NOT NULL AND model IS NOT NULL"
            " ORDER BY make, model, make_model_id"
        )
        return tuple(MakeModel(**dict(row)) for row in rows)


def find_make_model(base: PriceBase, make: str, model: str) -> MakeModel:
    """Return the make and model of a name; capitals, spaces and punctuation do not matter ('f150' is 'F-150').

    Raises:
        UsageError: there is none of that name; the likeliest ones are suggested.
    """
    known = make_models(base)
    exact = [each for each in known if (each.make, each.model) == (make, model)]
    alike = [each for each in known if (bare(each.make), bare(each.model)) == (bare(make), bare(model))]
    if exact or alike:
        return (exact or alike)[0]
    raise UsageError(f"no prices are known of a {make} {model}", _suggestion(f"{make} {model}", known))


@contextmanager
def opened(base: PriceBase) -> Iterator[sqlite3.Connection]:
    """Open a price file for several questions; one that is open already stays so.

    Raises:
        CorruptError: the file is missing, damaged, or of another format.
    """
    if isinstance(base, sqlite3.Connection):
        yield base
        return
    uri = f"{base.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.row_factory = sqlite3.Row
            version = database.execute("PRAGMA user_version").fetchone()[0]
            application = database.execute("PRAGMA application_id").fetchone()[0]
            if (application, version) != (APPLICATION_ID, SQLITE_SCHEMA_VERSION):
                what = f"{base} is no price file of format {SQLITE_SCHEMA_VERSION} (found {application:#x}/{version})"
                raise CorruptError(what, "use the program version that the release was made for, or " + _REMEDY)
            pages, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
            if base.stat().st_size != pages * size:  # SQLite itself notices only when it needs a page that is gone
                raise CorruptError(f"the price file {base} is not as long as it says: it is truncated", _REMEDY)
            _refuse_strange_tables(base, database)
            yield database
    except (sqlite3.Error, ValidationError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise CorruptError(f"the price file {base} cannot be read: {error}", _REMEDY) from error


def _prices(base: PriceBase, query: str, make_model_id: str, basis: str) -> tuple[PriceFact, ...]:
    with opened(base) as database:
        return tuple(PriceFact(**dict(row)) for row in database.execute(query, (make_model_id, basis)))


def _refuse_strange_tables(base: Path, database: sqlite3.Connection) -> None:
    """Refuse a file with a view, a trigger, a virtual table or any other schema of its own: those can run things."""
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    found = database.execute("SELECT name, sql FROM sqlite_schema").fetchall()
    if strange := {(row["name"], row["sql"]) for row in found} ^ _TABLES.items():
        name = min(str(each) for each, _ in strange)
        raise CorruptError(f"{base} is no sound price file: its '{name}' is not what that format has", _REMEDY)


def bare(name: str) -> str:
    """Return a name's letters and digits, in small letters: what is left when spelling does not matter."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _suggestion(asked: str, known: tuple[MakeModel, ...]) -> str:
    from rapidfuzz import fuzz, process, utils

    names = sorted({f"{each.make} {each.model}" for each in known})
    found = process.extract(asked, names, scorer=fuzz.WRatio, processor=utils.default_process, limit=3, score_cutoff=60)
    if not found:
        return "name a make and model of the release, for example --make Ford --model Mustang"
    return f"did you mean {' or '.join(name for name, _, _ in found)}?"
