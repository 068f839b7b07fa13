"""Photo intake: each new photo is described once, and its copies are found whichever night they come on."""

import io
import random
from datetime import date
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autodetect.dataset.photo_intake import Intake, group_copies, take_in
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.engine import from_bytes
from autodetect.lake.blobs import BlobStore
from autodetect.lake.objects import LocalStore
from autodetect.lake.schemas import EMBEDDINGS, PHOTOS
from autodetect.lake.tables import rows_of
from autodetect.settings import Settings
from autodetect.validation.check import check
from autodetect.validation.rules import photo_suite
from crawlers.sandbox.painting.tampering import COPY_KINDS, broken, copied

SETTINGS = Settings().with_values({"backbone.batch_size": 4})
NIGHTS = [date(2026, 11, day) for day in range(1, 10)]
SIDE = 96
RECORD = BackboneRecord(requested="random", resolved="random", seed=0, input_size=SIDE, preprocessing="p", digest="d")


def picture(seed: int) -> bytes:
    """A JPEG of coarse random blots."""
    blots = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    target = io.BytesIO()
    Image.fromarray(blots).resize((240, 180), Image.Resampling.BICUBIC).save(target, "JPEG", quality=90)
    return target.getvalue()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> BlobStore:
    return BlobStore(LocalStore(tmp_path_factory.mktemp("photos")), "photos")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), keras.layers.GlobalAveragePooling2D()])


def taken(new: list[str], photos: BlobStore, model: Any, night: date = NIGHTS[0]) -> Intake:
    return take_in(sorted(new), photos=photos, model=model, backbone=RECORD, settings=SETTINGS, night=night)


def test_every_photo_is_described_and_every_readable_one_embedded(photos: BlobStore, model: Any) -> None:
    sound = [photos.put(picture(seed)) for seed in range(9)]
    bad = {kind: photos.put(broken(picture(99), kind)) for kind in ("truncated", "html", "empty", "pixel")}
    intake = taken([*sound, *bad.values()], photos, model)
    assert set(intake.rows) == {*sound, *bad.values()}
    assert sorted(row["sha256"] for row in intake.embeddings) == sorted(sound)
    facts = {row["sha256"]: row for row in intake.facts.to_dict("records")}
    assert {kind: facts[sha256]["defect"] for kind, sha256 in bad.items() if kind != "pixel"} == {
        "truncated": "photo.truncated",
        "html": "photo.not_an_image",
        "empty": "photo.empty",
    }
    assert intake.facts.set_index("sha256")["defect"][[bad["pixel"], *sound]].isna().all()
    assert facts[bad["pixel"]]["short_side"] == 1
    for sha256 in sound:
        row = intake.rows[sha256]
        assert (row["format"], row["width"], row["height"], row["night"]) == ("JPEG", 240, 180, NIGHTS[0])
        assert row["bytes"] == len(photos.read(sha256))
        assert facts[sha256]["contrast"] > 20
    rows_of(PHOTOS, intake.rows.values())
    assert rows_of(EMBEDDINGS, intake.embeddings).num_rows == 9


def test_the_suites_can_judge_what_the_intake_says(photos: BlobStore, model: Any, tmp_path: Path) -> None:
    bad = {photos.put(broken(picture(98), kind)): kind for kind in ("truncated", "html", "empty", "pixel")}
    intake = taken([photos.put(picture(1)), *bad], photos, model)
    found = check([(photo_suite(SETTINGS), intake.facts)], docs=tmp_path, run_name="n").findings
    named = {finding.rule.name: {bad[sha256] for (sha256,), _ in finding.rows} for finding in found}
    assert named == {"photo.unreadable": {"truncated", "html", "empty"}, "photo.too_small": {"pixel"}}


def test_a_photos_row_and_vector_do_not_depend_on_its_company(photos: BlobStore, model: Any) -> None:
    digests = [photos.put(picture(seed)) for seed in range(11)]
    together = taken(digests, photos, model)
    for one in digests[:3]:
        apart = taken([one], photos, model)
        assert apart.rows[one] == together.rows[one]
        (vector,) = (row["vector"] for row in together.embeddings if row["sha256"] == one)
        assert apart.embeddings[0]["vector"] == vector
    assert from_bytes([together.embeddings[0]["vector"]], 3).shape == (1, 3)


