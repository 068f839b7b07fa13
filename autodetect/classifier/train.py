"""The train stage: tonight's snapshot, a challenger warm-started from the champion, and the gate between them."""

import logging
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.catalog import lookalikes
from autodetect.catalog.answers import read_answers
from autodetect.classifier.champion import Champion, start_cold
from autodetect.classifier.evaluation import Evaluation
from autodetect.classifier.examples import confusions, sample_answers
from autodetect.classifier.gate import class_groups
from autodetect.classifier.lineage import Lineage
from autodetect.classifier.split_arrays import answerable, embeddings_digest, load_examples
from autodetect.dataset.training_set import Read, TrainingSet, choose_training_set
from autodetect.embeddings.pin import read_pin
from autodetect.errors import CorruptError, HeldError
from autodetect.lake.lake import Lake
from autodetect.lake.quarantine import counts_by_rule, refuse
from autodetect.lake.schemas import CLASSES, MAKE_MODELS, PHOTOS, QUARANTINE, SNAPSHOTS, Table
from autodetect.lake.tables import rows_of, table_digest, upsert_all
from autodetect.records import Receipt, StageRun, canonical_digest
from autodetect.settings import Settings
from autodetect.validation.check import Outcome, check
from autodetect.validation.stages import trained

log = logging.getLogger(__name__)


