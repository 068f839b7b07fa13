"""The summary of a night: what was reached and what was not, in lines that a terminal and a table both bear."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from autodetect.lake.lake import open_lake
from autodetect.lake.schemas import SLICES
from autodetect.lake.tables import rows_of
from autodetect.prices.judged.figures import PriceEvaluation
from autodetect.records import Receipt, Verdict
from autodetect.settings import Settings
from flows.summary import NightSummary, as_markdown, as_text, summarise
from tests.release.publishing import variant
from tests.report.priced_sample import errors

NIGHT = date(2026, 11, 2)
CRAWLED = {
    "announced": 60_000,
    "seen": 58_000,
    "listings_new": 5,
    "listings_changed": 7,
    "calls": 4_990,
    "sales_new": 2,
}
CURATED = {"photos_ok": 8, "photos_new": 9, "photos_copies": 1, "vehicles_new": 4}


def summary(tmp_path: Path, **facts: Any) -> NightSummary:
    """Summarise a night that was held after its curation."""
    settings = Settings(lake=str(tmp_path / "lake"))
    lake = open_lake(settings, create=True)
    slices = [{"source": "s", "kind": "asking", "slice": "Make=Audi|BMW", "night": NIGHT, "state": "deferred"}]
    version = lake.tables.upsert(SLICES, rows_of(SLICES, slices))
    about = {"night": NIGHT, "run_id": "r"}
    gone = {"listings_missing": 12, "listings_ended": 3}
    receipts = {
        "crawl": Receipt(
            **about,
            stage="crawl",
            counts=CRAWLED | {"photos_fetched": 20, "photos_held": 30},
            versions={"slices": version},
            run={"calls": 4_990.0, "seconds": 61.0},
            facts={"coverage": 0.97, "sales_offered": True, "complete": False, **facts},
        ),
        "curate": Receipt(**about, stage="curate", counts=CURATED | gone, facts={"backbone_note": ""}),
    }
    begin = Receipt(**about, stage="begin")
    night: Any = SimpleNamespace(settings=settings, lake=lake, begin=begin, report_folder=tmp_path)
    return summarise(night, receipts, Verdict.HELD, "why")


def test_a_night_says_what_it_saw_missed_and_left_for_later(tmp_path: Path) -> None:
    lines = dict(summary(tmp_path, backlog=31_200).lines)
    assert lines["crawled"].startswith("58,000 of 60,000 listings (5 new, 7 changed), coverage 97.0%, 2 new sales")
    assert lines["curated"].endswith("4 new vehicles; 12 listings missing, 3 ended")
    assert lines["backlog"] == "31,200 of 60,000 still to be read in full"
    assert lines["calls"] == "4,990 of the night's 5,000"
    assert lines["not reached"] == "Make=Audi|BMW (put off)"
    assert "stopped early" not in lines


def test_a_night_that_was_stopped_says_why(tmp_path: Path) -> None:
    stopped = {"cause": "quota", "words": "the day's calls are used up", "url": ""}
    assert "stopped early  the day's calls are used up" in as_text(summary(tmp_path, stopped=stopped))


def ended(receipts: dict[str, Receipt], tmp_path: Path) -> NightSummary:
    """Summarise a night that ended with these receipts."""
    lake = open_lake(Settings(lake=str(tmp_path / "lake")), create=True)
    begin = Receipt(night=NIGHT, run_id="r", stage="begin")
    night: Any = SimpleNamespace(settings=Settings(), lake=lake, begin=begin, report_folder=tmp_path)
    return summarise(night, receipts, Verdict.PRICES_ONLY, "why")


def exported(**facts: Any) -> Receipt:
    about = {"champion": {"head": "a", "night": "2026-11-01"}, "carried": False, "made_on": "2026-11-02"}
    return Receipt(night=NIGHT, run_id="r", stage="export", counts={"classes": 12}, facts=about | facts)


def test_the_packages_are_told_in_one_line(tmp_path: Path) -> None:
    variants = [
        variant("fp16", 46_000_000),
        variant("int8", 23_000_000, recommended=True),
        variant("palette6", 17_500_000, kept=False, words="0.3 apart"),
    ]
    lines = dict(ended({"export": exported(variants=variants, parity="interpreted (Linux)")}, tmp_path).lines)
    assert lines["Core ML"] == (
        "12 labels; fp16 46.0 MB, int8 23.0 MB; recommended int8; palette6 dropped (0.3 apart); "
        "parity interpreted (Linux): probabilities differ by 0.0004 at most, "
        "99.6 % of 250 decided photos have the same first answer"
    )


def test_a_withheld_model_is_warned_of(tmp_path: Path) -> None:
    counts = {"classes": 12, "classes_new": 0, "photos": 9}
    about = {"champion": {"head": "b", "night": "2026-11-02"}, "promoted": True, "gate": {"words": "promoted: 60 %"}}
    train = Receipt(night=NIGHT, run_id="r", stage="train", counts=counts, facts=about)
    told = ended({"train": train, "export": exported(withheld="it answers otherwise", variants=[])}, tmp_path)
    assert told.warnings == ("tonight's new model is withheld: it answers otherwise",)
    assert "> **Warning:** tonight's new model is withheld: it answers otherwise" in as_markdown(told)


def priced(**evaluation: Any) -> Receipt:
    about = {"as_of": NIGHT, "basis": "sold", "currency": "USD", "sales": 900, "by_vehicle": None, "by_time": None}
    judged = PriceEvaluation(**(about | evaluation)).model_dump(mode="json")
    counts = {"prices_sold": 14, "prices_asking": 12, "offers": 390, "offers_placed": 312, "offers_valued": 300}
    rated = {"offers_great": 40, "offers_good": 0, "offers_fair": 160, "offers_high": 70, "offers_no_rating": 120}
    return Receipt(night=NIGHT, run_id="r", stage="price", counts=counts | rated, facts={"evaluation": judged})


def test_prices_tell_how_far_off_the_valuation_is_and_how_offers_are_priced(tmp_path: Path) -> None:
    lines = dict(ended({"price": priced(by_vehicle=errors("vehicle", "Ford"))}, tmp_path).lines)
    assert lines["prices"] == "14 models by sales, 12 by asking price; 390 offers"
    assert lines["valuation"] == (
        "off by 31.8% in the median (mean per model 60.3%) on 3,312 held-out cars, 34.7% within 20%; "
        "intervals hold 79.8%"
    )
    assert lines["offers"] == "312 with a place, 300 with a value; priced 40 great, 160 fair, 70 high"


def test_a_valuation_that_was_not_judged_says_why(tmp_path: Path) -> None:
    assert dict(ended({"price": priced(words=("not judged: 12 cars",))}, tmp_path).lines)["valuation"] == (
        "not judged: 12 cars"
    )


def test_a_slices_name_does_not_break_the_table(tmp_path: Path) -> None:
    assert "| not reached | Make=Audi\\|BMW (put off) |" in as_markdown(summary(tmp_path)).splitlines()
