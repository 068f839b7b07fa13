"""The train stage: tonight's snapshot, a challenger warm-started from the champion, and the gate between them."""

import logging
from pathlib import Path
from typing import Any

import pyarrow as pa

from autodetect.classifier.champion import Champion
from autodetect.classifier.evaluation import Evaluation
from autodetect.classifier.examples import confusions, sample_answers
from autodetect.classifier.split_arrays import load_examples
from autodetect.dataset.snapshots import Snapshot, admit, candidates, counts_by_split, snapshot, without_trained
from autodetect.embeddings.pin import read_pin
from autodetect.errors import CorruptError
from autodetect.lake.lake import Lake
from autodetect.lake.quarantine import counts_by_rule, refuse
from autodetect.lake.schemas import (
    CLASSES,
    LISTING_PHOTOS,
    LISTINGS,
    MAKE_MODELS,
    PHOTOS,
    QUARANTINE,
    SNAPSHOTS,
    VEHICLES,
    Table,
)
from autodetect.lake.tables import rows_of, upsert_all
from autodetect.records import Receipt, Refusal, StageRun, canonical_digest
from autodetect.settings import Settings

log = logging.getLogger(__name__)


def train(settings: Settings, lake: Lake, run: StageRun, *, work: Path) -> Receipt:
    """Train a challenger on everything the lake holds and let the gate decide.

    Args:
        settings: dataset, backbone and classifier settings.
        lake: reads what curation wrote; writes `classes`, `snapshots`, `quarantine` and the challenger's file.
        run: tonight's receipts so far; the champion is named by the last train receipt.
        work: local scratch folder.

    Returns:
        A receipt whose `facts` name the `champion` after tonight and the `gate` verdict; without any admitted class
        there is neither challenger nor, on the first night, a champion.
    """
    before = run.earlier.get("train")
    champion = Champion.of(before)
    recipe = canonical_digest(settings.classifier.model_dump(mode="json"))
    shot, classes, refusals, written = _snapshot(settings, lake, run)
    versions, outputs = upsert_all(lake.tables, written)
    versions[QUARANTINE.name], outputs[QUARANTINE.name] = refuse(lake.tables, refusals, night=run.night, stage="train")
    facts: dict[str, Any] = {
        "snapshot_id": shot.snapshot_id,
        "recipe": recipe,
        "champion": None,
        "promoted": False,
    }
    files: dict[str, str] = {}
    if champion:
        facts["champion"] = champion.model_dump(mode="json")
    if not shot.class_ids:
        facts["gate"] = {"words": "no challenger: no class has enough vehicles yet"}
    elif before and (before.facts["snapshot_id"], before.facts.get("recipe")) == (shot.snapshot_id, recipe):
        # Training it again with another night's seed until one passes would be no gate at all.
        facts["gate"] = {"words": "no challenger: nothing new to learn since the last one"}
    else:
        labels = {row["class_id"]: row["label"] for row in classes}
        challenge = _challenge(settings, lake, run, shot, labels, work=work)
        facts |= challenge
        files["challenger"] = challenge["challenger"]["head"]
    return run.receipt(
        "train",
        versions=versions,
        outputs=outputs,
        files=files,
        counts={
            "classes": len(shot.class_ids),
            "classes_new": written[CLASSES].num_rows,
            "photos": shot.rows.num_rows,
            **counts_by_split(shot.rows),
            **counts_by_rule(refusals),
        },
        facts=facts,
    )


