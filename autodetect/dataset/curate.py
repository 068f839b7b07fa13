"""The curate stage: tonight's sightings and photos -> cleaned listings, hashed and embedded photos, vehicles."""

import logging
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.catalog.answers import read_answers
from autodetect.catalog.identify import Identity, shown_names
from autodetect.dataset.cleaning import apply, cleaned, listing_rows
from autodetect.dataset.photo_intake import Intake, group_copies, take_in
from autodetect.dataset.presence import read_presence
from autodetect.dataset.redecided import redecided
from autodetect.embeddings.pin import load_pinned, read_pin
from autodetect.lake.lake import Lake
from autodetect.lake.quarantine import counts_by_rule, refuse
from autodetect.lake.schemas import (
    EMBEDDINGS,
    LISTING_PHOTOS,
    LISTINGS,
    MAKE_MODELS,
    PHOTOS,
    QUARANTINE,
    SIGHTINGS,
    VEHICLES,
)
from autodetect.lake.tables import rows_of, upsert_all
from autodetect.photos.vehicles import ListingKey, Membership, assign
from autodetect.records import Receipt, Refusal, StageRun
from autodetect.settings import Settings
from autodetect.validation.check import check
from autodetect.validation.rules import Suite, listing_suite, photo_suite

log = logging.getLogger(__name__)
# A seller may pick the wrong model for a copied photo; a picture of more models than that is a logo, not a car. It ties
# nothing, and `dataset.snapshots` refuses it as a conflict.
MOST_MODELS_OF_A_PICTURE = 2


