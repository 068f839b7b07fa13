"""Read a folder of photos and listings: what it holds is known at once, sightings are made one by one."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from autodetect.catalog.identify import Identity, identify, shown_names
from autodetect.catalog.makes import make_named
from autodetect.errors import UsageError
from autodetect.records import Kind, Refusal, Sighting, canonical_json
from crawlers.folder.files import LAYOUT, TABLE, FolderFiles, refused, walk
from crawlers.folder.labels import PHOTOS, Label, defect, label_of
from crawlers.folder.rows import DefaultKind, photo_names, row_defect, row_facts, row_kind
from crawlers.folder.table import Row, TableRead, read_table

SOURCE = "folder"
NO_ROW = f"in {PHOTOS}/, but no row names it"
OTHER = "other models"
TOO_MANY = "beyond crawl.max_photos_per_listing"


@dataclass(frozen=True)
class FolderListing:
    """A sighting, and its photos in the order of `sighting.photo_urls`, which say where they lie in the folder."""

    sighting: Sighting
    photos: tuple[Path, ...]
    has_row: bool


@dataclass(frozen=True)
class FolderContents:
    """What a folder holds; iterating it gives its `FolderListing`s by item id.

    Args:
        root: the folder.
        refusals: rows and files that cannot be used, and what is worth a note.
        skipped: how many files and folders were passed over, by reason or suffix.
        kinds: how many listings there are of each kind.
        models: how many listings there are of each make and model, as the catalogue reads them.
        unknown_makes: how many listings there are of each make that the catalogue does not know.
    """

    root: Path
    refusals: tuple[Refusal, ...]
    skipped: Mapping[str, int]
    kinds: Mapping[str, int]
    models: Mapping[str, int]
    unknown_makes: Mapping[str, int]
    _drafts: tuple["_Draft", ...] = field(repr=False)
    _stamp: Mapping[str, Any] = field(repr=False)

    def __len__(self) -> int:
        return len(self._drafts)

    def __iter__(self) -> Iterator[FolderListing]:
        for draft in self._drafts:
            facts = draft.facts()
            sighting = Sighting(
                **{**self._stamp, **facts},
                item_id=draft.item_id,
                kind=draft.kind,
                photo_urls=tuple(f"file:{label}" for label, _ in draft.photos),
            )
            yield FolderListing(sighting, tuple(self.root / path for _, path in draft.photos), draft.row is not None)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A listing to be: its photos are label paths with the paths that the disk has for them."""

    item_id: str
    kind: Kind
    photos: tuple[tuple[str, str], ...]
    row: Mapping[str, str] | None
    label: Label | None

    def facts(self) -> dict[str, Any]:
        """Return what it says of the car."""
        if self.row is not None:
            return row_facts(self.row)
        assert self.label is not None
        return {
            "make": self.label.make,
            "model": self.label.model,
            "year": self.label.year,
            "title": self.label.title,
        }


def read_folder(folder: Path, *, kind: DefaultKind, night: date, licence: str, max_photos: int) -> FolderContents:
    """Read what a folder holds: every name and every row, but no photo's bytes.

    A photo that no row names is a listing of its own, known by the path below the folder; photos of one car in a folder
    of their own are one listing. A bad row or file costs only itself.

    Args:
        folder: photos by make and model, and/or `listings.csv` with its photos.
        kind: what its listings are unless a row says otherwise: `import` once, `asking` where it is read every night.
        night: the date that is stamped on the sightings; a sale has its own.
        licence: what permits using it, stamped on every sighting.
        max_photos: of one listing; the others are left out and counted.

    Raises:
        UsageError: no such folder, a `listings.csv` that is no such table, or nothing that can be used.
    """
    files = walk(folder)
    table = read_table(files.root / TABLE) if files.has_table else TableRead()
    reading = _Reading(files, kind, night, max_photos)
    for row in table.rows:
        reading.take_row(row)
    reading.take_photos()
    refusals = (*files.refusals, *table.refusals, *reading.refusals, *_unused_prices(reading.drafts.values()))
    if not reading.drafts:
        _refuse_empty(folder, files, [refusal for refusal in refusals if refusal.effect == "refused"])
    drafts = tuple(reading.drafts[item_id] for item_id in sorted(reading.drafts))
    identities = [_identity(draft) for draft in drafts]
    names = {make_model_id: f"{make} {model}" for make_model_id, (make, model) in shown_names(identities).items()}
    return FolderContents(
        root=files.root,
        refusals=refusals,
        skipped=dict(sorted(files.skipped.items())),
        kinds=dict(sorted(Counter(draft.kind for draft in drafts).items())),
        models=dict(Counter(names.get(i.make_model_id or "", OTHER) for i in identities).most_common()),
        unknown_makes=dict(Counter(i.make for i in identities if make_named(i.make) is None).most_common()),
        _drafts=drafts,
        _stamp={"source": SOURCE, "observed_on": night, "permission": licence},
    )


