"""The suite of `slices`: what became of each part of the source tonight."""

import pyarrow as pa

from autodetect.lake.schemas import SLICES
from autodetect.validation.frames import frame_of
from autodetect.validation.rule import Judged, Suite, between, one_of, unique

STATES = ("done", "failed", "deferred", "split")


def slices(rows: pa.Table) -> Judged:
    """Return the suite and its frame: tonight's slices."""
    rules = (
        unique("slices.keys_repeat", SLICES.key),
        one_of("slice.kind_unknown", "held", "kind", ("asking", "sold")),
        one_of("slice.state_unknown", "held", "state", STATES),
        between("slice.announced_negative", "warned", "announced", 0),
        between("slice.found_negative", "warned", "found", 0),
    )
    return Suite("slices", SLICES.key, rules), frame_of(rows, [*SLICES.key, "state", "announced", "found"])
