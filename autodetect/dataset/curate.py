"""The curate stage: tonight's sightings and photos -> cleaned listings, hashed and embedded photos, vehicles."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.catalog.answers import read_answers
from autodetect.catalog.identify import Identity, shown_names
from autodetect.dataset.cleaning import cleaned
from autodetect.dataset.copy_search import search_copies
from autodetect.dataset.embedded_so_far import earlier_engines, held_in_table
from autodetect.dataset.embedding import Embedder
from autodetect.dataset.grouping import group_vehicles
from autodetect.dataset.listing_changes import listing_changes
from autodetect.dataset.merging import apply
from autodetect.dataset.photo_intake import take_in
from autodetect.dataset.renewal import renew
from autodetect.dataset.vanished import with_missing
from autodetect.dataset.wanted_views import Photos
from autodetect.embeddings.pin import read_pin, settle
from autodetect.lake.lake import Lake
from autodetect.lake.quarantine import counts_by_rule, refuse
from autodetect.lake.receipts import night_filter
from autodetect.lake.schemas import (
    EMBEDDINGS,
    LISTING_PHOTOS,
    LISTINGS,
    MAKE_MODELS,
    NIGHTS,
    PHOTOS,
    QUARANTINE,
    SEEN,
    SIGHTINGS,
    SLICES,
    SNAPSHOTS,
    VEHICLES,
    Table,
)
from autodetect.lake.tables import rows_of, upsert_all
from autodetect.photos.examine import MISSING
from autodetect.photos.screening import head_note
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings
from autodetect.validation.check import check
from autodetect.validation.drift import drift_suite
from autodetect.validation.frames import replaced
from autodetect.validation.profile import Profile, good_profiles, night_profiles
from autodetect.validation.rule import Judged
from autodetect.validation.stages import crawled, curated
from autodetect.validation.suites.listings import listing_suite
from autodetect.validation.suites.photos import photo_suite

log = logging.getLogger(__name__)
# What curation reads of its own tables as of last night: never a column as wide as a thumbnail.
KNOWN: dict[Table, list[str] | None] = {
    LISTINGS: None,
    MAKE_MODELS: None,
    PHOTOS: ["sha256", "night", "verdict", "copy_group"],
    VEHICLES: None,
}
OF_LISTINGS = frozenset({"listings", "imports"})
IN_GROUPS = ["sha256", "copy_group"]
RECENT = timedelta(days=7)  # nights whose receipts are read again to see that they are as they were written


def curate(settings: Settings, lake: Lake, run: StageRun, *, work: Path, docs: Path) -> Receipt:
    """Clean, judge, hash, embed and group what tonight's crawl brought.

    Args:
        settings: photo, backbone and validation settings, `catalog.answers`, `crawl.missing_nights`,
            `dataset.max_listings_per_vehicle`.
        lake: reads what the crawl wrote; writes `listings`, `make_models`, `photos`, `embeddings`, `vehicles`,
            `quarantine`, and the hash index.
        run: tonight's receipts so far.
        work: local scratch folder.
        docs: the folder for tonight's Data Docs.
    """
    versions = run.versions

    def read(table: Table, **options: Any) -> pa.Table:
        return lake.tables.read(table, version=versions.get(table.name, 0), **options)

    uncurated = _uncurated(run)
    crawl = {table: read(table, where=uncurated) for table in (SIGHTINGS, SEEN, SLICES, LISTING_PHOTOS)}
    lately = pc.field("night") > run.night - RECENT
    refused = read(QUARANTINE, where=night_filter(run.night)).filter(pc.field("stage") == "crawl")
    crawl |= {QUARANTINE: refused, NIGHTS: lake.tables.read(NIGHTS, where=lately)}
    known = {table: read(table, columns=columns) for table, columns in KNOWN.items()}
    listing_photos = read(LISTING_PHOTOS, columns=["source", "item_id", "sha256"])
    answers = read_answers(settings.catalog.answers)
    done = cleaned(_newest(crawl[SIGHTINGS]), answers)
    new_photos = _unseen(listing_photos["sha256"], known[PHOTOS])
    log.info("curate: %d new or changed sightings, %d new photos", len(done.frame), len(new_photos))
    last = run.earlier.get("train")
    champion, tried = (last.facts.get(name) or {} if last else {} for name in ("champion", "backbone_next"))
    settle(lake.objects, champion.get("backbone"), tried.get("backbone") if tried.get("outcome") == "refused" else None)
    held = held_in_table(lake, read)
    embedder = Embedder(lake, settings, work, earlier_engines(run.earlier.get("curate"), lake, held))
    intake = take_in(new_photos, embedder, night=run.night)

    by_row = [*_listing_suites(done.frame, run.night), (photo_suite(settings), intake.facts)]
    rows_judged = check([*crawled(crawl, night=run.night), *by_row], docs=docs, run_name=run.night.isoformat())
    profiles = night_profiles(done.frame, intake.facts, rows_judged.findings, night=run.night)
    facts, refusals = apply((each for each in rows_judged.findings if each.table in OF_LISTINGS), done)
    refusals += intake.judge(rows_judged.findings)
    log.info("curate: %d rules judged, %d rows refused or corrected", rows_judged.rules, len(refusals))

    missing_nights = settings.crawl.missing_nights
    changes = listing_changes(
        known[LISTINGS], facts, answers, read, uncurated, night=run.night, missing_nights=missing_nights
    )
    copies = search_copies(intake, known[PHOTOS], read, lake=lake, run=run, settings=settings.photos, work=work)
    grouping = group_vehicles(
        known[VEHICLES],
        pa.concat_tables([known[LISTINGS], changes.rows]),
        listing_photos,
        pa.concat_tables([known[PHOTOS].select(IN_GROUPS), copies.rows.select(IN_GROUPS)]),
        night=run.night,
        trained=_trained(known[VEHICLES], read),
        max_listings=settings.dataset.max_listings_per_vehicle,
    )
    photos = Photos(
        _as_of_tonight(known[PHOTOS], copies.rows, PHOTOS),
        listing_photos,
        _as_of_tonight(known[VEHICLES], grouping.rows, VEHICLES),
    )
    renewal = renew(embedder, photos, held, intake.embeddings, night=run.night)
    photo_rows, missing = with_missing(copies.rows, renewal.vanished, known[PHOTOS], read)
    refusals += [*changes.refusals, *grouping.refusals, *missing]
    decisions = done.decisions + changes.decisions
    written = {
        LISTINGS: changes.rows,
        MAKE_MODELS: _new_make_models(known[MAKE_MODELS], decisions, run.night),
        PHOTOS: photo_rows,
        EMBEDDINGS: renewal.current,
        VEHICLES: grouping.rows,
    }
    suites = curated(written, read=crawl, known=known, refusals=refusals, night=run.night, settings=settings)
    written[EMBEDDINGS] = renewal.rows
    suites += renewal.suites(photos.sound)
    suites += _drift_suites(profiles, lake, settings, run.night)
    tables_judged = check(suites, docs=docs, run_name=run.night.isoformat())
    new_versions, outputs = upsert_all(lake.tables, written)
    new_versions[QUARANTINE.name], outputs[QUARANTINE.name] = refuse(
        lake.tables, refusals, night=run.night, stage="curate"
    )
    pin = read_pin(lake.objects)
    return run.receipt(
        "curate",
        versions=new_versions,
        outputs=outputs,
        counts={
            "sightings": len(done.frame),
            "photos_new": len(new_photos),
            "photos_ok": len(intake.sound),
            **renewal.counts,
            **changes.counts,
            **copies.counts,
            **grouping.counts,
            "rules_judged": rows_judged.rules + tables_judged.rules,
            **counts_by_rule(refusals),
        },
        facts={
            "held": [*rows_judged.held, *tables_judged.held],
            "warned": [*rows_judged.warned, *tables_judged.warned, *embedder.notes],
            "profiles": [profile.model_dump(mode="json") for profile in profiles],
            "index": copies.index.model_dump(mode="json"),
            "catalog": _by_reason(decisions),
            "embeddings": renewal.facts,
            "backbone_note": pin.note if pin else "",
            "screening_note": head_note(pin) if pin else "",
        },
        run={"validation_seconds": rows_judged.seconds + tables_judged.seconds},
    )


def _uncurated(run: StageRun) -> pc.Expression:
    """Return which sightings no curation has seen: tonight's, and those of nights that ended before theirs.

    A night can be held, or given up, after its crawl; the next crawl then takes its listings for known.
    """
    done, crawl = run.earlier.get("curate"), run.earlier.get("crawl")
    if done is None:
        return pc.field("night") <= run.night
    crawled_again = crawl is not None and crawl.night == done.night and crawl.digest != done.inputs["crawl"]
    return pc.field("night") >= done.night if crawled_again else pc.field("night") > done.night


def _as_of_tonight(known: pa.Table, rows: pa.Table, table: Table) -> pa.Table:
    """Return a table, in the columns that are known of it, as tonight's rows leave it."""
    return pa.concat_tables([replaced(known, rows, table.key), rows.select(known.column_names)])


