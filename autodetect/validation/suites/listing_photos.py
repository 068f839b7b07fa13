"""The suite of `listing_photos`: which photo stands where in which listing."""

from collections.abc import Iterable

import pyarrow as pa

from autodetect.lake.schemas import LISTING_PHOTOS
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import SHA256, Judged, Suite, between, holds, matches, unique


def listing_photos(rows: pa.Table, *, photos: Iterable[pa.Table], listings: Iterable[pa.Table]) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: the pairs that no curation has seen.
        photos: rows of `photos`, known and tonight's (`sha256`).
        listings: whatever names listings, `listings` or `sightings`, known and tonight's (`source`, `item_id`).
    """
    frame = frame_of(
        rows,
        [*LISTING_PHOTOS.key, "sha256"],
        photo_known=among(rows, ("sha256",), photos),
        listing_known=among(rows, ("source", "item_id"), listings),
    )
    rules = (
        unique("listing_photos.keys_repeat", LISTING_PHOTOS.key),
        matches("listing_photo.sha256_malformed", "held", "sha256", SHA256),
        between("listing_photo.position_negative", "warned", "position", 0),
        holds("listing_photo.photo_unknown", "held", "photo_known"),
        holds("listing_photo.listing_unknown", "warned", "listing_known"),
    )
    return Suite("listing_photos", LISTING_PHOTOS.key, rules), frame
