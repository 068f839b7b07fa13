"""The training set of a night, from tables in memory: the same tables give the same bytes, and facts tell the rest."""

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autodetect.dataset.training_set import TrainingSetFacts, choose_training_set
from autodetect.errors import HeldError
from autodetect.lake.schemas import LISTINGS, PHOTOS, QUARANTINE, VEHICLES
from autodetect.settings import Settings
from tests.dataset.lake_tables import NIGHT, Tables


@pytest.fixture
def tables() -> Tables:
    found = Tables()
    found.add_cars("ford/mustang", 20)
    found.add_cars("audi/tt", 14)
    return found


def images(rows: pa.Table) -> tuple[bytes, bytes]:
    """The rows as Arrow IPC and as Parquet."""
    stream, parquet = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_stream(stream, rows.schema) as writer:
        writer.write_table(rows)
    pq.write_table(rows, parquet)
    return stream.getvalue(), parquet.getvalue()


def test_the_same_tables_in_any_order_give_the_same_bytes(tables: Tables) -> None:
    tables.choose(max_photos_per_vehicle=1)
    state, seen = {name: list(rows) for name, rows in tables.rows.items()}, set()
    for seed in range(4):
        for name, rows in state.items():
            tables.rows[name] = random.Random(seed).sample(rows, len(rows))
        again = choose_training_set(
            tables.read, Settings(dataset={"max_photos_per_class": 9}), night=tables.night, before=tables.before
        )
        assert again.shot.rows["sha256"].num_chunks == 1
        seen.add((again.shot.snapshot_id, *images(again.shot.rows), again.facts.model_dump_json(), str(again.refusals)))
    assert len(seen) == 1


def test_the_first_night_admits_classes_and_has_nothing_to_compare_with(tables: Tables) -> None:
    chosen = tables.choose()
    assert chosen.shot.class_ids == (0, 1)
    assert chosen.facts.changes is None
    assert chosen.facts.classes["1"]["test"] == [6, 3]
    assert (chosen.counts["classes_new"], chosen.counts["photos"], chosen.counts["photos_capped"]) == (2, 68, 0)
    assert chosen.facts.by_photo is not None
    assert chosen.facts.by_photo.seen == chosen.facts.by_photo.by_vehicle > 0


def test_without_classes_there_is_nothing_to_tell() -> None:
    chosen = Tables().choose()
    assert (chosen.shot.class_ids, chosen.refusals, chosen.facts) == ((), [], TrainingSetFacts())


def test_the_next_night_tells_what_came_went_and_why(tables: Tables) -> None:
    tables.choose()
    tables.add_cars("ford/mustang", 2)
    tables.change(PHOTOS, of="audi/tt#000 0", verdict="photo.not_a_car")
    tables.change(LISTINGS, of="ford/mustang#000", make_model_id="audi/tt")
    changes = tables.choose().facts.changes
    assert changes is not None
    assert (changes.added, changes.removed, changes.moved) == (4, 1, 2)
    assert changes.removed_by == {"photo.not_a_car": 1}
    assert [(each.class_id, each.photos) for each in changes.grown_most] == [(1, 2), (0, 1)]
    assert not tables.choose().facts.changes.anything  # type: ignore[union-attr]


def test_a_capped_class_keeps_what_it_chose(tables: Tables) -> None:
    caps = {"max_photos_per_class": 10}
    first = tables.choose(**caps)
    tables.add_cars("ford/mustang", 20)
    second = tables.choose(**caps)
    train = [
        {row["sha256"] for row in each.shot.rows.to_pylist() if row["class_id"] == 1 and row["split"] == "train"}
        for each in (first, second)
    ]
    assert len(train[0]) == 10
    assert train[1] == train[0]
    lowered = tables.choose(max_photos_per_class=8).facts.changes
    assert lowered is not None
    assert lowered.removed_by == {"cap.photos_per_class": 4}


def test_a_class_that_grew_too_thin_is_told_and_goes_on(tables: Tables) -> None:
    tables.choose()
    for number in (1, 3):
        tables.change(LISTINGS, of=f"audi/tt#{number:03d}", make_model_id=None)
    chosen = tables.choose()
    assert [(thin.label, thin.vehicles, thin.validation, thin.test) for thin in chosen.facts.thin] == [
        ("Audi Tt", 12, 2, 2)
    ]
    assert chosen.shot.class_ids == (0, 1)
    assert chosen.facts.changes is not None
    assert chosen.facts.changes.removed_by == {"listing.no_class": 4}


@pytest.mark.parametrize(("sellers", "classes"), [(4, 2), (5, 3)])
def test_a_name_that_nobody_vouches_for_waits_for_review(tables: Tables, sellers: int, classes: int) -> None:
    tables.add_cars("edsel/ranger", 14, sellers=sellers)
    chosen = tables.choose()
    assert len(chosen.shot.class_ids) == classes
    assert [waiting.label for waiting in chosen.facts.waiting] == ["Edsel Ranger"] * (classes == 2)


