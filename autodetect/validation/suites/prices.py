"""The suite of `prices`: figures stand in order, with a currency and enough behind them, or a reason says why not."""

from functools import reduce
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import PRICES
from autodetect.sections import PriceSettings
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import CURRENCY, Judged, Suite, at_least, between, holds, matches, one_of, unique

ORDERED = ("low", "q1", "median", "q3", "high")
AROUND_MEDIAN = ("median_low", "median", "median_high")
WITH_FIGURES = ("trimmed_mean", "level", "level_name", "level_count", "precision")
LEVELS = ("model", "make", "segment")
PRECISIONS = ("day", "month", "year")
YEAR_BAND = r"^(?:|before 1950|[12][0-9]{3}-[12][0-9]{3})$"
REGION = r"^(?:|[A-Z]{2}-[A-Z0-9]{1,3})$"  # ISO 3166-2


def prices(rows: pa.Table, *, make_models: pa.Table, settings: PriceSettings) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: tonight's prices.
        make_models: all makes and models (`make_model_id`).
        settings: when a figure may be called a price.
    """
    priced = pc.is_valid(rows["median"])
    own = pc.equal(rows["level"], "model")
    headline = pc.and_(pc.equal(rows["year_band"], ""), pc.equal(rows["region"], ""))
    whole = reduce(pc.and_, (pc.is_valid(rows[name]) for name in (*ORDERED, *WITH_FIGURES)))
    frame = frame_of(
        rows,
        [
            *(*PRICES.key, "currency", "count", "sellers", "outliers", "level", "level_count", "precision"),
            *("trimmed_mean", "median_low", "median_high", "window_start", "window_end"),
            *ORDERED,
        ],
        named=pc.or_(pc.invert(priced), pc.is_valid(rows["currency"])).to_pandas(),
        told=pc.xor(priced, pc.is_valid(rows["reason"])).to_pandas(),
        whole=pc.or_(pc.invert(priced), whole).to_pandas(),
        own_count=pc.if_else(own, pc.equal(rows["level_count"], rows["count"]), None).to_pandas(),
        headline_own=pc.if_else(pc.and_(headline, priced), own, None).to_pandas(),
        one_dimension=pc.or_(pc.equal(rows["year_band"], ""), pc.equal(rows["region"], "")).to_pandas(),
        interval_whole=pc.equal(pc.is_valid(rows["median_low"]), pc.is_valid(rows["median_high"])).to_pandas(),
        make_model_known=among(rows, ("make_model_id",), [make_models]),
    )
    rules = (
        unique("prices.keys_repeat", PRICES.key),
        one_of("price.basis_unknown", "held", "basis", ("asking", "sold")),
        matches("price.year_band_malformed", "held", "year_band", YEAR_BAND),
        matches("price.region_malformed", "held", "region", REGION),
        holds("price.two_dimensions", "held", "one_dimension"),
        matches("price.currency_malformed", "held", "currency", CURRENCY),
        holds("price.currency_missing", "held", "named"),
        one_of("price.level_unknown", "held", "level", LEVELS),
        one_of("price.precision_unknown", "held", "precision", PRECISIONS),
        between("price.low_not_credible", "held", "low", settings.min_price),
        between("price.high_not_credible", "held", "high", None, settings.max_price),
        *(
            at_least(f"price.{bigger}_below_{smaller}", "held", smaller, bigger)
            for smaller, bigger in (*pairwise(ORDERED), *pairwise(AROUND_MEDIAN))
        ),
        at_least("price.trimmed_mean_below_low", "held", "low", "trimmed_mean"),
        at_least("price.high_below_trimmed_mean", "held", "trimmed_mean", "high"),
        holds("price.interval_half", "held", "interval_whole"),
        between("price.too_little_behind", "held", "level_count", settings.min_comparables),
        at_least("price.level_count_below_count", "held", "count", "level_count"),
        holds("price.own_figures_of_others", "held", "own_count"),
        holds("price.headline_rolled_up", "held", "headline_own"),
        between("price.count_negative", "held", "count", 0),
        between("price.outliers_negative", "held", "outliers", 0),
        at_least("price.more_sellers_than_listings", "held", "sellers", "count"),
        holds("price.figures_incomplete", "held", "whole"),
        holds("price.neither_figure_nor_reason", "held", "told"),
        at_least("price.window_backwards", "held", "window_start", "window_end"),
        holds("price.make_model_unknown", "held", "make_model_known"),
    )
    return Suite("prices", PRICES.key, rules), frame
