"""The suite of `seen`: tonight's listings and the slices that showed them."""

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import SEEN
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import Judged, Suite, holds, unique


def seen(rows: pa.Table, *, slices: pa.Table) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: tonight's rows of `seen`.
        slices: tonight's rows of `slices`; a source that is not sliced has none.
    """
    asked = slices.filter(pc.equal(slices["kind"], "asking"))
    told = among(rows, ("source", "slice"), [asked]) if asked.num_rows else [None] * rows.num_rows
    rules = (
        unique("seen.keys_repeat", SEEN.key),
        holds("seen.slice_unknown", "warned", "slice_known"),
    )
    return Suite("seen", SEEN.key, rules), frame_of(rows, [*SEEN.key, "slice"], slice_known=told)
