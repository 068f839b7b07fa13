"""What a person is told when a night ends: on the terminal, as JSON, and as a Markdown artifact."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import Field

from autodetect.dataset.training_set import TrainingSetFacts
from autodetect.lake.verdict import withheld_words
from autodetect.prices.judged.figures import PriceEvaluation
from autodetect.prices.words import error_words
from autodetect.records import Receipt, Record, Verdict
from autodetect.report.crawled import crawl_facts, crawl_lines
from autodetect.report.exported import exported, in_one_line
from autodetect.report.facts import CrawlFacts
from autodetect.report.training_set import screening_lines, training_lines
from flows.runner import NightRun

MOST_RULES = 12
_RATED = ("great", "good", "fair", "high")


class NightSummary(Record):
    """A night for a person (`lines` of what and value, as shown) and for machines (`figures` by stage)."""

    verdict: Verdict
    reason: str
    night: date | None = None
    lines: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    figures: dict[str, Any] = Field(default_factory=dict)
    report: str = ""
    release_id: str = ""


def summarise(night: NightRun, receipts: Mapping[str, Receipt], verdict: Verdict, reason: str) -> NightSummary:
    """Return the summary of a night that has just ended with these receipts."""
    publish, crawl = receipts.get("publish"), receipts.get("crawl")
    budget = night.settings.crawl.daily_calls
    crawled = crawl_facts(night.lake, crawl, receipts.get("curate"), daily_calls=budget) if crawl else None
    return NightSummary(
        verdict=verdict,
        reason=reason,
        night=night.begin.night,
        lines=tuple(_lines(receipts, night.lake.receipts.before(night.begin.night), crawled)),
        warnings=tuple(_warnings(receipts)),
        figures={name: {"counts": r.counts, "run": r.run, "digest": r.digest} for name, r in receipts.items()},
        report=str(night.report_folder / "report.html"),
        release_id=publish.facts["release_id"] if publish else "",
    )


def as_text(summary: NightSummary) -> str:
    """Return the summary for a terminal."""
    title = f"Night of {summary.night}: {summary.verdict.value}" if summary.night else summary.verdict.value
    lines = [*summary.lines, *([("report", summary.report)] if summary.report else [])]
    width = max((len(what) for what, _ in lines), default=0)
    return "\n".join(
        [
            "",
            title.upper(),
            f"  {summary.reason}",
            "",
            *(f"  {what:<{width}}  {value}" for what, value in lines),
            *(f"  WARNING: {warning}" for warning in summary.warnings),
        ]
    )


def as_markdown(summary: NightSummary) -> str:
    """Return the summary as Markdown."""
    return "\n".join(
        [
            f"# Night of {summary.night}: {summary.verdict.value}",
            "",
            summary.reason,
            "",
            *(f"> **Warning:** {warning}\n" for warning in summary.warnings),
            "| what | value |",
            "| --- | --- |",
            *(f"| {what} | {_cell(value)} |" for what, value in summary.lines),
            "",
            f"Report: `{summary.report}`",
        ]
    )


def _cell(text: str) -> str:
    """Return text that does not end a table's cell: slices are named with bars."""
    return text.replace("|", "\\|")


def _lines(
    receipts: Mapping[str, Receipt], before: Mapping[str, Receipt], crawled: CrawlFacts | None
) -> Iterator[tuple[str, str]]:
    if crawled:
        yield from _crawl(crawled)
    tellers = {"curate": _curate, "export": _export, "publish": _publish}
    for name, receipt in receipts.items():
        if name == "train":
            yield from _train(receipt, before.get("train"))
        elif name == "price":
            yield from _price(receipt)
        elif name in tellers:
            yield tellers[name](receipt)
        if name == "curate":
            yield from screening_lines(receipt)
            yield from _quarantine(receipts)
    seconds = {name: receipt.run["seconds"] for name, receipt in receipts.items() if "seconds" in receipt.run}
    yield "took", ", ".join(f"{name} {duration:.0f} s" for name, duration in seconds.items())


def _crawl(facts: CrawlFacts) -> Iterator[tuple[str, str]]:
    seen = f"{facts.seen:,} of {facts.announced:,} listings ({facts.new:,} new, {facts.changed:,} changed)"
    photos = f"{facts.photos_fetched:,} photos fetched, {facts.photos_reused:,} held already"
    yield "crawled", f"{seen}, coverage {facts.coverage:.1%}, {facts.sales_new:,} new sales, {photos}"
    yield from crawl_lines(facts)


