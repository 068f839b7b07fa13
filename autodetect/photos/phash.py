"""Perceptual hashes of a photo: imagehash-compatible ones, and those by which copies of it are found.

`phash` and `dhash` are the bits that the imagehash package computes, of the picture without a uniform border. A copy
that was cropped or turned has others. So a photo is filed under `ENTRIES` more hashes: of the whole picture and of
centred crops, and of windows between its landmarks, which move along with what they show. Those are the signs of the
lowest cosine waves, so that the mirrored picture's are the same bits with a fixed half of them turned: whether two
photos are near each other does not depend on which of them is filed and which is searched.

All is linear in the picture up to the signs: a few products with small matrices that are kept per picture size.
Hashes carry `PIPELINE`, since bits of different pipelines must never be compared.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autodetect.photos.borders import trimmed
from autodetect.photos.landmarks import MOST_WINDOWS, SAMPLES, landmarks, windows
from autodetect.photos.resampling import KEPT, Matrix, box, cosines, lanczos, product

PIPELINE = "trim-phash64-landmarks-v2"
HASHED_SIDE = 256  # pixels of the longer side; more do not change the hashes
MOST_PIXELS = 1 << 17  # a picture that has more is reduced first
WORKING_SIDE = 64  # the longer side of the picture in which landmarks are sought
CROPS = (0.0, 0.02, 0.05, 0.09)  # of each side; the ratios between two of them cover centred crops up to 10 %
ENTRIES = len(CROPS) + MOST_WINDOWS
THUMBNAIL_SIDE = 48
LEAST_CONTRAST = 4.0  # grey levels: the hash of anything flatter is made of noise

_WAVES = 8  # a side: 64 bits


@dataclass(frozen=True)
class Hashes:
    """64-bit hashes as signed integers (the lake has no unsigned ones) and a small picture.

    Attributes:
        phash: as `imagehash.phash`, of the picture without its border; `phash_mirror` is the mirrored picture's.
        dhash: as `imagehash.dhash`; `dhash_mirror` likewise.
        entries: `ENTRIES` hashes by which the photo is filed; a photo of few landmarks repeats the first.
        queries: twice as many, by which its copies are searched: the entries, and those of the mirrored picture.
        thumbnail: grey levels of 48 x 48 areas of the picture without its border, 2,304 bytes.
        contrast: standard deviation of the grey levels, border included, 0 to 127.5: near 0 for a blank picture.
    """

    phash: int
    phash_mirror: int
    dhash: int
    dhash_mirror: int
    entries: tuple[int, ...]
    queries: tuple[int, ...]
    thumbnail: bytes
    contrast: float


def hashes(grey: NDArray[np.uint8]) -> Hashes:
    """Hash an upright grey picture (h, w), uint8, of any size from 1 x 1; 128 pixels a side are enough."""
    picture = _reduced(grey)
    inner = trimmed(picture)
    level, contrast = _level(picture)
    if inner.shape != picture.shape:
        level = float(inner.mean())
    whole = np.ascontiguousarray(inner, dtype=np.float32)
    whole -= level

    longer = max(whole.shape)
    rows, columns = _axis(whole.shape[0], longer, 8), _axis(whole.shape[1], longer, 9)
    half = product(rows, whole)
    both = half[: _WAVES + 8] @ columns[: _WAVES + 9].T
    waves, areas = both[:_WAVES, :_WAVES], np.rint(both[_WAVES:, _WAVES:])
    waves[0, 0] = np.inf  # the mean level, above any other wave
    working = product(half[_WAVES + 8 :], columns[_WAVES + 9 :].T)
    entries = _entries(working)
    small = box(working.shape[0], THUMBNAIL_SIDE) @ working @ box(working.shape[1], THUMBNAIL_SIDE).T + level
    return Hashes(
        phash=_signed(_above_median(waves)),
        phash_mirror=_signed(_above_median(waves * _MIRRORED)),
        dhash=_signed(areas[:, 1:] > areas[:, :-1]),
        dhash_mirror=_signed(areas[:, -2::-1] > areas[:, :0:-1]),
        entries=tuple(entries.tolist()),
        queries=tuple(np.concatenate([entries, entries ^ MIRROR]).tolist()),
        thumbnail=np.clip(np.rint(small), 0, 255).astype(np.uint8).tobytes(),
        contrast=contrast,
    )


def _reduced(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a large picture averaged over whole squares of pixels, so that hashing costs what it shows."""
    factor = math.ceil(math.sqrt(grey.size / MOST_PIXELS))
    return grey if factor < 2 else np.asarray(Image.fromarray(grey).reduce(factor))


