"""Claim: whatever sellers do to a photo, 98 in 100 copies are found, and 99 in 100 of what is found are copies.

Copies of known photos are searched among the known ones, edit by edit, with each step of the search switched on after
the other. Photos are those of a recorded marketplace if there is one beside the project (different photos of one model
are the hard negatives), otherwise drawn ones, whose figures say little about real photos.
"""

import io
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autodetect.photos.copies import FARTHEST_SUM, Details, agreement, distances
from autodetect.photos.decode import decode
from autodetect.photos.first_look import look
from autodetect.photos.index import HashIndex
from autodetect.photos.phash import CROPS, PIPELINE, Hashes, hashes
from autodetect.settings import PhotoSettings
from benchmarks.edits import Edit, edits, saved, turns
from benchmarks.grid import Grid
from crawlers.sandbox.painting.body import vary
from crawlers.sandbox.painting.finish import Finish
from crawlers.sandbox.painting.scene import View, photograph
from crawlers.sandbox.painting.shapes import SHAPES

MARKETPLACE = Path(__file__).resolve().parents[2] / "shared" / "marketplace" / "photos"
KNOWN = int(os.environ.get("COPIES_RECALL_KNOWN", "1200"))  # photos searched in
COPIES = int(os.environ.get("COPIES_RECALL_COPIES", "60"))  # of each edit
RADII = (6, 8, 10)
RECALL, PRECISION = 0.98, 0.99
SETTINGS = PhotoSettings()
Pairs = set[tuple[int, int]]


@dataclass(frozen=True)
class Photo:
    """What is searched and searched for: the hashes, and the plain ones of the picture with its border."""

    hashes: Hashes
    plain: tuple[int, int]


@dataclass(frozen=True)
class Copies:
    """Copies that one edit made: `sources` are positions among the known photos."""

    photos: Sequence[Photo]
    sources: Sequence[int]


def run() -> Grid:
    """Make the copies, search them step by step, and judge."""
    originals, place = _originals()
    known = [_photo(_jpeg(image)) for image in originals]
    natural = _alike(known)
    made = {name: _copies(originals, name, edit) for name, edit in {**edits(), **turns()}.items()}
    expected = [name for name in made if name not in turns()]
    steps = _steps(known)
    lines, floors = [], defaultdict(list)
    for name, copies in made.items():
        cells = [name]
        for step, search in steps.items():
            recall, precision = _judged(search(copies.photos), copies, natural)
            cells.append(f"{recall:.2f} / {precision:.2f}")
            if name in expected:
                floors[step].append((recall, precision, name))
        lines.append(cells)
    lines.append(["mean"] + [_mean(floors[step]) for step in steps])
    final = [*steps][1 + RADII.index(SETTINGS.phash_radius) if SETTINGS.phash_radius in RADII else -1]
    final = f"all steps, radius {SETTINGS.phash_radius}"
    return Grid(
        name="copies_recall",
        claim=f"Whatever is done to a photo, at least {RECALL:.0%} of its copies are found, and {PRECISION:.0%} of what "
        "is found are copies (recall / precision).",
        columns=("edit", *steps),
        lines=lines,
        notes=(
            *_verdicts(floors[final], final),
            f"{place}: {len(known):,} photos searched, {COPIES} copies of each edit",
            f"the collection itself holds {len(natural):,} pairs of copies (agreement {SETTINGS.min_correlation} or "
            "more); finding those is not counted as wrong",
            *_costs(known, [photo for copies in made.values() for photo in copies.photos]),
        ),
        packages=("numpy", "pillow", "simplejpeg"),
    )


def _verdicts(found: Sequence[tuple[float, float, str]], step: str) -> list[str]:
    short = [f"{name} {recall:.2f}" for recall, _, name in found if recall < RECALL]
    wrong = [f"{name} {precision:.2f}" for _, precision, name in found if precision < PRECISION]
    recall = f"recall {RECALL:.2f} in {len(found) - len(short)} of {len(found)} edits"
    precision = f"precision {PRECISION:.2f} in {len(found) - len(wrong)} of {len(found)}"
    return [
        f"{step}: {recall}, {'kept' if not short else 'NOT kept in ' + ', '.join(short)}",
        f"{step}: {precision}, {'kept' if not wrong else 'NOT kept in ' + ', '.join(wrong)}",
    ]


def _mean(found: Sequence[tuple[float, float, str]]) -> str:
    return " / ".join(f"{np.mean([each[side] for each in found]):.3f}" for side in (0, 1))


