"""The crawl stage: run the spider, then turn its ledger into rows of `sightings`, `seen` and `listing_photos`."""

import logging
from pathlib import Path
from typing import Any

from autodetect.errors import DependencyDownError
from autodetect.lake.lake import Lake
from autodetect.lake.provenance import code_digest
from autodetect.lake.quarantine import counts_by_rule, refuse
from autodetect.lake.schemas import LISTING_PHOTOS, QUARANTINE, SEEN, SIGHTINGS
from autodetect.lake.tables import rows_of, upsert_all
from autodetect.records import Receipt, Refusal, Sighting, StageRun, canonical_json
from autodetect.settings import Settings
from crawlers.known import Known, read_known
from crawlers.ledger import Ledger, Reached
from crawlers.pages.browse import Provenance
from crawlers.permission import require_permission
from crawlers.process import run_spider
from crawlers.spiders.ebay_api import CrawlPlan

log = logging.getLogger(__name__)
# What Scrapy counts that a person asks for when a crawl was slow or partial.
RUN_STATS = ("downloader/request_count", "downloader/response_bytes", "retry/count", "elapsed_time_seconds")


def crawl(settings: Settings, lake: Lake, run: StageRun, *, work: Path) -> Receipt:
    """Crawl the source for tonight.

    Args:
        settings: `ebay` says where and how; the sandbox source has set it to its own server.
        lake: reads and writes `sightings`, `seen`, `listing_photos`; photos go to its photo store.
        run: tonight; its `begin` receipt fixes what the source serves.
        work: local folder that keeps the ledger between attempts.

    Raises:
        UsageError: a real host without a permission, a key or a contact.
        DependencyDownError: not even the first page could be read.
    """
    require_permission(settings)
    source = settings.source
    begin = run.inputs["begin"]
    known = read_known(lake, run, source, max_photos=settings.crawl.max_photos_per_listing)
    identity = {
        "night": run.night.isoformat(),
        "source": source,
        "begin": begin.digest,
        "code": code_digest(("crawlers",)),
        "wanted": [settings.ebay.category, settings.ebay.marketplace, settings.crawl.max_photos_per_listing],
    }
    with Ledger(work / f"crawl-{run.night.isoformat()}.jsonl", identity) as ledger:
        plan = CrawlPlan(
            ebay=settings.ebay,
            crawl=settings.crawl,
            provenance=Provenance(source, run.night, settings.ebay.permission, begin.facts["seller_salt"]),
            ledger=ledger,
            photos=lake.photos,
            known=known,
        )
        stats = run_spider(plan)
        reached = ledger.reached
    if "asking" not in reached.announced:
        causes = ", ".join(sorted({failure["cause"] for failure in reached.failures.values()})) or "no answer"
        raise DependencyDownError(
            f"the source {source} at {settings.ebay.base_url} could not be read: {causes}",
            "check the address and the API key (ebay.client_id, ebay.client_secret), then run the night again",
        )
    receipt = _written(lake, run, reached, known)
    return receipt.model_copy(update={"run": {name: float(stats.get(name, 0)) for name in RUN_STATS}})


def _written(lake: Lake, run: StageRun, reached: Reached, known: Known) -> Receipt:
    """Write what the ledger holds; rows of an unchanged listing are not written again."""
    source = run.inputs["begin"].facts["source"]
    found = [reached.sightings[key] for key in sorted(reached.sightings)]
    changed = [sighting for sighting in found if not known.holds(sighting)]
    seen = sorted(reached.seen.get("asking", set()))
    photos = [reached.photos[key] for key in sorted(reached.photos)]
    refusals = [
        Refusal(table=f"crawl.{f['kind']}", key=f["key"], rule=f"crawl.{f['cause']}", value=f["item_id"])
        for _, f in sorted(reached.failures.items())
    ]
    written = {
        SIGHTINGS: rows_of(SIGHTINGS, (_row(sighting, run) for sighting in changed)),
        SEEN: rows_of(SEEN, ({"source": source, "item_id": item_id, "night": run.night} for item_id in seen)),
        LISTING_PHOTOS: rows_of(
            LISTING_PHOTOS,
            (
                {
                    **{name: photo[name] for name in ("item_id", "position", "url", "sha256")},
                    "source": source,
                    "night": run.night,
                }
                for photo in photos
            ),
        ),
    }
    versions, outputs = upsert_all(lake.tables, written)
    versions[QUARANTINE.name], outputs[QUARANTINE.name] = refuse(lake.tables, refusals, night=run.night, stage="crawl")
    announced = reached.announced["asking"]
    pages_failed = any(kind == "page" for kind, _ in reached.failures)
    return run.receipt(
        "crawl",
        versions=versions,
        outputs=outputs,
        counts={
            "announced": announced,
            "seen": len(seen),
            "listings_new": sum(s.kind == "asking" and not known.has_seen(s) for s in changed),
            "listings_changed": sum(s.kind == "asking" and known.has_seen(s) for s in changed),
            "sales_announced": reached.announced.get("sold", 0),
            "sales_new": sum(s.kind == "sold" for s in changed),
            "photos_fetched": sum(photo["fetched"] for photo in photos),
            "photos_held": sum(not photo["fetched"] for photo in photos),
            "failures": len(refusals),
            **counts_by_rule(refusals),
        },
        facts={
            "complete": not pages_failed and 0 < announced <= len(seen),
            "coverage": round(len(seen) / announced, 6) if announced else 0.0,
            "sales_offered": "sold" in reached.announced,
        },
    )


def _row(sighting: Sighting, run: StageRun) -> dict[str, Any]:
    row = sighting.model_dump()
    return {
        **row,
        "night": run.night,
        "digest": sighting.digest,
        "aspects": canonical_json(sighting.aspects).decode(),
        "buying_options": list(sighting.buying_options),
        "photo_urls": list(sighting.photo_urls),
    }
