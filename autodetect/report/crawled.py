"""What a night's crawl reached and what it did not, for the summary and the report alike."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from autodetect.lake.lake import Lake
from autodetect.lake.receipts import night_filter
from autodetect.lake.schemas import SLICES
from autodetect.records import Receipt
from autodetect.report.facts import CrawlFacts, SliceFacts

MOST_SLICES = 5
LONGEST_NAME = 60  # characters of a slice's name; it may hold as many makes as fit into an address
UNREACHED = ("failed", "deferred")


def crawl_facts(lake: Lake, crawl: Receipt, curate: Receipt | None, *, daily_calls: int) -> CrawlFacts:
    """Return what the crawl's receipt and its slices say, and what curation made of the listings.

    Args:
        lake: holds `slices` at the version that the crawl's receipt names.
        crawl: tonight's receipt.
        curate: tonight's receipt, if the night came so far.
        daily_calls: the night's budget of requests.
    """
    counts, facts = Counter(crawl.counts), crawl.facts
    made = Counter(curate.counts if curate else {})
    return CrawlFacts(
        announced=counts["announced"],
        seen=counts["seen"],
        new=counts["listings_new"],
        changed=counts["listings_changed"],
        sales_new=counts["sales_new"],
        missing=made["listings_missing"],
        ended=made["listings_ended"],
        imported=counts["imported"],
        photos_fetched=counts["photos_fetched"],
        photos_reused=counts["photos_held"],
        coverage=facts["coverage"],
        backlog=facts.get("backlog", 0),
        calls=int(crawl.run.get("calls", 0)),
        daily_calls=daily_calls,
        unreached=_unreached(lake, crawl.versions.get(SLICES.name, 0), crawl.night),
        stopped=_stopped(facts.get("stopped") or {}),
        drift=_drift(facts.get("drift") or {}),
    )


def crawl_lines(facts: CrawlFacts) -> Iterator[tuple[str, str]]:
    """Yield what there is to tell beyond the figures, as (what, words); nothing where all went as it should."""
    if facts.calls:
        yield "calls", f"{facts.calls:,} of the night's {facts.daily_calls:,}"
    if facts.backlog:
        yield "backlog", f"{facts.backlog:,} of {max(facts.announced, facts.backlog):,} still to be read in full"
    if facts.unreached:
        yield "not reached", _named(facts.unreached)
    if facts.stopped:
        yield "stopped early", facts.stopped
    if facts.drift:
        yield "drift", facts.drift
    if facts.imported:
        yield "imported", f"{facts.imported:,} listings"


def _unreached(lake: Lake, version: int, night: date) -> tuple[SliceFacts, ...]:
    """Return tonight's slices that were not read to their end: what failed first, the largest first."""
    every: list[dict[str, Any]] = lake.tables.read(SLICES, version=version, where=night_filter(night)).to_pylist()
    rows = [row for row in every if row["state"] in UNREACHED]
    rows.sort(key=lambda row: (UNREACHED.index(row["state"]), -(row["announced"] or 0), row["kind"], row["slice"]))
    return tuple(
        SliceFacts(
            name=f"sales of {row['slice']}" if row["kind"] == "sold" else row["slice"],
            announced=row["announced"] or 0,
            found=row["found"] or 0,
            cause=(row["cause"] or "failed").replace("_", " ") if row["state"] == "failed" else "put off",
        )
        for row in rows
    )


def _named(unreached: Iterable[SliceFacts]) -> str:
    """Return 'Make=Ford (http 503), Make=Audi (put off) and 3 more slices'."""
    every = list(unreached)
    shown = ", ".join(f"{_clip(each.name)} ({each.cause})" for each in every[:MOST_SLICES])
    more = len(every) - MOST_SLICES
    return shown + (f" and {more:,} more slice{'s' if more > 1 else ''}" if more > 0 else "")


def _stopped(stopped: Mapping[str, str]) -> str:
    if not stopped:
        return ""
    return stopped["words"] + (f" [{stopped['url']}]" if stopped.get("url") else "")


def _drift(drift: Mapping[str, Any]) -> str:
    if not drift:
        return ""
    example = f" [{drift['example']}]" if drift.get("example") else ""
    kept = f"; an example is kept as artifact {drift['kept'][:12]}" if drift.get("kept") else ""
    return f"{drift['words']}{example}{kept}"


def _clip(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
