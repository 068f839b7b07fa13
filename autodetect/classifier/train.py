"""The train stage: tonight's training set with its labels watched, a challenger, and the gate."""

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from autodetect.classifier.cars import read_cars
from autodetect.classifier.challenge import challenge
from autodetect.classifier.champion import Champion
from autodetect.classifier.embedded import Embedded, embedded_tonight
from autodetect.classifier.label_watch import HISTORY, label_history
from autodetect.classifier.preparation import benchmark_tonight, gathered_tonight, reader_of, watched_tonight
from autodetect.classifier.slices import BENCHMARK
from autodetect.dataset.training_set import Read, TrainingSet, choose_training_set
from autodetect.errors import HeldError
from autodetect.lake.lake import Lake
from autodetect.lake.quarantine import counts_by_rule, refuse
from autodetect.lake.schemas import CLASSES, MAKE_MODELS, PHOTOS, QUARANTINE, SNAPSHOTS
from autodetect.lake.tables import rows_of, table_digest, upsert_all
from autodetect.records import Receipt, Refusal, StageRun, canonical_digest, canonical_json
from autodetect.settings import Settings
from autodetect.validation.check import Outcome, check
from autodetect.validation.stages import trained

log = logging.getLogger(__name__)


def train(settings: Settings, lake: Lake, run: StageRun, *, work: Path, docs: Path) -> Receipt:
    """Train a challenger on everything the lake holds and let the gate decide.

    Args:
        settings: dataset, backbone, classifier, gate and poison settings.
        lake: reads what curation wrote; writes `classes`, `snapshots`, `quarantine` and the challenger's files.
        run: tonight's receipts so far; the champion is named by the last train receipt.
        work: local scratch folder.
        docs: the folder of tonight's Data Docs, which gain the suites of both tables.

    Raises:
        HeldError: the training set breaks a rule, something in it stands in two splits, or too many of tonight's labels
            are doubtful: nothing was written.

    Returns:
        A receipt whose `facts` name the `champion` after tonight and the `gate` verdict; without any admitted class
        there is neither challenger nor, on the first night, a champion.
    """
    before, read = run.earlier.get("train"), reader_of(lake, run)
    champion = Champion.of(before)
    chosen = _training_set(settings, read, run)
    names = {row["class_id"]: row["label"] for row in chosen.classes}
    cars = read_cars(read)
    embedded, watched = None, None
    if chosen.shot.class_ids:
        embedded = embedded_tonight(lake, run)
        if champion is not None:
            watched = watched_tonight(settings, lake, run, chosen, embedded, cars=cars, names=names, work=work)
            watched.let_in()
            if watched.vehicles:
                chosen = _training_set(settings, read, run, leave_out=watched.vehicles)
                names = {row["class_id"]: row["label"] for row in chosen.classes}  # other classes may join without them
    for event in chosen.facts.class_events:
        log.info("train: %s", event.words)
    recipe = recipe_of(settings, chosen.retired)
    refusals = [*chosen.refusals, *(watched.refusals if watched else ())]
    outcome = _judged(lake, chosen, run, docs)
    versions, outputs = _store(lake, chosen, refusals, run)
    facts: dict[str, Any] = {
        "snapshot_id": chosen.shot.snapshot_id,
        "recipe": recipe,
        "champion": champion.model_dump(mode="json") if champion else None,
        "promoted": False,
        "training_set": chosen.facts.model_dump(mode="json"),
        "warned": outcome.warned,
        "labels": watched.verdict.model_dump(mode="json") if watched else None,
        HISTORY: [each.model_dump(mode="json") for each in (watched.history if watched else label_history(before))],
    }
    benchmark = benchmark_tonight(settings, lake, before, chosen, run.night)
    files = {BENCHMARK: lake.artifacts.put(canonical_json(benchmark.model_dump(mode="json")))}
    if embedded is None or not chosen.shot.class_ids:
        facts["gate"] = {"words": "no challenger: no class has enough vehicles yet"}
    elif before and _nothing_new(before, chosen, recipe, embedded):
        # Training it again with another night's seed until one passes would be no gate at all.
        facts["gate"] = {"words": "no challenger: nothing new to learn since the last one"}
    else:
        tonight = gathered_tonight(settings, lake, run, chosen, embedded, cars=cars, names=names, benchmark=benchmark)
        challenged = challenge(settings, lake, run, tonight, work=work)
        facts |= challenged.facts
        files |= challenged.files
    return run.receipt(
        "train",
        versions=versions,
        outputs=outputs,
        files=files,
        counts={**chosen.counts, "rules_judged": outcome.rules, **counts_by_rule(refusals)},
        facts=facts,
        run={"validation_seconds": outcome.seconds},
    )


