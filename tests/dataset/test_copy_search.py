"""Copies are found whichever night they come on, by the index that the lake keeps or by one built anew."""

import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.dataset import copy_search
from autodetect.dataset.copy_search import CopySearch, search_copies
from autodetect.dataset.photo_intake import Intake, _row
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import PHOTOS
from autodetect.lake.tables import rows_of
from autodetect.photos.examine import examine_all
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings
from crawlers.sandbox.painting.tampering import COPY_KINDS, copied
from tests.dataset.test_photo_intake import picture

LIMITS = Settings().photos
NIGHTS = [date(2026, 11, day) for day in range(1, 10)]
Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, dict[str, int]]:
    """Five pictures with copies of every kind: rows by digest, and which picture each is of."""
    lake = open_lake(Settings(lake=str(tmp_path_factory.mktemp("lake") / "lake")), create=True)
    of: dict[str, int] = {}
    for seed in range(5):
        of[lake.photos.put(picture(seed))] = seed
        for kind in COPY_KINDS[seed:]:
            of[lake.photos.put(copied(picture(seed), kind))] = seed
    examined = examine_all(
        sorted(of), lake.photos.read, processes=1, max_pixels=LIMITS.max_pixels, min_side=LIMITS.min_side
    )
    return {photo.sha256: _row(photo, NIGHTS[0]) for photo in examined}, of


class Nights:
    """A lake whose photos come night by night; `groups` holds the copy group of each."""

    def __init__(self, folder: Path) -> None:
        self.lake: Lake = open_lake(Settings(lake=str(folder / "lake")), create=True)
        self.work = folder / "work"
        self.curate: Receipt | None = None
        self.night = 0

    def add(self, rows: Rows, *, forget_index: bool = False) -> CopySearch:
        night = NIGHTS[self.night]
        intake = Intake(rows={sha256: {**row, "night": night} for sha256, row in rows.items()})
        earlier = {} if self.curate is None or forget_index else {"curate": self.curate}
        run = StageRun(night=night, run_id="r", now=datetime(2026, 11, 1, tzinfo=UTC), earlier=earlier)

        def read(table: Any, **options: Any) -> Any:
            return self.lake.tables.read(table, **options)

        known = read(PHOTOS, columns=["sha256", "night", "verdict", "copy_group"])
        found = search_copies(intake, known, read, lake=self.lake, run=run, settings=LIMITS, work=self.work)
        self.lake.tables.upsert(PHOTOS, found.rows)
        facts = {"index": found.index.model_dump(mode="json")}
        self.curate = Receipt(night=night, stage="curate", run_id="r", facts=facts)
        self.night += 1
        return found

    @property
    def groups(self) -> dict[str, str]:
        rows = self.lake.tables.read(PHOTOS, columns=["sha256", "copy_group"]).to_pylist()
        return {row["sha256"]: row["copy_group"] for row in rows}


def partition(groups: dict[str, str]) -> set[frozenset[str]]:
    members: dict[str, set[str]] = {}
    for sha256, group in groups.items():
        members.setdefault(group, set()).add(sha256)
    return {frozenset(each) for each in members.values()}


def of_one_picture(of: dict[str, int]) -> set[frozenset[str]]:
    return {frozenset(name for name, seed in of.items() if seed == each) for each in set(of.values())}


def test_all_copies_of_a_picture_are_one_group_named_after_its_first(family: Any, tmp_path: Path) -> None:
    rows, of = family
    nights = Nights(tmp_path)
    found = nights.add(rows)
    assert partition(nights.groups) == of_one_picture(of)
    assert all(group == min(n for n, seed in of.items() if seed == of[group]) for group in nights.groups.values())
    assert found.counts["photos_copies"] == len(of) - 5
    assert found.index.total == len(of)


@settings(deadline=None, max_examples=8)
@given(rng=st.randoms(use_true_random=False), count=st.integers(1, 4))
def test_copies_found_night_by_night_are_those_found_all_at_once(
    family: Any, tmp_path_factory: pytest.TempPathFactory, rng: random.Random, count: int
) -> None:
    rows, of = family
    parts: list[Rows] = [{} for _ in range(count)]
    for sha256 in sorted(rows):
        rng.choice(parts)[sha256] = rows[sha256]
    nights = Nights(tmp_path_factory.mktemp("nights"))
    for part in parts:
        nights.add(part)
    assert partition(nights.groups) == of_one_picture(of)
    arrived = {sha256: night for night, part in enumerate(parts) for sha256 in part}
    for members in partition(nights.groups):
        first = min(members, key=lambda sha256: (arrived[sha256], sha256))
        assert {nights.groups[sha256] for sha256 in members} == {first}


def test_copies_do_not_depend_on_how_many_candidates_are_looked_at_at_once(
    family: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, of = family
    names = sorted(rows)
    for at_once in (3, 20):
        monkeypatch.setattr(copy_search, "PAIRS_AT_ONCE", at_once)
        nights = Nights(tmp_path / str(at_once))
        for part in (names[::3], names[1::3], names[2::3]):
            nights.add({name: rows[name] for name in part})
        assert partition(nights.groups) == of_one_picture(of)


def test_an_index_that_is_lost_is_built_anew_and_finds_the_same(family: Any, tmp_path: Path) -> None:
    rows, of = family
    names = sorted(rows)
    nights = Nights(tmp_path)
    nights.add({name: rows[name] for name in names[::2]})
    for file in (Path(nights.lake.url) / "index").iterdir():
        file.unlink()
    nights.add({name: rows[name] for name in names[1::2]})
    assert partition(nights.groups) == of_one_picture(of)
    assert nights.curate is not None
    assert nights.curate.facts["index"]["total"] == len(of)


def test_refused_photos_are_compared_with_nothing(family: Any, tmp_path: Path) -> None:
    rows, of = family
    first, second = (sorted(name for name in of if of[name] == 0))[:2]
    nights = Nights(tmp_path)
    nights.add({first: {**rows[first], "verdict": "photo.blank"}})
    nights.add({second: rows[second]})
    assert nights.groups == {first: None, second: second}


def test_a_photo_refused_after_it_was_filed_is_no_copy_of_anything(family: Any, tmp_path: Path) -> None:
    rows, of = family
    first, second = (sorted(name for name in of if of[name] == 0))[:2]
    nights = Nights(tmp_path)
    nights.add({first: rows[first]})
    gone = {**rows[first], "verdict": "photo.forgotten", "copy_group": None}
    nights.lake.tables.upsert(PHOTOS, rows_of(PHOTOS, [gone]))
    nights.add({second: rows[second]})
    assert nights.groups[second] == second


def test_a_night_without_photos_keeps_the_index(family: Any, tmp_path: Path) -> None:
    rows, _ = family
    nights = Nights(tmp_path)
    before = nights.add(rows).index
    found = nights.add({})
    assert (found.rows.num_rows, found.index) == (0, before)


def test_many_photos_of_one_picture_are_not_all_compared_with_each_other(family: Any, tmp_path: Path) -> None:
    rows, _ = family
    row = rows[min(rows)]
    alike = {f"{number:064x}": {**row, "sha256": f"{number:064x}"} for number in range(300)}
    nights = Nights(tmp_path)
    found = nights.add(alike)
    assert len(partition(nights.groups)) == 1
    assert found.counts["photos_compared"] < 300 * 299 / 2 / 4
