"""The frozen network below the head: InceptionV3 without its top, pooled to one vector of 2,048 per photo."""

import hashlib
import logging
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodetect.embeddings import imagenet_head
from autodetect.embeddings.geometry import preprocessing_name
from autodetect.embeddings.imagenet_head import ImageNetHead
from autodetect.embeddings.keras_file import load_model, save_model
from autodetect.errors import CorruptError, UsageError
from autodetect.records import Record
from autodetect.sections import BackboneSettings

if TYPE_CHECKING:
    import keras

ARCHITECTURE = "InceptionV3/avg"
DIMENSION = 2048

_TIMEOUT_S = 20.0
# Random kernels halve the signal from layer to layer; a gain on the stem lifts every activation by the same factor (the
# network has no other offsets) and so out of float16's subnormals. A power of two changes no bit of the mantissa.
_STEM_GAIN = 256.0
_REMEDY = "download the file again from the lake, or restore it from a backup; a new lake builds a new backbone"

logger = logging.getLogger(__name__)


class BackboneRecord(Record):
    """What the backbone is and where its weights came from.

    `digest` is its identity (`digest_of`); `file_sha256` that of the saved file, empty until it is saved; `note` says
    what a person must know about it, e.g. that ImageNet weights were asked for and could not be had. `imagenet_head` is
    the SHA-256 of the file of ImageNet's own last layer, empty where there is none.
    """

    requested: str
    resolved: Literal["imagenet", "random", "file"]
    seed: int
    input_size: int
    preprocessing: str
    digest: str
    file_sha256: str = ""
    note: str = ""
    imagenet_head: str = ""


class Built(NamedTuple):
    """A backbone, its record, and ImageNet's last layer where the weights came with it."""

    model: "keras.Model"
    record: BackboneRecord
    head: ImageNetHead | None


def build(settings: BackboneSettings) -> Built:
    """Return the backbone that the settings ask for and its record, not yet saved.

    The model maps float32 (n, size, size, 3) in [-1, 1] to float32 (n, 2048). All Keras state of the process is cleared
    first, so that layers get the same names every time.

    Raises:
        UsageError: a weights file that does not exist or does not fit.
    """
    note = ""
    head: ImageNetHead | None = None
    resolved: Literal["imagenet", "random", "file"]
    if settings.weights == "imagenet":
        try:
            (model, head), resolved = _imagenet(settings.input_size), "imagenet"
        except Exception as error:
            if not _could_not_be_had(error):
                raise
            model, resolved = _random(settings.input_size, settings.seed), "random"
            note = (
                "the backbone has RANDOM weights, for ImageNet's could not be had: its accuracy means little more than "
                "that it beats chance (to use ImageNet's, allow the download or set backbone.weights to a file, and "
                "start a new lake)"
            )
            logger.warning("%s (%s)", note, _first_line(error))
    elif settings.weights == "random":
        model, resolved = _random(settings.input_size, settings.seed), "random"
        note = "the backbone has RANDOM weights, as asked: its accuracy means little more than that it beats chance"
    else:
        (model, head), resolved = _from_file(Path(settings.weights).expanduser(), settings.input_size), "file"
    record = BackboneRecord(
        requested=settings.weights,
        resolved=resolved,
        seed=settings.seed,
        input_size=settings.input_size,
        preprocessing=preprocessing_name(settings.input_size),
        digest=digest_of(model, settings.input_size),
        note=note,
        imagenet_head="" if head is None else imagenet_head.digest_of(head),
    )
    return Built(model, record, head)


def save(model: "keras.Model", record: BackboneRecord, path: Path) -> BackboneRecord:
    """Write the backbone to `path`, the same bytes for the same backbone; return the record with the file's digest."""
    return record.model_copy(update={"file_sha256": save_model(model, path)})


def load(path: Path, record: BackboneRecord) -> "keras.Model":
    """Return the backbone in `path` after checking that it is the one recorded.

    Raises:
        CorruptError: the file is missing, damaged, or another backbone.
    """
    model = load_model(path, _REMEDY)
    found = digest_of(model, record.input_size)
    if found != record.digest:
        raise CorruptError(f"{path} holds the backbone {found[:12]}, not {record.digest[:12]} as recorded", _REMEDY)
    return model


