"""What a night tells of prices: from the price receipt, its curves, and the price rows of tonight and nights before.

Receipts of earlier versions tell less: what is absent is empty here.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from autodetect.lake.lake import Lake
from autodetect.lake.objects import ObjectMissingError
from autodetect.lake.receipts import night_filter
from autodetect.lake.schemas import ASKING_PRICES, OFFERS, PRICES, Table
from autodetect.prices.curves import ValuationCurves
from autodetect.prices.history import PriceDrop, Trend, drops, model_history, trends
from autodetect.prices.judged.figures import PriceEvaluation
from autodetect.records import Receipt, Record, StageRun

CURVES_FILE = "valuation_curves"  # what a price receipt calls the curves among its files
MOST_NIGHTS = 90  # of a model's history
MOST_MODELS = 6  # of which a report shows medians by night, and prices by year band
FEWEST_NIGHTS = 3  # to draw a line
_HEADLINE = pc.field("year_band") == "", pc.field("region") == ""


class PriceLine(Record):
    """A headline row of the price table by its label; figures in `currency`, `previous_median` is last night's."""

    label: str
    make_model_id: str = ""
    basis: str = "sold"
    currency: str | None = None
    count: int = 0
    sellers: int | None = None
    median: float | None = None
    median_low: float | None = None
    median_high: float | None = None
    q1: float | None = None
    q3: float | None = None
    trimmed_mean: float | None = None
    precision: str | None = None
    previous_median: float | None = None
    reason: str | None = None


class BandLine(Record):
    """The prices of a year band; `level` and `level_name` say whose, where they are not the model's own."""

    year_band: str
    count: int
    level: str | None = None
    level_name: str | None = None
    level_count: int | None = None
    median: float | None = None
    q1: float | None = None
    q3: float | None = None
    reason: str | None = None


class BandedModel(Record):
    """A model's prices by year band."""

    label: str
    basis: str
    currency: str | None
    bands: tuple[BandLine, ...]


class MediansByNight(Record):
    """A model's headline medians in one currency: night (ISO 8601) and median, oldest first, of either basis."""

    label: str
    currency: str
    sold: tuple[tuple[str, float], ...] = ()
    asking: tuple[tuple[str, float], ...] = ()

    @property
    def nights(self) -> tuple[str, ...]:
        """Return the nights that have a median, oldest first."""
        return tuple(sorted({night for night, _ in (*self.sold, *self.asking)}))


class NamedTrend(Record):
    """A trend with the name of its model."""

    label: str
    trend: Trend


class PricedReport(Record):
    """Everything that a report shows of prices beside the table of headlines.

    `funnel` counts listings by basis and rule; `levels` counts the rows by year band and by state by whose comparables
    they stand on ('' where nobody has enough). `valuation` is what the receipt says of the fit, `error` in it
    that of tonight beside those of other nights.
    """

    evaluation: PriceEvaluation | None = None
    valuation: dict[str, Any] = Field(default_factory=dict)
    funnel: dict[str, dict[str, int]] = Field(default_factory=dict)
    levels: dict[str, dict[str, int]] = Field(default_factory=dict)
    curves: ValuationCurves | None = None
    bands: tuple[BandedModel, ...] = ()
    histories: tuple[MediansByNight, ...] = ()
    trends: tuple[NamedTrend, ...] = ()
    drops: tuple[PriceDrop, ...] = ()


class PriceReader:
    """Reads what tonight's receipts name of prices."""

    def __init__(self, lake: Lake, run: StageRun) -> None:
        self._lake = lake
        self._run = run
        self._receipt = run.inputs.get("price")

    def lines(self) -> tuple[PriceLine, ...]:
        """Return tonight's headlines, each beside the median of the night before."""
        if self._receipt is None:
            return ()
        previous, before = self._run.earlier.get("price"), {}
        if previous:
            for row in self._headlines(night_filter(previous.night)).to_pylist():
                before[row["make_model_id"], row["basis"], row["currency"]] = row["median"]
        told = [name for name in PriceLine.model_fields if name in PRICES.schema.names]
        return tuple(
            PriceLine(
                label=_label(row),
                previous_median=before.get((row["make_model_id"], row["basis"], row["currency"])),
                **{name: row[name] for name in told},
            )
            for row in self._headlines(night_filter(self._run.night)).to_pylist()
        )

    def report(self) -> PricedReport:
        """Return everything but the headlines."""
        if self._receipt is None:
            return PricedReport()
        facts = self._receipt.facts
        tonight = self._table(PRICES, night_filter(self._run.night))
        names = tonight.select(["make_model_id", "make", "model"]).group_by(["make_model_id", "make", "model"])
        labels = {row["make_model_id"]: _label(row) for row in names.aggregate([]).to_pylist()}
        history = model_history(self._headlines(pc.field("night") <= self._run.night), MOST_NIGHTS)
        return PricedReport(
            evaluation=PriceEvaluation.model_validate(facts["evaluation"]) if facts.get("evaluation") else None,
            valuation=_valuation(facts),
            funnel=facts.get("funnel") or {},
            levels=_levels(tonight),
            curves=_curves(self._lake, self._receipt),
            bands=tuple(_bands(tonight)),
            histories=tuple(_histories(history, tonight, labels)),
            trends=tuple(
                NamedTrend(label=labels.get(each.make_model_id, each.make_model_id), trend=each)
                for each in trends(history)
            ),
            drops=self._drops(),
        )

    def _drops(self) -> tuple[PriceDrop, ...]:
        night = self._run.night
        changed = self._table(ASKING_PRICES, night_filter(night))["item_id"].combine_chunks()
        if not len(changed):
            return ()
        theirs = pc.field("item_id").isin(changed)
        offers = self._table(OFFERS, night_filter(night) & theirs)
        return drops(offers, self._table(ASKING_PRICES, theirs & (pc.field("night") <= night)), night=night)

    def _headlines(self, where: pc.Expression) -> pa.Table:
        band, region = _HEADLINE
        return self._table(PRICES, where & band & region)

    def _table(self, table: Table, where: pc.Expression) -> pa.Table:
        version = self._run.versions.get(table.name, 0)
        rows = self._lake.tables.read(table, version=version, where=where)
        return rows.sort_by([(name, "ascending") for name in table.key])


