"""What a night makes of the listings: most are simply still there; facts, absence and answers change the others."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.catalog.answers import Answers
from autodetect.catalog.identify import Identity
from autodetect.dataset.merging import listing_rows
from autodetect.dataset.presence import read_presence
from autodetect.dataset.redecided import redecided
from autodetect.dataset.still_there import rows_among
from autodetect.lake.schemas import LISTINGS
from autodetect.lake.tables import rows_of
from autodetect.records import Refusal


@dataclass(frozen=True)
class ListingChanges:
    """Tonight's changes.

    Attributes:
        rows: the rows of `listings` that are new or changed, each once.
        refusals: what it took to keep prices in one currency.
        decisions: what answers decided anew, with the number of listings.
        counts: counters for the receipt.
    """

    rows: pa.Table
    refusals: list[Refusal]
    decisions: Counter[Identity]
    counts: dict[str, int]


def listing_changes(
    known: pa.Table,
    facts: pd.DataFrame,
    answers: Answers,
    read: Callable[..., pa.Table],
    uncurated: pc.Expression,
    *,
    night: date,
    missing_nights: int,
) -> ListingChanges:
    """Return what tonight changes of the listings.

    Args:
        known: rows of `listings` as of last night.
        facts: what validation left of the cleaned sightings.
        answers: what a person decided about makes and models.
        read: `read(table, columns=, where=)` -> rows, at the versions that receipts name.
        uncurated: selects the nights that no curation has taken in.
        night: tonight.
        missing_nights: in how many nights a listing must have been missing to have ended.
    """
    answered, decisions = redecided(known, read, answers)
    rows: dict[tuple[str, str], dict[str, Any]] = {(row["source"], row["item_id"]): row for row in answered}
    told = {*rows, *(zip(facts["source"], facts["item_id"], strict=True) if len(facts) else ())}
    steady, presence = read_presence(read, known, told, uncurated, night=night)
    concerned = rows_among(known, told | set(presence)).to_pylist()
    merged = listing_rows(
        (rows.get((row["source"], row["item_id"]), row) for row in concerned),
        facts,
        presence,
        night=night,
        missing_nights=missing_nights,
    )
    rows |= {(row["source"], row["item_id"]): row for row in merged.rows}
    status = Counter(row["status"] for row in merged.rows if row["night"] == night)
    return ListingChanges(
        rows=pa.concat_tables([steady, rows_of(LISTINGS, (rows[key] for key in sorted(rows)))]),
        refusals=merged.refusals,
        decisions=decisions,
        counts={
            "listings_missing": status["missing"],
            "listings_ended": status["ended"],
            "listings_imported": status["imported"],
            "listings_answered": len(answered),
        },
    )
