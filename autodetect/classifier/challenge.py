"""Tonight's challenger: trained, judged beside the champion, stored, and told in the facts of the receipt."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import keras

from autodetect.classifier.champion import Champion, start_cold
from autodetect.classifier.contest import Contest, Defender, Rules, hold_contest, silenced
from autodetect.classifier.embedded import Embedded, EmbeddedBy
from autodetect.classifier.evaluation import Evaluation
from autodetect.classifier.examples import confusions, sample_answers
from autodetect.classifier.gate import best_recent
from autodetect.classifier.head import load_head, save_head
from autodetect.classifier.lineage import Lineage
from autodetect.classifier.night_figures import Beside, abstain_of, map_of, slices, unknown_cars
from autodetect.classifier.split_arrays import Examples, answerable, embeddings_digest
from autodetect.embeddings.pin import file_key, record_of
from autodetect.lake.lake import Lake
from autodetect.lake.objects import ObjectMissingError
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings

log = logging.getLogger(__name__)
# By which released models are compared: on validation, where none owes its place to luck on the test vehicles.
JUDGED_BY = "validation_vehicle_top1"
_BYTES_PER_WEIGHT, _PHONE_BYTES_PER_WEIGHT = 4, 2  # Keras files hold float32, a phone's package float16
_METRICS = ("top1", "top3", "vehicle_top1", "vehicle_top3", "nll", "chance")


@dataclass(frozen=True)
class Tonight:
    """What a challenge is made from.

    Attributes:
        snapshot_id: of the training set.
        embedded: how its photos were embedded.
        challenger: the splits as the challenger's backbone sees them.
        champion: the splits as the champion's backbone sees them; the same ones where the backbone is the same.
        labels: class id -> what the class is called.
        retired: class ids that no model answers any more.
        lookalikes: groups of class ids that look alike.
        trained_on: test vehicles that a model was trained on after all.
        ages: vehicle -> days since it was first seen.
        beside: what is judged beside the test set.
        rounded: the validation photos in the challenger's own precision, where figures come from a higher one.
    """

    snapshot_id: str
    embedded: Embedded
    challenger: Mapping[str, Examples]
    champion: Mapping[str, Examples]
    labels: Mapping[int, str]
    retired: frozenset[int]
    lookalikes: tuple[frozenset[int], ...]
    trained_on: frozenset[str]
    ages: Mapping[str, int]
    beside: Beside
    rounded: Examples | None = None


@dataclass(frozen=True)
class Challenge:
    """What a receipt says of tonight's challenger: its facts, and its files by name."""

    facts: dict[str, Any]
    files: dict[str, str]


def challenge(settings: Settings, lake: Lake, run: StageRun, tonight: Tonight, *, work: Path) -> Challenge:
    """Train the challenger, let the gate decide, judge it beside, and store both heads.

    Args:
        settings: `classifier`, `gate`.
        lake: holds the champion's heads; gets the challenger's.
        run: tonight's receipts; the champion is named by the last train receipt.
        tonight: the training set in arrays.
        work: local scratch folder.
    """
    before, embedder = run.earlier.get("train"), tonight.embedded.challenger
    champion = Champion.of(before)
    renewed = champion is not None and champion.backbone != embedder.backbone
    cold = renewed or start_cold(before, run.night, settings.classifier.cold_start_days)
    start_from = None if cold else champion
    splits, left_out = answerable(tonight.challenger, start_from.class_ids if start_from else (), tonight.retired)
    test = splits["test"]
    theirs = test if not renewed else _same_photos(tonight.champion["test"], test)
    defender = _defender(lake, champion, theirs, work / "champion", rival=not cold) if champion else None
    seed = run.inputs["begin"].facts["seed"]
    rules = Rules(
        training=settings.classifier,
        gate=settings.gate,
        seed=seed,
        retired=tonight.retired,
        lookalikes=tonight.lookalikes,
        trained_on=tonight.trained_on,
        ages=tonight.ages,
        size_bytes=_size_on_phone(lake, embedder, defender.head) if defender else None,
        rounded=tonight.rounded,
    )
    contest = hold_contest(
        splits,
        tonight.labels,
        champion=defender,
        recent=_best_recent(lake, run, champion, theirs, work),
        rules=rules,
        cold=cold,
    )
    log.info("train: %s", contest.verdict.words)
    lineage = Lineage.here(
        os.environ,
        snapshot_id=tonight.snapshot_id,
        start="cold" if cold else "warm",
        champion=start_from.head if start_from else None,
        rival=start_from.rival if start_from else None,
        embeddings=embeddings_digest(splits),
        backbone=embedder.backbone,
        engine=embedder.engine,
        settings=settings.classifier.model_dump(mode="json"),
        seed=seed,
        left_out=left_out,
    )
    unknown = unknown_cars(contest, splits, tonight.beside.unknown)
    began = start_from.began if start_from else run.night
    record = _record(lake, contest, tonight, work, night=run.night, began=began)
    record = record.model_copy(update={"abstain": abstain_of(unknown)})
    files = {"challenger": record.head, "rival": str(record.rival)}
    drawn = map_of(contest, test, tonight.labels, tonight.beside, seed)
    if drawn is not None:
        files["embedding_map"] = lake.artifacts.put(drawn)
    facts = _facts(contest, record, tonight, test, seed=seed) | {
        "lineage": lineage.model_dump(mode="json"),
        "unknowns": unknown.model_dump(mode="json"),
        "slices": slices(contest, defender, test, tonight.beside, tonight.retired).model_dump(mode="json"),
    }
    return Challenge(facts, files)


