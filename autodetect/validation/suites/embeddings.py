"""The suite of `embeddings`: tonight's vectors are finite, of one length, of one network, and differ."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from autodetect.lake.schemas import EMBEDDINGS
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import ROWS_FOR_A_SHARE, Judged, Rule, Suite, between, holds, unique

_BLOCK = 4096  # rows whose vectors are float64 at a time
SMALLEST_NORM = 1e-3  # pooled activations of a real photo have norms of several units
DISTINCT = 0.5  # of the vectors: copies give a few that are alike, a network that is broken gives one


def embeddings(rows: pa.Table, *, photos: Iterable[pa.Table]) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: tonight's embeddings.
        photos: the photos that may have one: rows of `photos` whose verdict is ok (`sha256`).
    """
    norms = _norms(rows)
    finite = np.isfinite(norms)
    frame = frame_of(
        rows,
        EMBEDDINGS.key,
        bytes=pc.binary_length(rows["vector"]).to_pandas(),
        finite=finite,
        norm=pd.Series(np.where(finite, norms, np.nan), dtype="float64"),
        vector=pd.factorize(rows["vector"].to_numpy())[0],
        photo_known=among(rows, ("sha256",), photos),
    )
    one = "ExpectColumnUniqueValueCountToBeBetween"
    rules = (
        unique("embeddings.keys_repeat", EMBEDDINGS.key),
        *(
            Rule(f"embeddings.{name}_differs", "held", one, {"column": name, "max_value": 1})
            for name in ("backbone", "preprocessing", "engine", "bytes")
        ),
        holds("embedding.not_finite", "held", "finite"),
        between("embedding.empty", "held", "norm", SMALLEST_NORM),
        Rule(
            "embeddings.alike",
            "held",
            "ExpectColumnProportionOfUniqueValuesToBeBetween",
            {"column": "vector", "min_value": DISTINCT},
            ROWS_FOR_A_SHARE,
        ),
        holds("embedding.photo_unknown", "held", "photo_known"),
    )
    return Suite("embeddings", EMBEDDINGS.key, rules), frame


def _norms(rows: pa.Table) -> NDArray[np.float64]:
    """Return the Euclidean norm of each vector (float16 bytes); NaN where the bytes are no whole vector.

    In blocks: as float64 a night that embeds the whole lake anew would not fit into memory.
    """
    blocks = (rows["vector"].slice(start, _BLOCK) for start in range(0, rows.num_rows, _BLOCK))
    return np.concatenate([np.zeros(0), *map(_norms_of, blocks)])


def _norms_of(column: pa.ChunkedArray) -> NDArray[np.float64]:
    vectors = [v if v is not None and len(v) % 2 == 0 else b"" for v in column.to_pylist()]
    lengths = np.array([len(vector) // 2 for vector in vectors], dtype=np.int64)
    values = np.frombuffer(b"".join(vectors), dtype=np.float16).astype(np.float64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    squares = np.concatenate([[0.0], values**2])  # one more, so that every start is a place
    found = np.full(len(vectors), np.nan)
    filled = np.flatnonzero(lengths)
    if len(filled):
        found[filled] = np.sqrt(np.add.reduceat(squares, starts[filled] + 1))
    return found
