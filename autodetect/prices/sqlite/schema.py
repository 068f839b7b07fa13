"""The tables of `autodetect.sqlite`, format 2; `docs/prices-format.md` shows them to who reads the file.

Every table is WITHOUT ROWID, its key columns first: one b-tree each, in key order, no second copy of the key. A make
and model, a source and a place are small numbers inside the file (`make_model`, `source`, `place`), given anew every
night in the order of what they stand for: nothing outside the file may keep them.

Dates are whole days since 1970-01-01 (`date(x * 86400, 'unixepoch')` gives ISO 8601 text); money is in the row's
currency. Standard library only: whoever reads the file imports this and nothing else.
"""

from dataclasses import dataclass, field
from typing import Literal

SQLITE_SCHEMA_VERSION = 2  # `PRAGMA user_version`: what a phone checks before it trusts the columns
APPLICATION_ID = 0x41444554  # `PRAGMA application_id`: "ADET"
NO_PLACE = 0  # `offers.place` of an offer that says nothing of where it is; `places` has no such row

SqlType = Literal["INTEGER", "REAL", "TEXT"]


@dataclass(frozen=True)
class Column:
    """A column: `null` says what it means that there is no value, and is empty where there always is one."""

    name: str
    type: SqlType
    meaning: str
    null: str = ""


@dataclass(frozen=True)
class SqlTable:
    """A table; the first `keys` columns are its primary key. `indices` maps a name to the columns it sorts by."""

    name: str
    meaning: str
    keys: int
    columns: tuple[Column, ...]
    indices: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        """Return the names of the key columns."""
        return tuple(column.name for column in self.columns[: self.keys])

    @property
    def statements(self) -> dict[str, str]:
        """Return what creates the table and its indices, by name."""
        columns = ", ".join(f"{c.name} {c.type}{'' if c.null else ' NOT NULL'}" for c in self.columns)
        made = {self.name: f"CREATE TABLE {self.name} ({columns}, PRIMARY KEY ({', '.join(self.key)})) WITHOUT ROWID"}
        for name, sorted_by in self.indices.items():
            made[name] = f"CREATE INDEX {name} ON {self.name} ({', '.join(sorted_by)})"
        return made


_MAKE_MODEL = Column("make_model", "INTEGER", "make and model: `make_models.make_model`")
_SOURCE = Column("source", "INTEGER", "where it was advertised: `sources.source`")
_ITEM = Column("item_id", "TEXT", "the listing's id at its source")
_CURRENCY = Column("currency", "TEXT", "ISO 4217 code of every amount in the row")
_BASIS = Column("basis", "TEXT", "`sold`: what was paid; `asking`: what is asked")
_YEAR = Column("year", "INTEGER", "model year", "not known")
_MILEAGE = Column("mileage", "INTEGER", "miles", "not known")
_TRIM = Column("trim", "TEXT", "trim as the seller wrote it", "not said")
_UNKNOWN = "too few comparables for a price"
_UNVALUED = "the valuation knows too little of such a car"


def _figure(name: str, meaning: str) -> Column:
    return Column(name, "REAL", meaning, _UNKNOWN)