def test_a_night_without_new_photos_takes_in_nothing(photos: BlobStore, model: Any) -> None:
    intake = taken([], photos, model)
    assert (len(intake.facts), intake.rows, intake.embeddings) == (0, {}, [])
    assert group_copies(PHOTOS.schema.empty_table(), intake, SETTINGS) == {}


@pytest.fixture(scope="module")
def family(photos: BlobStore, model: Any) -> tuple[list[str], dict[str, dict[str, Any]], dict[str, int]]:
    """Four pictures with copies of every kind: digests, rows, and which picture each is of."""
    of = {}
    for seed in range(4):
        of[photos.put(picture(seed))] = seed
        for kind in COPY_KINDS[seed:]:
            of[photos.put(copied(picture(seed), kind))] = seed
    return sorted(of), taken(list(of), photos, model).rows, of


def grouped(nights: list[list[str]], rows: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The copy group of every photo when they come on these nights."""
    known: dict[str, dict[str, Any]] = {}
    for night, arrivals in zip(NIGHTS, nights, strict=False):
        intake = Intake(rows={sha256: {**rows[sha256], "night": night} for sha256 in arrivals})
        groups = group_copies(rows_of(PHOTOS, known.values()), intake, SETTINGS)
        known |= intake.rows
        for sha256, group in groups.items():
            known[sha256] = {**known[sha256], "copy_group": group}
    return {sha256: row["copy_group"] for sha256, row in known.items()}


def partition(groups: dict[str, str]) -> set[frozenset[str]]:
    found: dict[str, set[str]] = {}
    for sha256, group in groups.items():
        found.setdefault(group, set()).add(sha256)
    return {frozenset(members) for members in found.values()}


def test_all_copies_of_a_picture_are_one_group_named_after_a_member(family: Any) -> None:
    digests, rows, of = family
    groups = grouped([digests], rows)
    assert set(groups) == set(digests)
    assert all(group in members for members in partition(groups) for group in {groups[member] for member in members})
    assert all(len({of[sha256] for sha256 in members}) == 1 for members in partition(groups))
    assert len(partition(groups)) == 4


@settings(deadline=None, max_examples=25)
@given(st.randoms(), st.integers(1, 5))
def test_copies_found_night_by_night_are_those_found_all_at_once(family: Any, rng: random.Random, nights: int) -> None:
    digests, rows, _ = family
    parts: list[list[str]] = [[] for _ in range(nights)]
    for sha256 in digests:
        rng.choice(parts).append(sha256)
    by_night = grouped(parts, rows)
    assert partition(by_night) == partition(grouped([digests], rows))
    arrived = {sha256: n for n, arrivals in enumerate(parts) for sha256 in arrivals}
    for members in partition(by_night):
        first = min(members, key=lambda sha256: (arrived[sha256], sha256))
        assert {by_night[sha256] for sha256 in members} == {first}


def test_a_copy_that_joins_two_groups_renames_the_younger(family: Any) -> None:
    _, rows, _ = family
    one, two, three = sorted(rows)[:3]
    known = [
        {**rows[one], "night": NIGHTS[0], "copy_group": one},
        {**rows[two], "night": NIGHTS[1], "copy_group": two},
    ]
    look = {name: rows[three][name] for name in ("phash", "phash_mirror", "phash_crops", "thumbnail")}
    known = [{**row, **look} for row in known]
    groups = group_copies(rows_of(PHOTOS, known), Intake(rows={three: rows[three]}), SETTINGS)
    assert groups == {two: one, three: one}


def test_refused_photos_are_compared_with_nothing(family: Any) -> None:
    digests, rows, _ = family
    refused = {sha256: {**rows[sha256], "verdict": "photo.blank"} for sha256 in digests}
    assert group_copies(PHOTOS.schema.empty_table(), Intake(rows=refused), SETTINGS) == {}
    known: pa.Table = rows_of(PHOTOS, refused.values())
    new = {digests[0]: rows[digests[0]]}
    assert group_copies(known, Intake(rows=new), SETTINGS) == {digests[0]: digests[0]}
