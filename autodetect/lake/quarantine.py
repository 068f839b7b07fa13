"""Everything refused is kept, with the rule that refused it. Nothing is silently dropped."""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from autodetect.lake.schemas import QUARANTINE
from autodetect.lake.tables import TableSet, rows_of, table_digest
from autodetect.records import Refusal


def refuse(tables: TableSet, refusals: Iterable[Refusal], *, night: date, stage: str) -> tuple[int, str]:
    """Keep a stage's refusals of a night, replacing what an earlier attempt of it kept.

    Returns:
        The table's version and the canonical digest of the rows.
    """
    unique = {(r.table, r.key, r.rule): r for r in refusals}
    rows = rows_of(QUARANTINE, ({**unique[key].model_dump(), "night": night, "stage": stage} for key in sorted(unique)))
    version = tables.replace(QUARANTINE, rows, f"night = '{night.isoformat()}' AND stage = '{stage}'")
    return version, table_digest(QUARANTINE, rows)


def counts_by_rule(refusals: Iterable[Refusal]) -> dict[str, int]:
    """Return how often each rule refused something, as `quarantine/<rule>` counters for a receipt."""
    counts = Counter(f"quarantine/{rule}" for _, _, rule in {(r.table, r.key, r.rule) for r in refusals})
    return dict(sorted(counts.items()))
