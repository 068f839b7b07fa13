"""The key figures at the top of the report, each beside last night's."""

from dataclasses import dataclass

from autodetect.records import Verdict
from autodetect.report import words
from autodetect.report.facts import ModelScores, NightReport, PastNight


@dataclass(frozen=True)
class Card:
    """A key figure: what it is, its value, and what to compare it with."""

    label: str
    value: str
    beside: str = ""


def tonight(report: NightReport) -> PastNight:
    """Return tonight as the history will tell it."""
    scores = carried_scores(report)
    return PastNight(
        night=report.night,
        verdict=report.verdict,
        top1=scores.top1_vehicle if scores else None,
        top3=scores.top3_vehicle if scores else None,
        listings=report.crawl.seen if report.crawl else None,
        release=report.release.sequence if report.release else None,
    )


def carried_scores(report: NightReport) -> ModelScores | None:
    """Return the scores of the model that clients carry after this night; before a first release, the challenger's."""
    if report.carried:
        return report.carried
    if report.verdict is Verdict.PUBLISHED:
        return report.challenger or report.champion
    return report.champion or report.challenger


def cards(report: NightReport) -> list[Card]:
    """Return the cards that there are facts for."""
    last = report.history[-1] if report.history else None
    found = [*_crawl_cards(report, last), *_model_cards(report, last), *_price_cards(report)]
    return [*found, *_release_cards(report, last)]


def _crawl_cards(report: NightReport, last: PastNight | None) -> list[Card]:
    crawl = report.crawl
    if crawl is None:
        return []
    before = f"last night {words.number(last.listings)}" if last and last.listings is not None else ""
    gone = f"{crawl.missing:,} missing, {crawl.ended:,} ended"
    found = [
        Card("Listings seen", words.number(crawl.seen), before),
        Card("New tonight", words.number(crawl.new), f"{crawl.changed:,} changed, {gone}"),
        Card("Coverage", words.percent(crawl.coverage), f"of {crawl.announced:,} announced"),
    ]
    if crawl.backlog:
        every = max(crawl.announced, crawl.backlog)
        found.append(Card("Still to be read in full", words.number(crawl.backlog), f"of {every:,} listings"))
    return found


def _model_cards(report: NightReport, last: PastNight | None) -> list[Card]:
    found = []
    scores = carried_scores(report)
    if scores:
        for label, value, before in (
            ("Top-1 accuracy", scores.top1_vehicle, last.top1 if last else None),
            ("Top-3 accuracy", scores.top3_vehicle, last.top3 if last else None),
        ):
            beside = (
                f"by vehicle, {scores.vehicles:,} tested" if before is None else f"last night {words.percent(before)}"
            )
            found.append(Card(label, words.percent(value), beside))
    if report.classes:
        new = sum(each.is_new for each in report.classes)
        found.append(Card("Models recognised", words.number(len(report.classes)), f"{new} new tonight"))
    return found


def _price_cards(report: NightReport) -> list[Card]:
    found = []
    if report.prices:
        cars = {each.label for each in report.prices}
        priced = {each.label for each in report.prices if each.median is not None}
        found.append(Card("Cars with a price", words.number(len(priced)), f"of {len(cars):,} with a listing"))
    evaluation = report.priced.evaluation
    split = (evaluation.by_vehicle or evaluation.by_time) if evaluation else None
    if split:
        ours, mean = (split.of(method).median_ape for method in ("valuation", "mean per model"))
        found.append(
            Card("Valuation off by", words.percent(ours), f"in the median; mean per model {words.percent(mean)}")
        )
    return found


def _release_cards(report: NightReport, last: PastNight | None) -> list[Card]:
    found = []
    if report.release:
        before = f"last night no. {last.release}" if last and last.release is not None else "the first one shown here"
        found.append(Card("Release", f"no. {report.release.sequence}", before))
    return found
