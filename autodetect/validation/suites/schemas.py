"""The suite of schemas: every table's columns and types beside those that `lake.schemas` declares."""

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa

from autodetect.lake.schemas import Table
from autodetect.validation.rule import Judged, Rule, Suite

ABSENT = "absent"


def schemas(stage: str, tables: Mapping[Table, pa.Table]) -> Judged:
    """Return the suite and its frame: one row for each column that a table has or should have."""
    rows = []
    for table, found in sorted(tables.items(), key=lambda item: item[0].name):
        declared = {field.name: str(field.type) for field in table.schema}
        actual = {field.name: str(field.type) for field in found.schema}
        rows += [
            {
                "table": table.name,
                "column": name,
                "declared": declared.get(name, ABSENT),
                "found": actual.get(name, ABSENT),
            }
            for name in [*declared, *(name for name in actual if name not in declared)]
        ]
    same = {"column_A": "found", "column_B": "declared"}
    rule = Rule("schema.column_differs", "held", "ExpectColumnPairValuesToBeEqual", same)
    frame = pd.DataFrame(rows, columns=["table", "column", "declared", "found"], dtype="object")
    return Suite(f"schemas_{stage}", ("table", "column"), (rule,)), frame
