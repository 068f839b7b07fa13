"""Collect what a night's report tells from its receipts and the tables they name."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.classifier.evaluation import Evaluation
from autodetect.dataset.training_set import TrainingSetFacts
from autodetect.embeddings.pin import read_pin
from autodetect.lake.lake import Lake
from autodetect.lake.objects import ObjectMissingError
from autodetect.lake.receipts import END, night_filter
from autodetect.lake.schemas import CLASSES, LISTINGS, PHOTOS, QUARANTINE, SNAPSHOTS, Table
from autodetect.lake.verdict import published_before, released_model, withheld_words
from autodetect.records import Receipt, StageRun
from autodetect.report.crawled import crawl_facts
from autodetect.report.facts import (
    Answer,
    ClassFacts,
    ConflictingListing,
    Confusion,
    CopyGroup,
    CrawlFacts,
    Epoch,
    JudgedReport,
    LabelConflict,
    ModelScores,
    PastNight,
    RefusalFacts,
    RefusedPhoto,
    ReleasedObject,
    ReleaseFacts,
    Sample,
    StageFacts,
    TrainingSetReport,
)
from autodetect.report.judged import judged
from autodetect.report.training_set import listing_key, screening_lines, smallest_and_largest, training_lines

log = logging.getLogger(__name__)
MOST_PHOTOS = 12
MOST_GROUPS = 8
MOST_IN_GROUP = 6
MOST_CONFLICTS = 6


class Gatherer:
    """Reads the lake at the versions that tonight's receipts name; photos are copied into a local folder."""

    def __init__(self, lake: Lake, run: StageRun, folder: Path) -> None:
        self._lake = lake
        self._run = run
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def stages(self) -> tuple[StageFacts, ...]:
        """Return what each stage took and counted."""
        return tuple(
            StageFacts(
                name=name,
                seconds=receipt.run.get("seconds", 0.0),
                peak_mb=receipt.run.get("peak_mb"),
                counts=receipt.counts,
            )
            for name, receipt in self._run.inputs.items()
            if "seconds" in receipt.run
        )

    def warnings(self) -> tuple[str, ...]:
        """Return what must be said loudly, such as a backbone that was not trained or a model that was withheld."""
        found = []
        pin = read_pin(self._lake.objects)
        if pin and pin.note:
            found.append(pin.note)
        crawl = self._run.inputs.get("crawl")
        if crawl and not crawl.facts["sales_offered"]:
            found.append("the source offers no sales: prices are asking prices only")
        if crawl and crawl.counts["failures"]:
            found.append(f"{crawl.counts['failures']} pages, items or photos could not be fetched; see the refusals")
        for name in ("curate", "train", "price"):
            receipt = self._run.inputs.get(name)
            found += receipt.facts.get("warned", ()) if receipt else ()
        if words := withheld_words(self._run.inputs):
            found.append(words)
        return tuple(found)

    def crawl(self, daily_calls: int) -> CrawlFacts | None:
        """Return what the crawl reached of a budget of `daily_calls` requests."""
        crawl = self._run.inputs.get("crawl")
        if crawl is None:
            return None
        return crawl_facts(self._lake, crawl, self._run.inputs.get("curate"), daily_calls=daily_calls)

    def refusals(self) -> tuple[RefusalFacts, ...]:
        """Return tonight's refusals by table, rule and effect, most frequent first."""
        rows = self._rows(QUARANTINE, where=night_filter(self._run.night))
        grouped: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            grouped[row["table"], row["rule"], row["effect"]].append(row)
        ordered = sorted(grouped.items(), key=lambda item: (-len(item[1]), item[0]))
        return tuple(
            RefusalFacts(
                table=table,
                rule=rule,
                effect=effect,
                count=len(found),
                example_key=min(found, key=lambda row: row["key"])["key"],
                example_value=min(found, key=lambda row: row["key"])["value"],
            )
            for (table, rule, effect), found in ordered
        )

    def refused_photos(self) -> tuple[RefusedPhoto, ...]:
        """Return a few of tonight's refused photos, as many different rules as possible first."""
        rows = self._rows(QUARANTINE, where=night_filter(self._run.night) & (pc.field("table") == "photos"))
        by_rule: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            by_rule[row["rule"]].append(row["key"])
        turns = sorted((place, rule, key) for rule, keys in by_rule.items() for place, key in enumerate(sorted(keys)))
        return tuple(RefusedPhoto(path=self._photo(key), rule=rule) for _, rule, key in turns[:MOST_PHOTOS])

    def classes(self) -> tuple[ClassFacts, ...]:
        """Return the snapshot's classes with their vehicles per split and their scores."""
        train = self._run.inputs.get("train")
        if train is None:
            return ()
        photos: Counter[int] = Counter()
        vehicles: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for row in self._rows(SNAPSHOTS, where=pc.field("snapshot_id") == train.facts["snapshot_id"]):
            photos[row["class_id"]] += 1
            vehicles[row["class_id"]][row["split"]].add(row["vehicle_id"])
        scores = {score["name"]: score for score in train.facts.get("evaluation", {}).get("per_class", ())}
        return tuple(
            ClassFacts(
                class_id=row["class_id"],
                label=row["label"],
                train_vehicles=len(vehicles[row["class_id"]]["train"]),
                validation_vehicles=len(vehicles[row["class_id"]]["validation"]),
                test_vehicles=len(vehicles[row["class_id"]]["test"]),
                photos=photos[row["class_id"]],
                top1=scores.get(row["label"], {}).get("vehicle_top1"),
                top3=scores.get(row["label"], {}).get("vehicle_top3"),
                top1_interval=scores.get(row["label"], {}).get("vehicle_top1_interval"),
                top3_interval=scores.get(row["label"], {}).get("vehicle_top3_interval"),
                is_new=row["night"] == self._run.night,
            )
            for row in sorted(self._rows(CLASSES), key=lambda row: row["class_id"])
        )

    def training_set(self) -> TrainingSetReport | None:
        """Return what the training set holds, what changed in it, and what a person should resolve."""
        train = self._run.inputs.get("train")
        if train is None or "training_set" not in train.facts:
            return None
        facts = TrainingSetFacts.model_validate(train.facts["training_set"])
        labels = {row["class_id"]: row["label"] for row in self._rows(CLASSES, columns=["class_id", "label"])}
        smallest, largest = smallest_and_largest(facts, labels)
        asked = sorted({listing_key(each.listing) for conflict in facts.conflicts for each in conflict.shown})
        wanted = pc.field("item_id").isin(pa.array([item_id for _, item_id in asked], pa.string()))
        rows = self._rows(LISTINGS, columns=["source", "item_id", "url"], where=wanted) if asked else []
        urls = {f"{row['source']}/{row['item_id']}": row["url"] or "" for row in rows}
        return TrainingSetReport(
            lines=(*training_lines(facts, labels), *screening_lines(self._run.inputs.get("curate"))),
            smallest=smallest,
            largest=largest,
            conflicts=tuple(
                LabelConflict(
                    what=conflict.rule.partition(".")[0],
                    shown=tuple(
                        ConflictingListing(
                            make_model_id=each.make_model_id,
                            listing=each.listing,
                            url=urls.get(each.listing, ""),
                            path=self._photo(each.photo),
                        )
                        for each in conflict.shown
                    ),
                    more=conflict.more,
                )
                for conflict in facts.conflicts[:MOST_CONFLICTS]
            ),
        )

    def judged(self) -> JudgedReport:
        """Return how tonight's model was judged."""
        return judged(self._lake, self._run.inputs.get("train"), self._photo)

    def copies(self) -> tuple[CopyGroup, ...]:
        """Return groups of copies that tonight's photos joined, the largest first."""
        arrived = self._table(PHOTOS, columns=["copy_group"], where=night_filter(self._run.night))
        tonight = arrived["copy_group"].drop_null().unique()
        joined = pc.field("copy_group").isin(tonight)
        rows = self._table(PHOTOS, columns=["sha256", "copy_group"], where=joined)
        sizes = rows.group_by("copy_group").aggregate([("sha256", "count")])
        largest = sizes.filter(pc.field("sha256_count") > 1).sort_by(
            [("sha256_count", "descending"), ("copy_group", "ascending")]
        )
        found = []
        for group in largest["copy_group"].slice(0, MOST_GROUPS).to_pylist():
            copies = sorted(rows.filter(pc.field("copy_group") == group)["sha256"].to_pylist())
            photos = tuple(self._photo(sha256) for sha256 in copies[:MOST_IN_GROUP])
            found.append(CopyGroup(photos=photos, tied_by=f"{len(copies)} copies of one picture"))
        return tuple(found)

    def samples(self) -> tuple[Sample, ...]:
        """Return the sampled test photos with the challenger's answers."""
        train = self._run.inputs.get("train")
        return tuple(
            Sample(
                path=self._photo(sample["sha256"]),
                truth=sample["truth"],
                answers=tuple(Answer(**answer) for answer in sample["answers"]),
            )
            for sample in (train.facts.get("samples", ()) if train else ())
        )

    def history(self, receipts: Iterable[Receipt]) -> tuple[PastNight, ...]:
        """Return the nights before this one."""
        by_night: dict[date, dict[str, Receipt]] = defaultdict(dict)
        for receipt in receipts:
            if receipt.night < self._run.night and receipt.kind == self._run.kind:
                by_night[receipt.night][receipt.stage] = receipt
        return tuple(_past(night, stages) for night, stages in sorted(by_night.items()) if END in stages)

    def _rows(self, table: Table, columns: list[str] | None = None, where: Any = None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._table(table, columns, where).to_pylist()
        return rows

    def _table(self, table: Table, columns: list[str] | None = None, where: Any = None) -> pa.Table:
        version = self._run.versions.get(table.name, 0)
        return self._lake.tables.read(table, version=version, columns=columns, where=where)

    def _photo(self, sha256: str) -> Path:
        """Return a local copy; of a photo that has vanished since, a path to nothing: the page says so in its place."""
        path = self._folder / sha256
        if not path.is_file():
            try:
                path.write_bytes(self._lake.photos.read(sha256))
            except ObjectMissingError:
                log.warning("report: photo %s is not in the lake any more", sha256)
        return path


def model_scores(name: str, evaluation: Mapping[str, Any] | None) -> ModelScores | None:
    """Return an evaluation (of a train receipt) as the report shows it."""
    if not evaluation:
        return None
    return ModelScores(
        name=name,
        top1_vehicle=evaluation["vehicle_top1"],
        top3_vehicle=evaluation["vehicle_top3"],
        top1_photo=evaluation["top1"],
        top3_photo=evaluation["top3"],
        vehicles=int(evaluation["vehicles"]),
        photos=int(evaluation["photos"]),
    )


def carried(tonight: Mapping[str, Receipt], before: Mapping[str, Any] | None) -> ModelScores | None:
    """Return the scores of the model that tonight's release carries, on tonight's test vehicles if it was asked there.

    Args:
        tonight: the receipts; without a release there is nothing to tell.
        before: the champion's record as the night found it.
    """
    if "publish" not in tonight:
        return None
    facts, model = tonight["train"].facts, released_model(tonight)
    name = f"trained on {model['night']}"
    if model["head"] == facts.get("challenger", {}).get("head"):
        return model_scores(name, facts["evaluation"])
    if before and model["head"] == before["head"] and facts.get("champion_evaluation"):
        return model_scores(name, facts["champion_evaluation"])
    return model_scores(name, model["metrics"])


def evaluation(train: Receipt | None) -> Evaluation | None:
    """Return the whole evaluation of tonight's challenger; a receipt of an earlier version fills in less of it."""
    found = train.facts.get("evaluation") if train else None
    return Evaluation.model_validate(found) if found else None


def epochs(train: Receipt | None) -> tuple[Epoch, ...]:
    """Return the training history by epoch."""
    history = train.facts.get("training", {}).get("history", {}) if train else {}
    return tuple(
        Epoch(loss=loss, val_loss=val_loss, val_accuracy=val_top1)
        for loss, val_loss, val_top1 in zip(
            history.get("loss", ()), history.get("val_loss", ()), history.get("val_top1", ()), strict=True
        )
    )


def confusions(train: Receipt | None) -> tuple[Confusion, ...]:
    """Return the most frequent wrong answers."""
    return tuple(Confusion(**row) for row in (train.facts.get("confusions", ()) if train else ()))


def release(publish: Receipt | None) -> ReleaseFacts | None:
    """Return the release that tonight published."""
    if publish is None:
        return None
    objects = tuple(ReleasedObject(name=name, size=size) for name, size in sorted(publish.facts["objects"].items()))
    return ReleaseFacts(release_id=publish.facts["release_id"], sequence=publish.facts["sequence"], objects=objects)


def _past(night: date, stages: Mapping[str, Receipt]) -> PastNight:
    train, publish, crawl = (stages.get(name) for name in ("train", "publish", "crawl"))
    champion = (published_before(stages) if publish else train.facts["champion"] if train else None) or {}
    metrics = champion.get("metrics", {})
    return PastNight(
        night=night,
        verdict=stages[END].facts["verdict"],
        top1=metrics.get("vehicle_top1"),
        top3=metrics.get("vehicle_top3"),
        listings=crawl.counts["seen"] if crawl else None,
        release=publish.facts["sequence"] if publish else None,
    )
