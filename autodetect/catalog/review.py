"""What a person should look at: the spellings in a lake that the catalogue was not sure of, the commonest first."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.compute as pc

from autodetect.catalog.answers import Answers, written, written_key
from autodetect.catalog.identify import Identity, identify
from autodetect.catalog.makes import make_named
from autodetect.catalog.names import ELSEWHERE
from autodetect.catalog.spelling import closest_model
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import SIGHTINGS
from autodetect.records import Record

EXAMPLES = 3
FAR = 60.0  # a suggestion may be further off than a decision: a person looks at it


class Pending(Record):
    """One spelling that is waiting for a person.

    `written` is what to answer; `now` the id that its listings have meanwhile (None: none); `suggestion` the
    catalogue's nearest name as 'Make / Model' ('': none is near) and `score` how near it is (to 100).
    """

    written: str
    listings: int
    reason: str
    now: str | None
    suggestion: str
    score: float | None
    examples: tuple[str, ...]


def pending(lake: Lake, answers: Answers) -> list[Pending]:
    """Return what the newest sightings of a lake hold that is unsure, by number of listings, then by spelling.

    Reads `sightings` at the version that the newest receipt names.
    """
    version = max((receipt.versions.get(SIGHTINGS.name, 0) for receipt in lake.receipts.all()), default=0)
    columns = ["source", "item_id", "kind", "night", "observed_on", "make", "model", "title"]
    sightings = lake.tables.read(SIGHTINGS, version=version, where=pc.field("kind") != "missing", columns=columns)
    rows = sightings.sort_by([("night", "ascending"), ("observed_on", "ascending")]).to_pylist()
    newest = {(row["source"], row["item_id"]): row for row in rows}
    return unsure((newest[key] for key in sorted(newest)), answers)


def unsure(rows: Iterable[Mapping[str, Any]], answers: Answers) -> list[Pending]:
    """Return what rows with make, model and title (one a listing) hold that is unsure, in the order of `pending`."""
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    decisions: dict[str, Identity] = {}
    for row in rows:
        identity = identify(row["make"], row["model"], row["title"], answers)
        if identity.unsure:
            key = written_key(written(row["make"], row["model"], row["title"]))
            groups[key].append(row)
            decisions.setdefault(key, identity)
    found = [_pending(group, decisions[key]) for key, group in groups.items()]
    return sorted(found, key=lambda each: (-each.listings, each.written))


def _pending(rows: list[Mapping[str, Any]], identity: Identity) -> Pending:
    spellings = Counter(written(row["make"], row["model"], row["title"]) for row in rows)
    suggestion, score = _suggested(identity)
    return Pending(
        written=min(spellings, key=lambda text: (-spellings[text], text)),
        listings=len(rows),
        reason=identity.reason,
        now=identity.make_model_id,
        suggestion=suggestion,
        score=score,
        examples=tuple(dict.fromkeys(row["title"] or row["item_id"] for row in rows))[:EXAMPLES],
    )


def _suggested(identity: Identity) -> tuple[str, float | None]:
    """Return the name that was decided for, else the nearest one, and how near it is."""
    if identity.matched:
        return identity.matched, identity.score
    make = make_named(identity.make)
    close = closest_model(make, identity.model, enough=FAR) if make else None
    return (f"{close[0].make}{ELSEWHERE}{close[0].model}", close[1]) if close else ("", None)
