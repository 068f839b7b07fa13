"""What changed between two releases: how good the model is, what it knows, what cars cost, what is to be fetched."""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import computed_field

from autodetect.errors import UsageError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.prices.files import PRICE_FILES
from autodetect.records import Record
from autodetect.release.consistency import CLASSES, classes_of
from autodetect.release.files import fetched
from autodetect.release.manifest import Backbone, Manifest, load_manifest

PRICES = PRICE_FILES[0]
_PriceKey = tuple[str, str, str]  # make_model_id, basis, currency


class MetricChange(Record):
    """A figure of the model before and after; None where one of the releases does not tell it."""

    name: str
    before: float | None
    after: float | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def difference(self) -> float | None:
        """Return after minus before, None where one is not known."""
        return None if self.before is None or self.after is None else self.after - self.before


class PriceMove(Record):
    """The median price of a make and model, of all years and places, in one currency.

    Without `before` it gained a price, without `after` it lost it.
    """

    make_model_id: str
    make: str
    model: str
    basis: str
    currency: str
    before: float | None
    after: float | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def relative(self) -> float:
        """Return after / before - 1; 0 where one of them is not there."""
        return self.after / self.before - 1 if self.before and self.after else 0.0


class FileChange(Record):
    """The size of a file in bytes; without `before` it is new, without `after` it is gone."""

    name: str
    before: int | None
    after: int | None


class PackageChange(Record):
    """The unzipped size of a Core ML package in bytes, and whether it is the one that an app should fetch."""

    name: str
    before: int | None
    after: int | None
    recommended_before: bool
    recommended_after: bool


class Side(Record):
    """One of the two releases."""

    release_id: str
    night: date
    verdict: str
    channel: str
    backbone: Backbone


class ReleaseDiff(Record):
    """What `after` has otherwise than `before`.

    `metrics` are all figures, also those that are the same; `moves` are the prices of models that have one in both
    releases and differ, the largest relative ones first; `prices_gained` and `prices_lost` are by name.
    `classes_added` and `classes_lost` are labels of classes that the models answer. `unchanged_files` and
    `unchanged_bytes` are what a client need not fetch again.
    """

    before: Side
    after: Side
    metrics: tuple[MetricChange, ...]
    classes_added: tuple[str, ...]
    classes_lost: tuple[str, ...]
    moves: tuple[PriceMove, ...]
    prices_gained: tuple[PriceMove, ...]
    prices_lost: tuple[PriceMove, ...]
    files: tuple[FileChange, ...]
    unchanged_files: int
    unchanged_bytes: int
    warnings_new: tuple[str, ...]
    warnings_gone: tuple[str, ...]
    packages: tuple[PackageChange, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fetched_bytes(self) -> int:
        """Return how much a client with all files of `before` fetches to have all files of `after`."""
        return sum(each.after or 0 for each in self.files)


def diff(store: ObjectStore, before: str, after: str) -> ReleaseDiff:
    """Return what changed from one release of a store to another.

    Args:
        store: the release store.
        before: release id.
        after: release id.

    Raises:
        UsageError: one of them was collected, or never was there.
        CorruptError: one of them is damaged.
        DependencyDownError: the store does not answer.
    """
    old, new = _manifest(store, before), _manifest(store, after)
    (was, were), (are, costs) = _read(store, old), _read(store, new)
    common = {name for name, each in new.objects.items() if old.objects.get(name) == each}
    priced = sorted(were.keys() | costs.keys())
    prices = [_move(were.get(key), costs.get(key)) for key in priced]
    both = [each for each in prices if each.before is not None and each.after is not None and each.relative]
    return ReleaseDiff(
        before=_side(before, old),
        after=_side(after, new),
        metrics=tuple(
            MetricChange(name=name, before=old.metrics.get(name), after=new.metrics.get(name))
            for name in sorted(old.metrics.keys() | new.metrics.keys())
        ),
        classes_added=tuple(sorted(are[each] for each in are.keys() - was.keys())),
        classes_lost=tuple(sorted(was[each] for each in was.keys() - are.keys())),
        moves=tuple(sorted(both, key=lambda each: (-abs(each.relative), each.make_model_id, each.basis))),
        prices_gained=tuple(each for each in prices if each.before is None),
        prices_lost=tuple(each for each in prices if each.after is None),
        files=tuple(_file_changes(old, new)),
        unchanged_files=len(common),
        unchanged_bytes=sum(new.objects[name].size for name in common),
        warnings_new=tuple(each for each in new.warnings if each not in old.warnings),
        warnings_gone=tuple(each for each in old.warnings if each not in new.warnings),
        packages=tuple(_package_changes(old, new)),
    )


def _manifest(store: ObjectStore, release_id: str) -> Manifest:
    try:
        return load_manifest(store, release_id)
    except ObjectMissingError as error:
        raise UsageError(
            f"{store.url} does not hold the release {release_id}: it was collected, or never was there",
            "see `autodetect release list`; `autodetect release pin` keeps one",
        ) from error


def _read(store: ObjectStore, manifest: Manifest) -> tuple[dict[int, str], dict[_PriceKey, Mapping[str, Any]]]:
    """Return the labels of the classes that answer, by class id, and the headline prices of a release."""
    with tempfile.TemporaryDirectory() as folder:
        files = {
            name: fetched(store, manifest, name, Path(folder)) for name in (CLASSES, PRICES) if name in manifest.objects
        }
        outputs = classes_of(files[CLASSES]) if CLASSES in files else ()
        answers = {output.class_id: output.label for output in outputs if output.answers}
        return answers, _prices(files[PRICES]) if PRICES in files else {}


def _prices(path: Path) -> dict[_PriceKey, Mapping[str, Any]]:
    """Return the rows of the headline prices that have a median."""
    import pyarrow.parquet as pq

    wanted = ("make_model_id", "make", "model", "basis", "year_band", "region", "currency", "median")
    rows = pq.read_table(path, columns=list(wanted)).to_pylist()
    headline = (row for row in rows if not row["year_band"] and not row["region"] and row["median"] is not None)
    return {(row["make_model_id"], row["basis"], row["currency"]): row for row in headline}


def _move(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> PriceMove:
    names = ("make_model_id", "make", "model", "basis", "currency")
    row = after or before or {}
    return PriceMove(
        **{name: row[name] or "" for name in names},
        before=before["median"] if before else None,
        after=after["median"] if after else None,
    )


def _side(release_id: str, manifest: Manifest) -> Side:
    told = manifest.model_dump(include=set(Side.model_fields) - {"release_id"})
    return Side(release_id=release_id, **told)


def _file_changes(before: Manifest, after: Manifest) -> Iterator[FileChange]:
    for name in sorted(before.objects.keys() | after.objects.keys()):
        old, new = before.objects.get(name), after.objects.get(name)
        if old != new:
            yield FileChange(name=name, before=old and old.size, after=new and new.size)


def _package_changes(before: Manifest, after: Manifest) -> Iterator[PackageChange]:
    was, now = ({each.name: each for each in manifest.packages} for manifest in (before, after))
    for name in dict.fromkeys((*was, *now)):
        old, new = was.get(name), now.get(name)
        change = PackageChange(
            name=name,
            before=old and old.size,
            after=new and new.size,
            recommended_before=old is not None and old.recommended,
            recommended_after=new is not None and new.recommended,
        )
        if (change.before, change.recommended_before) != (change.after, change.recommended_after):
            yield change
