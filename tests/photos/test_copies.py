"""Near-duplicate search: exactly the pairs that a slow comparison of everything finds, and the copies sellers make."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from autodetect.photos.copies import (
    FARTHEST_SUM,
    NEAREST,
    Copy,
    Details,
    agreement,
    candidates,
    confirm,
    distances,
)
from autodetect.photos.hash_index.index import HashIndex
from autodetect.photos.phash import ENTRIES, MIRROR, PIPELINE, THUMBNAIL_SIDE, Hashes, hashes
from autodetect.sections import PhotoSettings
from tests.photos.pictures import MARKETPLACE, drawn_photos, marketplace_photos, saved

DEFAULTS = PhotoSettings()
RADIUS, LEAST = DEFAULTS.phash_radius, DEFAULTS.min_correlation


class Album:
    """Photos by name, as the lake keeps them."""

    def __init__(self, photos: dict[str, Hashes]) -> None:
        self.photos = photos

    def details(self, names: Sequence[str]) -> Details:
        found = [self.photos[name] for name in names]
        return Details.of([each.entries for each in found], [each.thumbnail for each in found])

    def nights(self, *nights: Sequence[str]) -> list[Copy]:
        """What is found when photos come on several nights: each is searched among all that came until then."""
        index, found = HashIndex.empty(PIPELINE), []
        for new in nights:
            if not new:
                continue
            index = index.add(new, np.array([self.photos[name].entries for name in new], np.int64))
            queries = np.array([self.photos[name].queries for name in new], np.int64)
            found += confirm(candidates(index, new, queries, RADIUS), self.details, min_correlation=LEAST)
        return sorted(found)


def name_of(image: Image.Image) -> str:
    return hashlib.sha256(image.tobytes() + repr(image.size).encode()).hexdigest()


def album(images: Iterable[Image.Image]) -> tuple[list[str], Album]:
    named = [(name_of(image), hashes(np.asarray(image.convert("L")))) for image in images]
    return [name for name, _ in named], Album(dict(named))


def pairs(found: Iterable[Copy]) -> set[frozenset[str]]:
    return {frozenset({copy.one, copy.other}) for copy in found}


def edited(image: Image.Image, kind: str) -> Image.Image:
    width, height = image.size
    match kind:
        case "halved":
            return image.resize((width // 2, height // 2), Image.Resampling.LANCZOS)
        case "darkened":
            return ImageEnhance.Brightness(image).enhance(0.8)
        case "more contrast":
            return ImageEnhance.Contrast(image).enhance(1.3)
        case "framed in black":
            return ImageOps.expand(image, 12, "black")
        case "framed in white":
            return ImageOps.expand(image, width // 10, "white")
        case "mirrored":
            return ImageOps.mirror(image)
        case "cropped":
            return image.crop((width // 25, height // 25, width - width // 25, height - height // 25))
        case "mirrored and cropped aside":
            return ImageOps.mirror(image).crop((width // 10, 0, width, height - height // 10))
        case "tilted":
            return image.rotate(2, Image.Resampling.BICUBIC)
        case _:
            return image


EDITS = (
    "re-encoded",
    "halved",
    "darkened",
    "more contrast",
    "framed in black",
    "framed in white",
    "mirrored",
    "cropped",
    "mirrored and cropped aside",
    "tilted",
)


@pytest.fixture(scope="module")
def drawn() -> list[Image.Image]:
    return drawn_photos()


@pytest.mark.parametrize("kind", EDITS)
def test_an_edited_copy_is_found_and_other_cars_are_not(drawn: list[Image.Image], kind: str) -> None:
    originals, ours = album(drawn)
    copies, theirs = album(saved(edited(image, kind), 70) for image in drawn)
    found = pairs(Album({**ours.photos, **theirs.photos}).nights(originals, copies))
    wanted = {frozenset(pair) for pair in zip(originals, copies, strict=True)}
    assert len(wanted & found) >= len(wanted) - 1
    assert found <= wanted


@pytest.mark.skipif(not MARKETPLACE.is_dir(), reason="the recorded marketplace (../shared/marketplace) is not here")
def test_edited_copies_of_real_photos_are_found() -> None:
    images = [*marketplace_photos(80)]
    originals, ours = album(images)
    among = pairs(ours.nights(originals))
    found = 0
    for kind in EDITS:
        copies, theirs = album(saved(edited(image, kind), 80) for image in images)
        wanted = {frozenset(pair) for pair in zip(originals, copies, strict=True)}
        reached = pairs(Album({**ours.photos, **theirs.photos}).nights(originals, copies))
        found += len(wanted & reached)
        assert len(reached - wanted) <= 4 * len(among)  # the collection's own copies, and copies of those
    assert found / (len(images) * len(EDITS)) >= 0.98


@pytest.fixture(scope="module")
def mixed(drawn: list[Image.Image]) -> tuple[list[str], Album]:
    """Twelve photos: four pictures with two copies each, on and beyond the edge of what is found."""
    images = []
    for place, image in enumerate(drawn[:4]):
        width, height = image.size
        images += [image, saved(edited(image, EDITS[place + 5]), 60)]
        images.append(saved(image.rotate(4).crop((width // 8, height // 9, width, height - height // 20)), 60))
    return album(images)


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_the_pairs_do_not_depend_on_order_or_nights(mixed: tuple[list[str], Album], data: st.DataObject) -> None:
    names, photos = mixed
    order = data.draw(st.permutations(names))
    nights: list[list[str]] = [[], [], []]
    for name in order:
        nights[data.draw(st.integers(0, 2))].append(name)
    assert photos.nights(*nights) == photos.nights(names)
    assert len(photos.nights(names)) >= 4


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.integers(1, 9), st.sampled_from([0, 4, 8]))
def test_candidates_are_what_comparing_everything_finds(seed: int, known: int, new: int, radius: int) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.integers(-(2**63), 2**63, 3, dtype=np.int64)
    flips = np.int64(1) << rng.integers(0, 62, (known + new, 2, 4))
    entries = centres[rng.integers(0, 3, (known + new, 2))] ^ np.bitwise_xor.reduce(flips, axis=2)
    queries = np.concatenate([entries, entries ^ MIRROR], axis=1)
    names = [hashlib.sha256(bytes([seed % 256, place])).hexdigest() for place in range(known + new)]
    found = [*candidates(HashIndex.empty(PIPELINE).add(names, entries), names[known:], queries[known:], radius)]
    expected = {
        (min(names[i], names[j]), max(names[i], names[j]))
        for i in range(known, known + new)
        for j in range(i)
        if min(((int(q) ^ int(e)) % 2**64).bit_count() for q in queries[i] for e in entries[j]) <= radius
    }
    assert sorted(found) == sorted(expected)


def details_of(entries: np.ndarray, pictures: np.ndarray) -> Details:
    return Details(entries, pictures.astype(np.uint8))


def textured(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BICUBIC))


def test_one_near_hash_alone_is_chance() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(-(2**63), 2**63, (2, 1, 16), dtype=np.int64)
    other[0, 5] = one[0, 9]
    assert distances(one, other)[0] > FARTHEST_SUM
    other[0, :NEAREST] = one[0, 10 : 10 + NEAREST] ^ MIRROR
    assert distances(one, other)[0] == distances(other, one)[0] == 0
    picture = np.stack([textured(1)] * 2)
    far = details_of(np.concatenate([one, ~one ^ 5]), picture)
    assert not [*confirm([("a", "b")], lambda names: pick(far, names), min_correlation=-1)]
    near = details_of(np.concatenate([one, one]), picture)
    assert [*confirm([("b", "a")], lambda names: pick(near, names), min_correlation=0.99)] == [
        Copy("a", "b", pytest.approx(1))
    ]


def pick(details: Details, names: Sequence[str]) -> Details:
    places = ["ab".index(name) for name in names]
    return Details(details.entries[places], details.thumbnails[places])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_photos_of_little_detail_are_copies_only_if_they_are_equal_but_for_noise(seed: int, other: int) -> None:
    """Two skies at dusk: gradients that correlate perfectly, with noise that is all the detail there is."""
    noise = [np.random.default_rng(each).normal(0, 0.7, (THUMBNAIL_SIDE, THUMBNAIL_SIDE)) for each in (seed, other)]
    sky = np.linspace(40, 120, THUMBNAIL_SIDE)[:, None] + noise[0]
    same = np.linspace(40, 120, THUMBNAIL_SIDE)[:, None] + noise[1]
    brighter = np.linspace(60, 160, THUMBNAIL_SIDE)[:, None] + noise[0]
    ones = np.stack([sky] * 3).astype(np.uint8)
    others = np.stack([same, brighter, same[:, ::-1]]).astype(np.uint8)
    assert agreement(ones, others).tolist() == [1, -1, 1]


def test_old_photos_are_never_compared_again(mixed: tuple[list[str], Album]) -> None:
    names, photos = mixed
    index = HashIndex.empty(PIPELINE).add(names, np.array([photos.photos[name].entries for name in names], np.int64))
    assert not [*candidates(index, [], np.empty((0, 2 * ENTRIES), np.int64), 64)]
    one = np.array([photos.photos[names[0]].queries], np.int64)
    assert {names[0] in pair for pair in candidates(index, names[:1], one, 64)} == {True}


def test_many_candidates_are_confirmed_block_by_block(mixed: tuple[list[str], Album]) -> None:
    names, photos = mixed
    asked: list[int] = []

    def details(wanted: Sequence[str]) -> Details:
        asked.append(len(wanted))
        return photos.details(wanted)

    found = [*confirm([(names[0], names[0])] * 1000, details, min_correlation=LEAST)]
    assert len(found) == 1000
    assert max(asked) < 1000
