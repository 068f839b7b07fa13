"""Damaged files: each costs only itself and is named by its rule, in this process and in others."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.photos.decode import FORMATS, decode
from autodetect.photos.examine import FEW, examine_all
from autodetect.photos.first_look import look
from tests.photos.damaged import cases, photo, saved

pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow tells of the damage
LIMIT = 60_000_000
MIN_SIDE = 64
FILES = cases(LIMIT)
RULES = {
    "",
    "photo.empty",
    "photo.not_an_image",
    "photo.format_unsupported",
    "photo.too_many_pixels",
    "photo.truncated",
}


@pytest.mark.parametrize("name", FILES)
def test_each_file_lands_where_it_should(name: str) -> None:
    data, rule, kind = FILES[name]
    facts, hashes, _ = look(data, max_pixels=LIMIT, min_side=MIN_SIDE)
    assert (facts.rule, facts.format) == (rule, kind), facts.detail
    assert facts.image is None
    assert (hashes is not None) == (not rule and min(facts.width, facts.height) >= MIN_SIDE)
    if rule and rule != "photo.empty":
        assert facts.detail


@pytest.mark.parametrize("name", FILES)
def test_hashing_and_embedding_judge_alike(name: str) -> None:
    data, rule, kind = FILES[name]
    facts, *_ = look(data, max_pixels=LIMIT, min_side=MIN_SIDE)
    full = decode(data, max_pixels=LIMIT)
    assert (full.rule, full.format, full.width, full.height) == (rule, kind, facts.width, facts.height)


def test_several_processes_judge_as_one_does() -> None:
    photos = {hashlib.sha256(data).hexdigest(): data for data, _, _ in FILES.values()}
    assert len(photos) >= FEW
    wanted = {hashlib.sha256(data).hexdigest(): (rule, kind) for data, rule, kind in FILES.values()}
    alone, together = (
        list(examine_all(photos, photos.__getitem__, processes=count, max_pixels=LIMIT, min_side=MIN_SIDE))
        for count in (1, 2)
    )
    assert together == alone
    assert [(seen.sha256, seen.size) for seen in together] == [(name, len(data)) for name, data in photos.items()]
    assert {seen.sha256: (seen.decoded.rule, seen.decoded.format) for seen in together} == wanted


def test_the_wrong_extension_does_not_matter() -> None:
    assert {kind: look(saved(photo(), kind), max_pixels=LIMIT, min_side=MIN_SIDE)[0].format for kind in FORMATS} == {
        kind: kind for kind in FORMATS
    }


# How files of each kind begin, so that random bytes get past the first check of a decoder.
HEADS = [
    b"",
    *(saved(photo(), kind)[:400] for kind in FORMATS),
    b"\0\0\0\x18ftypheic",
    b"\xff\x0a",
    b"\xff\xd8\xff\xc0",
]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of the damage
@settings(deadline=None, max_examples=300)
@given(st.sampled_from(HEADS), st.integers(0, 400), st.binary(max_size=600))
def test_random_bytes_are_judged_and_never_raise(head: bytes, kept: int, tail: bytes) -> None:
    data = head[:kept] + tail
    facts, hashes, _ = look(data, max_pixels=LIMIT, min_side=MIN_SIDE)
    assert facts.rule in RULES
    assert hashes is None or not facts.rule
    full = decode(data, max_pixels=LIMIT)
    assert (full.rule, full.format, full.width, full.height) == (facts.rule, facts.format, facts.width, facts.height)