def train(settings: Settings, lake: Lake, run: StageRun, *, work: Path, docs: Path) -> Receipt:
    """Train a challenger on everything the lake holds and let the gate decide.

    Args:
        settings: dataset, backbone and classifier settings.
        lake: reads what curation wrote; writes `classes`, `snapshots`, `quarantine` and the challenger's file.
        run: tonight's receipts so far; the champion is named by the last train receipt.
        work: local scratch folder.
        docs: the folder of tonight's Data Docs, which gain the suites of both tables.

    Raises:
        HeldError: the training set breaks a rule, or something in it stands in two splits: nothing was written.

    Returns:
        A receipt whose `facts` name the `champion` after tonight and the `gate` verdict; without any admitted class
        there is neither challenger nor, on the first night, a champion.
    """
    before = run.earlier.get("train")
    champion = Champion.of(before)
    recipe = canonical_digest(settings.classifier.model_dump(mode="json"))
    chosen = _training_set(settings, lake, run)
    shot = chosen.shot
    outcome = _judged(lake, chosen, run, docs)
    versions, outputs = _store(lake, chosen, run)
    facts: dict[str, Any] = {
        "snapshot_id": shot.snapshot_id,
        "recipe": recipe,
        "champion": None,
        "promoted": False,
        "training_set": chosen.facts.model_dump(mode="json"),
        "warned": outcome.warned,
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
        challenge = _challenge(settings, lake, run, chosen, work=work)
        facts |= challenge
        files |= {"challenger": challenge["challenger"]["head"], "rival": challenge["challenger"]["rival"]}
    return run.receipt(
        "train",
        versions=versions,
        outputs=outputs,
        files=files,
        counts={**chosen.counts, "rules_judged": outcome.rules, **counts_by_rule(chosen.refusals)},
        facts=facts,
        run={"validation_seconds": outcome.seconds},
    )


def _reader(lake: Lake, run: StageRun) -> Read:
    """Return how tables are read at the versions that receipts name."""

    def read(table: Table, *, columns: list[str] | None = None, where: Any = None) -> pa.Table:
        return lake.tables.read(table, version=run.versions.get(table.name, 0), columns=columns, where=where)

    return read


def _training_set(settings: Settings, lake: Lake, run: StageRun) -> TrainingSet:
    """Choose tonight's photos."""
    before = run.earlier.get("train")
    snapshot_before = before.facts["snapshot_id"] if before else None
    chosen = choose_training_set(_reader(lake, run), settings, night=run.night, before=snapshot_before)
    photos, classes = chosen.shot.rows.num_rows, len(chosen.shot.class_ids)
    log.info("train: %d photos of %d classes, %d classes new", photos, classes, len(chosen.admitted))
    return chosen


def _judged(lake: Lake, chosen: TrainingSet, run: StageRun, docs: Path) -> Outcome:
    """Validate the training set before it is written; raises `HeldError` where a rule is broken."""
    read = _reader(lake, run)
    written = {CLASSES: rows_of(CLASSES, chosen.admitted), SNAPSHOTS: chosen.shot.rows}
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


def _store(lake: Lake, chosen: TrainingSet, run: StageRun) -> tuple[dict[str, int], dict[str, str]]:
    """Write the training set; return the versions that hold it and the canonical digests, by table name.

    A snapshot never changes: one that the lake holds stays as it is, a new one is added. (Added rows, unlike merged
    ones, can be filtered while they are read; see `TableSet.read`.)
    """
    tables, rows = lake.tables, chosen.shot.rows
    versions, outputs = upsert_all(tables, {CLASSES: rows_of(CLASSES, chosen.admitted)})
    same = pc.field("snapshot_id") == chosen.shot.snapshot_id
    held = tables.read(SNAPSHOTS, columns=["snapshot_id"], where=same).num_rows
    versions[SNAPSHOTS.name] = tables.version(SNAPSHOTS) if held else tables.append(SNAPSHOTS, rows)
    outputs[SNAPSHOTS.name] = table_digest(SNAPSHOTS, rows)
    versions[QUARANTINE.name], outputs[QUARANTINE.name] = refuse(
        tables, chosen.refusals, night=run.night, stage="train"
    )
    return versions, outputs


def _challenge(settings: Settings, lake: Lake, run: StageRun, chosen: TrainingSet, *, work: Path) -> dict[str, Any]:
    """Train the challenger, let the gate decide, store the challenger, and return the facts of it all."""
    from autodetect.classifier.contest import hold_contest
    from autodetect.classifier.head import load_head, save_head
    from autodetect.embeddings.engine import engine_name

    def head(digest: str | None, name: str) -> Any:
        return load_head(lake.artifacts.fetch(digest, work / name)) if digest else None

    before, shot = run.earlier.get("train"), chosen.shot
    champion = Champion.of(before)
    cold = start_cold(before, run.night, settings.classifier.cold_start_days)
    labels = {row["class_id"]: row["label"] for row in chosen.classes}
    retired = frozenset(row["class_id"] for row in chosen.classes if row["status"] == "retired")
    backbone = read_pin(lake.objects)
    if backbone is None:
        raise CorruptError("the lake has embeddings but no pinned backbone", "restore models/backbone.json")
    seed = run.inputs["begin"].facts["seed"]
    found = load_examples(lake, run, shot, backbone.digest)
    start_from = None if cold else champion
    splits, left_out = answerable(found, start_from.class_ids if start_from else (), retired)
    contest = hold_contest(
        splits,
        labels,
        champion=champion,
        champion_head=head(champion.head, "champion.keras") if champion else None,
        rival_head=head(start_from.rival, "champion_rival.keras") if start_from else None,
        settings=settings.classifier,
        seed=seed,
        cold=cold,
        retired=retired,
        lookalikes=_lookalikes(settings, chosen),
    )
    log.info("train: %s", contest.verdict.words)
    files = {}
    for rival in contest.rivals:
        path = work / f"{'challenger' if rival.model is contest.model else 'rival'}.keras"
        save_head(rival.model, path)
        files[path.stem] = lake.artifacts.put_file(path)
    lineage = Lineage.here(
        os.environ,
        snapshot_id=shot.snapshot_id,
        start="cold" if cold else "warm",
        champion=start_from.head if start_from else None,
        rival=start_from.rival if start_from else None,
        embeddings=embeddings_digest(found),
        backbone=backbone.digest,
        engine=engine_name(),
        settings=settings.classifier.model_dump(mode="json"),
        seed=seed,
        left_out=left_out,
    )
    challenger = Champion(
        head=files["challenger"],
        class_ids=contest.class_ids,
        snapshot_id=shot.snapshot_id,
        night=run.night,
        backbone=backbone.digest,
        metrics=scores(contest.evaluation),
        rival=files["rival"],
        cold_started_on=start_from.began if start_from else run.night,
        temperatures=contest.temperatures,
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
        "rivals": [rival.standing.model_dump(mode="json") for rival in contest.rivals],
        "lineage": lineage.model_dump(mode="json"),
        "confusions": confusions(contest.answers, truth, names),
        "samples": sample_answers(contest.answers, splits["test"].photos, truth, names, seed=seed),
        **({"champion": challenger} if contest.verdict.promoted else {}),
    }


def _lookalikes(settings: Settings, chosen: TrainingSet) -> tuple[frozenset[int], ...]:
    """Return the classes that look alike, as the catalogue and a person's file of answers declare them."""
    make_models = {row["class_id"]: row["make_model_id"] for row in chosen.classes}
    return class_groups(make_models, (*lookalikes.declared(), *read_answers(settings.catalog.answers).lookalikes))


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
