"""The search for copies with its steps switched on one after the other, from a bare hash to the whole of it."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from autodetect.photos.copies import FARTHEST_SUM, Details, agreement, distances
from autodetect.photos.first_look import look
from autodetect.photos.hash_index.index import HashIndex
from autodetect.photos.phash import CROPS, PIPELINE, Hashes
from autodetect.sections import PhotoSettings

Pairs = set[tuple[int, int]]
Search = Callable[[], Pairs]

SETTINGS = PhotoSettings()
AT_ONCE = 256  # pairs


@dataclass(frozen=True)
class Photo:
    """A photo's hashes as the nightly stage makes them, and imagehash's phash of it and of its mirror image."""

    hashes: Hashes
    plain: tuple[int, int]


def photo(data: bytes) -> Photo:
    """Hash a readable photo."""
    found = look(data, max_pixels=SETTINGS.max_pixels, min_side=1).hashes
    if found is None:
        raise ValueError("the photo cannot be read")
    grey = Image.open(io.BytesIO(data)).convert("L")
    return Photo(found, (_signed(imagehash.phash(grey)), _signed(imagehash.phash(ImageOps.mirror(grey)))))


@dataclass(frozen=True)
class Steps:
    """The ways to search `new` photos among `known` ones; each gives pairs of positions (new, known)."""

    new: Sequence[Photo]
    known: Sequence[Photo]

    def plain(self, radius: int) -> Pairs:
        """Return what imagehash's phash alone finds, of the photo and its mirror image."""
        return _near([each.plain for each in self.new], [each.plain[:1] for each in self.known], radius)

    def trimmed(self, radius: int) -> Pairs:
        """Return what the hash finds once uniform borders are gone."""
        searched = [(each.hashes.phash, each.hashes.phash_mirror) for each in self.new]
        return _near(searched, [(each.hashes.phash,) for each in self.known], radius)

    def cropped(self, radius: int) -> Pairs:
        """Return what centred crops add."""
        views, half = len(CROPS), len(self.new[0].hashes.queries) // 2
        searched = [(*q[:views], *q[half : half + views]) for q in (each.hashes.queries for each in self.new)]
        return _near(searched, [each.hashes.entries[:views] for each in self.known], radius)

    def landmarks(self, radius: int) -> Pairs:
        """Return all candidates: what windows between landmarks add."""
        searched = [each.hashes.queries for each in self.new]
        return _near(searched, [each.hashes.entries for each in self.known], radius)

    def likely(self, candidates: Pairs) -> Pairs:
        """Return the candidates that have several hashes near each other."""
        return self._kept(candidates, lambda one, other: distances(one.entries, other.entries) <= FARTHEST_SUM)

    def agreeing(self, candidates: Pairs) -> Pairs:
        """Return the candidates that agree once they are aligned."""

        def agree(one: Details, other: Details) -> NDArray[np.bool_]:
            return agreement(one.thumbnails, other.thumbnails) >= SETTINGS.min_correlation

        return self._kept(candidates, agree)

    def _kept(self, candidates: Pairs, test: Callable[[Details, Details], NDArray[np.bool_]]) -> Pairs:
        ordered, kept = sorted(candidates), set()
        for start in range(0, len(ordered), AT_ONCE):
            block = ordered[start : start + AT_ONCE]
            one = _details([self.new[new] for new, _ in block])
            other = _details([self.known[known] for _, known in block])
            kept |= {block[place] for place in np.flatnonzero(test(one, other)).tolist()}
        return kept


def _details(photos: Sequence[Photo]) -> Details:
    return Details.of([each.hashes.entries for each in photos], [each.hashes.thumbnail for each in photos])


def _near(searched: Sequence[Sequence[int]], filed: Sequence[Sequence[int]], radius: int) -> Pairs:
    names = [f"{position:064x}" for position in range(len(filed))]
    index = HashIndex.empty(PIPELINE).add(names, np.array(filed, np.int64))
    asking, found = index.search(np.array(searched, np.int64), radius)
    return {(new, int(name, 16)) for new, name in zip(asking.tolist(), index.names(found), strict=True)}


def _signed(value: imagehash.ImageHash) -> int:
    return int(np.packbits(value.hash.reshape(-1)).view(">i8")[0])
