"""Near-duplicate search: exactly the pairs that a slow comparison of everything finds, and the copies sellers make."""

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from autodetect.photos.copies import HashIndex, copies
from autodetect.photos.decode import decode
from autodetect.photos.phash import CROPS, THUMBNAIL_SIDE, hashes
from autodetect.settings import PhotoSettings
from crawlers.sandbox.painting.body import vary
from crawlers.sandbox.painting.finish import Finish
from crawlers.sandbox.painting.scene import View, photograph
from crawlers.sandbox.painting.shapes import SHAPES
from crawlers.sandbox.painting.tampering import COPY_KINDS, copied

MARKETPLACE = Path(__file__).parents[3] / "shared" / "marketplace" / "photos"
DEFAULTS = PhotoSettings()


def part(index: HashIndex, rows: list[int]) -> HashIndex:
    return HashIndex(index.phash[rows], index.mirror[rows], index.crops[rows], index.thumbnails[rows])


def random_index(rng: np.random.Generator, size: int) -> HashIndex:
    """Photos around three pictures: hashes some bits apart, thumbnails alike to different degrees."""
    centres = rng.integers(-(2**63), 2**63, 3, dtype=np.int64)

    def near() -> np.int64:
        flips = rng.choice(64, size=rng.integers(0, 7), replace=False)
        return centres[rng.integers(3)] ^ np.bitwise_or.reduce(np.int64(1) << flips.astype(np.int64), initial=0)

    pictures = rng.integers(0, 256, (3, THUMBNAIL_SIDE**2))
    thumbnails = [
        np.clip(pictures[rng.integers(3)] + rng.normal(0, rng.choice([1, 40, 90]), THUMBNAIL_SIDE**2), 0, 255)
        for _ in range(size)
    ]
    thumbnails = [np.full(THUMBNAIL_SIDE**2, 7) if rng.random() < 0.1 else t for t in thumbnails]
    return HashIndex(
        np.array([near() for _ in range(size)], np.int64),
        np.array([near() for _ in range(size)], np.int64),
        np.array([[near() for _ in CROPS] for _ in range(size)], np.int64).reshape(-1, len(CROPS)),
        np.array(thumbnails, np.uint8).reshape(-1, THUMBNAIL_SIDE**2),
    )


def distance(a: Any, b: Any) -> int:
    return ((int(a) ^ int(b)) % 2**64).bit_count()


def slow_copies(index: HashIndex, known: int, radius: int, least: float) -> list[tuple[int, int]]:
    """Compare everything with everything, as the module's docstring says."""
    found = []
    for i in range(known, len(index)):
        for j in range(i):
            variants = [
                (a, index.phash[b])
                for first, b in ((i, j), (j, i))
                for a in (index.phash[first], index.mirror[first], *index.crops[first])
            ]
            if min(distance(a, b) for a, b in variants) <= radius and slow_agreement(index, i, j) >= least:
                found.append((i, j))
    return found


def slow_agreement(index: HashIndex, i: int, j: int) -> float:
    return max(shifted_agreement(index, i, j), shifted_agreement(index, j, i))


def shifted_agreement(index: HashIndex, i: int, j: int) -> float:
    """The inner part of i against every part of j, mirrored or not."""
    best = -1.0
    a, b = (index.thumbnails[n].reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE).astype(float) for n in (i, j))
    for other in (b, b[:, ::-1]):
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                inner, shifted = a[1:-1, 1:-1], other[1 + dy : 31 + dy, 1 + dx : 31 + dx]
                if inner.std() and shifted.std():
                    best = max(best, np.corrcoef(inner.ravel(), shifted.ravel())[0, 1])
    return best


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.integers(0, 9), st.sampled_from([0, 4, 8]))
def test_the_search_finds_what_comparing_everything_finds(seed: int, known: int, new: int, radius: int) -> None:
    index = random_index(np.random.default_rng(seed), known + new)
    old, fresh = part(index, [*range(known)]), part(index, [*range(known, known + new)])
    found = copies(old, fresh, radius=radius, min_correlation=0.8)
    assert found == slow_copies(index, known, radius, 0.8)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.permutations(range(10)), st.integers(0, 10))
def test_the_pairs_do_not_depend_on_which_photos_came_first(seed: int, order: list[int], nights: int) -> None:
    """All at once, or in another order on two nights: the same pairs."""
    index = random_index(np.random.default_rng(seed), 10)
    nothing = part(index, [])
    at_once = copies(nothing, index, radius=8, min_correlation=0.8)
    first, second = part(index, order[:nights]), part(index, order[nights:])
    pairs = copies(nothing, first, radius=8, min_correlation=0.8) + copies(first, second, radius=8, min_correlation=0.8)
    assert {frozenset({order[i], order[j]}) for i, j in pairs} == {frozenset(pair) for pair in at_once}


def test_a_pair_on_the_edge_is_a_copy_in_either_order() -> None:
    """Agreement over shifts differs a little by which photo is shifted; the better one counts."""
    rng = np.random.default_rng(3)
    one = rng.integers(0, 256, THUMBNAIL_SIDE**2)
    two = np.clip(one + rng.normal(0, 90, THUMBNAIL_SIDE**2), 0, 255)
    two = np.roll(two.reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE), 1, axis=0).ravel()
    zeros = np.zeros(2, np.int64)
    index = HashIndex(zeros, zeros, np.zeros((2, len(CROPS)), np.int64), np.array([one, two], np.uint8))
    there, back = (shifted_agreement(index, *pair) for pair in ((0, 1), (1, 0)))
    assert there != back
    for least, found in (((there + back) / 2, [(1, 0)]), (max(there, back) + 0.001, [])):
        for order in ([0, 1], [1, 0]):
            assert copies(part(index, []), part(index, order), radius=0, min_correlation=least) == found


