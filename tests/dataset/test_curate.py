"""The curate stage on a real lake: what no earlier night curated is not forgotten; a logo is no vehicle."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from autodetect.dataset.curate import _memberships, curate
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import LISTING_PHOTOS, LISTINGS, SEEN, SIGHTINGS, VEHICLES
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, Sighting, StageRun
from autodetect.settings import Settings

NIGHTS = (date(2026, 11, 1), date(2026, 11, 2))
NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(Settings(lake=str(tmp_path / "lake")), create=True)


def crawled(lake: Lake, night: date, *item_ids: str, price: str = "9000") -> Receipt:
    """Write what a crawl of these listings writes."""
    sightings = [
        Sighting(
            source="sandbox",
            item_id=item_id,
            kind="asking",
            observed_on=night,
            make="Ford",
            model="Mustang",
            price=price,
            currency="USD",
            year="2012",
            mileage="50000",
        )
        for item_id in item_ids
    ]
    rows = [
        {**s.model_dump(exclude={"aspects"}), "night": night, "digest": s.digest, "aspects": "{}"} for s in sightings
    ]
    seen = [{"source": "sandbox", "item_id": item_id, "night": night} for item_id in item_ids]
    return Receipt(
        night=night,
        stage="crawl",
        run_id="r",
        versions={
            "sightings": lake.tables.upsert(SIGHTINGS, rows_of(SIGHTINGS, rows)),
            "seen": lake.tables.upsert(SEEN, rows_of(SEEN, seen)),
        },
        facts={"complete": False},
    )


def listings_after(lake: Lake, run: StageRun, folder: Path) -> dict[str, float]:
    receipt = curate(Settings(), lake, run, work=folder, docs=folder / "docs")
    rows = lake.tables.read(LISTINGS, version=receipt.versions["listings"]).to_pylist()
    return {row["item_id"]: row["asking_price"] for row in rows}


def test_what_a_held_night_crawled_is_curated_by_the_next(lake: Lake, tmp_path: Path) -> None:
    held = crawled(lake, NIGHTS[0], "1", "2")
    tonight = crawled(lake, NIGHTS[1], "2", "3", price="8000")
    run = StageRun(night=NIGHTS[1], run_id="r", now=NOW, inputs={"crawl": tonight}, earlier={"crawl": held})
    assert listings_after(lake, run, tmp_path) == {"1": 9000.0, "2": 8000.0, "3": 8000.0}


def test_what_was_curated_before_is_not_read_again(lake: Lake, tmp_path: Path) -> None:
    first = crawled(lake, NIGHTS[0], "1")
    run = StageRun(night=NIGHTS[0], run_id="r", now=NOW, inputs={"crawl": first})
    done = curate(Settings(), lake, run, work=tmp_path, docs=tmp_path / "docs")
    done = done.model_copy(update={"inputs": {"crawl": first.digest}})
    second = crawled(lake, NIGHTS[1], "2")
    run = StageRun(
        night=NIGHTS[1], run_id="r", now=NOW, inputs={"crawl": second}, earlier={"crawl": first, "curate": done}
    )
    receipt = curate(Settings(), lake, run, work=tmp_path, docs=tmp_path / "docs")
    assert receipt.counts["sightings"] == 1


def tied(models: list[str]) -> int:
    """Return how many vehicles listings of these models become that all show one picture."""
    listings = [
        {"source": "s", "item_id": str(i), "make_model_id": m, "asking_price": 1.0, "status": "active", "vin": None}
        for i, m in enumerate(models)
    ]
    photos = [
        {"source": "s", "item_id": str(i), "position": 0, "sha256": "p", "url": "u", "night": NIGHTS[0]}
        for i in range(len(models))
    ]
    found = _memberships(
        VEHICLES.schema.empty_table(), listings, rows_of(LISTING_PHOTOS, photos), {"p": "p"}, NIGHTS[0]
    )
    return len({member.vehicle_id for member in found.values()})


def test_a_shared_photo_makes_one_vehicle_even_under_a_wrong_model() -> None:
    assert tied(["a/a", "a/a", "b/b"]) == 1


def test_a_picture_of_many_models_is_a_logo_and_ties_nothing() -> None:
    assert tied(["a/a", "b/b", "c/c", "c/c"]) == 4
