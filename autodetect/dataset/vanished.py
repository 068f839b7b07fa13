"""Photos that were sound and have vanished from the photo store: they are missing until they are there again."""

from collections.abc import Callable, Collection

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import PHOTOS
from autodetect.lake.tables import rows_of
from autodetect.photos.examine import MISSING
from autodetect.records import Refusal
from autodetect.validation.frames import replaced

PLACE = ["sha256", "night", "verdict", "copy_group"]


def with_missing(
    rows: pa.Table, vanished: Collection[str], known: pa.Table, read: Callable[..., pa.Table]
) -> tuple[pa.Table, list[Refusal]]:
    """Return tonight's rows of `photos` with those that say which photos are missing, and the refusals.

    A copy group that was named after a missing photo is named after the first of its others: what a snapshot knows a
    picture by must be there.

    Args:
        rows: rows of `photos` that tonight writes.
        vanished: photos that are known and could not be read.
        known: `photos` as of last night: sha256, night, verdict, copy_group.
        read: `read(table, where=)` -> rows, at the versions that receipts name.
    """
    if not vanished:
        return rows, []
    lost = set(vanished)
    now = pa.concat_tables([replaced(known.select(PLACE), rows, PHOTOS.key), rows.select(PLACE)])
    touched = now.filter(pc.is_in(now["copy_group"], value_set=pa.array(sorted(lost), pa.string()))).to_pylist()
    names: dict[str, tuple[object, str]] = {}
    for row in touched:
        if row["verdict"] == "ok" and row["sha256"] not in lost:
            first = (row["night"], row["sha256"])
            names[row["copy_group"]] = min(names.get(row["copy_group"], first), first)
    group_of = {row["sha256"]: names[row["copy_group"]][1] for row in touched if row["copy_group"] in names}
    changed = pa.array(sorted(lost | set(group_of)), pa.string())
    older = replaced(read(PHOTOS, where=pc.field("sha256").isin(changed)), rows, PHOTOS.key)
    held = {row["sha256"]: row for row in (*older.to_pylist(), *rows.to_pylist())}
    for sha256 in changed.to_pylist():
        row = held[sha256]
        row["copy_group"] = group_of.get(sha256, row["copy_group"])
        row["verdict"] = MISSING if sha256 in lost else row["verdict"]
    told = "it was sound, and had vanished when it was to be embedded again"
    refusals = [Refusal(table="photos", key=sha256, rule=MISSING, value=told) for sha256 in sorted(lost)]
    return rows_of(PHOTOS, (held[sha256] for sha256 in sorted(held))), refusals
