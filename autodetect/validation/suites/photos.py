"""The suite of examined photos, and that of the rows of `photos`."""

from collections.abc import Iterable
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import PHOTOS
from autodetect.settings import Settings
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import (
    ROWS_FOR_A_SHARE,
    SHA256,
    Judged,
    Rule,
    Suite,
    between,
    holds,
    matches,
    unique,
)


def photo_suite(settings: Settings) -> Suite:
    """Return the rules of examined photos: `defect` is the name of what decoding found wrong."""
    side = {"min_value": settings.photos.min_side}
    return Suite(
        "photos",
        ("sha256",),
        (
            Rule("photo.unreadable", "refused", "ExpectColumnValuesToBeNull", {"column": "defect"}),
            Rule("photo.too_small", "refused", "ExpectColumnValuesToBeBetween", {"column": "short_side", **side}),
            # Grey levels: a flat picture re-encoded as JPEG varies by less than 2; the dimmest real photo by over 10.
            Rule("photo.blank", "refused", "ExpectColumnValuesToBeBetween", {"column": "contrast", "min_value": 4.0}),
            Rule(
                "photos.none_readable",
                "held",
                "ExpectColumnProportionOfNonNullValuesToBeBetween",
                {"column": "contrast", "min_value": 0.5},
                ROWS_FOR_A_SHARE,
            ),
        ),
    )


def photo_rows(rows: pa.Table, *, photos: Iterable[pa.Table], night: date, settings: Settings) -> Judged:
    """Return the suite and its frame: the rows of `photos` that tonight changes, as they are to be written.

    Args:
        rows: what curation is about to write.
        photos: rows of `photos`, known and tonight's (`sha256`).
        night: tonight; an older photo was judged by the settings of its night.
        settings: what a usable photo is.
    """
    sound = pc.equal(rows["verdict"], "ok")
    judged_tonight = pc.and_(sound, pc.equal(rows["night"], pa.scalar(night, pa.date32())))
    short_side = pc.min_element_wise(rows["width"], rows["height"])
    hashed = pc.and_(pc.is_valid(rows["phash"]), pc.is_valid(rows["thumbnail"]))
    frame = frame_of(
        rows,
        ["sha256", "bytes", "verdict"],
        short_side_of_sound=pc.if_else(judged_tonight, short_side, None).to_pandas(),
        sound_is_hashed=pc.or_(pc.invert(sound), hashed).to_pandas(),
        copy_group_known=among(
            pa.table({"sha256": rows["copy_group"]}), ("sha256",), [table.select(["sha256"]) for table in photos]
        ),
    )
    rules = (
        unique("photos.keys_repeat", PHOTOS.key),
        matches("photo.sha256_malformed", "held", "sha256", SHA256),
        matches("photo.verdict_malformed", "held", "verdict", r"^(?:ok|[a-z_]+\.[a-z_0-9]+)$"),
        between("photo.bytes_negative", "held", "bytes", 0),
        between("photo.sound_and_small", "held", "short_side_of_sound", settings.photos.min_side),
        holds("photo.sound_and_not_hashed", "held", "sound_is_hashed"),
        holds("photo.copy_group_unknown", "held", "copy_group_known"),
    )
    return Suite("photo_rows", PHOTOS.key, rules), frame
