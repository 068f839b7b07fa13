"""What the report gathers of a training set: labels, photos and addresses from the lake that the receipts name."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

from autodetect.dataset.candidates import Conflict, ShownAs
from autodetect.dataset.training_set import TrainingSetFacts
from autodetect.lake.lake import open_lake
from autodetect.lake.schemas import CLASSES, LISTINGS
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, StageRun
from autodetect.report.gather import Gatherer
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)


def gatherer(tmp_path: Path, facts: TrainingSetFacts | None, photo: bytes = b"") -> Gatherer:
    lake = open_lake(Settings(lake=str(tmp_path / "lake")), create=True)
    lake.tables.append(CLASSES, rows_of(CLASSES, [{"class_id": 3, "label": "Audi TT"}]))
    listings = [{"source": "s", "item_id": "1", "url": "http://x/1"}, {"source": "other", "item_id": "1", "url": "no"}]
    lake.tables.append(LISTINGS, rows_of(LISTINGS, listings))
    lake.photos.put(photo)
    versions = {table.name: lake.tables.version(table) for table in (CLASSES, LISTINGS)}
    told = {"training_set": facts.model_dump(mode="json")} if facts else {}
    train = Receipt(night=NIGHT, stage="train", run_id="r", versions=versions, facts=told)
    run = StageRun(night=NIGHT, run_id="r", now=datetime(2026, 11, 1, tzinfo=UTC), inputs={"train": train})
    return Gatherer(lake, run, tmp_path / "photos")


def test_a_conflict_comes_with_its_photos_and_where_they_are_offered(tmp_path: Path) -> None:
    photo = b"a photo"
    sha256 = hashlib.sha256(photo).hexdigest()
    shown = tuple(ShownAs(make_model_id=f"m/{n}", listing=f"s/{n}", photo=sha256) for n in (1, 2))
    facts = TrainingSetFacts(
        classes={"3": {"train": [5, 4]}},
        conflicts=(Conflict(rule="vehicle.models_conflict", key="v", shown=shown, more=1),),
        conflicts_in_all=1,
    )
    found = gatherer(tmp_path, facts, photo).training_set()
    assert found is not None
    (size,), (conflict,) = found.smallest, found.conflicts
    assert (size.label, size.train_vehicles, size.train_photos) == ("Audi TT", 4, 5)
    assert (conflict.what, conflict.more) == ("vehicle", 1)
    assert [(each.listing, each.url) for each in conflict.shown] == [("s/1", "http://x/1"), ("s/2", "")]
    assert {each.path.read_bytes() for each in conflict.shown} == {photo}


def test_a_receipt_that_tells_nothing_of_it_shows_nothing(tmp_path: Path) -> None:
    assert gatherer(tmp_path, None).training_set() is None