def recipe_of(settings: Settings, retired: Collection[int]) -> str:
    """Return the digest of all but photos, backbone and seed that decides a challenger and the gate's answer."""
    sections = (settings.classifier, settings.gate)
    return canonical_digest([*(section.model_dump(mode="json") for section in sections), sorted(retired)])


def _training_set(
    settings: Settings, read: Read, run: StageRun, *, leave_out: frozenset[str] = frozenset()
) -> TrainingSet:
    """Choose tonight's photos, none of the vehicles to `leave_out` among them."""
    before = run.earlier.get("train")
    snapshot_before = before.facts["snapshot_id"] if before else None
    chosen = choose_training_set(read, settings, night=run.night, before=snapshot_before, leave_out=leave_out)
    photos, classes = chosen.shot.rows.num_rows, len(chosen.shot.class_ids)
    log.info("train: %d photos of %d classes, %d classes new", photos, classes, len(chosen.admitted))
    return chosen


def _nothing_new(before: Receipt, chosen: TrainingSet, recipe: str, embedded: Embedded) -> bool:
    """Return whether the same challenger was trained before: from the same photos, settings and backbone."""
    stood_on = before.facts.get("lineage", {}).get("backbone", embedded.current.backbone)
    now = (chosen.shot.snapshot_id, recipe, embedded.challenger.backbone)
    return (before.facts["snapshot_id"], before.facts.get("recipe"), stood_on) == now


def _judged(lake: Lake, chosen: TrainingSet, run: StageRun, docs: Path) -> Outcome:
    """Validate the training set before it is written; raises `HeldError` where a rule is broken."""
    read = reader_of(lake, run)
    written = {CLASSES: rows_of(CLASSES, chosen.changed), SNAPSHOTS: chosen.shot.rows}
    known = {
        CLASSES: read(CLASSES),
        MAKE_MODELS: read(MAKE_MODELS, columns=["make_model_id"]),
        PHOTOS: read(PHOTOS, columns=["sha256", "verdict"]),
    }
    outcome = check(trained(written, known=known), docs=docs, run_name=run.night.isoformat())
    if outcome.held:
        raise HeldError(
            "validation held the training set: " + "; ".join(outcome.warned),
            f"{outcome.docs} shows the rows; the tables of the night before are untouched",
        )
    return outcome


def _store(
    lake: Lake, chosen: TrainingSet, refusals: list[Refusal], run: StageRun
) -> tuple[dict[str, int], dict[str, str]]:
    """Write the training set; return the versions that hold it and the canonical digests, by table name.

    A snapshot never changes: one that the lake holds stays as it is, a new one is added. (Added rows, unlike merged
    ones, can be filtered while they are read; see `TableSet.read`.)
    """
    tables, rows = lake.tables, chosen.shot.rows
    versions, outputs = upsert_all(tables, {CLASSES: rows_of(CLASSES, chosen.changed)})
    same = pc.field("snapshot_id") == chosen.shot.snapshot_id
    held = tables.read(SNAPSHOTS, columns=["snapshot_id"], where=same).num_rows
    versions[SNAPSHOTS.name] = tables.version(SNAPSHOTS) if held else tables.append(SNAPSHOTS, rows)
    outputs[SNAPSHOTS.name] = table_digest(SNAPSHOTS, rows)
    versions[QUARANTINE.name], outputs[QUARANTINE.name] = refuse(tables, refusals, night=run.night, stage="train")
    return versions, outputs
