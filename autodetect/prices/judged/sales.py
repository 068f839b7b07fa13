"""From judged listings to what the valuation is fitted on and asked about: sale frames and car frames."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from autodetect.prices.table.comparables import Basis, Comparables

CAR_COLUMNS = [
    *("make_model_id", "make", "model", "year", "mileage", "trim", "engine", "body_type", "cylinders"),
    *("drive_type", "title", "region", "state"),
]
_NUMBERS = ("year", "mileage", "cylinders")
_NAMES = ("make", "model")


@dataclass(frozen=True)
class PricedCars:
    """Cars with a price: what a valuation learns from.

    Attributes:
        frame: a sale frame, one row for each used comparable, sorted by key: the columns of a car frame, and source,
            item_id, vehicle_id, seller_hash, price (float64), currency, sold_on (datetime64), sold_precision, basis.
            Of basis asking, `sold_on` is the day an offer was last seen.
        basis: whether prices were paid or asked.
        words: why it is that basis; empty where sales are enough.
    """

    frame: pd.DataFrame
    basis: Basis
    words: str = ""


def car_frame(listings: pd.DataFrame, make_models: pd.DataFrame) -> pd.DataFrame:
    """Return what the valuation looks at of each listing, row by row.

    Args:
        listings: columns of the lake's `listings`; `state` (ISO 3166-2) where it is known.
        make_models: make_model_id, make, model of the catalogue.
    """
    names = make_models.drop_duplicates("make_model_id").set_index("make_model_id")
    found = {name: listings["make_model_id"].map(names[name]) for name in _NAMES}
    found |= {name: listings[name].astype("float64") for name in _NUMBERS}
    return pd.DataFrame(
        {name: found[name] if name in found else listings.get(name) for name in CAR_COLUMNS}, index=listings.index
    )


def sale_frame(comparables: Comparables, make_models: pd.DataFrame) -> pd.DataFrame:
    """Return the used comparables of one basis as a sale frame; no other row and no other currency gets in."""
    used = comparables.verdicts == 0
    listings = comparables.listings.iloc[comparables.rows[used]].reset_index(drop=True)
    judged = comparables.frame[used].reset_index(drop=True)
    asking = comparables.basis == "asking"
    facts = judged[["source", "item_id", "vehicle_id", "seller_hash", "price", "currency"]].assign(
        sold_on=judged["ends" if asking else "begins"], sold_precision=judged["precision"], basis=comparables.basis
    )
    found = pd.concat([car_frame(listings, make_models), facts], axis=1)
    return found.sort_values(["source", "item_id"], ignore_index=True)


def priced_cars(judged: Mapping[Basis, Comparables], make_models: pd.DataFrame, *, min_sales: int) -> PricedCars:
    """Return the sales; where they are too few and asking prices are enough, what is asked.

    Args:
        judged: the comparables of either basis.
        make_models: make_model_id, make, model of the catalogue.
        min_sales: how many a valuation needs.
    """
    sold, asking = (len(judged[basis].used) for basis in ("sold", "asking"))
    basis: Basis = "asking" if sold < min_sales <= asking else "sold"
    words = f"{sold:,} sales are fewer than the {min_sales:,} that a valuation needs" if sold < min_sales else ""
    if words:
        words += f"; it learns from {asking:,} asking prices" if basis == "asking" else f", as are {asking:,} offers"
    return PricedCars(sale_frame(judged[basis], make_models), basis, words)
