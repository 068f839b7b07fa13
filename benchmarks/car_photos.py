"""Photos of cars for benchmarks: a recorded marketplace's if there is one beside the project, else the drawn sandbox's.

One photo of a listing, and none that may be a copy of another (cropped, mirrored, bordered, pressed anew): each stands
for a vehicle of its own, so that a split by photo is a split by vehicle.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from autodetect.catalog.identify import identify
from autodetect.photos.decode import decode, decode_grey
from autodetect.photos.examine import cores
from autodetect.photos.inputs import network_inputs
from autodetect.photos.phash import hashes
from crawlers.sandbox.making.generate import generate

RECORDED = Path(__file__).resolve().parents[2] / "shared" / "marketplace"
APART = 8  # bits between the hashes of two different photos, at least
MAX_PIXELS, SIDE = 60_000_000, 64
AT_ONCE = 32

Ints = npt.NDArray[np.int64]
Inputs = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class CarPhotos:
    """Different sound photos.

    Attributes:
        folder: where they are.
        names: their files in it.
        labels: the model of each, a place in `models`, integer (n,).
        models: make_model_ids, sorted.
        real: they were photographed; the others were drawn.
    """

    folder: Path
    names: tuple[str, ...]
    labels: Ints
    models: tuple[str, ...]
    real: bool

    @property
    def words(self) -> str:
        """Return what they are, for a benchmark's notes."""
        if self.real:
            return "real photos of a recorded marketplace, at most 340 px"
        return "drawn photos of the sandbox, which say little about real ones"

    def image(self, place: int) -> Image.Image:
        """Return a photo upright, RGB."""
        found = decode((self.folder / self.names[place]).read_bytes(), max_pixels=MAX_PIXELS).image
        assert found is not None, "sound when it was chosen"
        return found

    def inputs(self, places: Iterable[int], size: int, geometry: str = "squash") -> Iterator[Inputs]:
        """Yield photos as network input, uint8 (32 at most, size, size, 3)."""
        return network_inputs(
            [self.names[place] for place in places],
            lambda name: (self.folder / name).read_bytes(),
            input_size=size,
            max_pixels=MAX_PIXELS,
            threads=cores(),
            batch_size=AT_ONCE,
            geometry="letterbox" if geometry == "letterbox" else "squash",
        )


def car_photos(count: int, scratch: Path) -> CarPhotos:
    """Return about `count` photos, all of the commonest models.

    Args:
        count: photos; there may be fewer.
        scratch: a folder for drawn ones.
    """
    root = RECORDED
    if not RECORDED.is_dir():
        root = scratch
        generate(root)
    kept = list(_different(root))
    chosen, total = set(), 0
    for model, photos in Counter(model for _, model in kept).most_common():
        if total >= count:
            break
        chosen.add(model)
        total += photos
    models = sorted(chosen)
    kept = [(name, model) for name, model in kept if model in chosen]
    labels = np.array([models.index(model) for _, model in kept], dtype=np.int64)
    return CarPhotos(root / "photos", tuple(name for name, _ in kept), labels, tuple(models), root is RECORDED)


def split(labels: Ints, share: float, seed: int) -> tuple[Ints, Ints]:
    """Return the places of most photos and of a `share` of them, ascending; each model is in both.

    Args:
        labels: model of each photo, integer (n,); a model has two photos at least.
        share: 0..1.
        seed: who is where.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    apart = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        own = order[labels[order] == label]
        apart[own[: min(len(own) - 1, max(1, round(share * len(own))))]] = True
    return np.flatnonzero(~apart), np.flatnonzero(apart)


def _different(root: Path) -> Iterator[tuple[str, str]]:
    """Yield name and make_model_id of each listing's first photo, in a drawn order, if sound and like none before."""
    with (root / "listings.csv").open(newline="", encoding="utf-8") as file:
        listed = [row for row in csv.DictReader(file) if row["photos"]]
    named = [(row["photos"].split()[0], identify(row["make"], row["model"]).make_model_id) for row in listed]
    rows = [(name, model) for name, model in named if model]
    filed = np.empty(0, dtype=np.uint64)
    for place in np.random.default_rng(0).permutation(len(rows)):
        name, model = rows[place]
        facts, grey = decode_grey((root / "photos" / name).read_bytes(), max_pixels=MAX_PIXELS, side=SIDE)
        if grey is None or min(facts.width, facts.height) < SIDE:
            continue
        found = hashes(grey)
        if any((np.bitwise_count(filed ^ query) <= APART).any() for query in _bits(found.queries)):
            continue
        filed = np.append(filed, _bits(found.entries))
        yield name, model


def _bits(signed: Iterable[int]) -> npt.NDArray[np.uint64]:
    return np.unique(np.array([each % 2**64 for each in signed], dtype=np.uint64))


def first(batches: Iterable[Inputs], count: int) -> Inputs:
    """Return the first `count` photos of batches, uint8 (count, size, size, 3)."""
    return np.concatenate(list(islice(batches, -(-count // AT_ONCE))))[:count]
