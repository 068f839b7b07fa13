"""Claim: whatever sellers do to a photo, 98 in 100 copies are found, and 99 in 100 of what is found are copies.

Copies of known photos are searched among the known ones, edit by edit, with each step of the search switched on after
the other. Photos are those of a recorded marketplace if there is one beside the project (many photos of one model, the
hard negatives), otherwise drawn ones, whose figures say little about real photos.
"""

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from PIL import Image

from autodetect.photos.copies import agreement
from autodetect.photos.decode import decode
from autodetect.photos.phash import ENTRIES, hashes
from benchmarks.edits import Edit, edits, saved, turns
from benchmarks.grid import Grid
from benchmarks.search_steps import SETTINGS, Pairs, Photo, Steps, photo
from crawlers.sandbox.painting.body import vary
from crawlers.sandbox.painting.finish import Finish
from crawlers.sandbox.painting.scene import View, photograph
from crawlers.sandbox.painting.shapes import SHAPES

MARKETPLACE = Path(__file__).resolve().parents[2] / "shared" / "marketplace" / "photos"
KNOWN = int(os.environ.get("COPIES_RECALL_KNOWN", "1200"))  # photos searched in
COPIES = int(os.environ.get("COPIES_RECALL_COPIES", "60"))  # of each edit
RADII = (6, 8, 10)
ROUNDS = 5  # of timing
RECALL, PRECISION = 0.98, 0.99
COLUMNS = (
    "edit",
    "plain phash",
    "+ trim",
    "+ centred crops",
    "+ landmarks",
    "+ nearest four",
    *(f"+ alignment, radius {radius}" for radius in RADII),
)


@dataclass(frozen=True)
class Copies:
    """Copies that one edit made: `sources` are their positions among the known photos."""

    photos: Sequence[Photo]
    sources: Sequence[int]


@dataclass(frozen=True)
class Score:
    """Share of copies found, share of what was found that are copies, and pairs found for each photo."""

    recall: float
    precision: float
    pairs: float


def run() -> Grid:
    """Make the copies, search them step by step, and judge."""
    originals, place = _originals()
    known = [photo(saved(image, "quality 92", random.Random(0))) for image in originals]
    everything = Steps(known, known)
    natural = {(i, j) for i, j in everything.agreeing(everything.likely(everything.landmarks(RADII[-1]))) if i != j}
    scores = {}
    for name, edit in {**edits(), **turns()}.items():
        copies = _copied(originals, name, edit)
        scores[name] = [_score(found, copies, natural) for found in _found(Steps(copies.photos, known))]
    wanted = {name: scores[name] for name in edits()}
    overall = [
        f"{mean(line[step].recall for line in wanted.values()):.3f} / "
        f"{mean(line[step].precision for line in wanted.values()):.3f}"
        for step in range(len(COLUMNS) - 1)
    ]
    pairs = [f"{mean(line[step].pairs for line in wanted.values()):.2f}" for step in range(len(COLUMNS) - 1)]
    return Grid(
        name="copies_recall",
        claim=f"Whatever is done to a photo, at least {RECALL:.0%} of its copies are found, and {PRECISION:.0%} of "
        f"what is found are copies. Cells: recall / precision; the first steps at radius {SETTINGS.phash_radius}.",
        columns=COLUMNS,
        lines=(
            *([name, *(f"{each.recall:.2f} / {each.precision:.2f}" for each in line)] for name, line in scores.items()),
            ["mean, without quarter turns", *overall],
            ["pairs for each photo", *pairs],
        ),
        notes=(
            *(
                _verdict(radius, {name: line[step - len(RADII)] for name, line in wanted.items()})
                for step, radius in enumerate(RADII)
            ),
            f"{place}; {len(known):,} searched, {COPIES} copies of each edit",
            f"finding one of the {len(natural) // 2:,} pairs of copies that the collection itself holds is not wrong",
            f"{mean(len({*each.hashes.entries}) for each in known):.0f} hashes filed for a photo, {ENTRIES} at most",
            _costs(originals, known),
        ),
        packages=("numpy", "pillow", "simplejpeg", "imagehash"),
    )


