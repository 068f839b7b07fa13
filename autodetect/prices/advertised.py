"""Which advertisements offer a whole car at a price, and of which the price may be called a good or a bad one.

Both follow the rules of `comparables`. Who looks for cars near him wants neither a deposit nor a box of parts, and what
has been bid so far is not what the car will cost. A wreck, and a car at a price that no other car of its kind has, are
on offer; but values are those of usual cars, so that every wreck would be 'great' beside them.
"""

import numpy as np
import pandas as pd

from autodetect.prices.comparables import RULES, Comparables

NO_OFFER = frozenset({
    "no_make_model", "price_missing", "price_placeholder", "deposit", "parts_only", "auction_unbid", "auction_running",
    "price_below_minimum", "price_above_maximum",
})  # fmt: skip
NOT_RATED = frozenset({"salvage", "outlier"})


def advertised(asking: Comparables) -> pd.DataFrame:
    """Return the listings that offer a whole car at a price; and in `rated`, bool, whether it may be rated.

    Args:
        asking: the judged candidates of basis asking.
    """
    refused_by = np.array(["", *RULES])[asking.verdicts]
    offered = ~np.isin(refused_by, list(NO_OFFER))
    return asking.listings.iloc[asking.rows[offered]].assign(rated=~np.isin(refused_by[offered], list(NOT_RATED)))
