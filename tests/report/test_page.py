"""The page: true to its facts, safe with strangers' text, whole wherever it is moved."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from autodetect.records import Receipt, Verdict
from autodetect.report.facts import ClassFacts, JudgedReport, NightReport
from autodetect.report.gather import evaluation
from autodetect.report.page import render
from autodetect.report.priced import PricedReport, PriceLine

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)></td>{{ 7*7 }}{% raw %} $\\frac{$ \u202e&amp;"
VOID = {"meta", "img", "source", "link", "br"}
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer", "h1", "h2", "h3", "p"),
    *("div", "span", "strong", "b", "i", "a", "ul", "li", "bdi", "code", "figure", "figcaption", "picture", "source"),
    *("img", "table", "thead", "tbody", "tr", "th", "td"),
}


class Page(HTMLParser):
    """What a page holds: its tags, attributes and text; `open` is empty when every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    @property
    def links(self) -> list[str]:
        return [value for _, name, value in self.attributes if name in ("src", "href", "srcset")]


def rendered(report, folder) -> Page:
    return Page(render(report, folder).read_text("utf-8"))


def test_text_from_strangers_stays_text(full_report, tmp_path):
    page = rendered(full_report(HOSTILE), tmp_path / "out")
    assert set(page.tags) <= TAGS
    assert not page.open
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert [text for text in page.text if HOSTILE in text]


@given(text=st.text(max_size=60))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_the_page(full_report, tmp_path, text):
    report = full_report(text, samples=(), copies=(), refused_photos=(), epochs=(), prices=(), history=(), classes=())
    undrawn = report.evaluation.model_copy(update={"by_photo": None, "by_vehicle": None, "per_class": ()})
    unmapped = report.judged.model_copy(update={"map": None})
    unplotted = report.priced.model_copy(update={"curves": None, "histories": ()})
    report = report.model_copy(update={"evaluation": undrawn, "judged": unmapped, "priced": unplotted})
    page = rendered(report, tmp_path / "out")
    assert set(page.tags) <= TAGS
    assert not page.open


def test_every_link_is_relative_and_leads_to_a_file(full_report, tmp_path):
    (tmp_path / "out" / "docs").mkdir(parents=True)
    (tmp_path / "out" / "docs" / "index.html").write_text("checks")
    page = rendered(full_report(data_docs="docs/index.html"), tmp_path / "out")
    moved = (tmp_path / "out").rename(tmp_path / "moved elsewhere")
    assert len(page.links) > 15
    for link in page.links:
        assert not Path(link).is_absolute()
        assert (moved / link).is_file()


def test_photos_are_shown_small_and_unreadable_ones_leave_no_broken_image(full_report, tmp_path):
    page = rendered(full_report(), tmp_path / "out")
    for path in (tmp_path / "out" / "photos").iterdir():
        with Image.open(path) as image:
            assert (image.format, max(image.size)) == ("JPEG", 200)
    assert page.text.count("cannot be shown") == 3


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_night_that_knows_nothing_still_reports_its_verdict(verdict, tmp_path):
    page = rendered(NightReport(night="2026-03-14", verdict=verdict, reason="The source is down."), tmp_path)
    assert verdict.value.replace("_", " ") in page.text
    assert "The source is down." in page.text
    assert not page.links
    assert not page.open
    assert "table" not in page.tags


def test_the_verdict_and_the_warnings_come_before_every_figure(full_report, tmp_path):
    text = "\n".join(rendered(full_report(), tmp_path / "out").text)
    assert text.index("All is well") < text.index("Loud: Ford Mustang") < text.index("Listings seen")


def test_what_the_crawl_did_not_reach_is_named(full_report, tmp_path):
    text = "\n".join(rendered(full_report(), tmp_path / "out").text)
    assert "31,200 of 60,000 still to be read in full" in text
    assert "4,980 of the night's 5,000" in text
    assert "Make=Ford Mustang (http 503) and 2 more slices" in text
    assert "the day's calls are used up: Ford Mustang" in text
    assert "make in 3 of 120 listings" in text


def test_how_honest_and_how_sure_the_challenger_is_stands_in_the_section_of_the_model(full_report, tmp_path):
    page = rendered(full_report(), tmp_path / "out")
    text = " ".join(page.text)
    order = ("The model", "Challenger (tonight)", "honesty by vehicle", "weakest classes", "Night by night")
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert "calibration error" in text
    assert "mistakes name a lookalike" in text
    for name in ("reliability", "intervals"):
        assert {f"plots/{name}-light.png", f"plots/{name}-dark.png"} <= set(page.links)


def test_a_night_of_an_earlier_version_shows_what_its_receipt_holds(full_report, tmp_path):
    whole = full_report().evaluation.model_dump(mode="json")
    later = ("top5", "vehicle_top5", "by_photo", "by_vehicle", "prior", "lookalikes", "recency", "worst", "unknowns")
    facts = {"evaluation": {name: value for name, value in whole.items() if name not in later}}
    for score in facts["evaluation"]["per_class"]:
        for name in ("top5", "vehicle_top5", "top1_interval", "vehicle_top1_interval", "vehicle_top3_interval"):
            del score[name]
    old = evaluation(Receipt(night=full_report().night, stage="train", run_id="r", facts=facts))
    for found in (old, None):
        page = rendered(full_report(evaluation=found), tmp_path / "out")
        assert "Challenger (tonight)" in " ".join(page.text)
        assert "honesty by" not in " ".join(page.text)
        assert not [link for link in page.links if "reliability" in link or "intervals" in link]


