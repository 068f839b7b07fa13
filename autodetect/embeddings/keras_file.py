"""Keras models as files: the same model gives the same bytes; a damaged or hostile file is told as such.

A `.keras` file is a zip that also holds the date of saving and, as identifiers of shared objects, memory addresses.
Both are replaced and the zip is packed again in a fixed way, so that a file's SHA-256 speaks for the model alone.

A file is nobody's word: besides Keras' own safe mode, everything in it must be the parts of a model, of objects that
are Keras' own; those of them that hold code are refused.
"""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodetect.errors import CorruptError
from autodetect.lake.archives import entry_sizes, repack_zip

if TYPE_CHECKING:
    import keras

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_SHARED = "shared_object_id"

MAX_CONFIG_BYTES = 64 << 20  # InceptionV3's has a fifth of a megabyte
_CODE = frozenset({"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})


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
        with zipfile.ZipFile(saved) as archive:
            config = json.loads(archive.read(_CONFIG))
        config.pop("compile_config", None)
        metadata = {"keras_version": keras.__version__, "date_saved": "1980-01-01@00:00:00"}
        parts = {_CONFIG: _renumbered(config, {}), _METADATA: metadata}
        return repack_zip(saved, path, replace={name: json.dumps(part).encode() for name, part in parts.items()})


def load_model(path: Path, remedy: str) -> "keras.Model":
    """Return the model in `path`, uncompiled, read in Keras' safe mode (no code from the file is run).

    Raises:
        CorruptError: the file is missing, cannot be read, or holds more than a model; `remedy` says what to do next.
    """
    import keras

    if not path.is_file():
        raise CorruptError(f"the model file {path} does not exist", remedy)
    try:
        _refuse_unsafe(path)
        with tempfile.TemporaryDirectory() as folder:  # Keras wants the ending; a file named by its digest has none
            named = Path(folder) / "model.keras"
            named.symlink_to(path.absolute())
            return keras.saving.load_model(named, compile=False, safe_mode=True)
    except CorruptError as error:
        raise CorruptError(error.what, remedy) from error
    except Exception as error:  # Keras, h5py and the backend raise anything on a file of anybody's
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorruptError(f"the model file {path} cannot be read: {first}", remedy) from error


def _refuse_unsafe(path: Path) -> None:
    """Refuse, before Keras sees the file, whatever no model of the project needs."""
    sizes = entry_sizes(path)
    if absent := sorted({_CONFIG, _METADATA, _WEIGHTS} - sizes.keys()):
        raise CorruptError(f"the model file {path} lacks '{absent[0]}'")
    if needless := sorted(sizes.keys() - {_CONFIG, _METADATA, _WEIGHTS}):
        raise CorruptError(f"the model file {path} holds '{needless[0]}', which is no part of a model")
    if sizes[_CONFIG] > MAX_CONFIG_BYTES:
        raise CorruptError(f"the model file {path} describes itself in {sizes[_CONFIG]:,} bytes: no model does")
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read(_CONFIG))
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            module, name = value.get("module"), value.get("class_name")
            if name in _CODE or name == "function":
                raise CorruptError(f"the model file {path} holds code (a {name}), which is never run")
            if module is not None and module != "keras" and not str(module).startswith("keras."):
                raise CorruptError(f"the model file {path} names {module}.{name}, which is none of Keras' own")
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _renumbered(value: Any, numbers: dict[int, int]) -> Any:
    """Return a configuration whose shared objects are numbered by first appearance instead of by memory address.

    A number policy (float32) is a value: whether it happens to be one object or several says nothing, so it gets none.
    """
    if isinstance(value, list):
        return [_renumbered(part, numbers) for part in value]
    if not isinstance(value, dict):
        return value
    plain = {key: _renumbered(part, numbers) for key, part in value.items() if key != _SHARED}
    if _SHARED in value and value.get("class_name") != "DTypePolicy":
        plain[_SHARED] = numbers.setdefault(value[_SHARED], len(numbers) + 1)
    return plain
