"""What one look at a photo's bytes yields: facts, the rule they break, hashes and texture, all from one decode."""

from collections.abc import Iterable
from typing import NamedTuple

from autodetect.photos.decode import Decoded, decode_grey
from autodetect.photos.phash import HASHED_SIDE, Hashes, hashes
from autodetect.photos.texture import Texture, texture


class Look(NamedTuple):
    """Facts (without the image); hashes and texture, unless the photo cannot be read or is too small."""

    decoded: Decoded
    hashes: Hashes | None = None
    texture: Texture | None = None


def look(data: bytes, *, max_pixels: int, min_side: int) -> Look:
    """Look at one photo; see `look_at_all`."""
    return look_at_all([data], max_pixels=max_pixels, min_side=min_side)[0]


def look_at_all(photos: Iterable[bytes], *, max_pixels: int, min_side: int) -> list[Look]:
    """Look at several photos: all are decoded, then all are hashed, for code that is at work stays in the caches.

    Args:
        photos: the bytes of each as the photo host served them.
        max_pixels: a larger image is refused before it is decoded.
        min_side: pixels; what has a shorter side is described but not hashed.
    """
    side = HASHED_SIDE // 2
    seen = [decode_grey(data, max_pixels=max_pixels, side=side) for data in photos]
    return [
        Look(facts)
        if grey is None or min(facts.width, facts.height) < min_side
        else Look(facts, hashes(grey), texture(grey))
        for facts, grey in seen
    ]