def test_how_the_model_was_judged_is_told_part_by_part(full_report, tmp_path):
    page = rendered(full_report("Audi TT"), tmp_path / "out")
    text = " ".join(" ".join(page.text).split())
    order = (
        *("passed", "refused", "not asked", "Tonight's new labels", "doubtful seller", "The same model on parts"),
        *("benchmark", "the same photos as listed", "lost on a phone", "Cars that it has no class for"),
        *("not sure below", "The weakest classes, and what they were taken for", "What looks alike", "Night by night"),
    )
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert "not measured: 0 of 0 vehicles" in text
    assert "25 % to 95 %" in text  # a class with its interval
    assert {"photos/worst-01-01.jpg", "photos/worst-01-03.jpg", "plots/map-light.png"} <= set(page.links)


def test_a_receipt_that_tells_nothing_of_it_leaves_no_empty_section(full_report, tmp_path):
    page = rendered(full_report(judged=JudgedReport()), tmp_path / "out")
    text = " ".join(page.text)
    assert "Challenger (tonight)" in text
    for absent in ("new labels", "parts of the test set", "no class for", "taken for", "looks alike", "passed"):
        assert absent not in text.replace("weakest classes", "").replace(", taken for Ford", "")


def test_the_training_set_shows_its_ends_and_what_a_person_should_resolve(full_report, tmp_path):
    page = rendered(full_report(), tmp_path / "out")
    text = " ".join(page.text)
    assert text.index("large") < text.index("4,321") < text.index("small 0")
    assert "leak check" in text
    assert "and 3 more models" in text
    pictures = [link for link in page.links if "conflict-" in link]
    assert pictures == ["photos/conflict-01-01.jpg", "photos/conflict-01-02.jpg"]
    assert "Training set" not in " ".join(rendered(full_report(training_set=None), tmp_path / "out").text)


def test_figures_that_are_not_numbers_are_a_dash(full_report, tmp_path):
    bad = float("nan")
    report = full_report(
        classes=(ClassFacts(class_id=1, label="A", top1=bad), ClassFacts(class_id=2, label="B", top1=float("inf"))),
        prices=(PriceLine(label="A", count=9, median=bad, q1=bad, q3=bad, trimmed_mean=bad),),
        epochs=tuple(each.model_copy(update={"loss": bad}) for each in full_report().epochs),
        challenger=full_report().challenger.model_copy(update={"top1_vehicle": bad}),
    )
    words = " ".join(rendered(report, tmp_path / "out").text).lower().split()
    assert not {"nan", "inf", "none", "nan%"} & set(words)


def test_classes_come_weakest_first_and_prices_by_comparables(full_report, tmp_path):
    scores = {"strong": 0.9, "weak": 0.1, "untested": None}
    classes = tuple(ClassFacts(class_id=i, label=name, top1=top1) for i, (name, top1) in enumerate(scores.items()))
    lines = (
        PriceLine(label="few", count=6, median=1.0),
        PriceLine(label="unpriced", count=4, reason="4 comparable sales; a price needs at least 5"),
        PriceLine(label="many", count=60, median=1.0),
    )
    text = rendered(full_report(classes=classes, prices=lines, samples=()), tmp_path / "out").text
    assert [each for each in text if each in scores] == ["weak", "strong", "untested"]
    assert [each for each in text if each in ("few", "many", "unpriced")] == ["many", "few", "unpriced"]
    assert "4 comparable sales; a price needs at least 5" in text


def test_rendering_again_replaces_its_own_files_and_no_others(full_report, tmp_path):
    out = tmp_path / "out"
    render(full_report(), out)
    (out / "docs").mkdir()
    (out / "docs" / "index.html").write_text("checks")
    page = rendered(full_report(samples=(), epochs=()), out)
    left = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert left == set(page.links) | {"report.html", "docs/index.html"}


def test_the_same_facts_give_the_same_bytes(full_report, tmp_path):
    def content(folder: Path) -> dict[str, bytes]:
        render(full_report(), folder)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_prices_say_how_far_off_they_are_what_was_left_out_and_how_they_moved(full_report, tmp_path):
    page = rendered(full_report("Audi TT"), tmp_path / "out")
    text = " ".join(" ".join(page.text).split())
    order = (
        *("8,800 to 9,300", "What they are worth by age", "How far off the valuation is", "held-out vehicles"),
        *("31.8 % 30.1 % to 33.3 %", "later sales from 2020-01-01", "8,412 coefficients"),
        *("0.53 (0.50 to 0.56) of the error of the mean per model", "3 more with 17 cars are not shown"),
        *("From listings to figures", "a deposit or a monthly rate", "far from the other prices of its model 85"),
        *("By model year", "Audi TT , 321", "Medians over the nights", "+5.0 %", "Offers that fell most tonight"),
    )
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert "salvage" not in text
    assert {"plots/curve-1-light.png", "plots/curve-2-dark.png", "plots/median-2-light.png"} <= set(page.links)


def test_a_night_that_tells_nothing_of_its_valuation_shows_its_prices_alone(full_report, tmp_path):
    page = rendered(full_report(priced=PricedReport()), tmp_path / "out")
    text = " ".join(page.text)
    assert "Trimmed mean" in text
    for absent in ("valuation", "Valuation", "From listings to figures", "By model year", "Medians", "fell most"):
        assert absent not in text
    assert not [link for link in page.links if "curve" in link or "median" in link]
