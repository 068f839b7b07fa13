"""The frozen network below the head, which makes one vector of a photo: its weights, its identity, its file."""

import hashlib
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from autodetect.embeddings import imagenet, imagenet_head
from autodetect.embeddings.architectures import ARCHITECTURES, Architecture, Name, set_random
from autodetect.embeddings.geometry import Geometry, preprocessing_name
from autodetect.embeddings.imagenet_head import ImageNetHead
from autodetect.embeddings.keras_file import load_model, save_model
from autodetect.errors import CorruptError, UsageError
from autodetect.records import Record
from autodetect.sections import BackboneSettings

if TYPE_CHECKING:
    import keras

DIMENSION = ARCHITECTURES["InceptionV3"].dimension

_REMEDY = "download the file again from the lake, or restore it from a backup; a new lake builds a new backbone"

logger = logging.getLogger(__name__)


class BackboneRecord(Record):
    """What the backbone is and where its weights came from.

    Attributes:
        requested: `backbone.weights` as it was set.
        resolved: what that came to.
        seed: of random weights.
        input_size: side of the square input, pixels.
        preprocessing: the name that geometry and input size have together.
        digest: the backbone's identity (`digest_of`).
        file_sha256: of the saved file; empty until it is saved.
        note: what a person must know about it, e.g. that ImageNet weights were asked for and could not be had.
        imagenet_head: SHA-256 of the file of ImageNet's own last layer; empty where there is none.
        architecture: which network it is.
        geometry: how a photo becomes its square input.
        parent: digest of the backbone that it was fine-tuned from; empty for one that was built.
        snapshot_ids: snapshots that it, its parent and so on were trained on.
        batch_norm: how batch norm ran while it was trained; empty for one that was not.
    """

    requested: str
    resolved: Literal["imagenet", "random", "file"]
    seed: int
    input_size: int = Field(ge=1, le=4096)
    preprocessing: str
    digest: str
    file_sha256: str = ""
    note: str = ""
    imagenet_head: str = ""
    architecture: Name = "InceptionV3"
    geometry: Geometry = "squash"
    parent: str = ""
    snapshot_ids: tuple[str, ...] = ()
    batch_norm: Literal["", "inference", "training"] = ""


class Built(NamedTuple):
    """A backbone, its record, and ImageNet's last layer where the weights came with it."""

    model: "keras.Model"
    record: BackboneRecord
    head: ImageNetHead | None


def build(settings: BackboneSettings) -> Built:
    """Return the backbone that the settings ask for and its record, not yet saved.

    The model maps float32 (n, size, size, 3) in [-1, 1] to float32 (n, dimension), 2,048 of InceptionV3. All Keras
    state of the process is cleared first, so that layers get the same names every time.

    Raises:
        UsageError: a weights file that does not exist or does not fit, or ImageNet's weights of another network.
    """
    note = ""
    head: ImageNetHead | None = None
    resolved: Literal["imagenet", "random", "file"]
    kind = ARCHITECTURES[settings.architecture]
    size = settings.input_size
    if settings.weights == "imagenet":
        if kind.whole is None:
            raise UsageError(
                f"backbone.weights is imagenet, and ImageNet's weights of {settings.architecture} do not exist",
                "set backbone.architecture to InceptionV3, or backbone.weights to random",
            )
        try:
            (model, head), resolved = imagenet.download(size), "imagenet"
        except Exception as error:
            if not imagenet.could_not_be_had(error):
                raise
            model, resolved = set_random(kind.network(size), settings.seed), "random"
            note = (
                "the backbone has RANDOM weights, for ImageNet's could not be had: its accuracy means little more than "
                "that it beats chance (to use ImageNet's, allow the download or name a weights file: "
                "`autodetect backbone change --weights ...`)"
            )
            logger.warning("%s (%s)", note, imagenet.first_line(error))
    elif settings.weights == "random":
        model, resolved = set_random(kind.network(size), settings.seed), "random"
        note = "the backbone has RANDOM weights, as asked: its accuracy means little more than that it beats chance"
    else:
        (model, head), resolved = _from_file(Path(settings.weights).expanduser(), settings), "file"
    record = BackboneRecord(
        requested=settings.weights,
        resolved=resolved,
        seed=settings.seed,
        input_size=size,
        preprocessing=preprocessing_name(size, settings.geometry),
        digest=digest_of(model, size, settings.geometry, settings.architecture),
        note=note,
        imagenet_head="" if head is None else imagenet_head.digest_of(head),
        architecture=settings.architecture,
        geometry=settings.geometry,
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
    found = digest_of(model, record.input_size, record.geometry, record.architecture)
    if found != record.digest:
        raise CorruptError(f"{path} holds the backbone {found[:12]}, not {record.digest[:12]} as recorded", _REMEDY)
    return model


def digest_of(
    model: "keras.Model", input_size: int, geometry: Geometry = "squash", architecture: Name = "InceptionV3"
) -> str:
    """Return the backbone's identity, hex: SHA-256 over architecture, input size, preprocessing and every weight.

    Weights enter in the model's order, each with its name, shape and little-endian float32 bytes; neither the Keras
    version nor the way the file is packed plays a part.
    """
    kind = ARCHITECTURES[architecture].identity
    digest = hashlib.sha256(f"{kind}\n{input_size}\n{preprocessing_name(input_size, geometry)}\n".encode())
    for weight in model.weights:
        array = np.ascontiguousarray(weight.numpy(), dtype="<f4")
        digest.update(f"{weight.path} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _from_file(path: Path, settings: BackboneSettings) -> tuple["keras.Model", ImageNetHead | None]:
    """Return the network with the weights of a `.keras` model, a `.weights.h5` or a legacy `.h5` file.

    Of a file with the top the network takes the layers below it; the top is returned beside it.

    Raises:
        UsageError: no such file, or not the weights of that network, with ImageNet's top or without any.
    """
    name, kind = settings.architecture, ARCHITECTURES[settings.architecture]
    remedy = f"set backbone.weights to imagenet, random, or a weights file of {name}"
    if not path.is_file():
        raise UsageError(f"backbone.weights names {path}, which does not exist", remedy)
    try:
        given, head = _weights_in(path, kind, settings.input_size, remedy)
        model = kind.network(settings.input_size)
        model.set_weights(given)
    except CorruptError as error:
        raise UsageError(error.what, remedy) from error
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(f"the weights in {path} do not fit {name}: {imagenet.first_line(error)}", remedy) from error
    return model, head


def _weights_in(
    path: Path, kind: Architecture, input_size: int, remedy: str
) -> tuple[list[NDArray[np.float32]], ImageNetHead | None]:
    """Return a file's weights below the top, and the top if it has one; raises what Keras does if they do not fit."""
    if path.suffix == ".keras":
        model = load_model(path, remedy)
    elif kind.whole is None:
        model = kind.network(input_size)
        model.load_weights(path)
    else:
        # The top first: Keras reads a file that has one into a network without it, and says nothing.
        model = kind.whole()
        try:
            with warnings.catch_warnings(action="ignore"):  # of a file without a top Keras warns before it raises
                model.load_weights(path)
        except (ValueError, KeyError):
            model = kind.network(input_size)
            model.load_weights(path)
    head = imagenet_head.cut(model)
    return model.get_weights()[: None if head is None else -2], head