def _valuation(facts: Mapping[str, Any]) -> dict[str, Any]:
    words = (facts.get("error") or {}).get("words")
    return {**(facts.get("valuation") or {}), **({"error": words} if words else {})}


def _label(row: Mapping[str, Any]) -> str:
    return f"{row['make']} {row['model']}"


def _levels(tonight: pa.Table) -> dict[str, dict[str, int]]:
    """Return how many rows stand on whose comparables, by what parts them ('year_band', 'region')."""
    found: dict[str, dict[str, int]] = {}
    for part in ("year_band", "region"):
        rows = tonight.filter(pc.not_equal(tonight[part], ""))
        counted = rows.group_by("level").aggregate([("basis", "count")]).to_pylist()
        if counted:
            found[part] = {each["level"] or "": each["basis_count"] for each in counted}
    return found


def _top(tonight: pa.Table) -> list[tuple[str, str]]:
    """Return (make_model_id, basis) of the headlines with most comparables: sold where anything sold, else asked."""
    headline = pc.and_(pc.equal(tonight["year_band"], ""), pc.equal(tonight["region"], ""))
    rows = tonight.filter(pc.and_(headline, pc.is_valid(tonight["median"]))).to_pylist()
    basis = "sold" if any(row["basis"] == "sold" for row in rows) else "asking"
    rows = sorted((row for row in rows if row["basis"] == basis), key=lambda r: (-r["count"], r["make_model_id"]))
    return [(row["make_model_id"], basis) for row in rows[:MOST_MODELS]]


def _bands(tonight: pa.Table) -> Iterator[BandedModel]:
    rows = tonight.filter(pc.not_equal(tonight["year_band"], "")).to_pylist()
    by_model = defaultdict(list)
    for row in rows:
        by_model[row["make_model_id"], row["basis"]].append(row)
    for key in _top(tonight):
        mine = by_model.get(key)
        if mine:
            names = tuple(BandLine.model_fields)
            lines = sorted((BandLine(**{name: row[name] for name in names}) for row in mine), key=_oldest_first)
            yield BandedModel(label=_label(mine[0]), basis=key[1], currency=mine[0]["currency"], bands=tuple(lines))


def _oldest_first(line: BandLine) -> tuple[bool, str]:
    return not line.year_band.startswith("before"), line.year_band


def _histories(history: pa.Table, tonight: pa.Table, labels: Mapping[str, str]) -> Iterator[MediansByNight]:
    by_model: dict[str, dict[str, list[tuple[str, float]]]] = defaultdict(lambda: defaultdict(list))
    currencies: dict[str, set[str]] = defaultdict(set)
    for row in history.to_pylist():
        by_model[row["make_model_id"]][row["basis"]].append((row["night"].isoformat(), row["median"]))
        currencies[row["make_model_id"]].add(row["currency"])
    for make_model_id, _ in _top(tonight):
        if len(currencies[make_model_id]) == 1:
            [currency] = currencies[make_model_id]
            found = MediansByNight(label=labels[make_model_id], currency=currency, **by_model[make_model_id])
            if len(found.nights) >= FEWEST_NIGHTS:
                yield found


def _curves(lake: Lake, receipt: Receipt) -> ValuationCurves | None:
    """Return the curves; those that were swept since are no reason for a night to have no report."""
    digest = receipt.files.get(CURVES_FILE)
    if digest is None:
        return None
    try:
        return ValuationCurves.model_validate_json(lake.artifacts.read(digest))
    except ObjectMissingError:
        return None