def champion_head(lake: Lake, champion: Champion, work: Path) -> keras.Model:
    """Return the champion's head, with all its outputs.

    Raises:
        CorruptError: its file is missing or damaged.
    """
    work.mkdir(parents=True, exist_ok=True)
    return load_head(lake.artifacts.fetch(champion.head, work / f"{champion.head}.keras"))


def _defender(lake: Lake, champion: Champion, test: Examples, work: Path, *, rival: bool) -> Defender:
    """Return a released model with tonight's test photos; `rival`: with the head that lost to it, too."""
    head, other = champion_head(lake, champion, work), None
    if rival and champion.rival:
        other = load_head(lake.artifacts.fetch(champion.rival, work / f"{champion.rival}.keras"))
    return Defender(champion, head, test, other)


def _best_recent(lake: Lake, run: StageRun, champion: Champion | None, test: Examples, work: Path) -> Defender | None:
    """Return the best release of the last 90 days where that is another than the champion, on the same backbone.

    What was released before a person published a model against the gate does not count: they have taken that loss.
    """
    if champion is None:
        return None
    released = [receipt for receipt in lake.receipts.all() if _released(receipt)]
    decided = [place for place, receipt in enumerate(released) if receipt.facts["gate"].get("overridden")]
    models = (Champion.of(receipt) for receipt in released[max(decided, default=0) :])
    best = best_recent((model for model in models if model), run.night, figure=JUDGED_BY, backbone=champion.backbone)
    if best is None or best.head == champion.head:
        return None
    try:
        return _defender(lake, best, test, work / "recent", rival=False)
    except ObjectMissingError:
        log.warning("train: the head of %s, the best of the last 90 days, is gone: not compared with", best.night)
        return None


def _released(receipt: Receipt) -> bool:
    return receipt.stage == "train" and bool(receipt.facts.get("promoted"))


def _same_photos(examples: Examples, wanted: Examples) -> Examples:
    """Return those of the photos that are wanted, in their order."""
    place = {sha256: index for index, sha256 in enumerate(examples.photos)}
    chosen = [place[sha256] for sha256 in wanted.photos]
    return Examples(examples.x[chosen], wanted.class_ids, wanted.vehicles, wanted.photos)


def _size_on_phone(lake: Lake, embedder: EmbeddedBy, head: keras.Model) -> int:
    """Return about how many bytes the backbone and such a head have in float16."""
    backbone = lake.objects.size(file_key(record_of(lake.objects, embedder.backbone))) // _BYTES_PER_WEIGHT
    return (backbone + int(head.count_params())) * _PHONE_BYTES_PER_WEIGHT


def _record(lake: Lake, contest: Contest, tonight: Tonight, work: Path, *, night: date, began: date) -> Champion:
    """Store both heads, and the challenger's with silent outputs where it has some; return the challenger's record."""
    withheld = tuple(contest.verdict.withheld)
    silent = tonight.retired | frozenset(withheld)
    heads = {"rival" if each.model is not contest.model else "challenger": each.model for each in contest.rivals}
    if withheld:
        heads["served"] = silenced(contest.model, contest.class_ids, silent)
    files = {}
    for name, model in heads.items():
        save_head(model, work / f"{name}.keras")
        files[name] = lake.artifacts.put_file(work / f"{name}.keras")
    chosen = next(each for each in contest.rivals if each.model is contest.model)
    embedder = tonight.embedded.challenger
    return Champion(
        head=files["challenger"],
        class_ids=contest.class_ids,
        snapshot_id=tonight.snapshot_id,
        night=night,
        backbone=embedder.backbone,
        metrics=scores(contest.evaluation) | {JUDGED_BY: chosen.standing.vehicle_top1},
        rival=files["rival"],
        cold_started_on=began,
        temperatures=contest.temperatures,
        withheld=withheld,
        served=files.get("served"),
        engine=embedder.engine,
    )


def _facts(contest: Contest, challenger: Champion, tonight: Tonight, test: Examples, *, seed: int) -> dict[str, Any]:
    names = [tonight.labels[class_id] for class_id in contest.class_ids]
    truth = test.outputs(contest.class_ids)
    theirs, record = contest.champion_evaluation, challenger.model_dump(mode="json")
    return {
        "promoted": contest.verdict.promoted,
        "challenger": record,
        **({"champion": record} if contest.verdict.promoted else {}),
        "gate": contest.verdict.model_dump(mode="json"),
        "evaluation": contest.evaluation.model_dump(mode="json"),
        "champion_evaluation": theirs.model_dump(mode="json") if theirs else None,
        "training": contest.record.model_dump(mode="json"),
        "rivals": [rival.standing.model_dump(mode="json") for rival in contest.rivals],
        "confusions": confusions(contest.answers, truth, names),
        "backbone_next": _outcome(tonight.embedded, promoted=contest.verdict.promoted),
        "samples": sample_answers(contest.answers, test.photos, truth, names, seed=seed),
    }


def _outcome(embedded: Embedded, *, promoted: bool) -> dict[str, str] | None:
    """Return what became of the next backbone tonight; None where the challenger stands on the current one."""
    if embedded.challenger == embedded.current:
        return None
    return {"backbone": embedded.challenger.backbone, "outcome": "promoted" if promoted else "refused"}


def scores(evaluation: Evaluation) -> dict[str, float]:
    """Return the figures of an evaluation that travel with a model."""
    counted = {"photos": float(evaluation.photos), "vehicles": float(evaluation.vehicles)}
    return counted | {name: getattr(evaluation, name) for name in _METRICS}
