"""Keras models as files: the same model gives the same bytes, and a damaged file is told as such.

A `.keras` file is a zip that also holds the date of saving; the date is replaced and the zip packed again in a fixed
way, so that a file's SHA-256 speaks for the model alone.
"""

import json
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from autodetect.errors import CorruptError
from autodetect.lake.archives import repack_zip

if TYPE_CHECKING:
    import keras

# What Keras, h5py and zipfile raise on a file that is cut, overwritten or not a model at all.
_UNREADABLE = (ValueError, TypeError, KeyError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error)


def save_model(model: "keras.Model", path: Path) -> str:
    """Write `model` to `path` (`.keras`) in one step; return the file's SHA-256 (hex).

    Only architecture and weights are kept: of a compiled model the optimizer and its state are left out.
    """
    import keras

    plain = model
    if getattr(model, "compiled", False):
        plain = type(model).from_config(model.get_config())
        plain.set_weights(model.get_weights())
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".saving-") as folder:
        saved = Path(folder) / "saved.keras"
        plain.save(saved)
        metadata = {"keras_version": keras.__version__, "date_saved": "1980-01-01@00:00:00"}
        return repack_zip(saved, path, replace={"metadata.json": json.dumps(metadata, sort_keys=True).encode()})


def load_model(path: Path, remedy: str) -> "keras.Model":
    """Return the model in `path`, uncompiled, read in Keras' safe mode (no code from the file is run).

    Raises:
        CorruptError: the file is missing or cannot be read; `remedy` says what to do next.
    """
    import keras

    if not path.is_file():
        raise CorruptError(f"the model file {path} does not exist", remedy)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except _UNREADABLE as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorruptError(f"the model file {path} cannot be read: {first}", remedy) from error