def test_old_photos_are_never_compared_again() -> None:
    index = random_index(np.random.default_rng(0), 6)
    assert copies(index, part(index, []), radius=64, min_correlation=-1) == []
    pairs = copies(part(index, [0, 1, 2]), part(index, [3, 4]), radius=64, min_correlation=-1)
    assert pairs == [(3, 0), (3, 1), (3, 2), (4, 0), (4, 1), (4, 2), (4, 3)]


def test_blocks_of_the_distance_matrix_join_without_a_seam() -> None:
    rng = np.random.default_rng(1)
    many = rng.integers(-(2**63), 2**63, 150, dtype=np.int64)
    thumbnails = rng.integers(0, 256, (150, THUMBNAIL_SIDE**2), dtype=np.uint8)
    index = HashIndex(many, ~many, np.stack([~many, ~many], axis=1), thumbnails)
    twice = HashIndex(*(np.concatenate([values, values]) for values in vars(index).values()))
    assert copies(part(index, []), twice, radius=0, min_correlation=0.99) == [(n + 150, n) for n in range(150)]


def jpeg(image: Image.Image, quality: int = 88) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality)
    return target.getvalue()


def index_of(photos: list[bytes]) -> HashIndex:
    found = []
    for data in photos:
        image = decode(data, max_pixels=DEFAULTS.max_pixels).image
        assert image is not None
        found.append(hashes(image))
    return HashIndex(
        np.array([each.phash for each in found], np.int64),
        np.array([each.phash_mirror for each in found], np.int64),
        np.array([each.phash_crops for each in found], np.int64).reshape(-1, len(CROPS)),
        np.array([np.frombuffer(each.thumbnail, np.uint8) for each in found]).reshape(-1, THUMBNAIL_SIDE**2),
    )


def found_copies(photos: list[bytes]) -> set[tuple[int, int]]:
    """Pairs among photos with the default settings."""
    everything = index_of(photos)
    radius, least = DEFAULTS.phash_radius, DEFAULTS.min_correlation
    return set(copies(part(everything, []), everything, radius=radius, min_correlation=least))


@pytest.fixture(scope="module")
def drawn() -> list[bytes]:
    """One photo of each drawn model."""
    photos = []
    for name, shape in SHAPES.items():
        rng = random.Random(f"copies/{name}")
        varied = vary(shape, rng)
        photos.append(jpeg(photograph(varied, Finish.choose(varied, rng), View.choose(rng, 0))))
    return photos


def edited(data: bytes, kind: str) -> bytes:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = image.size
    match kind:
        case "reencoded twice":
            return jpeg(Image.open(io.BytesIO(jpeg(image, 45))).convert("RGB"), 80)
        case "halved":
            return jpeg(image.resize((width // 2, height // 2), Image.Resampling.LANCZOS))
        case "darkened":
            return jpeg(ImageEnhance.Brightness(image).enhance(0.8))
        case "more contrast":
            return jpeg(ImageEnhance.Contrast(image).enhance(1.2))
        case "black border":
            return jpeg(ImageOps.expand(image, 12, "black"))
        case "mirrored and reencoded":
            return jpeg(ImageOps.mirror(image), 60)
        case _:
            return copied(data, kind)


@pytest.mark.parametrize(
    "kind",
    [
        *COPY_KINDS,
        "reencoded twice",
        "halved",
        "darkened",
        "more contrast",
        "black border",
        "mirrored and reencoded",
    ],
)
def test_an_edited_copy_is_found_and_other_cars_are_not(drawn: list[bytes], kind: str) -> None:
    pairs = found_copies([*drawn, *(edited(photo, kind) for photo in drawn)])
    wanted = {(len(drawn) + n, n) for n in range(len(drawn))}
    assert len(wanted & pairs) >= len(wanted) - 1
    assert pairs <= wanted


@pytest.mark.skipif(not MARKETPLACE.is_dir(), reason="the recorded marketplace (../shared/marketplace) is not here")
def test_edited_copies_of_real_photos_are_found() -> None:
    sample = random.Random(7).sample(sorted(MARKETPLACE.iterdir()), 60)
    photos = [data for data in (path.read_bytes() for path in sample) if decode(data, max_pixels=10**8).image]
    photos = [data for data in photos if min(Image.open(io.BytesIO(data)).size) >= DEFAULTS.min_side]
    assert len(photos) > 50
    among = found_copies(photos)
    found = total = 0
    for kind in COPY_KINDS:
        pairs = found_copies([*photos, *(edited(photo, kind) for photo in photos)])
        own = {(len(photos) + n, n) for n in range(len(photos))}
        found, total = found + len(own & pairs), total + len(own)
        strangers = {(i % len(photos), j % len(photos)) for i, j in pairs - own}
        assert len({pair for pair in strangers if pair[0] != pair[1]}) <= 2 * len(among)
    assert found / total > 0.95
