"""A report in which every section has something to show."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autodetect.classifier.embedding_map import EmbeddingMap
from autodetect.classifier.evaluation import Evaluation, evaluate
from autodetect.classifier.gate import Answers, Part
from autodetect.classifier.intervals import Share
from autodetect.classifier.new_labels import DoubtfulSeller, NightLabels
from autodetect.classifier.poison import LabelVerdict
from autodetect.classifier.slices import Reframed, Slices, phone_slice, slice_figures
from autodetect.classifier.unknown_cars import Cases, UnknownCars, judge_unknown_cars
from autodetect.records import Verdict
from autodetect.report import facts
from autodetect.report.exported import ExportedModel, ExportedVariant
from tests.report.priced_sample import headlines, priced

NIGHT = date(2026, 3, 14)


def photo(path: Path, size: tuple[int, int] = (640, 420), colour: str = "steelblue") -> Path:
    """Write a plain JPEG."""
    Image.new("RGB", size, colour).save(path, "JPEG")
    return path


def evaluated(text: str) -> Evaluation:
    """Return a challenger's evaluation: one class it never names, three that it mostly does."""
    rng = np.random.default_rng(0)
    truth = np.arange(40) % 4
    logits = rng.normal(size=(40, 4)) + 3 * np.eye(4)[truth] * (truth > 0)[:, None]
    answers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = [f"{text} {label}" for label in range(4)]
    return evaluate(answers, truth, np.arange(40).astype(str), names, groups=[(0, 1)])


def sliced() -> Slices:
    """Return slices of forty vehicles: re-framed, every third answer is wrong."""
    names = [f"v{number}" for number in range(40)]

    def answers(every: int) -> Answers:
        truth = dict.fromkeys(names, 0)
        answered = {name: int(number % every == 0) for number, name in enumerate(names)}
        return Answers(frozenset({0, 1}), truth, answered, answered)

    ours, theirs = Reframed(answers(10), answers(3)), Reframed(answers(8), answers(2))
    benchmark = slice_figures("benchmark", ours.plain, theirs.plain, names[:30])
    return Slices(named=(benchmark, slice_figures("recent", ours.plain, None, ())), phone=phone_slice(ours, theirs))


def strangers() -> UnknownCars:
    """Return how a model meets unknown cars, of which it is less sure."""

    def cases(seed: int, lift: float, *, known: bool) -> Cases:
        rng = np.random.default_rng(seed)
        logits = rng.normal(size=(40, 4)) + lift * np.eye(4)[np.arange(40) % 4]
        answers = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        names = np.arange(40).astype(str)
        return Cases(answers, names, names.tolist(), np.arange(40) % 4 if known else None)

    validation, test = ((cases(seed, 4, known=True), cases(seed + 1, 0, known=False)) for seed in (1, 3))
    return judge_unknown_cars(validation, test)


def doubted(text: str) -> LabelVerdict:
    """Return a verdict on labels, with a doubtful seller."""
    record = NightLabels(night=NIGHT, confidence=0.9, choices=3, photos=900, labels=300, confident=200, disagreeing=18)
    seller = DoubtfulSeller(seller=text or "s", labels=40, confident=30, disagreeing=21, rate=0.7, p_value=1e-6)
    return LabelVerdict(
        state="ok",
        words=text,
        nights=14,
        record=record,
        examples=tuple(f"{text} {number}" for number in range(20)),
        usual=0.08,
        rate=0.09,
        p_value=0.3,
        held_from=0.14,
        sellers=(seller,),
    )


