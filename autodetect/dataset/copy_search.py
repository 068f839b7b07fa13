"""Tonight's photos beside all others: candidates from the hash index, copies confirmed, groups named anew."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from autodetect.dataset.copy_groups import regrouped
from autodetect.dataset.photo_intake import Intake
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import PHOTOS
from autodetect.lake.tables import rows_of
from autodetect.photos.copies import Details, Pair, candidates, confirm
from autodetect.photos.hash_index.index import HashIndex
from autodetect.photos.hash_index.store import IndexRecord, load_or_rebuild, save
from autodetect.photos.phash import ENTRIES, MIRROR
from autodetect.photos.unions import Unions
from autodetect.records import StageRun
from autodetect.sections import PhotoSettings

# Pairs whose thumbnails are read at once: large beside a night's candidates, small beside what a flood of look-alikes
# makes of them.
PAIRS_AT_ONCE = 50_000

Kept = tuple[list[int], bytes]  # of one photo: `phash_entries`, `thumbnail`


@dataclass(frozen=True)
class CopySearch:
    """What the search gave: tonight's rows of `photos` and older ones whose group changed; the index; counters."""

    rows: pa.Table
    index: IndexRecord
    counts: dict[str, int]


def search_copies(
    intake: Intake,
    known: pa.Table,
    read: Callable[..., pa.Table],
    *,
    lake: Lake,
    run: StageRun,
    settings: PhotoSettings,
    work: Path,
) -> CopySearch:
    """Find tonight's copies, among themselves and of older photos, and file tonight's photos in the index.

    Args:
        intake: tonight's photos; only those that are `ok` are compared.
        known: `photos` as of last night: sha256, night, verdict, copy_group.
        read: `read(table, columns=, where=)` -> rows, at the versions that receipts name.
        lake: keeps the index.
        run: the last curation's receipt names the index; without one, it is built from `photos`.
        settings: radius and correlation.
        work: local scratch folder.
    """
    before = run.earlier["curate"].facts.get("index") if "curate" in run.earlier else None
    record = IndexRecord.model_validate(before) if before else None
    columns = ["sha256", "phash_entries", "pipeline", "verdict"]
    index = load_or_rebuild(lake.objects, record, lambda: read(PHOTOS, columns=columns), work)
    new = intake.sound
    index = index.add(new, _entries(intake, new))
    ok = known.filter(pc.equal(known["verdict"], "ok"))
    search = _Search(intake, ok, read, settings)
    copies = search.copies(index, new)
    groups = regrouped(ok, new, copies)
    moved = sorted(set(groups) - set(new))
    older = read(PHOTOS, where=_among(moved)) if moved else PHOTOS.schema.empty_table()
    rows = {row["sha256"]: row for row in (*older.to_pylist(), *intake.rows.values())}
    return CopySearch(
        rows=rows_of(PHOTOS, ({**rows[name], "copy_group": groups.get(name)} for name in sorted(rows))),
        index=save(lake.objects, index, work),
        counts={
            "photos_compared": search.compared,
            "photos_copies": sum(groups.get(sha256, sha256) != sha256 for sha256 in new),
        },
    )


class _Search:
    """Confirms candidates that are not known yet to be copies of one picture; counts those that it `compared`."""

    def __init__(self, intake: Intake, ok: pa.Table, read: Callable[..., pa.Table], settings: PhotoSettings) -> None:
        self.compared = 0
        self._intake = intake
        self._ok = ok
        self._read = read
        self._settings = settings
        self._group_of: dict[str, str | None] = {}  # of the older photos in the block at hand
        self._groups: Unions[str] = Unions()

    def copies(self, index: HashIndex, new: Sequence[str]) -> list[Pair]:
        """Return enough pairs to tell which photos are copies of one picture, though not all of them."""
        if not new:
            return []
        entries = _entries(self._intake, new)
        queries = np.concatenate([entries, entries ^ MIRROR], axis=1)
        pairs = candidates(index, new, queries, self._settings.phash_radius)
        found: list[Pair] = []
        while block := list(islice(pairs, PAIRS_AT_ONCE)):
            names = {name for pair in block for name in pair}
            self._group_of = self._groups_among(names)
            kept = self._kept(names)
            comparable = [pair for pair in block if kept.keys() >= set(pair)]
            for few in _parts(comparable):
                open_pairs = [pair for pair in few if self._find(pair[0]) != self._find(pair[1])]
                self.compared += len(open_pairs)
                confirmed = confirm(open_pairs, partial(_details, kept), min_correlation=self._settings.min_correlation)
                for copy in confirmed:
                    self._groups.join(self._name(copy.one), self._name(copy.other))
                    found.append((copy.one, copy.other))
        return found

    def _find(self, sha256: str) -> str:
        return self._groups.find(self._name(sha256))

    def _name(self, sha256: str) -> str:
        return self._group_of.get(sha256) or sha256

    def _groups_among(self, names: set[str]) -> dict[str, str | None]:
        """Return the older photos among `names` that are `ok`, each with its copy group."""
        rows = self._ok.filter(pc.is_in(self._ok["sha256"], value_set=pa.array(sorted(names), pa.string())))
        return dict(zip(rows["sha256"].to_pylist(), rows["copy_group"].to_pylist(), strict=True))

    def _kept(self, names: set[str]) -> dict[str, Kept]:
        """Return what is kept of those photos that are `ok`; the index may file others."""
        found: dict[str, Kept] = {
            name: (row["phash_entries"], row["thumbnail"])
            for name in names
            if (row := self._intake.rows.get(name)) is not None
        }
        older = sorted(self._group_of)
        if older:
            rows = self._read(PHOTOS, columns=["sha256", "phash_entries", "thumbnail"], where=_among(older))
            sha256, entries, thumbnails = (rows[name].to_pylist() for name in rows.column_names)
            found |= dict(zip(sha256, zip(entries, thumbnails, strict=True), strict=True))
        return found


def _details(kept: Mapping[str, Kept], names: Sequence[str]) -> Details:
    return Details.of([kept[name][0] for name in names], [kept[name][1] for name in names])


def _parts(pairs: Sequence[Pair], size: int = 1_024) -> Iterator[Sequence[Pair]]:
    """Yield parts: what one part shows to be copies need not be compared in the next."""
    return (pairs[start : start + size] for start in range(0, len(pairs), size))


def _entries(intake: Intake, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the hashes by which photos are filed, (n, `ENTRIES`) int64."""
    return np.array([intake.rows[name]["phash_entries"] for name in names], dtype=np.int64).reshape(-1, ENTRIES)


def _among(digests: Sequence[str]) -> pc.Expression:
    return pc.field("sha256").isin(pa.array(digests, pa.string()))
