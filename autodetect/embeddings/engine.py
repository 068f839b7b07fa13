"""From network input to embeddings, always in batches of one shape, and from embeddings to bytes.

A batch that is not full is padded with black: a photo's vector then does not depend on how many photos come with it,
and the network is compiled for one shape only.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autodetect.embeddings.geometry import scale
from autodetect.errors import CorruptError, StageFailedError

if TYPE_CHECKING:
    import keras

_STORED = np.dtype("<f2")


def engine_name() -> str:
    """Return the name of Keras as an engine, under which its embeddings are kept, e.g. `keras-tensorflow-fp32`."""
    import keras

    return f"keras-{keras.backend.backend()}-fp32"


def embed(model: "keras.Model", inputs: npt.NDArray[np.uint8], batch_size: int) -> npt.NDArray[np.float32]:
    """Return one embedding per photo: float32, shape (n, dimension), in the order of `inputs`.

    Args:
        model: the backbone, float32 (batch, size, size, 3) in [-1, 1] -> (batch, dimension).
        inputs: uint8, shape (n, size, size, 3), as `geometry.to_input` makes them.
        batch_size: photos per forward pass; another size may change the last bits.

    Raises:
        StageFailedError: the backbone answered with values that float16 cannot hold.
    """
    vectors = np.empty((len(inputs), model.output_shape[-1]), dtype=np.float32)
    for start in range(0, len(inputs), batch_size):
        batch = inputs[start : start + batch_size]
        vectors[start : start + len(batch)] = model.predict_on_batch(scale(padded(batch, batch_size)))[: len(batch)]
    return storable(vectors)


def padded(batch: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Return (n, ...) as (size, ...), n <= `size`: what is missing is black."""
    if len(batch) == size:
        return batch
    whole = np.zeros((size, *batch.shape[1:]), dtype=np.uint8)
    whole[: len(batch)] = batch
    return whole


def storable(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return embeddings (n, dimension) after checking that float16 holds their values.

    Raises:
        StageFailedError: it does not.
    """
    unfit = ~(np.abs(vectors) <= np.finfo(_STORED).max).all(axis=1)
    if unfit.any():
        raise StageFailedError(
            f"{int(unfit.sum())} of {len(vectors)} embeddings hold values that are not finite or exceed float16",
            "the backbone's weights are damaged: restore it from a backup, or `autodetect backbone change`",
        )
    return vectors


def to_bytes(vectors: npt.NDArray[np.float32]) -> list[bytes]:
    """Return each row of (n, dimension) as little-endian float16 bytes, as the lake stores them."""
    return [row.tobytes() for row in vectors.astype(_STORED)]


def from_bytes(rows: Sequence[bytes], dimension: int) -> npt.NDArray[np.float32]:
    """Return stored rows as float32, shape (n, dimension).

    Raises:
        CorruptError: a row of another length.
    """
    for index, row in enumerate(rows):
        if len(row) != dimension * _STORED.itemsize:
            raise CorruptError(
                f"embedding {index} has {len(row)} bytes, expected {dimension * _STORED.itemsize}",
                "run `autodetect lake check`, then restore the table from a backup",
            )
    return np.frombuffer(b"".join(rows), dtype=_STORED).reshape(len(rows), dimension).astype(np.float32)
