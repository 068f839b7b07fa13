"""A person's answers, applied to listings that the lake has held for nights."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.catalog.answers import Answers
from autodetect.catalog.identify import Identity, identify
from autodetect.lake.schemas import SIGHTINGS

ANSWERED = "answer"
_KEY = ["source", "item_id"]
_WRITTEN = ["make", "model", "title"]


def redecided(
    known: pa.Table, read: Callable[..., pa.Table], answers: Answers
) -> tuple[list[dict[str, Any]], Counter[Identity]]:
    """Return the listings that an answer now changes, by key, and the decisions about them.

    A listing changes when what was written in its newest sighting has an answer that it does not show yet, or when the
    answer that it shows was withdrawn. Sightings are read only when either can be, and only listings that an answer is
    about, or was, become Python objects.

    Args:
        known: rows of `listings`.
        read: `(table, columns=..., where=...) -> rows`, at the versions of the night.
        answers: what a person decided.

    Returns:
        Rows of `listings`; and each different decision with the number of its listings.
    """
    shown = pc.fill_null(pc.equal(known["catalog_reason"], ANSWERED), False)
    if not known.num_rows or not (answers.by_key or pc.any(shown).as_py()):
        return [], Counter()
    columns = [*_KEY, "kind", "night", "observed_on", *_WRITTEN]
    sightings = read(SIGHTINGS, columns=columns, where=pc.field("kind") != "missing")
    # In a night's order an offer comes before its sale, as in `merging.listing_rows`.
    ordered = sightings.sort_by([("night", "ascending"), ("kind", "ascending"), ("observed_on", "ascending")])
    newest = ordered.select([*_KEY, *_WRITTEN]).to_pandas().drop_duplicates(_KEY, keep="last")
    listings = known.select(_KEY).to_pandas().assign(shown=shown.to_numpy(), row=range(known.num_rows))
    both = listings.merge(newest, on=_KEY).fillna(dict.fromkeys(_WRITTEN, "")).sort_values(_KEY)
    told = both[both["shown"] | _answered(both, answers)]
    rows = known.take(pa.array(told["row"], pa.int64())).to_pylist()
    changed: list[dict[str, Any]] = []
    decisions: Counter[Identity] = Counter()
    for row, make, model, title in zip(rows, *(told[name] for name in _WRITTEN), strict=True):
        identity = identify(make, model, title, answers)
        if (identity.make_model_id, identity.reason) != (row["make_model_id"], row["catalog_reason"]):
            changed.append(row | {"make_model_id": identity.make_model_id, "catalog_reason": identity.reason})
            decisions[identity] += 1
    return changed, decisions


def _answered(sightings: pd.DataFrame, answers: Answers) -> "pd.Series[bool]":
    """Return which sightings an answer is about; each different pair of make and model is looked up once."""
    numbers = sightings.groupby(["make", "model"], sort=False).ngroup()
    firsts = sightings.loc[~numbers.duplicated(), ["make", "model"]]
    found = {
        number: answers.find(make, model, "") is not None
        for number, make, model in zip(numbers[firsts.index], firsts["make"], firsts["model"], strict=True)
    }
    untold = (sightings["make"].str.strip() == "") & (sightings["model"].str.strip() == "")
    titles = sightings["title"].where(untold, "")
    by_title = {title: answers.find("", "", title) is not None for title in titles.unique()}
    return numbers.map(found).where(~untold, titles.map(by_title)).astype(bool)
