"""The suite of `asking_prices`: what was asked tonight for the first time, or otherwise than before."""

import pyarrow as pa

from autodetect.lake.schemas import ASKING_PRICES
from autodetect.sections import PriceSettings
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import CURRENCY, Judged, Suite, between, holds, matches, present, unique


def asking_prices(rows: pa.Table, *, offers: pa.Table, settings: PriceSettings) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: tonight's rows.
        offers: tonight's offers, whose prices they are (`source`, `item_id`, `price`).
        settings: the bounds of a believable price.
    """
    frame = frame_of(
        rows,
        [*ASKING_PRICES.key, "price", "currency"],
        offered=among(rows, ("source", "item_id", "price"), [offers]),
    )
    rules = (
        unique("asking_prices.keys_repeat", ASKING_PRICES.key),
        present("asking_price.price_missing", "held", "price"),
        between("asking_price.price_not_credible", "held", "price", settings.min_price, settings.max_price),
        matches("asking_price.currency_malformed", "held", "currency", CURRENCY),
        holds("asking_price.not_offered", "held", "offered"),
    )
    return Suite("asking_prices", ASKING_PRICES.key, rules), frame