def _level(grey: NDArray[np.uint8]) -> tuple[float, float]:
    """Return mean and standard deviation."""
    levels = grey.astype(np.float32)
    level = float(levels.mean())
    levels -= level
    return level, float(np.sqrt(np.vdot(levels, levels) / levels.size))


@lru_cache(KEPT)
def _axis(length: int, longer: int, areas: int) -> Matrix:
    """Return what becomes of one axis, one below the other.

    First what imagehash does: 8 waves of 32 resized pixels for phash, `areas` resized pixels for dhash. Then the
    working picture's pixels: `WORKING_SIDE` if this is the longer axis, at least 8.
    """
    working = lanczos(length, max(8, round(length * WORKING_SIDE / longer)))
    return np.concatenate([cosines(32, _WAVES) @ lanczos(length, 32), lanczos(length, areas), working])


def _entries(working: Matrix) -> NDArray[np.int64]:
    """Return `ENTRIES` hashes, (ENTRIES,) int64; what is too flat to be told from noise is left out, but the first."""
    views = _views(working.shape[0]) @ working @ _views(working.shape[1]).transpose(0, 2, 1)
    if np.vdot(working, working) < LEAST_CONTRAST**2 * working.size:
        views = views[:1]
    patches = windows(working, landmarks(working))
    waves = product(patches, _window_waves())
    spread = np.einsum("np,np->n", patches, patches) / SAMPLES**2 - (waves[:, 0] / SAMPLES**2) ** 2
    found = _signs(np.concatenate([views.reshape(-1, _WAVES**2), waves[spread >= LEAST_CONTRAST**2]]))
    return np.concatenate([found, np.full(ENTRIES - len(found), found[0])])


@lru_cache(KEPT)
def _views(length: int) -> Matrix:
    """Return the waves of the whole picture and of its centred crops along one axis, (crops, 8, length)."""
    return np.stack([cosines(length, _WAVES, share) for share in CROPS])


@lru_cache(1)
def _window_waves() -> Matrix:
    """Return the matrix that takes the pixels of a window to its 8 x 8 waves, (SAMPLES**2, 64)."""
    waves = cosines(SAMPLES, _WAVES)
    return np.ascontiguousarray(np.kron(waves, waves).T)


def _signs(waves: Matrix) -> NDArray[np.int64]:
    """Return the signs of 64 waves, (n, 64) -> (n,) int64; the constant one says nothing and is 0."""
    bits = waves > 0
    bits[:, 0] = False
    return _packed(bits)


def _above_median(waves: Matrix) -> NDArray[np.bool_]:
    ordered = np.sort(waves, axis=None)
    return waves > (ordered[_WAVES**2 // 2 - 1] + ordered[_WAVES**2 // 2]) / 2


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return 64 bits as int64, the first the highest: (n, 64) -> (n,)."""
    return np.packbits(bits, axis=1).view(">i8")[:, 0].astype(np.int64)


def _signed(bits: NDArray[np.bool_]) -> int:
    return int(_packed(bits.reshape(1, -1))[0])


_MIRRORED = np.where(np.arange(_WAVES) % 2, -1, 1).astype(np.float32)  # mirroring turns the odd columns' sign
MIRROR = _packed(np.tile(_MIRRORED < 0, _WAVES)[None])[0]  # a mirrored picture's entries are the entries XOR this
