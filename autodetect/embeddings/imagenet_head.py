"""ImageNet's own last layer: it turns an embedding into 1,000 probabilities, at the price of one small product.

It belongs to one backbone, whose features it was trained on, and is kept beside it: a plain `.npy` file, float32
(2049, 1000), little-endian, whose first 2,048 rows are the kernel and whose last is the bias. Equal heads are equal
bytes.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from autodetect.errors import CorruptError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects.durable import write_file

if TYPE_CHECKING:
    import keras

DIMENSION, CLASSES = 2048, 1000

_SHAPE = (DIMENSION + 1, CLASSES)
_BLOCK = 4096  # embeddings at a time: 16 MB of probabilities


@dataclass(frozen=True, eq=False)
class ImageNetHead:
    """`kernel` float32 (2048, 1000) and `bias` float32 (1000,), in the order of ImageNet's classes."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the softmax over ImageNet's classes, (n, 1000) float32, of embeddings (n, 2048)."""
        result = np.empty((len(vectors), CLASSES), dtype=np.float32)
        for start in range(0, len(vectors), _BLOCK):
            block = result[start : start + _BLOCK]
            np.matmul(vectors[start : start + _BLOCK], self.kernel, out=block)
            block += self.bias
            block -= block.max(axis=1, keepdims=True)
            np.exp(block, out=block)
            block /= block.sum(axis=1, keepdims=True)
        return result


def cut(full: "keras.Model") -> ImageNetHead | None:
    """Return the head of a whole InceptionV3; None where its last layer is no such head."""
    import keras

    last = full.layers[-1] if full.layers else None
    if not isinstance(last, keras.layers.Dense) or not last.use_bias:
        return None
    if tuple(last.kernel.shape) != (DIMENSION, CLASSES):
        return None
    return ImageNetHead(_float32(last.kernel.numpy()), _float32(last.bias.numpy()))


def to_bytes(head: ImageNetHead) -> bytes:
    """Return the head as the bytes of its file."""
    target = io.BytesIO()
    np.save(target, np.vstack([head.kernel, head.bias]).astype("<f4"), allow_pickle=False)
    return target.getvalue()


def digest_of(head: ImageNetHead) -> str:
    """Return the SHA-256, hex, of the head's file."""
    return sha256_bytes(to_bytes(head))


def save_head(head: ImageNetHead, path: Path) -> str:
    """Write the head to `path` in one step; return the file's SHA-256."""
    data = to_bytes(head)
    write_file(path, [data])
    return sha256_bytes(data)


def load_head(path: Path, digest: str) -> ImageNetHead:
    """Return the head in `path` after checking that its bytes are those recorded.

    Raises:
        CorruptError: the file is missing, damaged, or another head.
    """
    remedy = "restore the lake from a backup"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptError(f"the ImageNet head {path} cannot be read: {error.strerror}", remedy) from error
    if sha256_bytes(data) != digest:
        raise CorruptError(f"{path} is not the ImageNet head {digest[:12]} as recorded", remedy)
    try:
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError, OverflowError) as error:
        raise CorruptError(f"{path} is no array of numbers: {error}", remedy) from error
    if array.shape != _SHAPE or array.dtype != np.dtype("<f4"):
        raise CorruptError(f"{path} holds {array.dtype} {array.shape}, not float32 {_SHAPE}", remedy)
    return ImageNetHead(_float32(array[:-1]), _float32(array[-1]))


def _float32(values: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, dtype=np.float32)
