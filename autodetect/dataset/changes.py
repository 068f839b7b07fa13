"""What changed between two snapshots: photos added, removed and moved, classes new, gone, grown and shrunk."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from autodetect.dataset.candidates import among
from autodetect.records import Record

MOST = 10  # photos or classes that a list names; the counts are whole
COLUMNS = ["sha256", "class_id", "split"]
Why = Callable[[list[str]], Mapping[str, str]]


class ClassChange(Record):
    """How many photos a class gained (or lost, below zero)."""

    class_id: int
    photos: int


class Changes(Record):
    """The way from one snapshot to the next.

    `moved` photos changed their class, `resplit` ones their split. `removed_by` counts the removed by rule; the lists
    hold at most `MOST`: the first by sha256, and the classes that changed most.
    """

    before: str
    added: int = 0
    removed: int = 0
    moved: int = 0
    resplit: int = 0
    removed_by: dict[str, int] = Field(default_factory=dict)
    added_photos: tuple[str, ...] = ()
    removed_photos: tuple[tuple[str, str], ...] = ()
    moved_photos: tuple[str, ...] = ()
    classes_new: tuple[int, ...] = ()
    classes_gone: tuple[int, ...] = ()
    grown: int = 0
    shrunk: int = 0
    grown_most: tuple[ClassChange, ...] = ()
    shrunk_most: tuple[ClassChange, ...] = ()

    @property
    def anything(self) -> bool:
        """Return whether the two differ."""
        return any((self.added, self.removed, self.moved, self.resplit))


def changes(
    before: pa.Table, after: pa.Table, why: Why | None = None, *, renamed: Mapping[str, str] | None = None
) -> Changes:
    """Compare two snapshots (rows of `SNAPSHOTS`).

    Args:
        before: the earlier one; must not be empty.
        after: the later one.
        why: removed photos (sha256) -> the rule that removed each; a photo that it does not name is removed by 'gone'.
        renamed: sha256 -> copy group as of the later one: a picture stays the same when its group changes its name.
    """
    (before_id,) = before["snapshot_id"].unique().to_pylist()
    old, new = (rows.select(COLUMNS).to_pandas() for rows in (before, after))
    renamed = renamed or {}
    names = pd.Series([renamed.get(sha256, sha256) for sha256 in old["sha256"].tolist()], dtype="str")
    # A group that swallowed another leaves one name for two photos: the second was removed.
    old["name"] = names.where(~names.duplicated() & among(names, new["sha256"]), old["sha256"])
    both = old.merge(new.rename(columns={"sha256": "name"}), on="name", suffixes=("_old", "_new"))
    added = sorted(new.loc[~among(new["sha256"], old["name"]), "sha256"].tolist())
    removed = sorted(old.loc[~among(old["name"], new["sha256"]), "name"].tolist())
    moved = sorted(both.loc[both["class_id_old"] != both["class_id_new"], "name"].tolist())
    resplit = int((both["split_old"] != both["split_new"]).sum())
    rules = why(removed) if why and removed else {}
    reasons = {sha256: rules.get(sha256, "gone") for sha256 in removed}
    sizes_old, sizes_new = (frame["class_id"].value_counts() for frame in (old, new))
    stayed = sorted(set(sizes_old.index) & set(sizes_new.index))
    delta = {int(each): int(sizes_new[each]) - int(sizes_old[each]) for each in stayed}
    return Changes(
        before=before_id,
        added=len(added),
        removed=len(removed),
        moved=len(moved),
        resplit=resplit,
        removed_by=dict(sorted(Counter(reasons.values()).items())),
        added_photos=tuple(added[:MOST]),
        removed_photos=tuple(list(reasons.items())[:MOST]),
        moved_photos=tuple(moved[:MOST]),
        classes_new=_ids(set(sizes_new.index) - set(sizes_old.index)),
        classes_gone=_ids(set(sizes_old.index) - set(sizes_new.index)),
        grown=sum(change > 0 for change in delta.values()),
        shrunk=sum(change < 0 for change in delta.values()),
        grown_most=_most((each, change) for each, change in delta.items() if change > 0),
        shrunk_most=_most((each, change) for each, change in delta.items() if change < 0),
    )


def why_removed(
    removed: Iterable[str],
    *,
    earlier: pa.Table,
    photos: pa.Table,
    copy_groups: Mapping[str, str],
    rules: Mapping[str, str],
) -> dict[str, str]:
    """Return the rule that removed each photo.

    Args:
        removed: photos (sha256) of the earlier snapshot that tonight's does not hold.
        earlier: the earlier snapshot (sha256, vehicle_id).
        photos: `photos` (sha256, verdict) as of tonight.
        copy_groups: sha256 -> copy group as of tonight.
        rules: what refused copy groups and vehicles tonight, by key.
    """
    removed = [*removed]
    verdicts, vehicles = _by_photo(photos, "verdict", removed), _by_photo(earlier, "vehicle_id", removed)
    reasons: dict[str, str] = {}
    for sha256 in removed:
        group, verdict = copy_groups.get(sha256, sha256), verdicts.get(sha256, "photo.forgotten")
        if verdict != "ok":
            reasons[sha256] = verdict
        elif rule := rules.get(group) or rules.get(vehicles[sha256]):
            reasons[sha256] = rule
        else:  # a copy stands for it now, or no listing shows it any more under a class
            reasons[sha256] = "photo.copy" if group != sha256 else "listing.no_class"
    return reasons


def _by_photo(rows: pa.Table, column: str, wanted: list[str]) -> dict[str, str]:
    """Return the values of a column by sha256, of the wanted photos alone: a lake holds many more."""
    few = rows.filter(pc.is_in(rows["sha256"], value_set=pa.array(wanted, pa.string())))
    return dict(zip(few["sha256"].to_pylist(), few[column].to_pylist(), strict=True))


def _ids(found: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(int(each) for each in found))


def _most(found: Iterable[tuple[int, int]]) -> tuple[ClassChange, ...]:
    """Return the classes that changed most, of equals the first by id."""
    chosen = sorted(found, key=lambda each: (-abs(each[1]), each[0]))[:MOST]
    return tuple(ClassChange(class_id=class_id, photos=change) for class_id, change in chosen)