def test_conflicts_are_listed_for_a_person(tables: Tables) -> None:
    tables.change(PHOTOS, of="audi/tt#002 1", copy_group="ford/mustang#002 1")
    tables.change(VEHICLES, of="audi/tt#002", vehicle_id="v ford/mustang#002")
    facts = tables.choose().facts
    # The shared picture is one case, and the vehicle's other photos, under either name, are another.
    assert [(each.rule, each.key) for each in facts.conflicts] == [
        ("photo.models_conflict", "ford/mustang#002 1"),
        ("vehicle.models_conflict", "v ford/mustang#002"),
    ]
    assert [each.photo for each in facts.conflicts[0].shown] == ["audi/tt#002 1", "ford/mustang#002 1"]
    assert facts.conflicts_in_all == 2


def test_what_was_trained_on_is_never_evaluated_again(tables: Tables) -> None:
    tables.choose()
    assert tables.change(VEHICLES, of="ford/mustang#000")["split"] == "train"
    tables.change(VEHICLES, of="ford/mustang#000", split="test", vehicle_id="another name")
    chosen = tables.choose()
    assert {refusal.key for refusal in chosen.refusals} == {"ford/mustang#000 0", "ford/mustang#000 1"}
    assert chosen.facts.changes is not None
    assert chosen.facts.changes.removed_by == {"photo.trained_before": 2}


def test_cars_that_grouping_left_apart_are_found_by_their_vin(tables: Tables) -> None:
    for number, split in ((4, "train"), (5, "validation")):
        assert tables.change(LISTINGS, of=f"audi/tt#{number:03d}", vin="WAUZZZ8N") is not None
        assert tables.change(VEHICLES, of=f"audi/tt#{number:03d}")["split"] == split
    with pytest.raises(HeldError, match=r"vin WAUZZZ8N \(train: sandbox/audi/tt#004, validation: sandbox/audi/tt#005"):
        tables.choose()


def test_cars_that_share_a_picture_across_splits_stop_the_night_unless_curation_cut_the_tie(tables: Tables) -> None:
    tables.change(PHOTOS, of="audi/tt#005 1", copy_group="audi/tt#004 1")
    with pytest.raises(HeldError, match="copy audi/tt#004 1"):
        tables.choose()
    tie = {"table": "vehicles", "key": "copy:audi/tt#005 1", "stage": "curate", "night": NIGHT}
    tables.rows[QUARANTINE.name].append({**tie, "rule": "copy.stock_photo"})
    chosen = tables.choose()
    assert {(refusal.key, refusal.rule) for refusal in chosen.refusals} == {
        ("audi/tt#004 1", "photo.shared_across_splits")
    }


def test_a_tie_that_was_cut_on_suspicion_keeps_its_cars_out_of_evaluation(tables: Tables) -> None:
    for number in (4, 5):
        tables.change(LISTINGS, of=f"audi/tt#{number:03d}", vin="WAUZZZ8N")
        tables.change(VEHICLES, of=f"audi/tt#{number:03d}", cut_ties=["vin:WAUZZZ8N"])
    chosen = tables.choose(min_validation=2)
    assert {(refusal.key, refusal.rule) for refusal in chosen.refusals} == {("v audi/tt#005", "vehicle.in_doubt")}


def test_cars_of_no_class_are_told_apart_within_the_caps(tables: Tables) -> None:
    tables.add_cars("fiat/500", 9)
    tables.add_cars("edsel/ranger", 14, sellers=2)
    tables.change(PHOTOS, of="fiat/500#004 0", copy_group="audi/tt#004 0")  # shown as two models: nobody's
    chosen = tables.choose(max_photos_per_vehicle=1, max_photos_per_class=4)
    others = chosen.others.groupby(["make_model_id", "split"]).size().to_dict()
    assert others == {
        ("edsel/ranger", "test"): 3,
        ("edsel/ranger", "train"): 4,
        ("edsel/ranger", "validation"): 3,
        ("fiat/500", "test"): 2,
        ("fiat/500", "train"): 4,
        ("fiat/500", "validation"): 2,
    }
    assert not set(chosen.others["sha256"]) & {*chosen.shot.rows["sha256"].to_pylist(), "audi/tt#004 0"}
    assert chosen.facts.others == {"test": 5, "train": 8, "validation": 5}


def test_vehicles_that_are_left_out_take_part_in_nothing(tables: Tables) -> None:
    left = {f"v audi/tt#{number:03d}" for number in range(3)} | {"v fiat/500#000"}
    tables.add_cars("fiat/500", 2)
    chosen = choose_training_set(tables.read, Settings(), night=NIGHT, before=None, leave_out=left)
    assert not left & {*chosen.shot.rows["vehicle_id"].to_pylist(), *chosen.others["vehicle_id"]}
    assert chosen.shot.class_ids == (0,)  # eleven are too few for another
    assert len(chosen.others) == 24
