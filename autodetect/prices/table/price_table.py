"""The price table: what a make and model sold for, and what is asked for it, or why there is no such figure.

Each basis of a model has a headline row (no year band, no region), which is the model's own or says why there is none,
and a row for each year band and each state in which one of its listings is used. Where those are fewer than
`min_comparables`, the figures of such a row are rolled up: they are those of the make in that band or state, else of
the segment, and `level` says so. Nothing is rolled up to the segment 'other'.

Settings: `prices.min_comparables`, `mad_cutoff`, `window_days`, `min_price`, `max_price`, `trimmed_share`.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from autodetect.lake.schemas import PRICES
from autodetect.prices.table.bands import NO_BAND, band_name, band_numbers
from autodetect.prices.table.candidates import PRECISIONS
from autodetect.prices.table.columns import Ints, codes, numbers, texts
from autodetect.prices.table.comparables import BASES, RULES, Basis, Comparables, judge
from autodetect.prices.table.levels import NONE, Used, rolled_up, sellers
from autodetect.prices.table.reasons import own_reason, rolled_up_reasons
from autodetect.prices.table.segments import OTHER, SEGMENTS, model_segments
from autodetect.prices.table.statistics import to_cents
from autodetect.sections import PriceSettings

_OUTLIER = 1 + RULES.index("outlier")
LEVELS = ("model", "make", "segment")


@dataclass(frozen=True)
class PriceTable:
    """A night's prices and how they came about.

    Attributes:
        rows: the `prices` schema, sorted by its key; a figure that is not known is null.
        funnel: basis -> counts: `candidates`, each rule of `comparables.RULES`, `used`; candidates = rules + used.
        judged: the candidates of each basis.
    """

    rows: pa.Table
    funnel: Mapping[str, Mapping[str, int]]
    judged: Mapping[Basis, Comparables]

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """Return every candidate with its basis and the rule that refused it (empty: used), by basis and key."""
        frames = [each.frame.assign(basis=basis) for basis, each in self.judged.items()]
        return pd.concat(frames).sort_values(["basis", "source", "item_id"], ignore_index=True)

    def funnel_of(self, make_model_id: str) -> dict[str, dict[str, int]]:
        """Return the funnel of one make and model: what is behind its figures."""
        mine = {basis: each.frame["make_model_id"] == make_model_id for basis, each in self.judged.items()}
        return {basis: _counts(each.verdicts[mine[basis].to_numpy()]) for basis, each in self.judged.items()}


@dataclass(frozen=True)
class _Models:
    """The catalogue by number: a model is a place in `ids`, its make one in `makes`, its segment one in `SEGMENTS`."""

    ids: pd.Series
    make: pd.Series
    model: pd.Series
    makes: list[str]
    make_of: Ints
    segment_of: Ints
    of_listing: Ints


@dataclass(frozen=True)
class _Dimension:
    """A column of the table and its values by number, and each listing's; 0 is '': the headline, or not known."""

    column: str
    names: list[str]
    of_listing: Ints


def price_table(
    listings: pd.DataFrame, make_models: pd.DataFrame, *, night: date, settings: PriceSettings
) -> PriceTable:
    """Return the rows of every make and model and basis that has a candidate listing.

    A make and model whose listings are neither active nor sold gets one `asking` row that says so. Figures are in the
    row's currency, rounded to cents (see `statistics`). `count`, `sellers` and `outliers` are always the model's own:
    used listings, the different sellers that they name (null where there are listings and none says whose it is), and
    outliers that were left out. `level_count` listings are behind the figures, whose dates are at least as precise as
    `precision`.

    Args:
        listings: the lake's `listings` columns, cleaned, in any order; optionally `vehicle_id` (a vehicle counts once)
            and `state` (ISO 3166-2, the regions of the table).
        make_models: make_model_id, make, model of the catalogue.
        night: the night the table is for; later facts are not used.
        settings: when a figure may be called a price.

    Raises:
        UsageError: a column is missing, or of another kind than the lake's.
    """
    models = _models(listings, make_models)
    bands, states = _bands(listings), _states(listings)
    with ThreadPoolExecutor() as threads:  # what takes time are kernels of numpy and Arrow, which hold no lock
        found = [threads.submit(judge, listings, models.ids, basis, night=night, settings=settings) for basis in BASES]
        judged = {basis: each.result() for basis, each in zip(BASES, found, strict=True)}
        rows = threads.map(lambda each: _basis_rows(each, models, (bands, states), settings), judged.values())
        parts = [_bare_rows(models, judged.values(), night), *rows]
    return PriceTable(
        rows=_as_table(pd.concat(parts, ignore_index=True), models, night),
        funnel={basis: _counts(each.verdicts) for basis, each in judged.items()},
        judged=judged,
    )


