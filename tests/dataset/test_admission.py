"""Classes are earned by vehicles, by names that somebody vouches for, and are told when they grow thin."""

from datetime import date
from typing import Any

import pytest

from autodetect.dataset.admission import Admission, Bounds, admit, sellers_of_unlisted
from autodetect.lake.schemas import CLASSES
from autodetect.lake.tables import rows_of
from tests.dataset.cars import Row, cars, frame, listing_table

NIGHT = date(2026, 11, 1)
BOUNDS = Bounds(vehicles=12, validation=3, test=3, sellers=5)


def decided(
    found: list[Row], classes: list[dict[str, Any]] | None = None, unlisted: dict[str, int] | None = None
) -> Admission:
    labels = {model: model.upper() for _, model, _, _ in found}
    return admit(frame(found), classes or [], labels, unlisted or {}, bounds=BOUNDS, night=NIGHT)


def admitted(found: list[Row], classes: list[dict[str, Any]] | None = None) -> list[tuple[int, str]]:
    rows = decided(found, classes).admitted
    rows_of(CLASSES, rows)
    assert {row["status"] for row in rows} <= {"active"}
    assert {row["night"] for row in rows} <= {NIGHT}
    assert [row["label"] for row in rows] == [row["make_model_id"].upper() for row in rows]
    return [(row["class_id"], row["make_model_id"]) for row in rows]


@pytest.mark.parametrize(
    ("splits", "enough"),
    [
        ((6, 3, 3), True),
        ((5, 3, 3), False),
        ((8, 2, 3), False),
        ((8, 3, 2), False),
        ((0, 6, 6), True),
        ((40, 0, 0), False),
    ],
)
def test_a_class_needs_enough_vehicles_in_all_and_to_evaluate(splits: tuple[int, int, int], enough: bool) -> None:
    assert bool(admitted(cars("audi/tt", *splits))) == enough


def test_many_photos_of_few_vehicles_make_no_class() -> None:
    assert admitted(cars("audi/tt", 2, 1, 1, photos=50)) == []


def test_class_ids_go_up_and_are_never_used_again() -> None:
    first = admitted(cars("ford/b", 6, 3, 3) + cars("ford/a", 6, 3, 3))
    assert first == [(0, "ford/a"), (1, "ford/b")]
    classes = [
        {"class_id": 0, "make_model_id": "ford/a"},
        {"class_id": 7, "make_model_id": "gone", "status": "retired"},
    ]
    later = cars("ford/a", 6, 3, 3) + cars("ford/b", 6, 3, 3) + cars("gone", 6, 3, 3) + cars("audi/tt", 6, 3, 3)
    assert admitted(later, classes) == [(8, "audi/tt"), (9, "ford/b")]


@pytest.mark.parametrize(("sellers", "waits"), [(0, True), (4, True), (5, False)])
def test_a_name_that_the_catalogue_does_not_list_waits_until_enough_sellers_use_it(sellers: int, waits: bool) -> None:
    found = decided(cars("edsel/ranger", 6, 3, 3) + cars("audi/tt", 6, 3, 3), unlisted={"edsel/ranger": sellers})
    assert [row["make_model_id"] for row in found.admitted] == ["audi/tt"] + ["edsel/ranger"] * (not waits)
    assert [(w.make_model_id, w.vehicles, w.sellers) for w in found.waiting] == [("edsel/ranger", 12, sellers)] * waits
    assert [(r.table, r.key, r.rule) for r in found.refusals] == [
        ("make_models", "edsel/ranger", "class.unlisted")
    ] * waits


def test_a_name_with_too_few_vehicles_does_not_ask_for_review() -> None:
    found = decided(cars("edsel/ranger", 5, 3, 3), unlisted={"edsel/ranger": 1})
    assert (found.admitted, found.waiting, found.refusals) == ([], (), ())


def test_other_is_never_a_class_whoever_wrote_it() -> None:
    found = decided(cars("ford/other-pickups", 6, 3, 3))
    assert found.admitted == []
    assert [refusal.rule for refusal in found.refusals] == ["class.says_other"]


def test_a_class_that_falls_below_the_minimum_is_told_and_stays() -> None:
    classes = [
        {"class_id": 0, "make_model_id": "audi/tt", "label": "Audi TT", "status": "active"},
        {"class_id": 1, "make_model_id": "gone/gone", "label": "Gone", "status": "active"},
        {"class_id": 2, "make_model_id": "ford/ka", "label": "Ford Ka", "status": "active"},
        {"class_id": 3, "make_model_id": "old/old", "label": "Old", "status": "retired"},
    ]
    found = decided(cars("audi/tt", 9, 3, 2) + cars("ford/ka", 6, 3, 3), classes)
    assert [(t.label, t.vehicles, t.validation, t.test) for t in found.thin] == [
        ("Audi TT", 14, 3, 2),
        ("Gone", 0, 0, 0),
    ]
    assert found.admitted == []


@pytest.mark.parametrize(("splits", "status"), [((6, 3, 3), "retired"), ((5, 3, 3), "retired"), ((6, 3, 3), "active")])
def test_only_a_retired_class_with_enough_vehicles_comes_back(splits: tuple[int, int, int], status: str) -> None:
    row = {"class_id": 4, "make_model_id": "audi/tt", "label": "Audi TT", "night": date(2026, 3, 1), "status": status}
    row |= {"came_from": 2, "went_to": 3, "since": date(2026, 9, 1), "empty_since": date(2026, 8, 1)}
    back = {**row, "status": "active", "went_to": None, "since": NIGHT, "empty_since": None}
    expected = [back] if splits[0] == 6 and status == "retired" else []
    assert decided(cars("audi/tt", *splits), [row]).returned == expected


def test_what_an_answer_forbids_neither_joins_nor_comes_back() -> None:
    found = cars("audi/tt", 6, 3, 3) + cars("ford/ka", 6, 3, 3)
    classes = [{"class_id": 0, "make_model_id": "audi/tt", "label": "Audi TT", "status": "retired"}]
    forbidden = ["audi/tt", "ford/ka"]
    decided = admit(frame(found), classes, {}, {}, bounds=BOUNDS, night=NIGHT, forbidden=forbidden)
    assert (decided.admitted, decided.returned) == ([], [])
    assert [(refusal.key, refusal.rule) for refusal in decided.refusals] == [("ford/ka", "class.retired")]


def test_an_id_is_vouched_for_by_the_catalogue_a_person_or_ones_own_folder() -> None:
    models: dict[str, str | None] = {"1": "a/a", "2": "a/a", "3": "b/b", "4": "c/c", "5": "d/d", "6": "d/d", "7": None}
    reasons = dict.fromkeys(models, "unlisted") | {"2": "exact", "3": "answer"}
    listings = listing_table(
        models,
        catalog_reason=reasons,
        status=dict.fromkeys(models, "active") | {"4": "imported"},
        seller_hash={"5": "s1", "6": "s1", "7": "s2"},
    )
    assert sellers_of_unlisted(listings) == {"d/d": 1}


def test_sellers_are_counted_once_and_only_where_they_are_known() -> None:
    models: dict[str, str | None] = dict.fromkeys("12345", "d/d")
    sellers = {"1": "s1", "2": "s2", "3": "s2"}
    listings = listing_table(models, catalog_reason=dict.fromkeys(models, "unlisted"), seller_hash=sellers)
    assert sellers_of_unlisted(listings) == {"d/d": 2}
