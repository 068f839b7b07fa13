"""Slices, unknown cars and labels in words."""

from autodetect.classifier.slices import Slices, phone_slice
from autodetect.classifier.unknown_cars import UnknownCars
from autodetect.report.judged_lines import label_lines, slice_lines, slice_rows, unknown_lines
from autodetect.report.words import UNKNOWN


def test_a_slice_is_a_row_with_the_champion_beside_it(full_report):
    slices = full_report().judged.slices
    benchmark, recent, plain, phone = slice_rows(slices)
    assert (benchmark.name, benchmark.vehicles, benchmark.top1) == ("benchmark", 30, "90.0% (74.4% to 96.5%)")
    assert benchmark.champion_top1.startswith("86.7% (")
    assert benchmark.gap.startswith("+3.3 points (-")
    assert (recent.top1, recent.words) == (UNKNOWN, "not measured: 0 of 0 vehicles are tested tonight")
    assert (plain.name, phone.name, phone.vehicles) == ("the same photos as listed", "phone", 40)
    lines = dict(slice_lines(slices))
    assert lines["lost on a phone"].startswith("the challenger loses 25.0 points (")
    assert lines["the champion"].startswith("loses 37.5 points (")


def test_a_phone_slice_without_views_is_a_row_that_says_so():
    slices = Slices(phone=phone_slice(None))
    (row,) = slice_rows(slices)
    assert row.words == "not measured: no test photo has an embedding as a phone would see it"
    assert list(slice_lines(slices)) == list(slice_rows(Slices())) == []


def test_unknown_cars_are_told_by_vehicle_and_by_photo(full_report):
    found = full_report().judged.unknowns
    lines = dict(unknown_lines(found))
    assert lines["not sure below"].startswith(f"{found.threshold:.1%} for the first answer, chosen on 40 unknown")
    assert lines["all photos of a vehicle"].startswith("AUROC 0.")
    assert " of 40 unknown cars, " in lines["one photo of each"]
    few = UnknownCars(
        words="no threshold: 3",
        vehicle=found.vehicle.model_copy(update={"auroc": None}),
        photo=found.photo.model_copy(update={"auroc": None}),
    )
    assert list(unknown_lines(few)) == [("in short", "no threshold: 3")]


def test_labels_tell_rate_usual_sellers_and_what_to_look_at(full_report):
    verdict = full_report("Audi TT").judged.labels
    lines = dict(label_lines(verdict))
    assert lines["disagreement"].startswith("9.0% of confident answers tonight, 8.0% in 14 nights before; from 14.0%")
    assert lines["doubtful seller Audi TT"] == "40 labels left out: 21 of 30 confident answers disagree (70%)"
    assert lines["look at vehicles"].endswith("Audi TT 7 and 12 more")
    plain = verdict.model_copy(update={"state": "not_judged", "words": "not judged: few", "rate": None})
    short = plain.model_copy(update={"sellers": (), "examples": ()})
    assert list(label_lines(short)) == [("verdict", "not judged: few")]
