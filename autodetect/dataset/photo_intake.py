"""Tonight's new photos: examined, judged, hashed, embedded, and grouped with the photos they are copies of."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.engine import embed, engine_name, to_bytes
from autodetect.photos.copies import HashIndex, copies
from autodetect.photos.examine import Examined, examine_all
from autodetect.photos.phash import CROPS, PIPELINE, THUMBNAIL_SIDE
from autodetect.photos.unions import Unions
from autodetect.settings import Settings

log = logging.getLogger(__name__)
VIEW = "plain"


@dataclass
class Intake:
    """What examining tonight's photos gave: `facts` for the suites, rows by sha256, and embedding rows."""

    facts: pd.DataFrame = field(default_factory=lambda: _facts([]))
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    embeddings: list[dict[str, Any]] = field(default_factory=list)


def take_in(
    new: list[str],
    *,
    photos: Any,
    model: Any,
    backbone: BackboneRecord,
    settings: Settings,
    night: date,
) -> Intake:
    """Examine and embed photos that the lake has not looked at before.

    Args:
        new: their SHA-256 digests, sorted.
        photos: the photo store.
        model: the pinned backbone, (n, s, s, 3) -> (n, d).
        backbone: its record: digest, preprocessing, input size.
        settings: the photo and backbone settings.
        night: tonight.
    """
    limits = settings.photos
    examined = examine_all(
        new,
        photos.read,
        threads=limits.threads,
        max_pixels=limits.max_pixels,
        min_side=limits.min_side,
        input_size=backbone.input_size,
    )
    facts: list[dict[str, Any]] = []
    intake = Intake()
    identity = {
        "backbone": backbone.digest,
        "preprocessing": backbone.preprocessing,
        "engine": engine_name(),
        "view": VIEW,
        "night": night,
    }
    for block in _blocks(examined, settings.backbone.batch_size * 4):
        for photo in block:
            facts.append(_fact(photo))
            intake.rows[photo.sha256] = _row(photo, night)
        readable = [photo for photo in block if photo.network_input is not None]
        if readable:
            inputs = np.stack([photo.network_input for photo in readable])  # type: ignore[misc]
            vectors = to_bytes(embed(model, inputs, settings.backbone.batch_size))
            intake.embeddings += [
                {"sha256": photo.sha256, "vector": vector, **identity}
                for photo, vector in zip(readable, vectors, strict=True)
            ]
        log.info("photos: %d of %d examined and embedded", len(facts), len(new))
    intake.facts = _facts(facts)
    return intake


def group_copies(known: pa.Table, intake: Intake, settings: Settings) -> dict[str, str]:
    """Find tonight's copies, among themselves and of older photos.

    Args:
        known: the `photos` table as of last night.
        intake: tonight's photos; only those still `ok` are compared.
        settings: radius and correlation.

    Returns:
        sha256 -> copy group for every photo whose group is new or changed. A group is named after its first photo, by
        night and digest; a photo without copies is its own group.
    """
    comparable = pc.and_(pc.equal(known["verdict"], "ok"), pc.equal(known["pipeline"], PIPELINE))
    old = known.filter(comparable).sort_by([("night", "ascending"), ("sha256", "ascending")])
    new = [row for _, row in sorted(intake.rows.items()) if row["verdict"] == "ok"]
    names = [*old["sha256"].to_pylist(), *(row["sha256"] for row in new)]
    before = dict(zip(old["sha256"].to_pylist(), old["copy_group"].to_pylist(), strict=True))
    pairs = copies(
        _index(old.to_pylist()),
        _index(new),
        radius=settings.photos.phash_radius,
        min_correlation=settings.photos.min_correlation,
    )
    unions: Unions[str] = Unions()
    for sha256, group in before.items():
        unions.join(sha256, group)
    for i, j in pairs:
        unions.join(names[i], names[j])
    groups = {sha256: members[0] for members in unions.groups(names) for sha256 in members}
    return {sha256: group for sha256, group in groups.items() if before.get(sha256) != group}


def _facts(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = {"sha256": "object", "defect": "object", "short_side": "float64", "contrast": "float64"}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _fact(photo: Examined) -> dict[str, Any]:
    decoded = photo.decoded
    sized = not decoded.rule
    return {
        "sha256": photo.sha256,
        "defect": decoded.rule or None,
        "short_side": float(min(decoded.width, decoded.height)) if sized else None,
        "contrast": photo.hashes.contrast if photo.hashes else None,
    }


def _row(photo: Examined, night: date) -> dict[str, Any]:
    row: dict[str, Any] = {
        "sha256": photo.sha256,
        "night": night,
        "bytes": photo.size,
        "format": photo.decoded.format or None,
        "width": photo.decoded.width or None,
        "height": photo.decoded.height or None,
        "verdict": "ok",
    }
    if photo.hashes:
        row |= {
            "pipeline": PIPELINE,
            "phash": photo.hashes.phash,
            "phash_mirror": photo.hashes.phash_mirror,
            "phash_crops": list(photo.hashes.phash_crops),
            "dhash": photo.hashes.dhash,
            "thumbnail": photo.hashes.thumbnail,
        }
    return row


def _index(rows: list[dict[str, Any]]) -> HashIndex:
    thumbnails = np.frombuffer(b"".join(row["thumbnail"] for row in rows), dtype=np.uint8)
    return HashIndex(
        np.array([row["phash"] for row in rows], dtype=np.int64),
        np.array([row["phash_mirror"] for row in rows], dtype=np.int64),
        np.array([row["phash_crops"] for row in rows], dtype=np.int64).reshape(-1, len(CROPS)),
        thumbnails.reshape(-1, THUMBNAIL_SIDE**2),
    )


def _blocks(photos: Iterable[Examined], size: int) -> Iterator[list[Examined]]:
    remaining = iter(photos)
    while block := list(islice(remaining, size)):
        yield block