def _snapshot(
    settings: Settings, lake: Lake, run: StageRun
) -> tuple[Snapshot, list[dict[str, Any]], list[Refusal], dict[Table, pa.Table]]:
    """Choose tonight's photos; return the snapshot, all classes, the refusals and the rows to write."""
    versions = run.versions

    def read(table: Table, columns: list[str] | None = None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = lake.tables.read(
            table, version=versions.get(table.name, 0), columns=columns
        ).to_pylist()
        return rows

    photos = read(PHOTOS, ["sha256", "verdict", "copy_group"])
    found, refusals = candidates(
        photos,
        read(LISTING_PHOTOS, ["source", "item_id", "sha256"]),
        {(row["source"], row["item_id"]): row["make_model_id"] for row in read(LISTINGS)},
        {(row["source"], row["item_id"]): (row["vehicle_id"], row["split"]) for row in read(VEHICLES)},
    )
    found, burned = without_trained(
        found, read(SNAPSHOTS, ["sha256", "vehicle_id", "split"]), {row["sha256"]: row["copy_group"] for row in photos}
    )
    refusals += burned
    labels = {row["make_model_id"]: f"{row['make']} {row['model']}" for row in read(MAKE_MODELS)}
    classes = read(CLASSES)
    admitted = admit(
        found,
        classes,
        labels,
        min_vehicles=settings.min_vehicles,
        min_validation=settings.dataset.min_validation,
        min_test=settings.dataset.min_test,
        night=run.night,
    )
    classes += admitted
    active = {row["make_model_id"]: row["class_id"] for row in classes if row["status"] == "active"}
    shot = snapshot(found, active, night=run.night)
    log.info("train: %d photos of %d classes, %d classes new", shot.rows.num_rows, len(shot.class_ids), len(admitted))
    return shot, classes, refusals, {CLASSES: rows_of(CLASSES, admitted), SNAPSHOTS: shot.rows}


def _challenge(
    settings: Settings, lake: Lake, run: StageRun, shot: Snapshot, labels: dict[int, str], *, work: Path
) -> dict[str, Any]:
    """Train the challenger, let the gate decide, store the challenger, and return the facts of it all."""
    from autodetect.classifier.contest import hold_contest
    from autodetect.classifier.head import load_head, save_head

    champion = Champion.of(run.earlier.get("train"))
    backbone = read_pin(lake.objects)
    if backbone is None:
        raise CorruptError("the lake has embeddings but no pinned backbone", "restore models/backbone.json")
    seed = run.inputs["begin"].facts["seed"]
    splits = load_examples(lake, run, shot, backbone.digest)
    contest = hold_contest(
        splits,
        labels,
        champion=champion,
        champion_head=load_head(lake.artifacts.fetch(champion.head, work / "champion.keras")) if champion else None,
        settings=settings.classifier,
        seed=seed,
    )
    log.info("train: %s", contest.verdict.words)
    save_head(contest.model, work / "challenger.keras")
    challenger = Champion(
        head=lake.artifacts.put_file(work / "challenger.keras"),
        class_ids=contest.class_ids,
        snapshot_id=shot.snapshot_id,
        night=run.night,
        backbone=backbone.digest,
        metrics=scores(contest.evaluation),
    ).model_dump(mode="json")
    names = [labels[class_id] for class_id in contest.class_ids]
    truth = splits["test"].outputs(contest.class_ids)
    theirs = contest.champion_evaluation
    return {
        "promoted": contest.verdict.promoted,
        "gate": contest.verdict.model_dump(mode="json"),
        "challenger": challenger,
        "evaluation": contest.evaluation.model_dump(mode="json"),
        "champion_evaluation": theirs.model_dump(mode="json") if theirs else None,
        "training": contest.record.model_dump(mode="json"),
        "confusions": confusions(contest.answers, truth, names),
        "samples": sample_answers(contest.answers, splits["test"].photos, truth, names, seed=seed),
        **({"champion": challenger} if contest.verdict.promoted else {}),
    }


def scores(evaluation: Evaluation) -> dict[str, float]:
    """Return the figures of an evaluation that travel with a model."""
    return {
        "photos": float(evaluation.photos),
        "vehicles": float(evaluation.vehicles),
        "top1": evaluation.top1,
        "top3": evaluation.top3,
        "vehicle_top1": evaluation.vehicle_top1,
        "vehicle_top3": evaluation.vehicle_top3,
        "nll": evaluation.nll,
        "chance": evaluation.chance,
    }