def digest_of(model: "keras.Model", input_size: int) -> str:
    """Return the backbone's identity, hex: SHA-256 over architecture, input size, preprocessing and every weight.

    Weights enter in the model's order, each with its name, shape and little-endian float32 bytes; neither the Keras
    version nor the way the file is packed plays a part.
    """
    digest = hashlib.sha256(f"{ARCHITECTURE}\n{input_size}\n{preprocessing_name(input_size)}\n".encode())
    for weight in model.weights:
        array = np.ascontiguousarray(weight.numpy(), dtype="<f4")
        digest.update(f"{weight.path} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _inception(input_size: int, weights: str | None) -> "keras.Model":
    import keras

    keras.utils.clear_session()
    return keras.applications.InceptionV3(
        include_top=False, weights=weights, pooling="avg", input_shape=(input_size, input_size, 3), name="backbone"
    )


def _whole(weights: str | None) -> "keras.Model":
    """Return the network with its top, ImageNet's 1,000 classes; the top takes features of any input size."""
    import keras

    keras.utils.clear_session()
    return keras.applications.InceptionV3(include_top=True, weights=weights)


def _imagenet(input_size: int) -> tuple["keras.Model", ImageNetHead | None]:
    """Return ImageNet's network and its last layer; without the layer where that could not be had.

    Keras offers the network with and without its top as two files and nowhere promises that they are one training: the
    layer is taken only if the weights below it are the backbone's, bit by bit.
    """
    with _socket_timeout(_TIMEOUT_S):
        model = _inception(input_size, "imagenet")
        try:
            whole = _whole("imagenet")
        except Exception as error:
            if not _could_not_be_had(error):
                raise
            logger.warning("ImageNet's last layer could not be had: no screening by it (%s)", _first_line(error))
            return model, None
    below = whole.get_weights()[:-2]
    if not all(np.array_equal(ours, theirs) for ours, theirs in zip(model.get_weights(), below, strict=True)):
        logger.warning("ImageNet's last layer belongs to other weights than the backbone's: no screening by it")
        return model, None
    return model, imagenet_head.cut(whole)


def _could_not_be_had(error: Exception) -> bool:
    """Return whether a download failed: Keras raises a bare Exception; anything more specific is a fault of ours."""
    return type(error) is Exception or isinstance(error, OSError | ValueError)


def _random(input_size: int, seed: int) -> "keras.Model":
    """Return the network with Glorot-uniform kernels drawn by NumPy: the same bits on every Keras backend."""
    import keras

    model = _inception(input_size, None)
    generator = np.random.default_rng(seed)
    gain = _STEM_GAIN
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            height, width, channels, filters = layer.kernel.shape
            limit = np.sqrt(6 / (height * width * (channels + filters)))
            kernel = (2 * generator.random(layer.kernel.shape, dtype=np.float32) - 1) * np.float32(limit * gain)
            layer.kernel.assign(kernel)
            gain = 1.0
    return model


def _from_file(path: Path, input_size: int) -> tuple["keras.Model", ImageNetHead | None]:
    """Return the network with the weights of a `.keras` model, a `.weights.h5` or a legacy `.h5` file.

    Of a file with the top the network takes the layers below it; the top is returned beside it.

    Raises:
        UsageError: no such file, or not the weights of an InceptionV3, with ImageNet's top or without any.
    """
    remedy = "set backbone.weights to imagenet, random, or a weights file of InceptionV3"
    if not path.is_file():
        raise UsageError(f"backbone.weights names {path}, which does not exist", remedy)
    try:
        given, head = _weights_in(path, input_size, remedy)
        model = _inception(input_size, None)
        model.set_weights(given)
    except CorruptError as error:
        raise UsageError(error.what, remedy) from error
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(f"the weights in {path} do not fit InceptionV3: {_first_line(error)}", remedy) from error
    return model, head


def _weights_in(path: Path, input_size: int, remedy: str) -> tuple[list[NDArray[np.float32]], ImageNetHead | None]:
    """Return a file's weights below the top, and the top if it has one; raises what Keras does if they do not fit."""
    if path.suffix == ".keras":
        model = load_model(path, remedy)
    else:
        # The top first: Keras reads a file that has one into a network without it, and says nothing.
        model = _whole(None)
        try:
            with warnings.catch_warnings(action="ignore"):  # of a file without a top Keras warns before it raises
                model.load_weights(path)
        except (ValueError, KeyError):
            model = _inception(input_size, None)
            model.load_weights(path)
    head = imagenet_head.cut(model)
    return model.get_weights()[: None if head is None else -2], head


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Bound every wait on a socket that is opened inside, so that a silent network does not hold up the night."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
