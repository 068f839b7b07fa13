"""The crawl stage: look at the source, then turn what was found into rows of the lake."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from autodetect.errors import DependencyDownError
from autodetect.lake.lake import Lake
from autodetect.lake.provenance import code_digest
from autodetect.lake.quarantine import counts_by_rule, refuse
from autodetect.lake.schemas import LISTING_PHOTOS, QUARANTINE, SIGHTINGS, Table
from autodetect.lake.tables import upsert_all
from autodetect.records import Receipt, Refusal, StageRun
from autodetect.sections import CrawlSettings
from autodetect.settings import Settings
from crawlers import harvest
from crawlers.advert import Provenance
from crawlers.coverage import Coverage
from crawlers.drift import HISTORY_NIGHTS, REQUIRED, drift_words, drifted, fill_of
from crawlers.folder.night import look_at_folder
from crawlers.frontier import ANNOUNCED, Frontier
from crawlers.imports import pending
from crawlers.kept import KeptListing
from crawlers.known import remember
from crawlers.ledger import Ledger
from crawlers.permission import require_permission
from crawlers.plan import CrawlPlan
from crawlers.process import run_spider
from crawlers.rules import ASKING, SOLD, rules_of
from crawlers.stopping import STOPPED, Cause

log = logging.getLogger(__name__)
# What Scrapy counts that a person asks for when a crawl was slow or partial.
RUN_STATS = ("downloader/request_count", "downloader/response_bytes", "retry/count", "elapsed_time_seconds")
# Ends that say nothing about the source's listings: the night could not even begin, and is no held one.
OUTSIDE = (Cause.TOKEN_REFUSED, Cause.SERVER_DOWN, Cause.QUOTA)


def crawl(settings: Settings, lake: Lake, run: StageRun, *, work: Path) -> Receipt:
    """Look at the source for tonight, and take in what was imported.

    Args:
        settings: `source`, `crawl`, `ebay`, `folder` say where and how; the sandbox has set `ebay` to its own server.
        lake: reads what earlier nights saw; writes `sightings`, `seen`, `slices`, `listing_photos`, `quarantine`;
            photos go to its photo store.
        run: tonight; its `begin` receipt fixes what the source serves.
        work: local folder that keeps the ledger between attempts.

    Raises:
        UsageError: a real host without a permission, a key or a contact; a folder that cannot be used.
        DependencyDownError: not even the first page could be read.
    """
    require_permission(settings)
    source, asked = settings.source, settings.crawl
    with Ledger(work, run.night, _identity(settings, run)) as ledger:
        remember(ledger, lake, run, source, max_photos=asked.max_photos_per_listing, max_tries=asked.max_photo_tries)
        plan = _plan(ledger, settings, lake, run)
        refusals: list[Refusal] = []
        stats: dict[str, Any] = {}
        if source == "folder":
            refusals += look_at_folder(ledger, plan.frontier, settings, lake, run)
        else:
            stats = run_spider(plan, max_pixels=settings.photos.max_pixels)
        stopped: dict[str, str] = stats.get(STOPPED) or {}
        coverage = Coverage(ledger, expected=_expected(run, asked))
        if ledger.announced(ASKING) is None and (not stopped or stopped["cause"] in OUTSIDE):
            raise _unreadable(plan, stopped)
        drift = _drift(plan, coverage, run, stopped)
        not_believed = drift["drift"].get("fields") or (REQUIRED if stopped.get("cause") == Cause.DRIFT else ())
        if not_believed:
            plan.frontier.take_back(not_believed)
        receipt = _written(plan, coverage, lake, run, refusals)
        calls = {"calls": ledger.calls, "calls_searching": ledger.calls_for("search")}
    facts = {**receipt.facts, "stopped": stopped, **drift}
    figures = {name: float(stats.get(name, 0)) for name in RUN_STATS} | calls
    return receipt.model_copy(update={"facts": facts, "run": figures})


def _identity(settings: Settings, run: StageRun) -> dict[str, Any]:
    """Return what another attempt must share with tonight's ledger to go on with it.

    A folder is looked at anew by every run: it costs no request, and what was taken out of it must not stay.
    """
    ebay, asked = settings.ebay, settings.crawl
    return {
        "night": run.night.isoformat(),
        "source": settings.source,
        "begin": run.inputs["begin"].digest,
        "code": code_digest(("crawlers",)),
        "wanted": [ebay.category, ebay.marketplace, ebay.web_path, asked.max_photos_per_listing, asked.page_size],
        "place": {"sandbox": [settings.sandbox.spider, settings.sandbox.marketplace], "folder": [run.run_id]}.get(
            settings.source, []
        ),
    }


def _plan(ledger: Ledger, settings: Settings, lake: Lake, run: StageRun) -> CrawlPlan:
    spider = f"ebay-{settings.sandbox.spider}" if settings.source == "sandbox" else settings.source
    begin, before = run.inputs["begin"], run.earlier.get("crawl")
    provenance = Provenance(settings.source, run.night, settings.permission, begin.facts["seller_salt"])
    return CrawlPlan(
        spider=spider,
        ebay=settings.ebay,
        crawl=settings.crawl,
        provenance=provenance,
        ledger=ledger,
        frontier=Frontier(ledger, rules_of(spider, settings.crawl, run.night.year), provenance),
        photos=lake.photos,
        examples=lake.artifacts,
        marketplace=before.facts.get("marketplace", "") if before else "",
        fill_history=before.facts.get("fill_history", []) if before else [],
        seed=begin.facts["seed"],
    )


def _unreadable(plan: CrawlPlan, stopped: dict[str, str]) -> DependencyDownError:
    """Return the error of a source that could not even be asked what it has."""
    where = plan.ebay.web_url if plan.spider == "ebay-pages" else plan.ebay.base_url
    causes = sorted({refusal.rule.removeprefix("crawl.") for refusal in harvest.refusals(plan.ledger)})
    why = stopped.get("words") or ", ".join(causes) or "no answer"
    if stopped.get("cause") == Cause.QUOTA:
        return DependencyDownError(f"{where} answers no more today: {why}", "run the night again when the quota is new")
    return DependencyDownError(
        f"the source {plan.provenance.source} at {where} could not be read: {why}",
        "check the address and the API key (ebay.client_id, ebay.client_secret), then run the night again",
    )


def _written(plan: CrawlPlan, coverage: Coverage, lake: Lake, run: StageRun, refusals: list[Refusal]) -> Receipt:
    """Write what the ledger holds, and the imports that wait; rows of an unchanged listing are not written again."""
    ledger, before = plan.ledger, run.earlier.get("crawl")
    earlier = before.facts if before else {}
    taken_before: list[str] = earlier.get("imports", [])
    newest_sale = harvest.newest_sale(ledger, run.night)
    imports = pending(lake.objects, taken_before)
    written = harvest.rows(ledger, coverage, plan.provenance.source, run.night)
    missing = sum(kind == "missing" for kind in written[SIGHTINGS]["kind"].to_pylist())
    refusals = [*refusals, *harvest.refusals(ledger)]
    imported = 0
    for one in imports:
        listings, refused = one.read()
        refusals += refused
        imported += _add(written, listings, run)
    versions, outputs = upsert_all(lake.tables, written)
    versions[QUARANTINE.name], outputs[QUARANTINE.name] = refuse(lake.tables, refusals, night=run.night, stage="crawl")
    return run.receipt(
        "crawl",
        versions=versions,
        outputs=outputs,
        counts={
            **harvest.counts(ledger, missing),
            "imported": imported,
            "failures": len(refusals),
            **counts_by_rule(refusals),
        },
        facts={
            "complete": coverage.is_complete,
            "coverage": coverage.share(run.night, plan.crawl.fresh_nights),
            "backlog": harvest.backlog(ledger),
            "sales_offered": ledger.announced(SOLD) is not None,
            "sales_read_to": newest_sale if coverage.read_all_sales else earlier.get("sales_read_to", ""),
            "usual": _usual(run) if coverage.has_collapsed else ledger.announced(ASKING) or _usual(run),
            "marketplace": ledger.noted("marketplace"),
            "imports": sorted([*taken_before, *(one.digest for one in imports)]),
        },
    )


def _add(written: dict[Table, pa.Table], listings: Iterator[KeptListing], run: StageRun) -> int:
    """Add imported listings to what is written; of the same listing imported twice the later one counts."""
    found = {(kept.sighting.kind, kept.sighting.item_id, kept.sighting.observed_on): kept for kept in listings}
    kept = [found[key] for key in sorted(found)]
    sightings = (harvest.sighting_row(one.sighting, run.night) for one in kept)
    photos = ({**row, "night": run.night} for one in kept for row in one.photo_rows())
    for table, rows in ((SIGHTINGS, sightings), (LISTING_PHOTOS, photos)):
        written[table] = harvest.latest(table, written[table], harvest.batches_of(table, rows))
    return len(kept)


def _expected(run: StageRun, crawl: CrawlSettings) -> int:
    """Return how many listings a whole source must announce: a share of what it usually does."""
    return max(1, int(crawl.min_fill * _usual(run)))


def _usual(run: StageRun) -> int:
    """Return how many listings the source announced when it was last believed; 0 before the first crawl."""
    before = run.earlier.get("crawl")
    return int(before.facts.get("usual", before.counts["announced"])) if before else 0


def _drift(plan: CrawlPlan, coverage: Coverage, run: StageRun, stopped: dict[str, str]) -> dict[str, Any]:
    """Return the facts about what listings say: tonight's fill rates among the last ones, and what drifted."""
    if coverage.has_collapsed and (usual := _usual(run)):
        announced = plan.ledger.announced(ASKING)
        words = (
            f"the source announces {announced:,} listings, usually {usual:,}; if so few are right, crawl.min_fill = 0"
        )
        drift = {"fields": [ANNOUNCED], "words": words, "example": "", "kept": ""}
        return {"drift": drift, "fill_history": list(plan.fill_history)}
    tonight = fill_of(harvest.sightings(plan.ledger, kind=ASKING))
    fields: list[str] = []
    if plan.crawl.min_fill and plan.spider != "folder":
        fields = drifted(tonight, plan.fill_history, min_fill=plan.crawl.min_fill)
    if not fields:
        history = list(plan.fill_history)
        undisturbed = not stopped or stopped["cause"] == Cause.QUOTA
        news = [tonight] if any(read for _, read in tonight.values()) and undisturbed else []
        return {"drift": {}, "fill_history": [*history, *news][-HISTORY_NIGHTS:]}
    return {
        "drift": {
            "fields": fields,
            "words": drift_words(fields, tonight, plan.fill_history),
            "example": plan.ledger.noted("example_url"),
            "kept": plan.ledger.noted("example"),
        },
        "fill_history": list(plan.fill_history),
    }
