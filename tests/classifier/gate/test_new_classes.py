import numpy as np
import pytest

from autodetect.classifier.gate import Answers, decide
from autodetect.sections import GateSettings
from tests.classifier.gate.answered import ASKED, answers

OLD = answers(np.arange(200) % 10 < 8)


def with_new(*ranks_by_class, ranks=True):
    """Return the champion grown by classes 10, 11, ...: for each, where the right class stood for every vehicle."""
    found = {
        f"n{class_id}-{index}": (class_id, rank)
        for class_id, given in enumerate(ranks_by_class, start=10)
        for index, rank in enumerate(given)
    }
    return Answers(
        class_ids=OLD.class_ids | frozenset(range(10, 10 + len(ranks_by_class))),
        truth={**OLD.truth, **{vehicle: class_id for vehicle, (class_id, _) in found.items()}},
        answered={**OLD.answered, **dict.fromkeys(found, 0)},
        ranks={vehicle: rank for vehicle, (_, rank) in found.items()} if ranks else {},
    )


def test_a_class_that_is_hardly_found_is_withheld_and_the_night_goes_on():
    verdict = decide(with_new([0, 2, 5], [0, 9, 9], [3] * 20), OLD, **ASKED, names={10: "Fit", 11: "Jazz", 12: "Leaf"})
    assert verdict.promoted
    assert verdict.withheld == (11, 12)
    assert verdict.words.startswith("promoted: ")
    assert verdict.words.endswith(
        "; 2 new classes of 3 withheld, below 25.0 %: Jazz (top-3 33.3 % on 3 vehicles, surely 7.8 %), "
        "Leaf (top-3 0.0 % on 20 vehicles, surely 0.0 %)"
    )
    kept, jazz, _ = verdict.new_classes
    assert (kept.class_id, kept.top3, kept.withheld) == (10, round(2 / 3, 6), False)
    assert jazz.lower < jazz.top3 < jazz.upper


def test_many_vehicles_make_sure_of_what_three_cannot():
    floor = GateSettings(new_class_floor=0.5)
    few, many = ([0, 0, 9], [0, 0, 9] * 30)
    assert decide(with_new(few), OLD, **ASKED, limits=floor).withheld == (10,)
    assert decide(with_new(many), OLD, **ASKED, limits=floor).withheld == ()


def test_a_class_without_a_test_vehicle_is_withheld_unless_any_class_is_taken():
    verdict = decide(with_new([0, 0, 0], []), OLD, **ASKED)
    assert verdict.withheld == (11,)
    assert "class 11 (no test vehicle)" in verdict.words
    assert decide(with_new([0], []), OLD, **ASKED, limits=GateSettings(new_class_floor=0)).withheld == ()


def test_a_class_that_was_withheld_is_asked_again_the_next_night():
    grown = with_new([0, 0, 0, 0])
    champion = Answers(OLD.class_ids, grown.truth, grown.answered)
    verdict = decide(grown, champion, **ASKED)
    assert [(new.class_id, new.withheld) for new in verdict.new_classes] == [(10, False)]


@pytest.mark.parametrize("challenger", [with_new([9, 9, 9], ranks=False), OLD])
def test_nothing_is_withheld_where_nothing_was_measured_or_nothing_is_new(challenger):
    verdict = decide(challenger, OLD, **ASKED)
    part = next(part for part in verdict.parts if part.name == "new_classes")
    assert (part.passed, verdict.withheld, verdict.new_classes) == (None, (), ())
    assert "withheld" not in verdict.words


def test_a_first_model_has_its_own_floor_and_no_class_is_new_to_it():
    assert decide(with_new([9, 9, 9]), None, **ASKED).withheld == ()
