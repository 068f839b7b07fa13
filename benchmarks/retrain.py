"""Claim: a night with 2 % new photos costs the classifier at most 5 % of a full retrain from photos.

The night embeds what is new and trains both heads from yesterday's on all cached embeddings; a full retrain embeds
every photo and trains both heads from nothing. The network's part is measured on a few hundred drawn photos, from JPEG
to embedding by the night's own engine, and multiplied; heads are trained in full on made-up embeddings
(`benchmarks.synthetic_embeddings`). `python -m benchmarks.retrain PHOTOS` measures another number.
"""

import sys
import time

from autodetect.classifier.rivals import Lineup, train_rivals
from autodetect.embeddings import backbone
from autodetect.embeddings.engines import open_engine
from autodetect.photos.examine import cores
from autodetect.photos.inputs import network_inputs
from autodetect.sections import BackboneSettings, ClassifierSettings
from benchmarks.embeddings import MAX_PIXELS, small_photos
from benchmarks.synthetic_embeddings import as_examples, class_sizes, embeddings, world
from benchmarks.table import Row, Table

PHOTOS, DIM, CLASSES, VALIDATION = 20_000, 2048, 100, 3_000
SHARE_NEW, MOST_SHARE = 0.02, 0.05
EMBEDDED = 256
SEED = 3


def run(photos: int = PHOTOS) -> Table:
    """Time the network on some photos and both trainings on all embeddings."""
    per_photo, engine = _network()
    new = round(photos * SHARE_NEW)
    place = world(CLASSES, DIM, SEED)
    fit, checked = (
        as_examples(*embeddings(place, class_sizes(count, CLASSES, 0.5), SEED + i))
        for i, count in enumerate((photos, VALIDATION), start=1)
    )
    settings = ClassifierSettings()
    started = time.perf_counter()
    before = train_rivals(fit, checked, Lineup(), settings=settings, seed=SEED)
    cold_s = time.perf_counter() - started
    lineup = Lineup(tuple(range(CLASSES)), {rival.standing.kind: rival.model for rival in before})
    started = time.perf_counter()
    train_rivals(fit, checked, lineup, settings=settings, seed=SEED + 1)
    warm_s = time.perf_counter() - started
    night_s, whole_s = warm_s + new * per_photo, cold_s + photos * per_photo
    share = night_s / whole_s
    return Table(
        name="retrain",
        claim=f"At {photos:,} photos, a night with {SHARE_NEW:.0%} new ones costs the classifier {share:.1%} of a full "
        "retrain from photos.",
        rows=(
            Row(f"{new:,} photos embedded, both heads from yesterday's", "ours", (night_s,)),
            Row(f"{photos:,} photos embedded, both heads from nothing", "peer", (whole_s,)),
        ),
        notes=(
            f"goal at most {MOST_SHARE:.0%}: {'kept' if share <= MOST_SHARE else 'NOT kept'}",
            (
                f"the network's part is {1000 * per_photo:.1f} ms a photo ({engine}, measured on {EMBEDDED}) and "
                f"multiplied; heads took {warm_s:.1f} s warm and {cold_s:.1f} s cold, measured in full"
            ),
        ),
        packages=("keras", "openvino", "numpy"),
    )


def _network() -> tuple[float, str]:
    """Return seconds from JPEG to embedding, a photo, and the engine's name."""
    settings = BackboneSettings(weights="random")
    engine = open_engine(backbone.build(settings).model, settings)
    jpegs = small_photos(EMBEDDED)

    def once() -> float:
        inputs = network_inputs(
            list(jpegs),
            jpegs.__getitem__,
            input_size=settings.input_size,
            max_pixels=MAX_PIXELS,
            threads=cores(),
            batch_size=settings.batch_size,
        )
        started = time.perf_counter()
        for batch in inputs:
            engine.embed(batch)
        return time.perf_counter() - started

    once()
    return once() / EMBEDDED, engine.name


if __name__ == "__main__":
    print(run(*(int(argument) for argument in sys.argv[1:2])).as_text())
