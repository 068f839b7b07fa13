"""Tonight's new photos: examined, screened and embedded, so that the suites can judge them."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.dataset.embedding import Embedder, embedding_rows
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.engine import from_bytes
from autodetect.embeddings.pin import load_imagenet_head, pinned
from autodetect.embeddings.shards import Identity
from autodetect.lake.schemas import EMBEDDINGS
from autodetect.photos.examine import MISSING, Examined, examine_all
from autodetect.photos.inputs import PLAIN
from autodetect.photos.phash import LEAST_CONTRAST, PIPELINE
from autodetect.photos.screening import Screened, judge, judge_texture
from autodetect.records import Refusal
from autodetect.validation.check import Finding

log = logging.getLogger(__name__)
TELL_EVERY = 1_000  # photos
AT_ONCE = 4_096  # embeddings that are screened together


@dataclass
class Intake:
    """What looking at tonight's photos gave.

    Attributes:
        facts: a row for each photo, for the suites: sha256, defect (the rule that decoding or screening found broken),
            short_side (px), contrast (standard deviation of grey levels).
        rows: rows of `photos` by sha256, `ok` until judged.
        embeddings: rows of `embeddings`.
        details: what is told of a defect, by sha256.
        noted: what screening says of photos that are kept.
    """

    facts: pd.DataFrame = field(default_factory=lambda: _frame([]))
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    embeddings: pa.Table = field(default_factory=EMBEDDINGS.schema.empty_table)
    details: dict[str, str] = field(default_factory=dict)
    noted: list[Refusal] = field(default_factory=list)

    @property
    def sound(self) -> list[str]:
        """Return the digests of those that are `ok`, ascending."""
        return sorted(sha256 for sha256, row in self.rows.items() if row["verdict"] == "ok")

    def judge(self, findings: Iterable[Finding]) -> list[Refusal]:
        """Give refused photos their verdict, drop their embeddings, and return the refusals and what was noted.

        A photo's first finding is its verdict. A defect names its own rule (`photo.truncated`), the others are named by
        the suite.
        """
        refusals: list[Refusal] = []
        for finding in findings:
            if finding.table != "photos" or finding.rule.effect != "refused":
                continue
            for (sha256,), value in finding.rows:
                defect = finding.rule.column == "defect"
                rule = value if defect else finding.rule.name
                if self.rows[sha256]["verdict"] == "ok":
                    self.rows[sha256]["verdict"] = rule
                told = self.details.get(sha256) or value if defect else value
                refusals.append(Refusal(table="photos", key=sha256, rule=rule, value=told))
        kept = set(self.sound)
        sound = pa.array(sorted(kept), pa.string())
        self.embeddings = self.embeddings.filter(pc.is_in(self.embeddings["sha256"], value_set=sound))
        return refusals + [refusal for refusal in self.noted if refusal.key in kept]


def take_in(new: list[str], embedder: Embedder, *, night: date) -> Intake:
    """Examine photos that the lake has not looked at before, and embed those that could be sound.

    Args:
        new: their SHA-256 digests, sorted.
        embedder: embeds them by the lake's pinned backbone, which is loaded only when there are photos.
        night: tonight.
    """
    intake = Intake()
    limits = embedder.settings.photos
    facts: list[dict[str, Any]] = []
    examined = examine_all(
        new,
        embedder.lake.photos.read,
        processes=limits.processes,
        max_pixels=limits.max_pixels,
        min_side=limits.min_side,
    )
    for photo in examined:
        defect = _screened(intake, photo)
        facts.append(_fact(photo, defect))
        intake.rows[photo.sha256] = _row(photo, night)
        if len(facts) % TELL_EVERY == 0 or len(facts) == len(new):
            log.info("photos: %d of %d examined", len(facts), len(new))
    intake.facts = _frame(facts)
    hashed = [fact["sha256"] for fact in facts if fact["contrast"] is not None and fact["defect"] is None]
    if hashed:
        _embed(intake, hashed, embedder, night)
    return intake


def _embed(intake: Intake, digests: list[str], embedder: Embedder, night: date) -> None:
    """Embed photos, and screen them by ImageNet's last layer where the backbone has it."""
    backbone = pinned(embedder.lake.objects, embedder.settings.backbone, embedder.work)
    identity = Identity(
        backbone=backbone.digest,
        preprocessing=backbone.preprocessing,
        engine=embedder.engine_name(backbone, sure=True),
        view=PLAIN,
    )
    embedded = embedder.embed(backbone, identity, digests)
    intake.embeddings = embedding_rows(identity, embedded.rows, night)
    found = dict.fromkeys(embedded.lost, MISSING) | _seen(intake, embedded.rows, embedder, backbone)
    if found:
        intake.facts["defect"] = (
            intake.facts["sha256"].map(found).where(intake.facts["sha256"].isin(found), intake.facts["defect"])
        )


def _seen(intake: Intake, embedded: pa.Table, embedder: Embedder, backbone: BackboneRecord) -> dict[str, str]:
    """Return the rules that photos break by what ImageNet's last layer sees in them.

    It judges vectors as they are kept, which are the same whether they were computed tonight or found in a shard.
    """
    head = load_imagenet_head(embedder.lake.objects, backbone, embedder.work)
    refused: dict[str, str] = {}
    if head is None:
        return refused
    for start in range(0, len(embedded), AT_ONCE):
        names, vectors = (column.to_pylist() for column in embedded.slice(start, AT_ONCE).columns)
        for sha256, found in zip(names, judge(from_bytes(vectors, len(vectors[0]) // 2), head), strict=True):
            if found and _told(intake, sha256, found):
                refused[sha256] = found.rule
    return refused


def _screened(intake: Intake, photo: Examined) -> str | None:
    """Return the rule that a photo's bytes or texture break, if any."""
    if photo.decoded.rule:
        intake.details[photo.sha256] = photo.decoded.detail
        return photo.decoded.rule
    if photo.texture is None or photo.hashes is None or photo.hashes.contrast < LEAST_CONTRAST:
        return None  # too small, or blank: the suite says so
    found = judge_texture(photo.texture)
    return found.rule if found and _told(intake, photo.sha256, found) else None


def _told(intake: Intake, sha256: str, found: Screened) -> bool:
    """Write down what screening found; return whether it refuses the photo."""
    if found.effect == "refused":
        intake.details[sha256] = found.detail
        return True
    intake.noted.append(Refusal(table="photos", key=sha256, rule=found.rule, value=found.detail, effect="noted"))
    return False


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = {"sha256": "object", "defect": "object", "short_side": "float64", "contrast": "float64"}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _fact(photo: Examined, defect: str | None) -> dict[str, Any]:
    decoded = photo.decoded
    return {
        "sha256": photo.sha256,
        "defect": defect,
        "short_side": None if decoded.rule else float(min(decoded.width, decoded.height)),
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
            "phash_entries": list(photo.hashes.entries),
            "dhash": photo.hashes.dhash,
            "thumbnail": photo.hashes.thumbnail,
            "contrast": photo.hashes.contrast,
        }
    return row