def mapped(text: str) -> EmbeddingMap:
    """Return a map of forty vehicles in four heaps."""
    rng = np.random.default_rng(5)
    classes = np.arange(40) % 4
    return EmbeddingMap(
        seed=1,
        vehicles=1234,
        labels=tuple(f"{text} {label}" for label in range(4)),
        groups=(text, text, f"{text} other", "ford"),
        classes=tuple(classes.tolist()),
        x=tuple((10 * (classes % 2) + rng.normal(size=40)).tolist()),
        y=tuple((10 * (classes // 2) + rng.normal(size=40)).tolist()),
    )


def judged(text: str, photos: list[Path]) -> facts.JudgedReport:
    """Return everything that a receipt can tell of how its model was judged."""
    parts = tuple(Part(name=text, passed=passed, words=text) for passed in (True, False, None))
    wrong = tuple(facts.WrongAnswer(path=path, answer=text, probability=0.8) for path in photos)
    share = Share.of([True, False, False])
    return facts.JudgedReport(
        parts=parts,
        lineage=text,
        slices=sliced(),
        unknowns=strangers(),
        labels=doubted(text),
        worst=(
            facts.WorstClassPhotos(name=text, top1=share, taken_for=text, photos=wrong),
            facts.WorstClassPhotos(name=text, top1=share, taken_for=text),
        ),
        map=mapped(text),
    )


def packages(text: str) -> ExportedModel:
    """Return an exported model: one package recommended, one dropped, one that nothing was measured of."""
    fp16 = ExportedVariant(
        name="fp16",
        size=46_200_000,
        zip_size=42_900_000,
        photos=256,
        largest_difference=0.00041,
        decided=251,
        agreement=1.0,
        vehicles=642,
        loss=0.0,
        low=-0.002,
        high=0.002,
    )
    changes = {"size": 17_600_000, "recommended": True, "agreement": 0.996, "loss": 0.0031, "high": 0.0078}
    unmeasured = {"kept": False, "words": text, "decided": 0, "loss": None}
    return ExportedModel(
        night=str(NIGHT - timedelta(days=1)),
        made_on=str(NIGHT),
        parity="interpreted (Linux)",
        withheld=f"tonight's new model is withheld: {text}",
        variants=(
            fp16,
            fp16.model_copy(update={"name": "int8", "size": 23_500_000, **unmeasured}),
            fp16.model_copy(update={"name": "palette6", **changes}),
            ExportedVariant(name=text, size=9),
        ),
    )


@pytest.fixture
def full_report(tmp_path: Path) -> Callable[..., facts.NightReport]:
    """Return a maker of reports: `text` is whatever strangers wrote, `changes` replace whole fields."""
    source = tmp_path / "source photos"
    source.mkdir()
    photos = [photo(source / f"{i}.jpg") for i in range(5)]
    damaged = source / "damaged.jpg"
    damaged.write_bytes(photos[0].read_bytes()[:700])

    def make(text: str = "Ford Mustang", **changes: Any) -> facts.NightReport:
        scores = facts.ModelScores(name=text, top1_vehicle=0.9, top3_vehicle=0.97, top1_photo=0.88, vehicles=642)
        fields: dict[str, Any] = {
            "night": NIGHT,
            "verdict": Verdict.PUBLISHED,
            "reason": f"All is well with {text}.",
            "run_id": text,
            "source": text,
            "channel": text,
            "warnings": (f"Loud: {text}",),
            "stages": (
                facts.StageFacts(name=text, seconds=312, peak_mb=210, counts={text: 3}),
                facts.StageFacts(name="train", seconds=64, skipped=True),
            ),
            "crawl": facts.CrawlFacts(
                announced=60_000,
                seen=4333,
                new=187,
                changed=42,
                missing=12,
                ended=96,
                imported=7,
                coverage=0.998,
                backlog=31_200,
                calls=4_980,
                daily_calls=5_000,
                unreached=tuple(
                    facts.SliceFacts(name=f"Make={text}", announced=900, cause="http 503") for _ in range(7)
                ),
                stopped=f"the day's calls are used up: {text}",
                drift=f"make in 3 of 120 listings: {text}",
            ),
            "refusals": (facts.RefusalFacts(table=text, rule=text, count=3, example_key=text, example_value=text),),
            "refused_photos": (
                facts.RefusedPhoto(path=photos[0], rule=text),
                facts.RefusedPhoto(path=damaged, rule="truncated"),
                facts.RefusedPhoto(path=source / "gone.jpg", rule="missing"),
            ),
            "classes": tuple(
                facts.ClassFacts(
                    class_id=i,
                    label=f"{text} {i}",
                    train_vehicles=20 + i,
                    top1=0.5 + i / 10,
                    is_new=i == 2,
                    top1_interval=(0.25, 0.95),
                )
                for i in range(4)
            ),
            "training_set": facts.TrainingSetReport(
                lines=(("leak check", text), (text, text)),
                smallest=tuple(facts.ClassSize(label=f"{text} small {i}", train_vehicles=i) for i in range(3)),
                largest=(facts.ClassSize(label=f"{text} large", train_vehicles=4321, test_photos=98),),
                conflicts=(
                    facts.LabelConflict(
                        what="photo",
                        shown=tuple(
                            facts.ConflictingListing(make_model_id=text, listing=text, url=text, path=path)
                            for path in photos[:2]
                        ),
                        more=3,
                    ),
                ),
            ),
            "challenger": scores,
            "champion": scores.model_copy(update={"top1_vehicle": 0.85}),
            "evaluation": evaluated(text),
            "gate": text,
            "judged": judged(text, [photos[0], damaged, photos[1]]),
            "epochs": tuple(facts.Epoch(loss=3 / (i + 1), val_loss=4 / (i + 1), accuracy=i / 9) for i in range(9)),
            "confusions": (facts.Confusion(truth=text, answer=text, count=4),),
            "samples": tuple(
                facts.Sample(path=each, truth=text, answers=(facts.Answer(label=text, probability=0.7),))
                for each in photos
            ),
            "copies": (facts.CopyGroup(photos=tuple(photos), tied_by=text),),
            "prices": headlines(text),
            "priced": priced(text),
            "exported": packages(text),
            "release": facts.ReleaseFacts(
                release_id="5c1f7a", sequence=42, objects=(facts.ReleasedObject(name=text, size=42_300_000),)
            ),
            "history": tuple(
                facts.PastNight(
                    night=NIGHT - timedelta(days=3 - i),
                    verdict="published",
                    top1=0.8,
                    top3=0.9,
                    listings=4000,
                    release=39 + i,
                )
                for i in range(3)
            ),
        }
        return facts.NightReport(**(fields | changes))

    return make
