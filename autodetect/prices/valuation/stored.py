"""What of a valuation is stored and shipped: its tables, as Arrow.

`valuation_terms` is all that a phone needs. A term is named `<view>` (the intercept), `<view> <family>:<keys>@<knots>`,
the same with `~` behind the view for the spread, `<view> low` and `<view> high` with or without ` ?` for the ends of
the interval; coefficients are whole ten-thousandths. `as-of` and `newest-sale` hold years. `valuation_meta` tells a
person what the values are: currency, dates, how many sales, which coverage.
"""

from dataclasses import dataclass

import pyarrow as pa

TERMS = pa.schema([pa.field("term", pa.string(), nullable=False), pa.field("coefficient", pa.int32(), nullable=False)])
META = pa.schema([pa.field("key", pa.string(), nullable=False), pa.field("value", pa.string(), nullable=False)])


@dataclass(frozen=True)
class StoredTable:
    """A table as it is stored: its columns, those that identify a row, and the rows sorted by them."""

    schema: pa.Schema
    key: tuple[str, ...]
    rows: pa.Table