def _originals() -> tuple[list[Image.Image], str]:
    rng = random.Random("copies_recall")
    if not MARKETPLACE.is_dir():
        drawn = []
        for name in sorted(SHAPES):
            for number in range(KNOWN // len(SHAPES)):
                own = random.Random(f"{name}/{number}")
                varied = vary(SHAPES[name], own)
                drawn.append(photograph(varied, Finish.choose(varied, own), View.choose(own, number)))
        return drawn, "drawn photos (there is no recorded marketplace beside the project)"
    images = []
    for path in rng.sample(sorted(MARKETPLACE.iterdir()), len([*MARKETPLACE.iterdir()])):
        image = decode(path.read_bytes(), max_pixels=SETTINGS.max_pixels).image
        if image is not None and min(image.size) >= SETTINGS.min_side and np.asarray(image.convert("L")).std() > 4:
            images.append(image)
        if len(images) == KNOWN:
            break
    return images, "real photos of a recorded marketplace, at most 340 px"


def _copies(originals: Sequence[Image.Image], name: str, edit: Edit) -> Copies:
    rng = random.Random(name)
    sources = rng.sample(range(len(originals)), COPIES)
    return Copies([_photo(saved(edit(originals[source], rng), name, rng)) for source in sources], sources)


def _jpeg(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=92)
    return target.getvalue()


def _photo(data: bytes) -> Photo:
    """Hash a photo as the nightly stage does, and without trimming."""
    _, found = look(data, max_pixels=SETTINGS.max_pixels, min_side=1)
    assert found is not None
    grey = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    # a row of noise around the picture keeps a border from being trimmed, and hardly changes the hash
    noise = np.random.default_rng(0).integers(0, 256, (grey.shape[0] + 2, grey.shape[1] + 2), dtype=np.uint8)
    noise[1:-1, 1:-1] = grey
    plain = hashes(noise)
    return Photo(found, (plain.phash, plain.phash_mirror))


Search = Callable[[Sequence[Photo]], Pairs]


def _steps(known: Sequence[Photo]) -> dict[str, Search]:
    """Return each way to search: photos -> pairs of positions (searched, known)."""
    radius = SETTINGS.phash_radius
    views = len(CROPS)

    def plain(photos: Sequence[Photo]) -> Pairs:
        return _near([photo.plain for photo in photos], [photo.plain[:1] for photo in known], radius)

    def trimmed(photos: Sequence[Photo]) -> Pairs:
        searched = [(photo.hashes.phash, photo.hashes.phash_mirror) for photo in photos]
        return _near(searched, [(photo.hashes.phash,) for photo in known], radius)

    def cropped(photos: Sequence[Photo]) -> Pairs:
        searched = [_part(photo.hashes.queries, views) for photo in photos]
        return _near(searched, [photo.hashes.entries[:views] for photo in known], radius)

    def landmarks(photos: Sequence[Photo], within: int = radius) -> Pairs:
        searched = [photo.hashes.queries for photo in photos]
        return _near(searched, [photo.hashes.entries for photo in known], within)

    def voted(photos: Sequence[Photo], within: int = radius) -> Pairs:
        return _likely(photos, known, landmarks(photos, within))

    found: dict[str, Search] = {
        "plain phash": plain,
        "+ trim": trimmed,
        "+ centred crops": cropped,
        "+ landmarks": landmarks,
        "+ nearest four": voted,
    }
    for within in RADII:
        found[f"all steps, radius {within}"] = lambda photos, within=within: _agreeing(
            photos, known, voted(photos, within)
        )
    return found


def _part(queries: Sequence[int], views: int) -> tuple[int, ...]:
    half = len(queries) // 2
    return (*queries[:views], *queries[half : half + views])


def _near(searched: Sequence[Sequence[int]], filed: Sequence[Sequence[int]], radius: int) -> Pairs:
    names = [f"{position:064x}" for position in range(len(filed))]
    index = HashIndex.empty(PIPELINE).add(names, np.array(filed, np.int64))
    asking, found = index.search(np.array(searched, np.int64), radius)
    return {(i, int(name, 16)) for i, name in zip(asking.tolist(), index.names(found), strict=True)}


def _likely(photos: Sequence[Photo], known: Sequence[Photo], pairs: Pairs) -> Pairs:
    return {pair for pair, (one, other) in _detailed(photos, known, pairs) if distances(one, other) <= FARTHEST_SUM}


def _detailed(photos, known, pairs):
    raise NotImplementedError
