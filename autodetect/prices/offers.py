"""What is on offer tonight: the active listings of known cars that name a believable price."""

from datetime import date

import pandas as pd
import pyarrow as pa

from autodetect.lake.schemas import OFFERS
from autodetect.prices.comparables import finite_price, sane_price
from autodetect.sections import PriceSettings


def offers_table(listings: pd.DataFrame, *, night: date, settings: PriceSettings) -> pa.Table:
    """Return the `offers` schema, sorted by source and item id.

    A row is a listing that is active (not missing tonight, nor ended, sold or imported), has a make and model, and asks
    between `min_price` and `max_price` in its own currency (currencies stay side by side here; whoever sums them up
    must choose one).

    Args:
        listings: the lake's `listings` columns, cleaned, in any order.
        night: the night the offers are for.
        settings: the bounds of a believable price.
    """
    price = finite_price(listings["asking_price"])
    active = listings["status"].eq("active").fillna(value=False)
    offered = active & listings["make_model_id"].notna() & sane_price(price, settings)
    rows = listings[offered].assign(price=price[offered].round(2), night=night)
    rows = rows.sort_values(["source", "item_id"])
    columns = [pa.array(rows[field.name], type=field.type, from_pandas=True) for field in OFFERS.schema]
    return pa.Table.from_arrays(columns, schema=OFFERS.schema)