def _newest(sightings: pa.Table) -> pa.Table:
    """Return the newest sighting of each listing and sale, by listing; that one was missing is no sighting of it."""
    told = sightings.filter(pc.field("kind") != "missing")
    ordered = told.sort_by([("night", "ascending"), ("observed_on", "ascending")])
    key = ["source", "item_id", "kind"]
    newest = ~ordered.select(key).to_pandas().duplicated(keep="last")
    return ordered.filter(pa.array(newest)).sort_by([(name, "ascending") for name in key])


def _unseen(shown: pa.ChunkedArray, photos: pa.Table) -> list[str]:
    """Return the digests of photos that the lake has not looked at, ascending; a missing one may have come back."""
    known = photos.filter(pc.field("verdict") != MISSING)["sha256"]
    new = shown.filter(pc.invert(pc.is_in(shown, known.combine_chunks())))
    return sorted(pc.unique(new).to_pylist())


def _listing_suites(frame: pd.DataFrame, night: date) -> list[Judged]:
    """Return the suites of listings beside what they judge: imports apart, of which none needs a price."""
    suite = listing_suite(night)
    imported = frame["kind"] == "import"
    rules = tuple(rule for rule in suite.rules if rule.name != "listings.prices_missing")
    return [(suite, frame[~imported]), (replace(suite, table="imports", rules=rules), frame[imported])]


