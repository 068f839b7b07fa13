"""Judge a suite, and name what failed."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from autodetect.lake.schemas import Table
from autodetect.validation.check import Outcome, check
from autodetect.validation.rule import Judged

NIGHT = "2026-11-01"


def judged(*tables: Judged, docs: Path) -> Outcome:
    return check(tables, docs=docs, run_name=NIGHT)


def failed(outcome: Outcome) -> dict[str, list[str]]:
    """The rules that failed and the keys of the rows that broke them, joined."""
    return {finding.rule.name: ["/".join(key) for key, _ in finding.rows] for finding in outcome.findings}


def table(schema: Table, *rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=schema.schema)
