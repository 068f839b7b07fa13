"""Classes join, split, merge, leave and come back; each step is told, and no id is ever used for anything else."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodetect.dataset.class_changes import ClassChanges
from autodetect.dataset.settled_classes import settle_classes
from autodetect.dataset.snapshots import snapshot
from autodetect.dataset.training_set import TrainingSet
from autodetect.lake.schemas import CLASSES, LISTINGS, MAKE_MODELS, SNAPSHOTS, VEHICLES
from autodetect.lake.tables import rows_of
from autodetect.settings import Settings
from autodetect.validation.suites.classes import classes as class_suite
from tests.dataset.cars import frame
from tests.dataset.lake_tables import NIGHT, Tables


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """Two classes: 0 Audi Tt, 1 Ford Mustang; nothing is answered yet."""
    (tmp_path / "mine.toml").touch()
    found = Tables(tmp_path / "mine.toml")
    found.add_cars("audi/tt", 20)
    found.add_cars("ford/mustang", 40)
    found.choose()
    return found


def told(chosen: TrainingSet) -> list[str]:
    return [event.words for event in chosen.facts.class_events]


def row_of(chosen: TrainingSet, class_id: int) -> dict[str, Any]:
    (row,) = (row for row in chosen.classes if row["class_id"] == class_id)
    return row


def test_a_quiet_night_changes_no_class(tables: Tables) -> None:
    chosen = tables.choose()
    assert (told(chosen), chosen.changed, chosen.admitted) == ([], [], [])
    first = Tables()
    first.add_cars("audi/tt", 20)
    chosen = first.choose()
    assert told(chosen) == ["class 0 Audi Tt joined"]
    assert chosen.changed == chosen.admitted == [row_of(chosen, 0)]
    lineage = {name: chosen.admitted[0][name] for name in ("came_from", "went_to", "since", "empty_since")}
    assert lineage == {"came_from": None, "went_to": None, "since": NIGHT, "empty_since": None}


def test_a_class_whose_cars_all_got_another_name_merges_into_it(tables: Tables) -> None:
    tables.rename(tables.of("audi/tt"), "ford/mustang")
    chosen = tables.choose()
    assert told(chosen) == ["class 0 Audi Tt merged into 1 Ford Mustang"]
    gone = row_of(chosen, 0)
    assert (gone["status"], gone["went_to"], gone["since"], gone["night"]) == (
        "retired", 1, NIGHT + timedelta(1), NIGHT
    )  # fmt: skip
    assert chosen.shot.class_ids == (1,)
    assert chosen.facts.thin == ()
    assert chosen.counts["classes_left"] == 1
    assert chosen.facts.changes is not None
    assert (chosen.facts.changes.moved, chosen.facts.changes.removed) == (40, 0)
    assert told(tables.choose()) == []


def test_a_single_car_that_keeps_the_name_keeps_the_class(tables: Tables) -> None:
    tables.rename(tables.of("audi/tt")[1:], "ford/mustang")
    chosen = tables.choose()
    assert (told(chosen), row_of(chosen, 0)["status"]) == ([], "active")
    assert [each.vehicles for each in chosen.facts.thin] == [1]
    tables.rename(tables.of("audi/tt"), "ford/mustang")
    assert told(tables.choose()) == ["class 0 Audi Tt merged into 1 Ford Mustang"]


def test_a_class_that_comes_back_has_its_old_id(tables: Tables) -> None:
    cars = tables.of("audi/tt")
    tables.rename(cars, "ford/mustang")
    tables.choose()
    tables.rename(cars[:5], "audi/tt")
    few = tables.choose()
    assert told(few) == []
    assert set(few.others["make_model_id"]) == {"audi/tt"}
    tables.rename(cars, "audi/tt")
    chosen = tables.choose()
    assert told(chosen) == ["class 0 Audi Tt came back: it has enough vehicles again"]
    assert {name: row_of(chosen, 0)[name] for name in ("status", "went_to")} == {"status": "active", "went_to": None}
    assert (chosen.shot.class_ids, chosen.counts["classes_returned"]) == ((0, 1), 1)


def test_a_class_that_splits_names_where_the_new_one_came_from(tables: Tables) -> None:
    tables.rename(tables.of("ford/mustang")[20:], "ford/gt350")
    chosen = tables.choose()
    assert told(chosen) == ["class 2 Ford Gt350 split from 1 Ford Mustang"]
    assert (row_of(chosen, 2)["came_from"], row_of(chosen, 1)["status"]) == (1, "active")


def test_a_class_that_grew_long_before_it_could_join_still_names_its_origin(tables: Tables) -> None:
    cars = tables.of("ford/mustang")
    for moved in (5, 10, 20):
        tables.rename(cars[:moved], "ford/gt350")
        chosen = tables.choose()
    assert told(chosen) == ["class 2 Ford Gt350 split from 1 Ford Mustang"]


def test_a_new_class_of_new_cars_came_from_nowhere(tables: Tables) -> None:
    tables.add_cars("fiat/500", 30)
    tables.rename(tables.of("ford/mustang")[:9], "fiat/500")
    chosen = tables.choose()
    assert told(chosen) == ["class 2 Fiat 500 joined"]
    assert row_of(chosen, 2)["came_from"] is None


def test_a_class_that_is_called_something_else_goes_on_under_a_new_id(tables: Tables) -> None:
    tables.rename(tables.of("audi/tt"), "audi/tt-coupe")
    chosen = tables.choose()
    assert told(chosen) == ["class 0 Audi Tt merged into 2 Audi Tt-Coupe", "class 2 Audi Tt-Coupe joined"]
    assert (row_of(chosen, 0)["went_to"], row_of(chosen, 2)["came_from"]) == (2, 0)


def test_an_answer_retires_a_class_and_its_withdrawal_brings_it_back(tables: Tables) -> None:
    assert tables.answers is not None
    tables.answers.write_text('retired = ["Audi / TT", "Fiat / 500"]')
    tables.add_cars("fiat/500", 20)
    chosen = tables.choose()
    assert told(chosen) == ["class 0 Audi Tt retired, as an answer says"]
    assert (chosen.shot.class_ids, row_of(chosen, 0)["went_to"]) == ((1,), None)
    assert [(each.key, each.rule) for each in chosen.refusals] == [("fiat/500", "class.retired")]
    assert set(chosen.others["make_model_id"]) == {"audi/tt", "fiat/500"}
    assert chosen.facts.others == {"test": 6, "train": 28, "validation": 6}
    assert told(tables.choose()) == []
    tables.answers.write_text("")
    back = tables.choose()
    assert told(back) == ["class 0 Audi Tt came back: it has enough vehicles again", "class 2 Fiat 500 joined"]


def test_an_answer_about_what_nobody_offers_is_told(tables: Tables, caplog: pytest.LogCaptureFixture) -> None:
    assert tables.answers is not None
    tables.answers.write_text('retired = ["Fiat / 500"]')
    assert told(tables.choose()) == []
    assert "mine.toml retires fiat/500, which no listing names" in caplog.text


def test_a_class_without_any_vehicle_waits_and_then_retires(tables: Tables) -> None:
    cars = tables.of("audi/tt")
    tables.rename(cars, None)
    emptied = tables.choose(retire_after_nights=5)
    assert told(emptied) == ["class 0 Audi Tt has no vehicle any more"]
    assert row_of(emptied, 0)["status"] == "active"
    assert [each.vehicles for each in emptied.facts.thin] == [0]
    tables.night += timedelta(3)
    assert told(tables.choose(retire_after_nights=5)) == []
    assert told(tables.choose(retire_after_nights=5)) == ["class 0 Audi Tt retired: it had no vehicle for too long"]
    tables.rename(cars, "audi/tt")
    back = row_of(tables.choose(), 0)
    assert (back["status"], back["empty_since"]) == ("active", None)


def test_an_emptied_class_that_has_vehicles_again_starts_counting_anew(tables: Tables) -> None:
    cars = tables.of("audi/tt")
    tables.rename(cars, None)
    tables.choose()
    tables.rename(cars[:2], "audi/tt")
    assert told(tables.choose()) == ["class 0 Audi Tt has vehicles again"]
    tables.rename(cars, None)
    tables.night += timedelta(40)
    assert told(tables.choose()) == ["class 0 Audi Tt has no vehicle any more"]


def test_a_class_that_was_empty_for_nights_still_merges_once_its_cars_have_a_name(tables: Tables) -> None:
    cars = tables.of("audi/tt")
    tables.rename(cars, None)
    tables.choose()
    tables.choose()
    tables.rename(cars[:9], "ford/mustang")
    assert told(tables.choose()) == []  # fewer than half of them: what became of the others?
    tables.rename(cars[:11], "ford/mustang")
    assert told(tables.choose()) == ["class 0 Audi Tt merged into 1 Ford Mustang"]


def test_cars_are_found_again_by_their_photos_when_their_vehicles_merged(tables: Tables) -> None:
    tables.rename(tables.of("audi/tt"), "ford/mustang")
    for row in tables.rows[VEHICLES.name]:
        if row["item_id"].startswith("audi"):
            row["vehicle_id"] = "older " + row["vehicle_id"]
    assert told(tables.choose()) == ["class 0 Audi Tt merged into 1 Ford Mustang"]


NAMES = ["a/a", "a/b", "a/c", "a/d"]
steps = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(NAMES), st.sampled_from([3, 20])),
    st.tuples(
        st.just("rename"), st.sampled_from(NAMES), st.sampled_from([*NAMES, None]), st.sampled_from([0.5, 0.9, 1.0])
    ),
    st.tuples(st.just("retire"), st.frozensets(st.sampled_from(NAMES), max_size=2)),
    st.tuples(st.just("wait"), st.integers(1, 6)),
)


def take(tables: Tables, step: Any) -> None:
    match step:
        case "add", model, count:
            tables.add_cars(model, count, photos=1)
        case "rename", model, other, share:
            found = tables.of(model)
            tables.rename(found[: round(share * len(found))], other)
        case "retire", models:
            assert tables.answers is not None
            names = ", ".join(f'"{model.replace("/", " / ")}"' for model in sorted(models))
            tables.answers.write_text(f"retired = [{names}]")
        case "wait", nights:
            tables.night += timedelta(nights)


def settled(tables: Tables) -> ClassChanges:
    """What becomes of the classes tonight, kept in the tables with a snapshot: cars are what their listings say."""
    splits = {row["item_id"]: row["split"] for row in tables.rows[VEHICLES.name]}
    found = frame([(f"{item} 0", model, f"v {item}", splits[item]) for item, model in sorted(tables.models().items())])
    listings = rows_of(LISTINGS, tables.rows[LISTINGS.name])
    wanted = Settings(dataset={"retire_after_nights": 5}, catalog={"answers": str(tables.answers)})
    _, done = settle_classes(
        tables.read, wanted, found, listings, night=tables.night, before=tables.before, copy_groups={}
    )
    active = {row["make_model_id"]: row["class_id"] for row in done.classes if row["status"] == "active"}
    shot = snapshot(found, active, night=tables.night)
    if shot.snapshot_id not in {row["snapshot_id"] for row in tables.rows[SNAPSHOTS.name]}:
        tables.rows[SNAPSHOTS.name] += shot.rows.to_pylist()
    tables.rows[CLASSES.name], tables.before = done.classes, shot.snapshot_id
    tables.night += timedelta(1)
    return done


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(steps, max_size=3), min_size=2, max_size=9))
def test_whatever_happens_to_names_ids_stay_and_lineage_leads_somewhere(
    tmp_path: Path, nights: list[list[Any]]
) -> None:
    answers = tmp_path / "mine.toml"
    answers.write_text("")
    tables = Tables(answers)
    tables.add_cars("a/a", 40, photos=1)
    models: dict[int, str] = {}
    for night in nights:
        for step in night:
            take(tables, step)
        before, known, tonight = tables.rows[CLASSES.name], set(models), tables.night
        done = settled(tables)
        after = {row["class_id"]: row for row in done.classes}
        assert {i: after[i]["make_model_id"] for i in models} == models
        models |= {i: row["make_model_id"] for i, row in after.items()}
        assert len(set(models.values())) == len(models)
        joined = sorted(set(models) - known)
        assert not joined or joined[0] > max(known, default=-1)
        assert [row for row in done.classes if row not in before] == done.changed
        assert {event.class_id for event in done.events} == {row["class_id"] for row in done.changed}
        check_classes(tables, after, tonight)
        rows, make_models = rows_of(CLASSES, done.classes), rows_of(MAKE_MODELS, tables.rows[MAKE_MODELS.name])
        _, judged = class_suite(rows, make_models=make_models, known=rows_of(CLASSES, before))
        assert not judged.drop(columns="class_id").isin([False]).any(axis=None)


def check_classes(tables: Tables, after: dict[int, dict[str, Any]], tonight: date) -> None:
    """Those that are active since tonight have enough vehicles; those that went somewhere left nothing behind."""
    splits = {row["item_id"]: row["split"] for row in tables.rows[VEHICLES.name]}
    named = tables.models()
    for class_id, row in after.items():
        mine = [splits[item] for item, model in named.items() if model == row["make_model_id"]]
        if row["since"] == tonight and row["status"] == "active":
            assert len(mine) >= 12
            assert min(mine.count("validation"), mine.count("test")) >= 3
        if row["went_to"] is not None:
            assert row["status"] == "retired"
            assert row["went_to"] in after
        if row["went_to"] is not None and row["since"] == tonight:
            assert after[row["went_to"]]["status"] == "active"
            assert mine == []
        assert row["came_from"] is None or row["came_from"] < class_id