def _found(steps: Steps) -> list[Pairs]:
    """Return what each column's search finds."""
    radius = SETTINGS.phash_radius
    candidates = steps.landmarks(radius)
    found = [steps.plain(radius), steps.trimmed(radius), steps.cropped(radius), candidates, steps.likely(candidates)]
    return [*found, *(steps.agreeing(steps.likely(steps.landmarks(within))) for within in RADII)]


def _score(found: Pairs, copies: Copies, natural: Pairs) -> Score:
    right = {pair for pair in found if copies.sources[pair[0]] == pair[1]}
    also = {pair for pair in found if (copies.sources[pair[0]], pair[1]) in natural}
    precision = len(right | also) / len(found) if found else 1.0
    return Score(len(right) / len(copies.sources), precision, len(found) / len(copies.sources))


def _verdict(radius: int, scores: dict[str, Score]) -> str:
    short = [f"{name} ({score.recall:.2f})" for name, score in scores.items() if score.recall < RECALL]
    wrong = [f"{name} ({score.precision:.2f})" for name, score in scores.items() if score.precision < PRECISION]
    recall = f"recall {RECALL} NOT kept in {', '.join(short)}" if short else f"recall {RECALL} kept"
    precision = f"precision {PRECISION} NOT kept in {', '.join(wrong)}" if wrong else f"precision {PRECISION} kept"
    chosen = " (the default)" if radius == SETTINGS.phash_radius else ""
    return f"all steps, radius {radius}{chosen}, {len(scores)} edits: {recall}; {precision}"


def _costs(originals: Sequence[Image.Image], known: Sequence[Photo]) -> str:
    """Time hashing and aligning on one core: the quickest of some rounds."""
    greys = [np.asarray(image.convert("L").resize((200, 150))) for image in originals[:200]]
    pictures = np.stack([np.frombuffer(each.hashes.thumbnail, np.uint8) for each in known[:129]]).reshape(-1, 48, 48)
    hashing = _quickest(lambda: [hashes(grey) for grey in greys]) / len(greys)
    aligning = _quickest(lambda: agreement(pictures[1:], pictures[:-1])) / (len(pictures) - 1)
    return f"hashing a grey picture of 200 x 150: {hashing * 1e3:.2f} ms; aligning a pair: {aligning * 1e3:.2f} ms"


def _quickest(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


def _copied(originals: Sequence[Image.Image], name: str, edit: Edit) -> Copies:
    rng = random.Random(name)
    sources = rng.sample(range(len(originals)), min(COPIES, len(originals)))
    return Copies([photo(saved(edit(originals[source], rng), name, rng)) for source in sources], sources)


def _originals() -> tuple[list[Image.Image], str]:
    if not MARKETPLACE.is_dir():
        return _drawn(), "drawn photos (no recorded marketplace beside the project), which are simpler than real ones"
    images: list[Image.Image] = []
    paths = sorted(MARKETPLACE.iterdir())
    for path in random.Random("copies_recall").sample(paths, len(paths)):
        image = decode(path.read_bytes(), max_pixels=SETTINGS.max_pixels).image
        if image is not None and min(image.size) >= SETTINGS.min_side and np.asarray(image.convert("L")).std() > 4:
            images.append(image)
        if len(images) == KNOWN:
            break
    return images, "real photos of a recorded marketplace, at most 340 px"


def _drawn() -> list[Image.Image]:
    images = []
    for name in sorted(SHAPES):
        for number in range(-(-KNOWN // len(SHAPES))):
            rng = random.Random(f"{name}/{number}")
            varied = vary(SHAPES[name], rng)
            images.append(photograph(varied, Finish.choose(varied, rng), View.choose(rng, number)))
    return images[:KNOWN]


if __name__ == "__main__":
    print(run().as_text())
