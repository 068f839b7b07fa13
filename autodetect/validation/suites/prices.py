"""The suite of `prices`: figures stand in order, with a currency and enough behind them, or a reason says why not."""

from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import PRICES
from autodetect.sections import PriceSettings
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import CURRENCY, Judged, Suite, at_least, between, holds, matches, one_of, unique

ORDERED = ("low", "q1", "median", "q3", "high")


def prices(rows: pa.Table, *, make_models: pa.Table, settings: PriceSettings) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: tonight's prices.
        make_models: all makes and models (`make_model_id`).
        settings: when a figure may be called a price.
    """
    priced = pc.is_valid(rows["median"])
    frame = frame_of(
        rows,
        [*PRICES.key, "currency", "count", "mean", "window_start", "window_end", *ORDERED],
        behind=pc.if_else(priced, rows["count"], None).to_pandas(),
        named=pc.or_(pc.invert(priced), pc.is_valid(rows["currency"])).to_pandas(),
        told=pc.xor(priced, pc.is_valid(rows["reason"])).to_pandas(),
        make_model_known=among(rows, ("make_model_id",), [make_models]),
    )
    rules = (
        unique("prices.keys_repeat", PRICES.key),
        one_of("price.basis_unknown", "held", "basis", ("asking", "sold")),
        matches("price.currency_malformed", "held", "currency", CURRENCY),
        holds("price.currency_missing", "held", "named"),
        between("price.low_not_credible", "held", "low", settings.min_price),
        between("price.high_not_credible", "held", "high", None, settings.max_price),
        *(
            at_least(f"price.{bigger}_below_{smaller}", "held", smaller, bigger)
            for smaller, bigger in pairwise(ORDERED)
        ),
        between("price.too_little_behind", "held", "behind", settings.min_comparables),
        holds("price.neither_figure_nor_reason", "held", "told"),
        at_least("price.window_backwards", "held", "window_start", "window_end"),
        holds("price.make_model_unknown", "held", "make_model_known"),
    )
    return Suite("prices", PRICES.key, rules), frame
