"""The pinned backbone: chosen on a lake's first night, loaded ever after.

Embeddings of two backbones cannot be compared, so the lake keeps the file itself (`models/backbone-<digest>.keras`) and
its record (`models/backbone.json`, created by put-if-absent); beside them ImageNet's last layer, where the weights came
with it (`models/imagenet-head-<SHA-256>.npy`). Changing the backbone is an explicit act: a new lake.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from autodetect.embeddings import backbone, imagenet_head
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.geometry import preprocessing_name
from autodetect.embeddings.imagenet_head import ImageNetHead
from autodetect.errors import CorruptError, UsageError
from autodetect.lake.archives import sha256_file
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.sections import BackboneSettings

if TYPE_CHECKING:
    import keras

PIN_KEY = "models/backbone.json"


def pinned(objects: ObjectStore, settings: BackboneSettings, folder: Path) -> BackboneRecord:
    """Return the lake's backbone; on the first night build it from the settings and pin it.

    Args:
        objects: the lake's objects.
        settings: what is asked for; must agree with the pin.
        folder: where a built file is kept before it is uploaded.

    Raises:
        UsageError: the settings ask for another backbone than the pinned one.
        CorruptError: the pin cannot be read.
    """
    found = read_pin(objects)
    if found is None:
        _create(objects, settings, folder)
        found = read_pin(objects)
        if found is None:
            raise CorruptError(f"{PIN_KEY} vanished right after it was written", "check the lake's storage, run again")
    _refuse_difference(found, settings)
    return found


def load_pinned(objects: ObjectStore, settings: BackboneSettings, folder: Path) -> tuple["keras.Model", BackboneRecord]:
    """Return the pinned backbone as a model, and its record; `folder` keeps a copy where the lake is remote.

    Raises:
        UsageError: the settings ask for another backbone than the pinned one.
        CorruptError: the pin or the pinned file is missing or damaged.
    """
    record = pinned(objects, settings, folder)
    return backbone.load(_local_file(objects, file_key(record), record.file_sha256, folder), record), record


def load_imagenet_head(objects: ObjectStore, record: BackboneRecord, folder: Path) -> ImageNetHead | None:
    """Return ImageNet's last layer as it was pinned with the backbone; None where it was not.

    Raises:
        CorruptError: the pinned file is missing or damaged.
    """
    if not record.imagenet_head:
        return None
    path = _local_file(objects, imagenet_head_key(record), record.imagenet_head, folder)
    return imagenet_head.load_head(path, record.imagenet_head)


def read_pin(objects: ObjectStore) -> BackboneRecord | None:
    """Return the pinned backbone's record, or None where no night has pinned one.

    Raises:
        CorruptError: the pin cannot be read.
    """
    try:
        data = objects.get(PIN_KEY)
    except ObjectMissingError:
        return None
    try:
        return BackboneRecord.model_validate_json(data)
    except ValidationError as error:
        raise CorruptError(f"{PIN_KEY} cannot be read: {error}", "restore the lake from a backup") from error


def file_key(record: BackboneRecord) -> str:
    """Return the key of the pinned file."""
    return f"models/backbone-{record.digest}.keras"


def imagenet_head_key(record: BackboneRecord) -> str:
    """Return the key of the pinned ImageNet head; only a record that names one has it."""
    return f"models/imagenet-head-{record.imagenet_head}.npy"


def _create(objects: ObjectStore, settings: BackboneSettings, folder: Path) -> None:
    """Build and upload the backbone and what came with it, then write the pin, unless another run was first."""
    model, record, head = backbone.build(settings)
    path = folder / Path(file_key(record)).name
    record = backbone.save(model, record, path)
    objects.put_file(file_key(record), path)
    if head is not None:
        path = folder / Path(imagenet_head_key(record)).name
        imagenet_head.save_head(head, path)
        objects.put_file(imagenet_head_key(record), path)
    objects.put_if_absent(PIN_KEY, record.model_dump_json(indent=2).encode())


def _local_file(objects: ObjectStore, key: str, sha256: str, folder: Path) -> Path:
    """Return a pinned file on this machine, downloaded unless a whole copy is here already."""
    local = objects.local_path(key)
    if local is not None:
        return local
    path = folder / Path(key).name
    if not path.is_file() or sha256_file(path) != sha256:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            objects.download(key, path)
        except ObjectMissingError as error:
            raise CorruptError(f"{key} is pinned but missing", "restore the lake from a backup") from error
    return path


def _refuse_difference(pin: BackboneRecord, settings: BackboneSettings) -> None:
    asked = {
        "weights": (settings.weights, pin.requested),
        "input_size": (settings.input_size, pin.input_size),
        "preprocessing": (preprocessing_name(settings.input_size), pin.preprocessing),
    }
    if pin.resolved == "random":
        asked["seed"] = (settings.seed, pin.seed)
    differing = [f"backbone.{name} is {now!r}, pinned {then!r}" for name, (now, then) in asked.items() if now != then]
    if differing:
        raise UsageError(
            f"the settings ask for another backbone than this lake's: {'; '.join(differing)}",
            "put the settings back; changing the backbone is an explicit act: start a new lake with the new settings",
        )
