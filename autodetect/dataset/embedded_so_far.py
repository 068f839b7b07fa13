"""Which photos have which embeddings already, as receipts name the table, and which engine made them."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.embeddings.pin import read_next, read_pin
from autodetect.embeddings.shards import Identity
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import EMBEDDINGS
from autodetect.photos.inputs import PLAIN
from autodetect.records import Receipt

IDENTITY = ["backbone", "preprocessing", "engine", "view"]

Held = dict[Identity, set[str]]


def held_in_table(lake: Lake, read: Callable[..., pa.Table]) -> Held:
    """Return which photos have an embedding by the current and the next backbone, as receipts name the table."""
    records = [record for record in (read_pin(lake.objects), read_next(lake.objects)) if record]
    if not records:
        return {}
    of_them = pc.field("backbone").isin([record.digest for record in records])
    return by_identity(read(EMBEDDINGS, columns=["sha256", *IDENTITY], where=of_them))


def earlier_engines(before: Receipt | None, lake: Lake, held: Held) -> dict[str, str]:
    """Return by which engine each backbone's embeddings were made, as the last curation says, else as most are."""
    told = (before.facts.get("embeddings") if before else None) or {}
    known = {each["backbone"]: each["engine"] for each in (told, told.get("next")) if each and each["engine"]}
    most = sorted(held.items(), key=lambda each: len(each[1]))
    found = {identity.backbone: identity.engine for identity, _ in most if identity.view == PLAIN} | known
    pin, proposed = read_pin(lake.objects), read_next(lake.objects)
    if pin and proposed and pin.digest in found:
        found.setdefault(proposed.digest, found[pin.digest])
    return found


def by_identity(rows: pa.Table) -> Held:
    """Return which photos rows of `embeddings` (sha256 and identity) are about."""
    found: Held = {}
    for one in rows.select(IDENTITY).group_by(IDENTITY).aggregate([]).to_pylist():
        same = [pc.equal(rows[name], one[name]) for name in IDENTITY]
        mask = same[0]
        for each in same[1:]:
            mask = pc.and_(mask, each)
        found[Identity(**one)] = set(rows["sha256"].filter(mask).to_pylist())
    return found
