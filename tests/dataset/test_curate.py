"""The curate stage on a real lake: every night counts once, curated or not; imports are no offers; a logo is no car."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from autodetect.dataset.curate import curate
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.quarantine import refuse
from autodetect.lake.schemas import LISTING_PHOTOS, LISTINGS, PHOTOS, SEEN, SIGHTINGS
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, Refusal, Sighting, StageRun
from autodetect.settings import Settings

NIGHTS = tuple(date(2026, 11, day) for day in range(1, 6))
NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(Settings(lake=str(tmp_path / "lake")), create=True)


def crawled(
    lake: Lake, night: date, *item_ids: str, missing: tuple[str, ...] = (), seen: str | None = "", **facts: Any
) -> Receipt:
    """Write what a crawl writes that read these listings and missed those; `seen` names all that it saw, `facts` all.

    Args:
        seen: item ids that the search showed, separated by blanks; '' for those that were read.
    """
    said = {"make": "Ford", "model": "Mustang", "price": "9000", "currency": "USD", "year": "2012", "mileage": "50000"}
    about = {"source": "sandbox", "observed_on": night}
    sightings = [Sighting(**{"kind": "asking", **about, "item_id": item_id, **said, **facts}) for item_id in item_ids]
    sightings += [Sighting(**about, item_id=item_id, kind="missing") for item_id in missing]
    rows = [
        {**s.model_dump(exclude={"aspects"}), "night": night, "digest": s.digest, "aspects": "{}"} for s in sightings
    ]
    shown = item_ids if seen == "" else (seen or "").split()
    seen_rows = [
        {"source": "sandbox", "item_id": item_id, "night": night, "slice": f"slice {night.day}"} for item_id in shown
    ]
    return Receipt(
        night=night,
        stage="crawl",
        run_id="r",
        versions={
            "sightings": lake.tables.upsert(SIGHTINGS, rows_of(SIGHTINGS, rows)),
            "seen": lake.tables.upsert(SEEN, rows_of(SEEN, seen_rows)),
        },
    )


def curated(lake: Lake, folder: Path, crawl: Receipt, *earlier: Receipt) -> Receipt:
    """Curate the night of a crawl; `earlier` are the receipts of nights before it, oldest first."""
    before = {receipt.stage: receipt for receipt in earlier}
    run = StageRun(night=crawl.night, run_id="r", now=NOW, inputs={"crawl": crawl}, earlier=before)
    done = curate(Settings(), lake, run, work=folder, docs=folder / "docs")
    return done.model_copy(update={"inputs": {"crawl": crawl.digest}})


def listings(lake: Lake, done: Receipt) -> dict[str, dict[str, Any]]:
    rows = lake.tables.read(LISTINGS, version=done.versions["listings"]).to_pylist()
    return {row["item_id"]: row for row in rows}


def test_what_a_held_night_crawled_is_curated_by_the_next(lake: Lake, tmp_path: Path) -> None:
    held = crawled(lake, NIGHTS[0], "1", "2")
    tonight = crawled(lake, NIGHTS[1], "2", "3", price="8000")
    rows = listings(lake, curated(lake, tmp_path, tonight, held))
    assert {item_id: row["asking_price"] for item_id, row in rows.items()} == {"1": 9000.0, "2": 8000.0, "3": 8000.0}
    assert {item_id: (row["first_seen"], row["last_seen"], row["last_slice"]) for item_id, row in rows.items()} == {
        "1": (NIGHTS[0], NIGHTS[0], "slice 1"),
        "2": (NIGHTS[0], NIGHTS[1], "slice 2"),
        "3": (NIGHTS[1], NIGHTS[1], "slice 2"),
    }


def test_what_was_curated_before_is_not_read_again(lake: Lake, tmp_path: Path) -> None:
    first = crawled(lake, NIGHTS[0], "1")
    done = curated(lake, tmp_path, first)
    second = crawled(lake, NIGHTS[1], "2")
    assert curated(lake, tmp_path, second, first, done).counts["sightings"] == 1


def test_a_listing_ends_after_two_nights_without_it_and_comes_back_when_seen(lake: Lake, tmp_path: Path) -> None:
    story: list[Receipt] = []
    told = []
    for night, missing, seen in ((0, "", "1 2"), (1, "1", "2"), (2, "", "2"), (3, "1", "2"), (4, "", "1 2")):
        read = ("1", "2") if night == 0 else ()
        story.append(crawled(lake, NIGHTS[night], *read, missing=tuple(missing.split()), seen=seen))
        story.append(curated(lake, tmp_path, story[-1], *story[:-1]))
        counts, row = story[-1].counts, listings(lake, story[-1])["1"]
        told.append((row["status"], row["missed"], counts["listings_missing"], counts["listings_ended"]))
        assert listings(lake, story[-1])["2"]["status"] == "active"
    assert told == [
        ("active", 0, 0, 0),
        ("missing", 1, 1, 0),
        ("missing", 1, 0, 0),
        ("ended", 2, 0, 1),
        ("active", 0, 0, 0),
    ]
    assert (row["first_seen"], row["last_seen"], row["last_slice"]) == (NIGHTS[0], NIGHTS[4], "slice 5")


def test_a_night_that_was_never_curated_counts_once(lake: Lake, tmp_path: Path) -> None:
    first = crawled(lake, NIGHTS[0], "1", "2", "3")
    done = curated(lake, tmp_path, first)
    lost = crawled(lake, NIGHTS[1], missing=("1", "2", "3"), seen="")
    tonight = crawled(lake, NIGHTS[2], missing=("1",), seen="2")
    rows = listings(lake, curated(lake, tmp_path, tonight, first, done, lost))
    assert {item_id: (row["status"], row["missed"]) for item_id, row in rows.items()} == {
        "1": ("ended", 2),
        "2": ("active", 0),
        "3": ("missing", 1),
    }


def test_a_night_crawled_again_after_its_curation_counts_once(lake: Lake, tmp_path: Path) -> None:
    first = crawled(lake, NIGHTS[0], "1", "2")
    done = curated(lake, tmp_path, first)
    second = crawled(lake, NIGHTS[1], missing=("1", "2"), seen=None)
    done = curated(lake, tmp_path, second, first, done)
    again = crawled(lake, NIGHTS[1], missing=("1",), seen="2").model_copy(update={"counts": {"seen": 1}})
    tonight = crawled(lake, NIGHTS[2], seen=None)
    rows = listings(lake, curated(lake, tmp_path, tonight, done, again))
    assert {item_id: (row["status"], row["missed"]) for item_id, row in rows.items()} == {
        "1": ("missing", 1),
        "2": ("active", 0),
    }


def test_one_night_may_bring_sightings_of_every_kind(lake: Lake, tmp_path: Path) -> None:
    first = crawled(lake, NIGHTS[0], "1", "2", "3")
    done = curated(lake, tmp_path, first)
    said = {"source": "sandbox", "make": "Ford", "model": "Mustang", "observed_on": NIGHTS[1], "night": NIGHTS[1]}
    kinds = {"1": "missing", "2": "asking", "3": "sold", "4": "import", "5": "asking"}
    rows = [said | {"item_id": item_id, "kind": kind} for item_id, kind in kinds.items()]
    blank = {column.name: "" for column in SIGHTINGS.schema if column.type == "string"} | {"precision": "day"}
    tonight = crawled(lake, NIGHTS[1], seen="2 5")
    version = lake.tables.upsert(SIGHTINGS, rows_of(SIGHTINGS, [blank | row for row in rows]))
    tonight = tonight.model_copy(update={"versions": {**tonight.versions, "sightings": version}})
    found = listings(lake, curated(lake, tmp_path, tonight, first, done))
    statuses = {item_id: row["status"] for item_id, row in found.items()}
    assert statuses == {"1": "missing", "2": "active", "3": "sold", "4": "imported", "5": "active"}


def test_a_listing_that_waited_to_be_read_is_as_old_as_when_it_was_first_seen(lake: Lake, tmp_path: Path) -> None:
    first = crawled(lake, NIGHTS[0], "1", seen="1 2")
    done = curated(lake, tmp_path, first)
    assert set(listings(lake, done)) == {"1"}
    tonight = crawled(lake, NIGHTS[1], "2", seen="1")
    row = listings(lake, curated(lake, tmp_path, tonight, first, done))["2"]
    assert (row["first_seen"], row["last_seen"], row["last_slice"]) == (NIGHTS[0], NIGHTS[1], "slice 1")


def test_imports_need_no_price_and_become_vehicles(lake: Lake, tmp_path: Path) -> None:
    imported = [str(number) for number in range(60)]  # enough for a share of prices to be judged
    night = crawled(lake, NIGHTS[0], *imported, kind="import", price="", currency="", seen=None)
    done = curated(lake, tmp_path, night)
    assert done.facts["held"] == []
    assert done.counts["listings_imported"] == done.counts["vehicles_new"] == 60
    assert {row["status"] for row in listings(lake, done).values()} == {"imported"}


def test_imports_do_not_hide_that_the_offers_lack_their_prices(lake: Lake, tmp_path: Path) -> None:
    crawled(lake, NIGHTS[0], *(f"i{number}" for number in range(200)), kind="import", seen=None)
    night = crawled(lake, NIGHTS[0], *(str(number) for number in range(60)), price="")
    assert curated(lake, tmp_path, night).facts["held"] == ["listings.prices_missing"]


def test_a_night_that_is_tried_anew_is_not_held_for_what_its_first_try_refused(lake: Lake, tmp_path: Path) -> None:
    night = crawled(lake, NIGHTS[0], "1", "2", mileage="999999")
    assert curated(lake, tmp_path, night).counts["quarantine/listing.mileage_placeholder"] == 2
    refused = Refusal(table="photos", key="url", rule="crawl.empty")
    version, _ = refuse(lake.tables, [refused], night=NIGHTS[0], stage="crawl")
    again = night.model_copy(update={"versions": {**night.versions, "quarantine": version}})
    done = curated(lake, tmp_path, again)
    assert done.facts["held"] == []
    assert done.counts["quarantine/listing.mileage_placeholder"] == 2


def test_a_photo_that_vanished_is_refused_until_it_is_back(lake: Lake, tmp_path: Path) -> None:
    night = crawled(lake, NIGHTS[0], "1")
    gone = hashlib.sha256(b"no photo").hexdigest()
    row = {"source": "sandbox", "item_id": "1", "position": 0, "sha256": gone, "url": "u", "night": NIGHTS[0]}
    version = lake.tables.upsert(LISTING_PHOTOS, rows_of(LISTING_PHOTOS, [row]))
    night = night.model_copy(update={"versions": {**night.versions, "listing_photos": version}})
    done = curated(lake, tmp_path, night)
    assert (done.facts["held"], done.counts["quarantine/photo.missing"]) == ([], 1)
    lake.photos.put(b"no photo")
    later = curated(lake, tmp_path, crawled(lake, NIGHTS[1], "1"), night, done)
    assert later.counts["quarantine/photo.not_an_image"] == 1
    (found,) = lake.tables.read(PHOTOS, version=later.versions["photos"])["verdict"].to_pylist()
    assert found == "photo.not_an_image"
