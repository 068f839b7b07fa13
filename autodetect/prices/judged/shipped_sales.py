"""Which sales a release carries for a phone to compare a car with: of each make and model the newest ones."""

import pandas as pd

SHIPPED = [
    *("make_model_id", "source", "item_id", "sold_on", "sold_precision"),
    *("price", "currency", "year", "mileage", "trim", "region"),
]
KEY = ["make_model_id", "source", "item_id"]


def shipped_sales(sales: pd.DataFrame, per_model: int) -> pd.DataFrame:
    """Return the newest `per_model` sales of each make and model, sorted by key; of one day, those first by item id.

    Args:
        sales: a sale frame, of any order.
        per_model: `prices.sales_per_model`.
    """
    newest = sales[SHIPPED].sort_values(
        ["make_model_id", "sold_on", "item_id", "source"], ascending=[True, False, True, True]
    )
    kept = newest[newest.groupby("make_model_id").cumcount() < per_model]
    return kept.sort_values(KEY, ignore_index=True)
