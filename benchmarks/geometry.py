"""Claim: squashing a photo to a square serves the head as well as letterboxing it, and the way must stay the same.

The head is the project's linear one, on features of a random backbone. Photos are those of a recorded marketplace if
there is one beside the project, otherwise those of the drawn sandbox. `python -m benchmarks.geometry PHOTOS SIZE`
measures another case.
"""

import csv
import sys
from collections import Counter
from itertools import product
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from autodetect.classifier.head import build_head
from autodetect.classifier.training import train_head
from autodetect.embeddings import backbone
from autodetect.embeddings.engines import open_engine
from autodetect.embeddings.geometry import GEOMETRIES, Geometry
from autodetect.photos.decode import decode_grey
from autodetect.photos.examine import cores
from autodetect.photos.inputs import network_inputs
from autodetect.photos.phash import hashes
from autodetect.sections import BackboneSettings, ClassifierSettings
from benchmarks.grid import Grid
from crawlers.sandbox.making.generate import generate

RECORDED = Path(__file__).resolve().parents[2] / "shared" / "marketplace"
PHOTOS, SIZE = 1_500, 224
APART = 8  # bits between the hashes of two different photos, at least
VALIDATION, SPLITS = 0.3, 8
MAX_PIXELS, SIDE = 60_000_000, 64

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


def run(photos: int = PHOTOS, size: int = SIZE) -> Grid:
    """Embed the photos in both geometries; train on each and ask with each, over several splits."""
    with TemporaryDirectory() as folder:
        root = RECORDED
        if not RECORDED.is_dir():
            root = Path(folder)
            generate(root)
        names, labels = _chosen(root, photos)
        paths = {name: root / "photos" / name for name in names}
        vectors = {geometry: _embedded(paths, size, geometry) for geometry in GEOMETRIES}
    splits = [_split(labels, seed) for seed in range(SPLITS)]
    found = {
        (fit, asked): [_top1(vectors[fit], vectors[asked], labels, split) for split in splits]
        for fit, asked in product(GEOMETRIES, GEOMETRIES)
    }
    figures = {pair: mean(each) for pair, each in found.items()}
    models = len(set(labels.tolist()))
    best = max(GEOMETRIES, key=lambda geometry: figures[geometry, geometry])
    pairs = zip(found["squash", "squash"], found["letterbox", "letterbox"], strict=True)
    ahead = sum(squash > letterbox for squash, letterbox in pairs)
    real = "real photos of a recorded marketplace, at most 340 px"
    return Grid(
        name="geometry",
        claim="Squashed photos serve the head as well as letterboxed ones do, and it must be asked as it was trained.",
        columns=("trained on", *(f"asked with {geometry}" for geometry in GEOMETRIES)),
        lines=[(fit, *(_shown(found[fit, asked]) for asked in GEOMETRIES)) for fit in GEOMETRIES],
        notes=(
            f"{best} has the higher mean; squash is ahead in {ahead} of {SPLITS} splits",
            f"validation top-1 in percent, mean (least to most) of {SPLITS} splits; chance {100 / models:.1f}",
            f"{len(names):,} photos of {models} models, {VALIDATION:.0%} validation; one photo a listing, no copies",
            f"InceptionV3 with random weights at {size} px, linear head: trained weights may answer otherwise",
            real if root is RECORDED else "drawn photos of the sandbox, which say little about real ones",
        ),
        packages=("keras", "openvino", "numpy", "pillow"),
    )


def _shown(shares: list[float]) -> str:
    low, high = min(shares), max(shares)
    return f"{100 * mean(shares):.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _chosen(root: Path, count: int) -> tuple[list[str], Ints]:
    """Return file names of about `count` different sound photos, all of the commonest models; and models as (n,)."""
    with (root / "listings.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            (row["photos"].split()[0], f"{row['make']} {row['model']}") for row in csv.DictReader(file) if row["photos"]
        ]
    order = np.random.default_rng(0).permutation(len(rows))
    seen = np.empty(0, dtype=np.uint64)
    kept: list[tuple[str, str]] = []
    for name, model in (rows[i] for i in order):
        facts, grey = decode_grey((root / "photos" / name).read_bytes(), max_pixels=MAX_PIXELS, side=SIDE)
        if grey is None or min(facts.width, facts.height) < SIDE:
            continue
        print_of = np.uint64(hashes(grey).phash % 2**64)
        if (np.bitwise_count(seen ^ print_of) <= APART).any():
            continue
        seen = np.append(seen, print_of)
        kept.append((name, model))
    chosen, total = set(), 0
    for model, photos in Counter(model for _, model in kept).most_common():
        if total >= count:
            break
        chosen.add(model)
        total += photos
    numbers = {model: number for number, model in enumerate(sorted(chosen))}
    kept = [(name, model) for name, model in kept if model in numbers]
    return [name for name, _ in kept], np.array([numbers[model] for _, model in kept], dtype=np.int64)


def _embedded(paths: dict[str, Path], size: int, geometry: Geometry) -> Floats:
    settings = BackboneSettings(weights="random", input_size=size, geometry=geometry)
    engine = open_engine(backbone.build(settings).model, settings)
    batches = network_inputs(
        list(paths),
        lambda name: paths[name].read_bytes(),
        input_size=size,
        max_pixels=MAX_PIXELS,
        threads=cores(),
        batch_size=settings.batch_size,
        geometry=geometry,
    )
    return np.concatenate([engine.embed(inputs) for inputs in batches])


def _split(labels: Ints, seed: int) -> tuple[Ints, Ints]:
    """Return the places of training and of validation photos, each model in both."""
    order = np.random.default_rng(seed).permutation(len(labels))
    validation = np.zeros(len(labels), dtype=bool)
    for label in set(labels.tolist()):
        own = order[labels[order] == label]
        validation[own[: max(1, round(VALIDATION * len(own)))]] = True
    return np.flatnonzero(~validation), np.flatnonzero(validation)


def _top1(fit: Floats, asked: Floats, labels: Ints, split: tuple[Ints, Ints]) -> float:
    """Return the share of validation photos named right by a head that was trained, and stopped, on `fit` alone."""
    train, validation = split
    settings = ClassifierSettings()
    x = fit[train]
    statistics = {"mean": x.mean(axis=0), "variance": x.var(axis=0)}
    head = build_head(x.shape[1], int(labels.max()) + 1, **statistics, settings=settings, seed=0, kind="linear")
    train_head(head, x, labels[train], fit[validation], labels[validation], settings=settings, seed=0, warm=False)
    answers = head.predict(asked[validation], batch_size=1024, verbose=0).argmax(axis=1)
    return float((answers == labels[validation]).mean())


if __name__ == "__main__":
    print(run(*(int(argument) for argument in sys.argv[1:3])).as_text())
