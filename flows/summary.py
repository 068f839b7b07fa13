"""What a person is told when a night ends: on the terminal, as JSON, and as a Markdown artifact."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from autodetect.records import Receipt, Record, Verdict
from flows.runner import NightRun

MOST_RULES = 12


class NightSummary(Record):
    """A night in figures. Sections are lines of (what, value) as they are shown; `figures` is the same for machines."""

    verdict: Verdict
    reason: str
    night: date | None = None
    lines: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    figures: dict[str, Any] = {}
    report: str = ""
    release_id: str = ""


def summarise(night: NightRun, verdict: Verdict, reason: str) -> NightSummary:
    """Return the summary of a night that has just ended."""
    receipts = night.receipts()
    before = night.lake.receipts.before(night.begin.night)
    publish = receipts.get("publish")
    return NightSummary(
        verdict=verdict,
        reason=reason,
        night=night.begin.night,
        lines=tuple(_lines(receipts, before)),
        warnings=tuple(_warnings(receipts)),
        figures={
            name: {"counts": r.counts, "run": r.run, "digest": r.digest}
            for name, r in receipts.items()
            if name != "end"
        },
        report=str(night.report_folder / "report.html"),
        release_id=publish.facts["release_id"] if publish else "",
    )


def as_text(summary: NightSummary) -> str:
    """Return the summary for a terminal."""
    title = f"Night of {summary.night}: {summary.verdict.value}" if summary.night else summary.verdict.value
    width = max((len(what) for what, _ in summary.lines), default=0)
    return "\n".join(
        [
            "",
            title.upper(),
            f"  {summary.reason}",
            *(f"  {what:<{width}}  {value}" for what, value in summary.lines),
            *(f"  WARNING: {warning}" for warning in summary.warnings),
            *([f"  {'report':<{width}}  {summary.report}"] if summary.report else []),
            "",
        ]
    )


def as_markdown(summary: NightSummary) -> str:
    """Return the summary as Markdown."""
    rows = [f"| {what} | {value} |" for what, value in summary.lines]
    return "\n".join(
        [
            f"# Night of {summary.night}: {summary.verdict.value}",
            "",
            summary.reason,
            "",
            *(f"> **Warning:** {warning}\n" for warning in summary.warnings),
            "| what | value |",
            "| --- | --- |",
            *rows,
            "",
            f"Report: `{summary.report}`",
        ]
    )


def _lines(receipts: Mapping[str, Receipt], before: Mapping[str, Receipt]) -> Iterator[tuple[str, str]]:
    crawl, curate, train = (receipts.get(name) for name in ("crawl", "curate", "train"))
    export, price, publish = (receipts.get(name) for name in ("export", "price", "publish"))
    if crawl:
        c = crawl.counts
        yield (
            "crawled",
            (
                f"{c['seen']:,} of {c['announced']:,} listings ({c['listings_new']:,} new, {c['listings_changed']:,} changed), "
                f"{c['sales_new']:,} new sales, {c['photos_fetched']:,} photos fetched, {c['photos_held']:,} held already"
            ),
        )
    if curate:
        c = curate.counts
        yield (
            "curated",
            (
                f"{c['photos_ok']:,} of {c['photos_new']:,} new photos are sound, {c['photos_copies']:,} are copies; "
                f"{c['vehicles_new']:,} new vehicles, {c['listings_ended']:,} listings ended"
            ),
        )
    yield from _refusals(receipts)
    if train:
        yield (
            "classes",
            f"{train.counts['classes']} ({train.counts['classes_new']} new), {train.counts['photos']:,} photos",
        )
        yield from _model(train, before.get("train"))
    if export and "package" in export.facts:
        carried = ", carried over" if export.facts["carried"] else ""
        yield "Core ML", f"{export.facts['package']['size'] / 1e6:.1f} MB, {export.counts['classes']} labels{carried}"
    if price:
        c = price.counts
        yield (
            "prices",
            f"{c['prices_sold']} models by sales, {c['prices_asking']} by asking price; {c['offers']:,} offers",
        )
    if publish:
        size = publish.counts["bytes"] / 1e6
        yield "release", f"number {publish.facts['sequence']}, {publish.facts['release_id'][:16]}, {size:.1f} MB"
    yield (
        "took",
        ", ".join(
            f"{name} {receipt.run['seconds']:.0f} s" for name, receipt in receipts.items() if "seconds" in receipt.run
        ),
    )


def _refusals(receipts: Mapping[str, Receipt]) -> Iterator[tuple[str, str]]:
    rules = {
        name.removeprefix("quarantine/"): count
        for receipt in receipts.values()
        for name, count in receipt.counts.items()
        if name.startswith("quarantine/")
    }
    most = sorted(rules.items(), key=lambda rule: (-rule[1], rule[0]))
    if most:
        shown = ", ".join(f"{count:,} {rule}" for rule, count in most[:MOST_RULES])
        yield "quarantine", shown + (f" and {len(most) - MOST_RULES} more rules" if len(most) > MOST_RULES else "")


def _model(train: Receipt, before: Receipt | None) -> Iterator[tuple[str, str]]:
    ours = train.facts.get("evaluation")
    if ours:
        yield (
            "tonight's model",
            (
                f"top-1 {ours['vehicle_top1']:.1%}, top-3 {ours['vehicle_top3']:.1%} of {ours['vehicles']} test vehicles "
                f"(by photo {ours['top1']:.1%}, {ours['top3']:.1%}; chance {ours['chance']:.1%})"
            ),
        )
    last = (before.facts.get("champion") if before else None) or {}
    if last:
        metrics = last["metrics"]
        yield (
            "last night's model",
            f"top-1 {metrics['vehicle_top1']:.1%}, top-3 {metrics['vehicle_top3']:.1%} on its own night's test vehicles",
        )
    yield "gate", train.facts["gate"]["words"]


def _warnings(receipts: Mapping[str, Receipt]) -> Iterator[str]:
    curate, crawl = receipts.get("curate"), receipts.get("crawl")
    note = curate.facts.get("backbone_note") if curate else ""
    if note:
        yield note
    if crawl and not crawl.facts["sales_offered"]:
        yield "the source offers no sales: prices are asking prices only"
    if crawl and not crawl.facts["complete"]:
        yield "the crawl was not complete: listings that were not seen are kept as they were"
