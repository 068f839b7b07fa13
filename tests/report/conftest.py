"""A report in which every section has something to show."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autodetect.classifier.evaluation import Evaluation, evaluate
from autodetect.records import Verdict
from autodetect.report import facts

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
                    class_id=i, label=f"{text} {i}", train_vehicles=20 + i, top1=0.5 + i / 10, is_new=i == 2
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
            "epochs": tuple(facts.Epoch(loss=3 / (i + 1), val_loss=4 / (i + 1), accuracy=i / 9) for i in range(9)),
            "confusions": (facts.Confusion(truth=text, answer=text, count=4),),
            "samples": tuple(
                facts.Sample(path=each, truth=text, answers=(facts.Answer(label=text, probability=0.7),))
                for each in photos
            ),
            "copies": (facts.CopyGroup(photos=tuple(photos), tied_by=text),),
            "prices": (
                *(
                    facts.PriceLine(
                        label=f"{text} {i}", count=9 + i, median=9e3, q1=8e3, q3=1e4, mean=9e3, currency="USD"
                    )
                    for i in range(3)
                ),
                facts.PriceLine(label=text, basis="asking", count=1, reason=text),
            ),
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
