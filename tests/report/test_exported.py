"""What the report and the summary tell of the exported model: all of its packages, and which model went out."""

from datetime import UTC, date, datetime

import pytest

from autodetect.lake.lake import open_lake
from autodetect.records import Receipt, StageRun
from autodetect.report.exported import export_lines, exported, in_one_line, variant_rows
from autodetect.report.gather import Gatherer, carried
from autodetect.report.page import render
from autodetect.settings import Settings

NIGHT = date(2026, 11, 2)
PARITY = {"photos": 256, "largest_difference": 0.0004, "decided": 250, "agreement": 0.996, "passed": True}
LOSS = {"photos": 60, "vehicles": 20, "loss": 0.0012, "low": -0.004, "high": 0.0061}
METRICS = {"vehicle_top1": 0.5, "vehicle_top3": 0.6, "top1": 0.4, "top3": 0.55, "vehicles": 20.0, "photos": 60.0}


def variant(name, **changes):
    told = {"name": name, "file": f"{name}.zip", "size": 46_000_000, "zip_size": 42_000_000, "parity": PARITY}
    return told | {"loss": LOSS, "kept": True, "recommended": False, "words": ""} | changes


def receipt(stage="export", **facts):
    return Receipt(night=NIGHT, stage=stage, run_id="r", facts=facts)


def model(head, night, **metrics):
    return {"head": head, "night": night, "metrics": METRICS | metrics}


def test_every_variant_has_a_row_with_what_it_is_worth_and_what_became_of_it():
    variants = [
        variant("fp16", words="256 photos answered alike"),
        variant("int8", kept=False, words="0.3 apart", loss=None, parity=PARITY | {"decided": 0}),
        variant("palette6", size=17_500_000, recommended=True),
    ]
    told = exported(receipt(variants=variants, parity="interpreted (Linux)", champion=model("a", "2026-11-02")), "")
    fp16, int8, palette6 = variant_rows(told)
    assert (fp16.state, int8.state, palette6.state) == ("kept", "dropped", "recommended")
    assert palette6.figures == (
        ("17.5 MB", "42.0 MB zipped"),
        ("0.0004", "on 256 photos"),
        ("99.6 %", "of 250 decided photos"),
        ("+0.1 points", "-0.4 to +0.6, 20 vehicles"),
    )
    assert int8.figures[2:] == (("\N{EN DASH}", "0 of 256 photos decided"), ("\N{EN DASH}", "not measured"))
    lines = dict(export_lines(told))
    assert "fp16" not in lines
    assert lines["int8"] == "dropped: 0.3 apart"
    assert lines["released"] == "the model of 2026-11-02"
    assert in_one_line(told) == (
        "fp16 46.0 MB, palette6 17.5 MB; recommended palette6; int8 dropped (0.3 apart); "
        "parity interpreted (Linux): probabilities differ by 0.0004 at most, "
        "99.6 % of 250 decided photos have the same first answer"
    )


def test_a_package_of_an_earlier_version_tells_its_size_alone():
    told = exported(receipt(package={"size": 45_900_000}, made_on="2026-11-01"), "")
    assert in_one_line(told) == "fp16 45.9 MB"
    (row,) = variant_rows(told)
    assert row.state == "kept"
    assert [value for value, _ in row.figures] == ["45.9 MB", *["\N{EN DASH}"] * 3]
    assert exported(None, "") is None


def test_a_withheld_model_is_told_with_the_one_that_stays(full_report, tmp_path):
    told = dict(export_lines(exported(receipt(champion=model("a", "2026-11-01"), made_on="2026-11-01"), "it failed")))
    assert told == {"withheld": "it failed", "released": "the model of 2026-11-01"}
    page = render(full_report(), tmp_path / "out").read_text("utf-8")
    assert "The exported model" in page
    assert "tonight&#39;s new model is withheld: Ford Mustang" in page
    assert '<span class="chip no">dropped</span>' in page
    assert "The exported model" not in render(full_report(exported=None), tmp_path / "out").read_text("utf-8")


@pytest.mark.parametrize(
    ("head", "top1"),
    [("c", 0.91), ("a", 0.82), ("o", 0.5)],
    ids=["the challenger", "the champion before", "an older one: by its own figures"],
)
def test_the_figures_are_those_of_the_model_that_went_out(head, top1):
    train = receipt(
        "train",
        challenger=model("c", "2026-11-02"),
        evaluation=METRICS | {"vehicle_top1": 0.91},
        champion_evaluation=METRICS | {"vehicle_top1": 0.82},
    )
    tonight = {"train": train, "export": receipt(champion=model(head, "2026-10-30")), "publish": receipt("publish")}
    found = carried(tonight, model("a", "2026-11-01"))
    assert found is not None
    assert (found.name, found.top1_vehicle) == ("trained on 2026-10-30", top1)
    assert carried({"train": train}, None) is None


def test_a_withheld_model_is_warned_of_and_the_past_shows_what_was_published(tmp_path):
    lake = open_lake(Settings(lake=str(tmp_path / "lake")), create=True)
    train = receipt("train", champion=model("new", "2026-11-02", vehicle_top1=0.9), promoted=True)
    tonight = {"train": train, "export": receipt(champion=model("old", "2026-11-01"), withheld="it failed")}
    now = datetime(2026, 11, 3, tzinfo=UTC)
    run = StageRun(night=NIGHT, run_id="r", now=now, inputs=tonight)
    assert Gatherer(lake, run, tmp_path / "p").warnings() == ("tonight's new model is withheld: it failed",)

    published = receipt("publish", champion=model("old", "2026-11-01", vehicle_top1=0.7), sequence=2)
    closing = receipt("end", verdict="prices_only")
    later = StageRun(night=date(2026, 11, 3), run_id="r", now=now)
    (past,) = Gatherer(lake, later, tmp_path / "p").history([*tonight.values(), published, closing])
    assert (past.top1, past.release) == (0.7, 2)
