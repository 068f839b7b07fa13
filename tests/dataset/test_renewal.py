"""Renewal: the lake's embeddings follow the engine, the views and the next backbone; what vanished stops no night."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from autodetect.dataset import renewal, vanished
from autodetect.dataset.embedded_so_far import by_identity, earlier_engines, held_in_table
from autodetect.dataset.embedding import Embedder
from autodetect.dataset.renewal import Renewal, renew
from autodetect.dataset.wanted_views import Photos
from autodetect.embeddings import backbone, pin
from autodetect.errors import CorruptError
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import EMBEDDINGS, LISTING_PHOTOS, PHOTOS, VEHICLES
from autodetect.lake.tables import rows_of
from autodetect.photos.street import STREET
from autodetect.records import Receipt
from tests.dataset.photo_lakes import lake_of_photos, shards_of, tiny_settings

NIGHT = date(2026, 11, 1)
KERAS, OPENVINO = "keras-tensorflow-fp32", "openvino-fp32"
SPLITS = ("train", "train", "validation", "test", "test")


class Nights:
    """A lake of ten photos, two of each of five cars, and its curations without the cleaning."""

    def __init__(self, folder: Path, photos: int = 10) -> None:
        self.folder = folder
        self.settings = tiny_settings(folder)
        self.lake, self.photos = lake_of_photos(self.settings, folder / "work", photos)
        self.last: Receipt | None = None
        self.verdicts = dict.fromkeys(self.photos, "ok")

    @property
    def state(self) -> Photos:
        photos = [
            {"sha256": sha256, "verdict": verdict, "copy_group": sha256} for sha256, verdict in self.verdicts.items()
        ]
        shows = [
            {"source": "s", "item_id": str(at % 5), "position": at, "sha256": sha256}
            for at, sha256 in enumerate(self.photos)
        ]
        cars = [
            {"source": "s", "item_id": str(at), "vehicle_id": f"car {at}", "split": split, "burned": False}
            for at, split in enumerate(SPLITS)
        ]
        return Photos(rows_of(PHOTOS, photos), rows_of(LISTING_PHOTOS, shows), rows_of(VEHICLES, cars))

    def night(self, **values: object) -> Renewal:
        """Renew, write the table and keep the receipt."""
        settings = tiny_settings(self.folder, **values)

        def read(table: object, **options: object) -> pa.Table:
            return self.lake.tables.read(EMBEDDINGS, **options)

        held = held_in_table(self.lake, read)
        embedder = Embedder(self.lake, settings, self.folder / "work", earlier_engines(self.last, self.lake, held))
        done = renew(embedder, self.state, held, EMBEDDINGS.schema.empty_table(), night=NIGHT)
        self.lake.tables.upsert(EMBEDDINGS, done.rows)
        self.last = Receipt(night=NIGHT, stage="curate", run_id="r", facts={"embeddings": done.facts})
        return done


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def views(rows: pa.Table) -> dict[tuple[str, str], set[str]]:
    return {(identity.engine, identity.view): photos for identity, photos in by_identity(rows).items()}


def propose(lake: Lake, folder: Path, seed: int) -> backbone.BackboneRecord:
    built = backbone.build(tiny_settings(folder, backbone__seed=seed).backbone)
    return pin.propose(lake.objects, built.model, built.record, folder / "work")


def test_every_sound_photo_has_a_plain_embedding_and_chosen_cars_a_street_one(nights: Nights) -> None:
    nights.verdicts[nights.photos[0]] = "photo.blank"
    first = nights.night()
    cars = {at: [nights.photos[at], nights.photos[at + 5]] for at in range(5)}
    streets = {min(cars[3]), min(cars[4])}
    assert views(first.current) == {(KERAS, "plain"): set(nights.photos[1:]), (KERAS, STREET): streets}
    assert first.facts == {
        "backbone": pin.read_pin(nights.lake.objects).digest,
        "preprocessing": "squash-bilinear-v1@96",
        "engine": KERAS,
        "evaluated_by": "",
        "views": ["plain", STREET],
        "next": None,
    }
    again = nights.night()
    assert (again.rows.num_rows, again.facts) == (0, first.facts)
    mirrored = nights.night(backbone__mirrored=True)
    trained = {*cars[0], *cars[1]} - {nights.photos[0]}
    assert views(mirrored.current) == {(KERAS, "mirror"): trained}
    assert mirrored.facts["views"] == ["plain", STREET, "mirror"]


def test_a_change_of_engine_embeds_everything_again_and_auto_keeps_to_it(nights: Nights) -> None:
    nights.night(evaluation__phone_vehicles=0)
    changed = nights.night(evaluation__phone_vehicles=0, backbone__engine="openvino")
    assert views(changed.current) == {(OPENVINO, "plain"): set(nights.photos)}
    assert changed.facts["engine"] == OPENVINO
    kept = nights.night(evaluation__phone_vehicles=0, backbone__engine="auto")
    assert (kept.rows.num_rows, kept.facts["engine"]) == (0, OPENVINO)


def test_shards_stay_until_a_receipt_names_their_rows(nights: Nights) -> None:
    nights.night()
    assert len(shards_of(nights.lake)) == 2  # plain and street: the table holds them, its receipt is not told of yet
    nights.night()
    assert shards_of(nights.lake) == []


def test_the_next_backbone_is_filled_a_part_each_night_and_becomes_the_pin_with_its_champion(nights: Nights) -> None:
    objects = nights.lake.objects
    nights.night()
    record = propose(nights.lake, nights.folder, seed=5)
    told = []
    for _ in range(3):
        done = nights.night(backbone__renew_per_night=7)
        told.append((done.ahead.num_rows, done.facts["next"]["missing"], done.current.num_rows))
    assert told == [(7, 5, 0), (5, 0, 0), (0, 0, 0)]
    assert done.facts["next"] == {
        "backbone": record.digest,
        "preprocessing": record.preprocessing,
        "engine": KERAS,
        "evaluated_by": "",
        "missing": 0,
    }
    pin.settle(objects, record.digest, None)
    after = nights.night()
    assert (after.facts["backbone"], after.facts["next"], after.rows.num_rows) == (record.digest, None, 0)


def test_what_was_made_ahead_in_shards_is_taken_beyond_the_nights_part(nights: Nights) -> None:
    nights.night()
    record = propose(nights.lake, nights.folder, seed=5)
    embedder = Embedder(nights.lake, nights.settings, nights.folder / "work")
    (job, *_) = renewal.missing_of(embedder, record, nights.state, {})
    for _ in embedder.compute(record, job.identity, job.photos[:6]):
        pass
    done = nights.night(backbone__renew_per_night=1)
    assert (done.ahead.num_rows, done.facts["next"]["missing"]) == (7, 5)


def test_a_photo_that_vanished_is_left_out_of_the_next_backbone_and_stops_nothing(nights: Nights) -> None:
    nights.night()
    propose(nights.lake, nights.folder, seed=5)
    gone = nights.photos[2]
    nights.lake.objects.delete(f"photos/{gone[:2]}/{gone}")
    done = nights.night()
    assert done.vanished == ()
    assert (done.facts["next"]["missing"], done.facts["next_lost"] >= 1) == (0, True)
    assert gone not in done.ahead["sha256"].to_pylist()


def test_photos_lost_before_a_new_backbone_are_missing_however_few_it_still_lacks(tmp_path: Path) -> None:
    nights = Nights(tmp_path, photos=60)
    nights.night(evaluation__phone_vehicles=0)
    record = propose(nights.lake, nights.folder, seed=5)
    gone = sorted(nights.photos[: renewal.FEW + 2])
    for sha256 in gone:
        nights.lake.objects.delete(f"photos/{sha256[:2]}/{sha256}")
    assert nights.night(evaluation__phone_vehicles=0).facts["next"]["missing"] == 0
    pin.settle(nights.lake.objects, record.digest, None)
    assert nights.night(evaluation__phone_vehicles=0).vanished == tuple(gone)


def test_a_damaged_photo_stops_no_night_for_the_next_backbone(nights: Nights, caplog: pytest.LogCaptureFixture) -> None:
    nights.night()
    propose(nights.lake, nights.folder, seed=5)
    damaged = nights.photos[2]
    nights.lake.objects.put(f"photos/{damaged[:2]}/{damaged}", b"no photo")
    assert nights.night().facts["next"]["missing"] > 0
    assert damaged in caplog.text


def test_a_next_backbone_whose_values_are_unfit_stops_no_night(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nights.night()
    built = backbone.build(tiny_settings(nights.folder, backbone__seed=6).backbone)
    built.model.set_weights([weight * 1e30 for weight in built.model.get_weights()])
    record = built.record.model_copy(update={"digest": backbone.digest_of(built.model, 96, architecture="tiny")})
    pin.propose(nights.lake.objects, built.model, record, nights.folder / "work")
    done = nights.night()
    assert done.facts["next"]["missing"] > 0
    assert done.ahead.num_rows == 0
    assert "cannot be embedded by tonight" in caplog.text


def test_a_photo_that_vanished_before_a_change_of_engine_is_missing(nights: Nights) -> None:
    nights.night()
    gone = nights.photos[2]
    nights.lake.objects.delete(f"photos/{gone[:2]}/{gone}")
    done = nights.night(backbone__engine="openvino")
    assert done.vanished == (gone,)
    assert gone not in done.current["sha256"].to_pylist()


def test_a_photo_store_that_is_empty_is_not_believed(tmp_path: Path) -> None:
    nights = Nights(tmp_path, photos=25)
    nights.night()
    for sha256 in nights.photos:
        nights.lake.objects.delete(f"photos/{sha256[:2]}/{sha256}")
    with pytest.raises(CorruptError, match="not in the photo store"):
        nights.night(backbone__engine="openvino")


def test_a_copy_group_is_named_anew_after_a_photo_that_is_there() -> None:
    first, second, third, alone = (letter * 64 for letter in "abcd")
    rows = [
        {"sha256": first, "night": date(2026, 11, 1), "verdict": "ok", "copy_group": first},
        {"sha256": third, "night": date(2026, 11, 2), "verdict": "ok", "copy_group": first},
        {"sha256": second, "night": date(2026, 11, 3), "verdict": "ok", "copy_group": first},
        {"sha256": alone, "night": date(2026, 11, 1), "verdict": "ok", "copy_group": alone},
    ]
    known = rows_of(PHOTOS, rows)
    tonight = rows_of(PHOTOS, [{**rows[2], "bytes": 7}])
    found, refusals = vanished.with_missing(tonight, [first, alone], known, lambda table, where: known.filter(where))
    told = {row["sha256"]: (row["verdict"], row["copy_group"], row["bytes"]) for row in found.to_pylist()}
    assert told == {
        first: ("photo.missing", third, None),
        third: ("ok", third, None),
        second: ("ok", third, 7),
        alone: ("photo.missing", alone, None),
    }
    assert [(refusal.key, refusal.rule) for refusal in refusals] == [
        (first, "photo.missing"),
        (alone, "photo.missing"),
    ]
    assert vanished.with_missing(tonight, [], known, pytest.fail) == (tonight, [])
