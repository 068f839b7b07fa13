"""The nightly report: one folder with `report.html`, its plots and small copies of the photos it shows.

The folder can be moved and read offline: every link is relative, and the page's own policy lets a browser load nothing
but pictures from beside it. Text from strangers is escaped and isolated from its surroundings.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodetect.records import Verdict
from autodetect.report import words
from autodetect.report.cards import cards, tonight
from autodetect.report.crawled import crawl_lines
from autodetect.report.drawing import Plot
from autodetect.report.evaluation_lines import evaluation_lines
from autodetect.report.exported import export_lines, variant_rows
from autodetect.report.facts import (
    ClassFacts,
    ConflictingListing,
    JudgedReport,
    LabelConflict,
    NightReport,
    WorstClassPhotos,
    WrongAnswer,
)
from autodetect.report.judged_lines import label_lines, slice_lines, slice_rows, unknown_lines
from autodetect.report.map_plot import draw_map
from autodetect.report.plots import draw_evaluation, draw_plots
from autodetect.report.price_plots import draw_prices
from autodetect.report.priced import PriceLine
from autodetect.report.priced_lines import price_lines
from autodetect.report.thumbnails import thumbnail

PAGE = "report.html"
MOST_PHOTOS = 12  # of samples, and of refused photos
MOST_CONFUSIONS = 10
MOST_GROUPS, MOST_IN_A_GROUP = 8, 6
MOST_CONFLICTS = 6
MOST_WORST = 8

# What a verdict means to whoever holds a phone.
HEADLINES = {
    Verdict.PUBLISHED: "A new model and fresh prices are out",
    Verdict.PRICES_ONLY: "Fresh prices are out; the model stays",
    Verdict.HELD: "Nothing was published tonight",
    Verdict.SKIPPED: "There was nothing to do tonight",
}


@dataclass(frozen=True)
class Picture:
    """A photo as the page shows it: the link is `None` when the file cannot be read."""

    link: str | None
    alt: str


def render(report: NightReport, folder: Path) -> Path:
    """Write the report into `folder` and return the path of its page. Rendering again replaces what was there.

    Args:
        report: the night's facts; anything may be empty.
        folder: made when absent; the page, `plots/` and `photos/` in it are replaced, nothing else is touched.
    """
    plots, photos = _emptied(folder / "plots"), _emptied(folder / "photos")
    drawn = draw_plots(report, tonight(report), plots)
    if report.evaluation:
        drawn |= draw_evaluation(report.evaluation, plots)
    drawn |= draw_map(report.judged.map, plots)
    drawn |= draw_prices(report.priced, plots)
    html = _html(report, drawn, _pictures(report, photos))
    temporary = folder / f".{PAGE}.part"
    temporary.write_bytes(html.encode("utf-8", errors="replace"))
    return temporary.replace(folder / PAGE)


def _html(report: NightReport, plots: dict[str, Plot], pictures: dict[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("autodetect.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= words.FILTERS
    return environment.get_template("night.html.j2").render(
        report=report,
        headline=HEADLINES[report.verdict],
        cards=cards(report),
        crawl_lines=list(crawl_lines(report.crawl)) if report.crawl else [],
        evaluation_lines=list(evaluation_lines(report.evaluation)) if report.evaluation else [],
        **_judged_lines(report.judged),
        variants=list(variant_rows(report.exported)) if report.exported else [],
        export_lines=list(export_lines(report.exported)) if report.exported else [],
        plots=plots,
        nights=[*report.history, tonight(report)][-14:][::-1],
        classes=_weakest_first(report.classes),
        confusions=sorted(report.confusions, key=lambda each: -each.count)[:MOST_CONFUSIONS],
        prices=_most_comparables_first(report.prices),
        **price_lines(report.priced),
        slowest=max((each.seconds for each in report.stages), default=0.0),
        **pictures,
    )


def _judged_lines(judged: JudgedReport) -> dict[str, Any]:
    """Return how the model was judged as the page writes it; empty where it is not told."""
    return {
        "slices": list(slice_rows(judged.slices)) if judged.slices else [],
        "slice_lines": list(slice_lines(judged.slices)) if judged.slices else [],
        "unknown_lines": list(unknown_lines(judged.unknowns)) if judged.unknowns else [],
        "label_lines": list(label_lines(judged.labels)) if judged.labels else [],
    }


def _pictures(report: NightReport, folder: Path) -> dict[str, Any]:
    """Copy the photos that the page shows; return them beside the facts they belong to."""
    samples, refused = report.samples[:MOST_PHOTOS], report.refused_photos[:MOST_PHOTOS]
    groups = report.copies[:MOST_GROUPS]
    conflicts = report.training_set.conflicts[:MOST_CONFLICTS] if report.training_set else ()
    return {
        "samples": [
            (_picture(each.path, folder / f"sample-{place:02d}.jpg", f"Test photo of {each.truth}"), each)
            for place, each in enumerate(samples, 1)
        ],
        "refused_photos": [
            (_picture(each.path, folder / f"refused-{place:02d}.jpg", f"Photo refused by {each.rule}"), each)
            for place, each in enumerate(refused, 1)
        ],
        "copies": [
            (_group(each.photos[:MOST_IN_A_GROUP], folder, place), len(each.photos) - MOST_IN_A_GROUP, each)
            for place, each in enumerate(groups, 1)
        ],
        "worst": [
            (_mistakes(each, folder, place), each) for place, each in enumerate(report.judged.worst[:MOST_WORST], 1)
        ],
        "conflicts": [(_sides(each, folder, place), each) for place, each in enumerate(conflicts, 1)],
    }


def _group(photos: Sequence[Path], folder: Path, place: int) -> list[Picture]:
    return [
        _picture(photo, folder / f"copy-{place:02d}-{number:02d}.jpg", f"Copy {number} of group {place}")
        for number, photo in enumerate(photos, 1)
    ]


def _sides(conflict: LabelConflict, folder: Path, place: int) -> list[tuple[Picture, ConflictingListing]]:
    return [
        (
            _picture(each.path, folder / f"conflict-{place:02d}-{number:02d}.jpg", f"Shown as {each.make_model_id}"),
            each,
        )
        for number, each in enumerate(conflict.shown, 1)
    ]


def _mistakes(weak: WorstClassPhotos, folder: Path, place: int) -> list[tuple[Picture, WrongAnswer]]:
    return [
        (
            _picture(
                each.path, folder / f"worst-{place:02d}-{number:02d}.jpg", f"{weak.name}, taken for {each.answer}"
            ),
            each,
        )
        for number, each in enumerate(weak.photos, 1)
    ]


def _picture(photo: Path, target: Path, alt: str) -> Picture:
    return Picture(f"{target.parent.name}/{target.name}" if thumbnail(photo, target) else None, alt)


def _weakest_first(classes: Sequence[ClassFacts]) -> list[ClassFacts]:
    return sorted(classes, key=lambda each: (each.top1 is None, each.top1, each.label, each.class_id))


def _most_comparables_first(prices: Sequence[PriceLine]) -> list[PriceLine]:
    return sorted(prices, key=lambda each: (each.median is None, -each.count, each.label, each.basis))


def _emptied(folder: Path) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder
