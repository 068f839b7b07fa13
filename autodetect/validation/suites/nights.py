"""The suite of `nights`: receipts say what they said when they were written. Judged by curation, which reads them."""

import json

import pyarrow as pa

from autodetect.lake.schemas import NIGHTS
from autodetect.records import canonical_digest
from autodetect.validation.frames import frame_of
from autodetect.validation.rule import Judged, Suite, holds, matches, present, unique

OF_A_RUN = ("run_id", "versions", "run")  # what the digest of a receipt leaves out


def nights(rows: pa.Table) -> Judged:
    """Return the suite and its frame: some rows of `nights`, tonight's among them."""
    unchanged = [
        _digest(text) == digest
        for text, digest in zip(rows["receipt"].to_pylist(), rows["digest"].to_pylist(), strict=True)
    ]
    rules = (
        unique("nights.keys_repeat", NIGHTS.key, "warned"),
        matches("receipt.stage_empty", "held", "stage", r"\S"),
        present("receipt.time_missing", "held", "finished_at"),
        holds("receipt.changed", "held", "unchanged"),
    )
    frame = frame_of(rows, [*NIGHTS.key, "finished_at"], unchanged=unchanged)
    return Suite("nights", NIGHTS.key, rules), frame


def _digest(text: str) -> str:
    """Return the digest of a receipt as it was written: read as JSON, so that later fields do not change it."""
    return canonical_digest({name: value for name, value in json.loads(text).items() if name not in OF_A_RUN})
