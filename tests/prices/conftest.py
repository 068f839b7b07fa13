"""Invented listings for the price tests."""

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from autodetect.lake.schemas import LISTINGS, PRICES
from autodetect.prices.table.price_table import PriceTable, price_table
from autodetect.sections import PriceSettings

Row = dict[str, Any]
JOINED = ("vehicle_id", "state")  # what the price stage joins to listings


class Market:
    """A marketplace of two cars on one night."""

    night = date(2026, 3, 14)
    ford, audi = "ford-mustang", "audi-tt"
    make_models = pd.DataFrame({"make_model_id": [ford, audi], "make": ["Ford", "Audi"], "model": ["Mustang", "TT"]})

    def sold(self, item_id: Any, price: float | None, **facts: Any) -> Row:
        """Return a listing that sold."""
        row = {"source": "shop", "item_id": str(item_id), "make_model_id": self.ford, "currency": "USD"}
        return row | {"status": "sold", "sold_price": price, "sold_on": self.night - timedelta(days=10)} | facts

    def asking(self, item_id: Any, price: float | None, **facts: Any) -> Row:
        """Return a listing that is up tonight."""
        row = {"source": "shop", "item_id": str(item_id), "make_model_id": self.ford, "currency": "USD"}
        seen = {"first_seen": self.night - timedelta(days=3), "last_seen": self.night}
        return row | {"status": "active", "asking_price": price} | seen | facts

    def frame(self, rows: list[Row]) -> pd.DataFrame:
        """Return rows with the dtypes of the lake's `listings`, and their vehicle_id and state."""
        plain = [{name: value for name, value in row.items() if name not in JOINED} for row in rows]
        frame = pa.Table.from_pylist(plain, schema=LISTINGS.schema).to_pandas()
        return frame.assign(**{name: pd.Series([row.get(name) for row in rows], dtype="str") for name in JOINED})

    def priced(self, rows: list[Row], **settings: Any) -> PriceTable:
        """Return the price table of rows."""
        return price_table(self.frame(rows), self.make_models, night=self.night, settings=PriceSettings(**settings))

    def price(self, rows: list[Row], make_model_id: str = ford, basis: str = "sold", **settings: Any) -> Row:
        """Return the one headline row of a make and model and basis."""
        return self.rows(self.priced(rows, **settings))[make_model_id, basis, "", ""]

    def rows(self, table: PriceTable) -> dict[tuple[str, str, str, str], Row]:
        """Return the rows of a price table by make and model, basis, year band and region."""
        return {tuple(row[name] for name in PRICES.key[1:]): row for row in table.rows.to_pylist()}


@pytest.fixture(scope="session")
def market() -> Market:
    """Return the marketplace that every price test invents its listings in."""
    return Market()
