"""What a model was made from: everything that decides its bits, named in the train receipt.

The same lineage on the same machine gives the same file, byte for byte.
"""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

from autodetect.records import Record

# Libraries through which a number passes on its way into a head, by distribution; those absent are left out.
_LIBRARIES = (
    "jax", "jaxlib", "keras", "ml-dtypes", "numpy", "tensorflow", "tensorflow-cpu", "torch",
)  # fmt: skip
# Variables that change how those libraries calculate.
_FLAGS = (
    "CUBLAS_WORKSPACE_CONFIG",
    "DNNL_MAX_CPU_ISA",
    "JAX_DEFAULT_MATMUL_PRECISION",
    "JAX_ENABLE_X64",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_NUM_THREADS",
    "TF_CUDNN_DETERMINISTIC",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "XLA_FLAGS",
)


class Lineage(Record):
    """The inputs of a training: data by digest, models by digest, settings and seed by value.

    `champion` and `rival` are the files it started from, None on a cold start; `embeddings` is the digest of
    `split_arrays.embeddings_digest`; `left_out` are class ids that no output could answer, retired or without training
    photos. The two `batch_norm` say in which mode it ran while the head was trained. `versions` and `flags` are the
    libraries and the variables that steer them, `machine` the kind of processor.
    """

    snapshot_id: str
    start: str
    champion: str | None
    rival: str | None
    embeddings: str
    backbone: str
    engine: str
    settings: dict[str, Any]
    seed: int
    left_out: tuple[int, ...]
    backbone_batch_norm: str = "inference"
    head_batch_norm: str = "training"
    backend: str
    versions: dict[str, str]
    flags: dict[str, str]
    machine: str

    @classmethod
    def here(cls, environ: Mapping[str, str], **inputs: Any) -> Self:
        """Return the lineage of a training in this process, whose variables are `environ`."""
        import keras

        return cls(
            **inputs,
            backend=keras.backend.backend(),
            versions=library_versions(),
            flags=library_flags(environ),
            machine=platform.machine(),
        )


def library_versions() -> dict[str, str]:
    """Return the version of each library that is installed and takes part, by name."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"python": platform.python_version(), **found}


def library_flags(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that steer those libraries, as far as they are set."""
    return {name: environ[name] for name in _FLAGS if name in environ}