MAKE_MODELS = SqlTable(
    "make_models",
    "every make and model that the file speaks of",
    1,
    (
        Column("make_model", "INTEGER", "number inside this file, from 1, in the order of make_model_id"),
        Column("make_model_id", "TEXT", "the catalogue's permanent id; the class map names it too"),
        Column("make", "TEXT", "name of the make", "no longer in the catalogue"),
        Column("model", "TEXT", "name of the model", "no longer in the catalogue"),
    ),
    {"make_models_by_id": ("make_model_id",)},
)
CLASSES = SqlTable(
    "classes",
    "the class map of the model that the release carries",
    1,
    (
        Column("class_id", "INTEGER", "the class; never reused"),
        _MAKE_MODEL,
        Column("label", "TEXT", "what the Core ML model answers"),
    ),
    {"classes_by_make_model": ("make_model",), "classes_by_label": ("label",)},
)
PRICES = SqlTable(
    "prices",
    "what a make and model sold for and what is asked for it: the headline (no band, no region) and, where it has at "
    "least one comparable there, by year band and by region",
    4,
    (
        _MAKE_MODEL,
        _BASIS,
        Column("year_band", "TEXT", "model years such as `2010-2014`; empty: all"),
        Column("region", "TEXT", "ISO 3166-2 such as `US-FL`; empty: everywhere"),
        Column("currency", "TEXT", "ISO 4217 code of every amount in the row", "no listing names a price"),
        Column("count", "INTEGER", "comparables of this make and model behind the figures"),
        Column("sellers", "INTEGER", "different sellers among them", "no listing says whose it is"),
        Column("outliers", "INTEGER", "listings left out as outliers"),
        Column("level", "TEXT", "whose comparables the figures are of: `model`, `make`, `segment`", _UNKNOWN),
        Column("level_name", "TEXT", "its name: `Ford Mustang`, `Ford`, `SUV`", _UNKNOWN),
        Column("level_count", "INTEGER", "comparables behind the figures", _UNKNOWN),
        _figure("median", "middle price"),
        _figure("median_low", "lower end of the median's 90 % interval"),
        _figure("median_high", "upper end of the median's 90 % interval"),
        _figure("q1", "first quartile"),
        _figure("q3", "third quartile"),
        _figure("trimmed_mean", "mean without `prices.trimmed_share` of each end"),
        _figure("low", "lowest comparable"),
        _figure("high", "highest comparable"),
        Column("window_start", "INTEGER", "first day that comparables are of", "no comparable"),
        Column("window_end", "INTEGER", "last day that comparables are of", "no comparable"),
        Column("precision", "TEXT", "the coarsest date among them: `day`, `month`, `year`", "no comparable"),
        Column("reason", "TEXT", "why there are no figures", "there are figures"),
    ),
)
SOURCES = SqlTable(
    "sources",
    "where listings come from",
    1,
    (
        Column("source", "INTEGER", "number inside this file, from 1, in the order of the names"),
        Column("name", "TEXT", "the source, such as `ebay-api`"),
        Column("url", "TEXT", "what stands before an item id in its address", "addresses are not made of item ids"),
    ),
)
PLACES = SqlTable(
    "places",
    "where offers are: every different postal code of them, once. Numbered cell by cell, so that a range of cells is a "
    "range of places, and the offers of a make and model there lie side by side",
    1,
    (
        Column("place", "INTEGER", "number inside this file, from 1, in the order of cell, latitude and longitude"),
        Column("cell", "INTEGER", "half-degree square of the Earth (`cells.cell_of`)", "not in the gazetteer"),
        Column("latitude", "REAL", "degrees north, WGS 84", "not in the gazetteer"),
        Column("longitude", "REAL", "degrees east, WGS 84", "not in the gazetteer"),
        Column(
            "precision", "TEXT", "`code`: the postal code's; `area`: the centre of its area", "not in the gazetteer"
        ),
        Column("postal_code", "TEXT", "as the source shows it, perhaps masked (`336**`)", "not said"),
        Column("region", "TEXT", "the postal code's first three signs", "of no known kind"),
        Column("country", "TEXT", "ISO 3166 code", "not said"),
    ),
    {"places_by_cell": ("cell",)},
)
OFFERS = SqlTable(
    "offers",
    "the listings that are up tonight and name a believable price, place by place within a make and model: those near "
    "a point are found by the key, from the `places` there",
    4,
    (
        _MAKE_MODEL,
        Column("place", "INTEGER", f"where it is: `places.place`; {NO_PLACE}: nowhere known"),
        _SOURCE,
        _ITEM,
        Column("price", "REAL", "what is asked"),
        _CURRENCY,
        _YEAR,
        _MILEAGE,
        Column("value", "REAL", "what such a car is worth by the valuation", _UNVALUED),
        Column("value_low", "REAL", "lower end of the value's interval", _UNVALUED),
        Column("value_high", "REAL", "upper end of the value's interval", _UNVALUED),
        Column("rating", "TEXT", "`great`, `good`, `fair`, `high` or `no rating`", "not rated"),
        Column("first_price", "REAL", "the first price that was seen", "it is the price of tonight"),
        Column("changed_on", "INTEGER", "the night the price was first seen as it is", "it never changed"),
        Column("first_seen", "INTEGER", "the first night the listing was up", "not known"),
        Column("title", "TEXT", "what the seller wrote above it", "none"),
        _TRIM,
        Column(
            "url",
            "TEXT",
            "its address",
            "it is `sources.url` and the item id, or, without that, not known; empty: none",
        ),
    ),
)
SALES = SqlTable(
    "sales",
    "the newest sales of each make and model: what a car is compared with",
    3,
    (
        _MAKE_MODEL,
        _SOURCE,
        _ITEM,
        Column("sold_on", "INTEGER", "day of the sale (first of its year or month where no more is known)"),
        Column("sold_precision", "TEXT", "what is known of the date: `day`, `month`, `year`"),
        Column("price", "REAL", "what was paid"),
        _CURRENCY,
        _YEAR,
        _MILEAGE,
        _TRIM,
        Column("region", "TEXT", "the postal code's first three signs", "not known"),
    ),
)
HISTORY = SqlTable(
    "history",
    "the headline price of each make and model, night by night",
    3,
    (
        _MAKE_MODEL,
        _BASIS,
        Column("night", "INTEGER", "the night of the figure"),
        Column("currency", "TEXT", "ISO 4217 code of the figure", "no listing names a price"),
        Column("count", "INTEGER", "comparables behind it"),
        _figure("median", "middle price"),
    ),
)
VALUATION_TERMS = SqlTable(
    "valuation_terms",
    "the valuation: what `docs/valuation.md` adds up; no row where nothing is valued",
    1,
    (
        Column("term", "TEXT", "which property of a car, named as that page names it"),
        Column("coefficient", "INTEGER", "what it adds, in ten-thousandths"),
    ),
)
VALUATION_META = SqlTable(
    "valuation_meta",
    "facts about the valuation: its basis, currency, dates, sales and coverage",
    1,
    (Column("key", "TEXT", "which fact"), Column("value", "TEXT", "the fact, as text")),
)
VALUATION = (VALUATION_TERMS, VALUATION_META)
META = SqlTable(
    "meta",
    "facts about the file: night, class_map_digest, currency, schema_version",
    1,
    (Column("key", "TEXT", "which fact"), Column("value", "TEXT", "the fact, as text")),
)
TABLES = (MAKE_MODELS, CLASSES, PRICES, SOURCES, PLACES, OFFERS, SALES, HISTORY, *VALUATION, META)
DDL = "".join(f"{statement};\n" for table in TABLES for statement in table.statements.values())
