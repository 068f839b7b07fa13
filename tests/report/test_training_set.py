"""The training set in words: every figure that a receipt holds is told, and nothing where there is nothing to tell."""

import pytest

from autodetect.dataset.admission import Thin, Waiting
from autodetect.dataset.candidates import Conflict, ShownAs
from autodetect.dataset.changes import Changes, ClassChange
from autodetect.dataset.class_changes import ClassEvent
from autodetect.dataset.leaks import PhotoSplit
from autodetect.dataset.training_set import TrainingSetFacts
from autodetect.report.training_set import listing_key, smallest_and_largest, training_lines

LABELS = {0: "Audi TT", 1: "Ford Ka"}


def lines(**facts) -> dict[str, str]:
    return dict(training_lines(TrainingSetFacts(**facts), LABELS))


def test_an_uneventful_night_has_nothing_to_tell():
    assert lines() == {}


def test_what_a_split_by_photo_would_have_leaked_is_told():
    split = PhotoSplit(test_photos=2_000, seen=620, by_vehicle=600, by_vin=100, by_copy=30)
    assert lines(by_photo=split) == {
        "leak check": "no car stands in two splits; with a split by photo 31% of 2,000 test photos "
        "would have shown a car of the training set"
    }


def test_what_changed_names_rules_and_classes():
    found = lines(
        changes=Changes(
            before="x",
            added=1_200,
            removed=4,
            moved=2,
            resplit=1,
            removed_by={"photo.blank": 1, "photo.not_a_car": 3},
            classes_new=(1,),
            classes_gone=(7, 8),
            grown=5,
            shrunk=1,
            grown_most=(ClassChange(class_id=0, photos=1_100),),
            shrunk_most=(ClassChange(class_id=1, photos=-2),),
        )
    )
    assert found == {
        "set changed": "1,200 photos added, 4 removed (3 photo.not_a_car, 1 photo.blank); 2 moved to another class; "
        "1 moved to another split; 1 class new: Ford Ka; 2 classes gone; "
        "5 classes grown, 1 shrunk (Ford Ka -2, Audi TT +1,100)"
    }
    assert lines(changes=Changes(before="x")) == {"set changed": "nothing"}


def test_thin_waiting_capped_and_conflicting_are_told():
    shown = (
        ShownAs(make_model_id="a/a", listing="s/1", photo="p"),
        ShownAs(make_model_id="b/b", listing="s/2", photo="q"),
    )
    found = lines(
        over_vehicle=1_234,
        over_class=5,
        thin=(Thin(make_model_id="audi/tt", label="Audi TT", vehicles=11, validation=3, test=2),),
        waiting=tuple(
            Waiting(make_model_id=f"x/{n}", label=f"X {n}", vehicles=14, sellers=1 if n == 0 else 2) for n in range(7)
        ),
        conflicts=(Conflict(rule="photo.models_conflict", key="p", shown=shown),),
        conflicts_in_all=9,
    )
    assert found == {
        "photos left out": "1,234 beyond what a vehicle may have, 5 beyond a class",
        "below minimum": "1 class: Audi TT (11 vehicles, 3 validation, 2 test)",
        "waiting for review": "7 models that the catalogue does not list: X 0 (14 vehicles, 1 seller), "
        "X 1 (14 vehicles, 2 sellers), X 2 (14 vehicles, 2 sellers), X 3 (14 vehicles, 2 sellers), "
        "X 4 (14 vehicles, 2 sellers) and 2 more",
        "conflicting labels": "9 photos and vehicles shown as several models and not trained, such as a/a and b/b",
    }


@pytest.mark.parametrize(("classes", "small", "large"), [(0, 0, 0), (3, 3, 0), (8, 5, 3), (30, 5, 5)])
def test_the_smallest_and_largest_classes_are_by_vehicles_and_none_is_both(classes: int, small: int, large: int):
    sizes = {str(n): {"train": [100 - n, n], "test": [2, 3]} for n in range(classes)}
    smallest, largest = smallest_and_largest(TrainingSetFacts(classes=sizes), {n: f"class {n}" for n in range(classes)})
    assert [each.vehicles for each in smallest] == [n + 3 for n in range(small)]
    assert [each.vehicles for each in largest] == [classes - n + 2 for n in range(large)]
    assert all(each.label == f"class {each.train_vehicles}" for each in (*smallest, *largest))


def test_a_listing_is_found_by_its_name():
    assert listing_key("sandbox/v1/0") == ("sandbox", "v1/0")


def test_what_became_of_classes_is_named_and_new_ones_are_counted():
    merged = ClassEvent(kind="merged", class_id=3, label="Ford Model 3", other=7, other_label="Ford Model 7")
    joined = tuple(ClassEvent(kind="joined", class_id=i, label=f"Audi A{i}") for i in range(20, 22))
    facts = TrainingSetFacts(class_events=(*joined, merged), others={"validation": 4, "test": 1_200, "train": 0})
    lines = dict(training_lines(facts))
    assert lines["classes changed"] == "2 classes joined; class 3 Ford Model 3 merged into 7 Ford Model 7"
    assert lines["cars of no class"].startswith("1,200 of test, 4 of validation: ")
    many = dict(training_lines(TrainingSetFacts(class_events=(merged,) * 10)))["classes changed"]
    assert many.endswith("; and 2 more")
    assert "classes changed" not in dict(training_lines(TrainingSetFacts()))