def curate(settings: Settings, lake: Lake, run: StageRun, *, work: Path, docs: Path) -> Receipt:
    """Clean, judge, hash, embed and group what tonight's crawl brought.

    Args:
        settings: photo and backbone settings, `catalog.answers`, `crawl.missing_nights`.
        lake: reads `sightings`, `seen`, `listing_photos`; writes `listings`, `make_models`, `photos`, `embeddings`,
            `vehicles`, `quarantine`.
        run: tonight's receipts so far.
        work: local scratch folder.
        docs: the folder for tonight's Data Docs.
    """
    tables, versions = lake.tables, run.versions

    def read(table: Any, **options: Any) -> pa.Table:
        return tables.read(table, version=versions.get(table.name, 0), **options)

    uncurated = _uncurated(run)
    sightings = _newest(read(SIGHTINGS, where=uncurated).filter(pc.field("kind") != "missing"))
    answers = read_answers(settings.catalog.answers)
    frame, identities = cleaned(sightings, answers)
    listing_photos = read(LISTING_PHOTOS)
    known_photos = read(PHOTOS)
    new_photos = sorted(set(listing_photos["sha256"].to_pylist()) - set(known_photos["sha256"].to_pylist()))
    log.info("curate: %d new or changed sightings, %d new photos", sightings.num_rows, len(new_photos))

    intake = _intake(new_photos, settings, lake, run, work)
    outcome = check(
        [*_listing_suites(frame, run.night), (photo_suite(settings), intake.facts)],
        docs=docs,
        run_name=run.night.isoformat(),
    )
    facts, refusals = apply((f for f in outcome.findings if f.table != "photos"), frame)
    refusals += _judge_photos(intake, outcome.findings)
    log.info("curate: %d rules judged, %d rows refused or corrected", outcome.rules, len(refusals))

    known_listings = read(LISTINGS).to_pylist()
    answered, decisions = redecided(known_listings, read, answers)
    identities += decisions
    last_seen = {(row["source"], row["item_id"]): row["last_seen"] for row in known_listings}
    new = set(zip(sightings["source"].to_pylist(), sightings["item_id"].to_pylist(), strict=True)) - set(last_seen)
    presence = read_presence(read, last_seen, new, uncurated, night=run.night)
    missing_nights = settings.crawl.missing_nights
    kept = {(row["source"], row["item_id"]): row for row in [*known_listings, *answered]}
    changed = listing_rows(kept.values(), facts, presence, night=run.night, missing_nights=missing_nights)
    taken = {(row["source"], row["item_id"]) for row in changed}
    changed += [row for row in answered if (row["source"], row["item_id"]) not in taken]
    groups = group_copies(known_photos, intake, settings)
    photo_rows = _photo_rows(known_photos, intake, groups)
    copy_groups = dict(zip(known_photos["sha256"].to_pylist(), known_photos["copy_group"].to_pylist(), strict=True))
    copy_groups |= {row["sha256"]: row["copy_group"] for row in photo_rows}
    memberships = _memberships(read(VEHICLES), [*known_listings, *changed], listing_photos, copy_groups, run.night)

    written = {
        LISTINGS: rows_of(LISTINGS, changed),
        MAKE_MODELS: _new_make_models(read(MAKE_MODELS), identities, run),
        PHOTOS: rows_of(PHOTOS, photo_rows),
        EMBEDDINGS: rows_of(EMBEDDINGS, intake.embeddings),
        VEHICLES: rows_of(VEHICLES, (_vehicle_row(key, m) for key, m in sorted(memberships.items()))),
    }
    new_versions, outputs = upsert_all(tables, written)
    new_versions[QUARANTINE.name], outputs[QUARANTINE.name] = refuse(tables, refusals, night=run.night, stage="curate")
    status = Counter(row["status"] for row in changed if row["night"] == run.night)
    return run.receipt(
        "curate",
        versions=new_versions,
        outputs=outputs,
        counts={
            "sightings": sightings.num_rows,
            "listings_missing": status["missing"],
            "listings_ended": status["ended"],
            "listings_imported": status["imported"],
            "photos_new": len(new_photos),
            "photos_ok": sum(row["verdict"] == "ok" for row in intake.rows.values()),
            "photos_copies": sum(groups.get(sha256, sha256) != sha256 for sha256 in intake.rows),
            "embeddings_new": len(intake.embeddings),
            "vehicles_new": len({m.vehicle_id for m in memberships.values() if m.night == run.night}),
            "listings_answered": len(answered),
            "listings_tied": sum(m.tied_by != "alone" for m in memberships.values()),
            "rules_judged": outcome.rules,
            **counts_by_rule(refusals),
        },
        facts={
            "held": outcome.held,
            "catalog": dict(sorted(Counter(i.reason for i in identities).items())),
            "backbone_note": pin.note if (pin := read_pin(lake.objects)) else "",
        },
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


def _listing_suites(frame: pd.DataFrame, night: date) -> list[tuple[Suite, pd.DataFrame]]:
    """Return the suites of listings beside what they judge: imports apart, of which none needs a price."""
    suite = listing_suite(night)
    if frame.empty:
        return [(suite, frame)]
    imported = frame["kind"] == "import"
    rules = tuple(rule for rule in suite.rules if rule.name != "listings.prices_missing")
    return [(suite, frame[~imported]), (replace(suite, table="imports", rules=rules), frame[imported])]


def _newest(sightings: pa.Table) -> pa.Table:
    """Return the newest sighting of each listing and sale."""
    rows = sightings.sort_by([("night", "ascending"), ("observed_on", "ascending")]).to_pylist()
    newest = {(row["source"], row["item_id"], row["kind"]): row for row in rows}
    return rows_of(SIGHTINGS, (newest[key] for key in sorted(newest)))


def _intake(new: list[str], settings: Settings, lake: Lake, run: StageRun, work: Path) -> Intake:
    """Examine and embed new photos; the backbone is loaded only when there are any."""
    if not new:
        return Intake()
    model, backbone = load_pinned(lake.objects, settings.backbone, work)
    return take_in(new, photos=lake.photos, model=model, backbone=backbone, settings=settings, night=run.night)


def _judge_photos(intake: Intake, findings: Any) -> list[Refusal]:
    """Give refused photos their verdict, drop their embeddings, and return the refusals.

    A defect that decoding found names its own rule (`photo.truncated`); the others are named by the suite.
    """
    refusals = []
    for finding in findings:
        if finding.table != "photos" or finding.rule.effect != "refused":
            continue
        for (sha256,), value in finding.rows:
            rule = value if finding.rule.name == "photo.unreadable" else finding.rule.name
            intake.rows[sha256]["verdict"] = rule
            refusals.append(Refusal(table="photos", key=sha256, rule=rule, value=value))
    intake.embeddings = [row for row in intake.embeddings if intake.rows[row["sha256"]]["verdict"] == "ok"]
    return refusals


def _photo_rows(known: pa.Table, intake: Intake, groups: dict[str, str]) -> list[dict[str, Any]]:
    """Return tonight's photo rows and the older ones whose copy group changed."""
    moved = [sha256 for sha256 in groups if sha256 not in intake.rows]
    old = known.filter(pc.is_in(known["sha256"], pa.array(moved, pa.string()))).to_pylist()
    rows = [*old, *intake.rows.values()]
    return [{**row, "copy_group": groups.get(row["sha256"])} for row in sorted(rows, key=lambda row: row["sha256"])]


def _memberships(
    vehicles: pa.Table,
    listings: list[dict[str, Any]],
    listing_photos: pa.Table,
    copy_groups: dict[str, str],
    night: date,
) -> dict[ListingKey, Membership]:
    """Group listings into vehicles by what they share: photos, copies of photos, and VINs.

    A sale that nobody offered before and that has no photo is no vehicle: nothing would ever tie or show it.
    """
    known = {(row.pop("source"), row.pop("item_id")): Membership(**row) for row in vehicles.to_pylist()}
    pictured = set(zip(listing_photos["source"].to_pylist(), listing_photos["item_id"].to_pylist(), strict=True))
    shown = {
        key: row
        for row in listings
        if (key := (row["source"], row["item_id"])) in known
        or row["asking_price"]
        or row["status"] != "sold"
        or key in pictured
    }
    new = {key: row["make_model_id"] for key, row in shown.items() if key not in known}
    ties: dict[str, set[ListingKey]] = defaultdict(set)
    for row in listing_photos.to_pylist():
        group = copy_groups.get(row["sha256"])
        if group is not None and (row["source"], row["item_id"]) in shown:
            ties[f"copy:{group}"].add((row["source"], row["item_id"]))
    for name, keys in list(ties.items()):
        models = {shown[key]["make_model_id"] for key in keys} - {None}
        if len(models) > MOST_MODELS_OF_A_PICTURE:
            del ties[name]
    for key, row in shown.items():
        if row["vin"]:
            ties[f"vin:{row['vin']}"].add(key)
    return assign(known, ties, new, night=night)


def _vehicle_row(key: ListingKey, member: Membership) -> dict[str, Any]:
    return {"source": key[0], "item_id": key[1], **vars(member)}


def _new_make_models(known: pa.Table, identities: list[Identity], run: StageRun) -> pa.Table:
    """Return the catalogue entries seen for the first time; an entry's spelling stays as it was first shown."""
    held = set(known["make_model_id"].to_pylist())
    return rows_of(
        MAKE_MODELS,
        (
            {"make_model_id": model_id, "make": make, "model": model, "night": run.night}
            for model_id, (make, model) in shown_names(identities).items()
            if model_id not in held
        ),
    )