def _models(listings: pd.DataFrame, make_models: pd.DataFrame) -> _Models:
    named = make_models.drop_duplicates("make_model_id").sort_values("make_model_id", ignore_index=True)
    make_of, makes = pd.factorize(named["make"])
    of_listing = codes(texts(listings, "make_model_id"), pa.array(named["make_model_id"], pa.large_string()))
    segments = model_segments(texts(listings, "body_type"), of_listing, len(named))
    return _Models(
        ids=named["make_model_id"],
        make=named["make"],
        model=named["model"],
        makes=list(makes),
        make_of=make_of.astype(np.int64),
        segment_of=np.where(segments == OTHER, NONE, segments),
        of_listing=of_listing,
    )


def _bands(listings: pd.DataFrame) -> _Dimension:
    bands = band_numbers(numbers(listings, "year"))
    return _Dimension("year_band", [band_name(number) for number in range(int(bands.max(initial=NO_BAND)) + 1)], bands)


def _states(listings: pd.DataFrame) -> _Dimension:
    states = texts(listings, "state", optional=True)
    names = sorted(set(states.unique().drop_null().to_pylist()) - {""})
    return _Dimension("region", ["", *names], codes(states, pa.array(names, pa.large_string())) + 1)


def _used(comparables: Comparables) -> Used:
    """Return the used comparables as arrays, all in one cell."""
    at = np.flatnonzero(comparables.verdicts == 0)
    names = texts(comparables.listings, "seller_hash").take(pa.array(comparables.rows[at])).dictionary_encode()
    return Used(
        models=comparables.models[at],
        cells=np.zeros(len(at), np.int64),
        width=1,
        cents=to_cents(comparables.prices[at]),
        sellers=names.indices.fill_null(NONE).to_numpy().astype(np.int64),
        precisions=comparables.precisions[at],
    )


def _basis_rows(
    comparables: Comparables, models: _Models, dimensions: Iterable[_Dimension], settings: PriceSettings
) -> pd.DataFrame:
    used = _used(comparables)
    rows = [_headlines(comparables, used, settings, len(models.ids))]
    rows += [_rows(comparables, used, models, dimension, settings) for dimension in dimensions]
    return _of_basis(pd.concat(rows, ignore_index=True), comparables)


def _headlines(comparables: Comparables, used: Used, settings: PriceSettings, count: int) -> pd.DataFrame:
    """Return a row for each model that has a candidate: its own figures, or why there are none."""
    mine, verdicts = comparables.models >= 0, 1 + len(RULES)
    pairs = comparables.models[mine] * verdicts + comparables.verdicts[mine]
    counts = np.bincount(pairs, minlength=count * verdicts).reshape(count, verdicts)
    models = np.flatnonzero(counts.any(axis=1))
    rows = rolled_up(used, models, [np.arange(count)], settings)
    untold = np.flatnonzero(rows["level"] == NONE)
    reasons = np.full(len(rows), None, dtype=object)
    reasons[untold] = [
        own_reason(counts[model], comparables.basis, settings.min_comparables) for model in models[untold]
    ]
    rows = rows.assign(sellers=sellers(used, models), outliers=counts[models, _OUTLIER], reason=reasons)
    return rows.assign(model=models, year_band="", region="")