def _drift_suites(profiles: Iterable[Profile], lake: Lake, settings: Settings, night: date) -> list[Judged]:
    earlier = good_profiles(lake.receipts.all(), before=night)
    return [drift_suite(profile, earlier, settings.validation) for profile in profiles]


def _trained(vehicles: pa.Table, read: Any) -> set[str]:
    """Return those vehicles that are kept for evaluation although a model was trained on them."""
    evaluated = pc.unique(vehicles.filter(pc.field("split") != "train")["vehicle_id"])
    where = (pc.field("split") == "train") & pc.field("vehicle_id").isin(evaluated)
    return set(read(SNAPSHOTS, columns=["vehicle_id"], where=where)["vehicle_id"].to_pylist())


def _new_make_models(known: pa.Table, decisions: Counter[Identity], night: date) -> pa.Table:
    """Return the catalogue entries seen for the first time; an entry's spelling stays as it was first shown."""
    held = set(known["make_model_id"].to_pylist())
    return rows_of(
        MAKE_MODELS,
        (
            {"make_model_id": model_id, "make": make, "model": model, "night": night}
            for model_id, (make, model) in shown_names(decisions).items()
            if model_id not in held
        ),
    )


def _by_reason(decisions: Counter[Identity]) -> dict[str, int]:
    """Return how many sightings the catalogue decided for which reason."""
    counts: Counter[str] = Counter()
    for identity, rows in decisions.items():
        counts[identity.reason] += rows
    return dict(sorted(counts.items()))