def _curate(receipt: Receipt) -> tuple[str, str]:
    c = receipt.counts
    photos = f"{c['photos_ok']:,} of {c['photos_new']:,} new photos are sound, {c['photos_copies']:,} are copies"
    gone = f"{c['listings_missing']:,} listings missing, {c['listings_ended']:,} ended"
    return "curated", f"{photos}; {c['vehicles_new']:,} new vehicles; {gone}"


def _quarantine(receipts: Mapping[str, Receipt]) -> Iterator[tuple[str, str]]:
    rules = {
        name.removeprefix("quarantine/"): count
        for receipt in receipts.values()
        for name, count in receipt.counts.items()
        if name.startswith("quarantine/")
    }
    most = sorted(rules.items(), key=lambda rule: (-rule[1], rule[0]))
    if most:
        shown = ", ".join(f"{count:,} {rule}" for rule, count in most[:MOST_RULES])
        rest = f" and {len(most) - MOST_RULES} more rules" if len(most) > MOST_RULES else ""
        yield "quarantine", shown + rest


def _train(receipt: Receipt, before: Receipt | None) -> Iterator[tuple[str, str]]:
    c, facts = receipt.counts, receipt.facts
    yield "classes", f"{c['classes']} ({c['classes_new']} new), {c['photos']:,} photos"
    if "training_set" in facts:
        yield from training_lines(TrainingSetFacts.model_validate(facts["training_set"]))
    ours, theirs = facts.get("evaluation"), facts.get("champion_evaluation")
    champion = before.facts["champion"] if before else None
    if ours:
        by_photo = f"by photo {ours['top1']:.1%}, {ours['top3']:.1%}; chance {ours['chance']:.1%}"
        yield "tonight's model", f"{_accuracy(ours)} of {ours['vehicles']} test vehicles ({by_photo})"
    if theirs:
        beside = f"{_accuracy(theirs)} of {theirs['vehicles']} test vehicles of classes it knows"
        yield "model before", f"{beside} (trained on {champion['night']})" if champion else beside
    elif champion:
        yield "model before", f"{_accuracy(champion['metrics'])} on the test vehicles of {champion['night']}"
    yield "gate", facts["gate"]["words"]


def _export(receipt: Receipt) -> tuple[str, str]:
    carried = f", carried over from {receipt.facts['made_on']}" if receipt.facts["carried"] else ""
    told = exported(receipt, "")
    packages = f"; {in_one_line(told)}" if told else ""
    return "Core ML", f"{receipt.counts['classes']} labels{carried}{packages}"


def _price(receipt: Receipt) -> Iterator[tuple[str, str]]:
    c, evaluation = receipt.counts, receipt.facts.get("evaluation")
    yield "prices", f"{c['prices_sold']} models by sales, {c['prices_asking']} by asking price; {c['offers']:,} offers"
    if evaluation:
        judged = PriceEvaluation.model_validate(evaluation)
        yield "valuation", error_words(judged) or "; ".join(judged.words)
    rated = [f"{c[f'offers_{rating}']:,} {rating}" for rating in _RATED if c.get(f"offers_{rating}")]
    if rated:
        at = f"{c['offers_placed']:,} with a place, {c['offers_valued']:,} with a value"
        yield "offers", f"{at}; priced {', '.join(rated)}"


def _publish(receipt: Receipt) -> tuple[str, str]:
    facts, size = receipt.facts, receipt.counts["bytes"] / 1e6
    return "release", f"number {facts['sequence']}, {facts['release_id'][:16]}, {size:.1f} MB"


def _accuracy(scores: Mapping[str, float]) -> str:
    return f"top-1 {scores['vehicle_top1']:.1%}, top-3 {scores['vehicle_top3']:.1%}"


def _warnings(receipts: Mapping[str, Receipt]) -> Iterator[str]:
    curate, crawl = receipts.get("curate"), receipts.get("crawl")
    if curate and curate.facts["backbone_note"]:
        yield curate.facts["backbone_note"]
    if crawl and not crawl.facts["sales_offered"]:
        yield "the source offers no sales: prices are asking prices only"
    if words := withheld_words(receipts):
        yield words
    for receipt in receipts.values():
        yield from receipt.facts.get("warned", ())