def _rows(
    comparables: Comparables, used: Used, models: _Models, dimension: _Dimension, settings: PriceSettings
) -> pd.DataFrame:
    """Return a row for each model and value of a dimension, rolled up where its own listings are too few."""
    cells = dimension.of_listing[comparables.rows]
    width = len(dimension.names)
    at = np.flatnonzero(comparables.verdicts == 0)
    told = np.flatnonzero(cells[at])
    used = replace(used, cells=cells[at], width=width).among(told)
    itself = np.arange(len(models.ids))
    keys = np.flatnonzero(np.bincount(used.keys(itself)))
    rows = rolled_up(used, keys, [itself, models.make_of, models.segment_of], settings)
    lost = np.flatnonzero(comparables.verdicts == _OUTLIER)
    outliers = np.bincount(comparables.models[lost] * width + cells[lost], minlength=len(itself) * width)
    rows = rows.assign(sellers=sellers(used, keys), outliers=outliers[keys])
    rows["reason"] = rolled_up_reasons(rows, comparables.basis, settings.min_comparables)
    rows = rows.assign(model=keys // width, year_band="", region="")
    rows[dimension.column] = np.array(dimension.names, dtype=object)[keys % width]
    return rows


def _of_basis(rows: pd.DataFrame, comparables: Comparables) -> pd.DataFrame:
    unnamed = (rows["sellers"] == 0) & (rows["count_0"] > 0)
    return rows.rename(columns={"count_0": "count"}).assign(
        sellers=rows["sellers"].astype("float64").mask(unnamed),
        basis=comparables.basis,
        currency=comparables.currency,
        window_start=comparables.window_start,
        window_end=comparables.window_end,
    )


def _bare_rows(models: _Models, judged: Iterable[Comparables], night: date) -> pd.DataFrame:
    """Return a row for each model that is listed, but neither offered nor sold."""
    bare = np.zeros(len(models.ids) + 1, dtype=np.bool_)  # the last is what no model is known of
    bare[models.of_listing] = True
    for each in judged:
        bare[each.models] = False
    bare[NONE] = False
    facts = {"basis": "asking", "year_band": "", "region": "", "count": 0, "sellers": 0, "outliers": 0, "level": NONE}
    reason = {"reason": "no active listing and no sale", "window_start": night, "window_end": night}
    return pd.DataFrame({"model": np.flatnonzero(bare), **facts, **reason})


def _as_table(rows: pd.DataFrame, models: _Models, night: date) -> pa.Table:
    """Return rows with names for numbers, in the schema and order of `prices`."""
    model, level = rows["model"].to_numpy(np.int64), rows["level"].to_numpy(np.int64)
    label = models.make.str.cat(models.model, sep=" ", na_rep="").str.strip()
    names = np.array([*label, *models.makes, *SEGMENTS, None], dtype=object)
    count = len(models.ids)
    named = np.stack([model, count + models.make_of[model], count + len(models.makes) + models.segment_of[model]])
    none = level == NONE
    precision = rows["precision"].fillna(len(PRECISIONS)).to_numpy(np.int64)
    columns = rows.assign(
        night=night,
        make_model_id=models.ids.to_numpy()[model],
        make=models.make.to_numpy()[model],
        model=models.model.to_numpy()[model],
        level=np.array([*LEVELS, None], dtype=object)[level],
        level_name=names[np.where(none, NONE, named[level, np.arange(len(rows))])],
        precision=np.array([*PRECISIONS, None], dtype=object)[precision],
    )
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in PRICES.schema]
    table = pa.Table.from_arrays(arrays, schema=PRICES.schema)
    return table.sort_by([(name, "ascending") for name in PRICES.key])


def _counts(verdicts: NDArray[np.int8]) -> dict[str, int]:
    used, *refused = np.bincount(verdicts, minlength=1 + len(RULES)).tolist()
    return {"candidates": len(verdicts), **dict(zip(RULES, refused, strict=True)), "used": used}