@dataclass
class _Reading:
    """Collects listings from rows first, then from the photos that no row names."""

    files: FolderFiles
    kind: DefaultKind
    night: date
    max_photos: int
    drafts: dict[str, _Draft] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        below = (label for label in self.files.photos if label.startswith(f"{PHOTOS}/") and label.count("/") == 1)
        self._stems = {PurePosixPath(label).stem: label for label in below}

    def take_row(self, row: Row) -> None:
        """Make a listing of a row, or refuse it; photos it names are its own either way."""
        labels = [label for name in photo_names(row.values) if (label := self._photo_of(name, row))]
        self.claimed.update(labels)
        if found := row_defect(row.values, self.night):
            self.refusals.append(refused(row.where, *found))
            return
        facts = {name: value for name, value in row.values.items() if name not in {"item_id", "photos"}}
        named = labels[0] if labels else canonical_json(facts).decode()
        item_id = row.values.get("item_id", "").strip() or _hashed(named)
        self._add(item_id, row_kind(row.values, self.kind), labels, row=facts, where=row.where)

    def take_photos(self) -> None:
        """Make a listing of every photo, or every folder of one car, that no row has named."""
        labels: dict[str, Label | None] = {}
        cars: dict[str, list[str]] = {}
        for photo in self.files.photos:
            if photo in self.claimed:
                continue
            folder, _, _ = photo.rpartition("/")
            if folder == PHOTOS and self.files.has_table:
                self.files.skipped[NO_ROW] += 1
                continue
            if folder not in labels:
                labels[folder] = label_of(tuple(folder.split("/")) if folder else ())
            label = labels[folder]
            if label is None:
                self.refusals.append(refused(photo, "too_deep", "more folders than make, model and car"))
            elif rule := defect(label.make, label.model, label.title):
                self.refusals.append(refused(photo, rule.removeprefix("import."), label.title))
            else:
                cars.setdefault(folder if label.one_car else photo, []).append(photo)
        for name, photos in cars.items():
            label = labels[photos[0].rpartition("/")[0]]
            self._add(_hashed(name), self.kind, photos, label=label, where=name)

    def _add(
        self,
        item_id: str,
        kind: Kind,
        photos: list[str],
        *,
        row: Mapping[str, str] | None = None,
        label: Label | None = None,
        where: str,
    ) -> None:
        if item_id in self.drafts:
            self.refusals.append(refused(where, "duplicate_item", item_id))
            return
        kept = photos[: self.max_photos]
        if len(photos) > len(kept):
            self.files.skipped[TOO_MANY] += len(photos) - len(kept)
        self.drafts[item_id] = _Draft(item_id, kind, tuple((p, self.files.photos[p]) for p in kept), row, label)

    def _photo_of(self, name: str, row: Row) -> str:
        """Return the label path of a photo that a row names: below photos/, or below the folder; '' when refused."""
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or parts[:1] == ("/",):
            self.refusals.append(refused(f"{row.where}: {name}", "photo_outside_folder"))
            return ""
        bare = "/".join(parts)
        for label in (f"{PHOTOS}/{bare}", bare):
            if label in self.files.photos:
                return label
        if bare in self._stems:
            return self._stems[bare]
        leaves = any(self._leaves(label) for label in (f"{PHOTOS}/{bare}", bare))
        self.refusals.append(refused(f"{row.where}: {name}", "photo_outside_folder" if leaves else "photo_missing"))
        return ""

    def _leaves(self, label: str) -> bool:
        """Return whether it, or a folder above it, is a link out of the folder."""
        above = [label, *(str(path) for path in PurePosixPath(label).parents)]
        return any(path in self.files.outside for path in above)


def _identity(draft: _Draft) -> Identity:
    facts = draft.facts()
    return identify(facts.get("make", ""), facts.get("model", ""), facts.get("title", ""))


def _unused_prices(drafts: Iterable[_Draft]) -> Iterator[Refusal]:
    """Note once that an imported row's price counts for nothing: nobody said whether it was asked or paid."""
    count = sum(bool(draft.row and draft.kind == "import" and draft.row.get("price", "").strip()) for draft in drafts)
    if count:
        words = f"{count:,} with a price, but without a kind that makes it count: asking, or sold with sold_on"
        yield refused(TABLE, "price_not_used", words).model_copy(update={"effect": "noted"})


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _refuse_empty(folder: Path, files: FolderFiles, refusals: list[Refusal]) -> None:
    """Say why nothing in a folder can be used."""
    why = f"{len(refusals):,} refused, such as {refusals[0].key}: {refusals[0].rule}" if refusals else "it is empty"
    if skipped := ", ".join(f"{count:,} {reason}" for reason, count in files.skipped.most_common(5)):
        why = f"skipped {skipped}" if not refusals else f"{why}; skipped {skipped}"
    raise UsageError(f"there is nothing in {folder} that can be used: {why}", f"it should hold {LAYOUT}")
