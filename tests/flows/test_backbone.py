"""`autodetect backbone`: a change is proposed, embedded ahead, and refused where it cannot be meant."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from autodetect.lake.lake import Lake
from autodetect.lake.lease import hold
from autodetect.lake.schemas import PHOTOS
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt
from tests.dataset.photo_lakes import lake_of_photos, shards_of, tiny_settings
from tests.flows.program import Program

NIGHT = date(2026, 11, 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Lake]:
    """The program beside a lake that has curated five photos, and trained nothing yet."""
    folder: Path = tmp_path_factory.mktemp("backbone")
    lake, photos = lake_of_photos(tiny_settings(folder), folder / "work", 5)
    rows = [{"sha256": sha256, "night": NIGHT, "verdict": "ok", "copy_group": sha256} for sha256 in photos]
    versions = {"photos": lake.tables.upsert(PHOTOS, rows_of(PHOTOS, rows))}
    commit(lake, Receipt(night=NIGHT, stage="curate", run_id="r", versions=versions))
    variables = {
        "AUTODETECT_LAKE": str(folder / "lake"),
        "AUTODETECT_BACKBONE__ARCHITECTURE": "tiny",
        "AUTODETECT_BACKBONE__ENGINE": "keras",
        "AUTODETECT_BACKBONE__BATCH_SIZE": "4",
    }
    return Program(folder, folder, folder, variables), lake


@pytest.fixture
def with_champion(place: tuple[Program, Lake]) -> Iterator[None]:
    """As long as a test lasts, the last night trained a champion."""
    commit(place[1], Receipt(night=NIGHT, stage="train", run_id="r", facts={"champion": {"backbone": "c" * 64}}))
    yield
    commit(place[1], Receipt(night=NIGHT, stage="train", run_id="r", facts={"champion": None}))


def commit(lake: Lake, receipt: Receipt) -> None:
    lake.receipts.commit(receipt, datetime.now(UTC))


def test_a_change_is_proposed_then_embedded_ahead_then_shown(place: tuple[Program, Lake]) -> None:
    program, lake = place
    none = program.run("backbone", "renew")
    assert (none.code, "no next backbone" in none.err) == (2, True)
    proposed = program.run("backbone", "change", "--input-size", "128", "--geometry", "letterbox", "--json")
    assert proposed.code == 0, proposed.err
    assert proposed.json()["preprocessing"] == "letterbox-bilinear-v1@128"
    part = program.run("backbone", "renew", "--most", "2", "--json")
    assert part.code == 0, part.err
    assert part.json() == {"backbone": proposed.json()["digest"], "made": 2, "left": 3, "lost": 0}
    rest = program.run("backbone", "renew")
    assert "3 embeddings made, 0 left" in rest.out
    assert "photos: 3 of 3 embedded" in rest.err
    assert len(shards_of(lake)) == 2
    shown = program.run("backbone", "show", "--json").json()
    assert shown["next"] == proposed.json()
    assert shown["pinned"]["preprocessing"] == "squash-bilinear-v1@96"
    assert "next     " in program.run("backbone", "show").out


def test_what_is_pinned_already_is_no_change(place: tuple[Program, Lake]) -> None:
    same = place[0].run("backbone", "change")
    assert (same.code, "stands on that very backbone" in same.err) == (2, True)


@pytest.mark.usefixtures("with_champion")
def test_random_weights_are_refused_where_a_champion_is(place: tuple[Program, Lake]) -> None:
    refused = place[0].run("backbone", "change", "--input-size", "160")
    assert refused.code == 2
    assert "random weights were asked for, and there is a champion" in refused.err
    assert "--weights FILE" in refused.err


def test_a_running_night_is_not_disturbed(place: tuple[Program, Lake]) -> None:
    program, lake = place
    with hold(lake.objects, run_id="night", clock=time.time, expiry_s=60, heartbeat_s=5):
        busy = program.run("backbone", "change", "--input-size", "160")
    assert (busy.code, "holds the lease" in busy.err) == (5, True)
