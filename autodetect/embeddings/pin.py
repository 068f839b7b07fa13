"""The lake's backbones: the pinned one that every photo is embedded by, and the next one that may take its place.

Embeddings of two backbones cannot be compared, so the lake keeps the files themselves, under `models/`:

- `backbone-<digest>.keras`, `backbone-<digest>.json`: every backbone that was ever pinned or proposed, and its record;
- `backbone.json`: the record of the pinned one, created by put-if-absent on a lake's first night;
- `backbone-next.json`: the record of the one that is proposed, by a fine-tune or by a person;
- `backbone-history.json`: digests of those that were pinned before, oldest first;
- `imagenet-head-<SHA-256>.npy`: ImageNet's last layer, where the weights came with it.

A proposal changes nothing by itself: nights embed the photos by it too, a model on it is held against the champion, and
the curation after that settles what came of it (`settle`).
"""

import json
import logging
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
NEXT_KEY = "models/backbone-next.json"
HISTORY_KEY = "models/backbone-history.json"

log = logging.getLogger(__name__)
_RESTORE = "restore the lake from a backup"


def pinned(objects: ObjectStore, settings: BackboneSettings, folder: Path) -> BackboneRecord:
    """Return the lake's backbone; on the first night build it from the settings and pin it.

    Args:
        objects: the lake's objects.
        settings: what is asked for; must agree with the pin, with the next backbone, or with an earlier pin, which the
            lake has left behind because someone wanted it to.
        folder: where a built file is kept before it is uploaded.

    Raises:
        UsageError: the settings ask for a backbone that this lake was never asked to change to.
        CorruptError: the pin cannot be read.
    """
    found = read_pin(objects)
    if found is None:
        _create(objects, settings, folder)
        found = read_pin(objects)
        if found is None:
            raise CorruptError(f"{PIN_KEY} vanished right after it was written", "check the lake's storage, run again")
    _refuse_difference(objects, found, settings)
    return found


def load_pinned(objects: ObjectStore, settings: BackboneSettings, folder: Path) -> tuple["keras.Model", BackboneRecord]:
    """Return the pinned backbone as a model, and its record; raises as `pinned` and `load_backbone` do."""
    record = pinned(objects, settings, folder)
    return load_backbone(objects, record, folder), record


def load_backbone(objects: ObjectStore, record: BackboneRecord, folder: Path) -> "keras.Model":
    """Return a backbone of the lake as a model; `folder` keeps a copy where the lake is remote.

    Raises:
        CorruptError: its file is missing or damaged.
    """
    return backbone.load(_local_file(objects, file_key(record), record.file_sha256, folder), record)


def load_imagenet_head(objects: ObjectStore, record: BackboneRecord, folder: Path) -> ImageNetHead | None:
    """Return ImageNet's last layer as it was kept with the backbone; None where it was not.

    Raises:
        CorruptError: the file is missing or damaged.
    """
    if not record.imagenet_head:
        return None
    path = _local_file(objects, imagenet_head_key(record), record.imagenet_head, folder)
    return imagenet_head.load_head(path, record.imagenet_head)


def read_pin(objects: ObjectStore) -> BackboneRecord | None:
    """Return the pinned backbone's record, or None where no night has pinned one; raises `CorruptError`."""
    return _read(objects, PIN_KEY)


def read_next(objects: ObjectStore) -> BackboneRecord | None:
    """Return the record of the backbone that is proposed, or None; raises `CorruptError`."""
    return _read(objects, NEXT_KEY)


def record_of(objects: ObjectStore, digest: str) -> BackboneRecord:
    """Return the record of any backbone that was ever pinned or proposed.

    Raises:
        CorruptError: the lake knows no such backbone, or its record cannot be read.
    """
    found = _read(objects, record_key(digest))
    if found is None:  # a lake of an earlier version holds the pin's record only as the pin
        found = next((each for each in (read_pin(objects), read_next(objects)) if each and each.digest == digest), None)
    if found is None:
        raise CorruptError(f"the lake knows no backbone {digest[:12]}", _RESTORE)
    return found


def propose(
    objects: ObjectStore,
    model: "keras.Model",
    record: BackboneRecord,
    folder: Path,
    *,
    head: ImageNetHead | None = None,
) -> BackboneRecord:
    """Keep a backbone and make it the next one, in place of any other; safe to repeat.

    Args:
        objects: the lake's objects.
        model: the backbone.
        record: what it is; its file need not be saved yet.
        folder: where the file is kept before it is uploaded.
        head: ImageNet's last layer, where the record names it and the lake does not hold it yet.

    Returns:
        The record with the file's digest.

    Raises:
        UsageError: it is the pinned backbone.
    """
    pin = read_pin(objects)
    if pin is None:
        raise UsageError("the lake has no backbone yet", "set [backbone] as you want it: the first night pins it")
    if record.digest == pin.digest:
        raise UsageError(f"the lake stands on that very backbone ({pin.digest[:12]})", "nothing needs to be changed")
    record = _keep(objects, model, record, head, folder)
    before = read_next(objects)
    if before is not None and before.digest != record.digest:
        log.warning("backbone %s was proposed before; %s takes its place", before.digest[:12], record.digest[:12])
    objects.put(NEXT_KEY, _json(record))
    return record


def settle(objects: ObjectStore, champion_backbone: str | None, refused: str | None) -> None:
    """Make of the next backbone what the last contest made of it; safe to repeat, harmless without one.

    Args:
        objects: the lake's objects.
        champion_backbone: the digest of the champion's backbone. It becomes the pin, also where another was proposed
            since: the champion answers on no other.
        refused: the digest of the backbone whose model the gate refused. If that is the next one, it is withdrawn: its
            files stay.
    """
    pin, proposed = read_pin(objects), read_next(objects)
    if pin is None:
        return
    won = None
    if champion_backbone is not None and champion_backbone != pin.digest:
        won = _read(objects, record_key(champion_backbone))
    if won is not None:
        objects.put(record_key(pin.digest), _json(pin))
        history = _history(objects)
        if history[-1:] != [pin.digest]:
            objects.put(HISTORY_KEY, json.dumps([*history, pin.digest], indent=2).encode())
        objects.put(PIN_KEY, _json(won))
        log.info("backbone %s takes the place of %s: the champion stands on it", won.digest[:12], pin.digest[:12])
        pin = won
    if proposed is None or proposed.digest not in {refused, pin.digest}:
        return
    if proposed.digest != pin.digest:
        log.info("backbone %s is withdrawn: the gate refused the model on it", proposed.digest[:12])
    objects.delete(NEXT_KEY)


def earlier_pins(objects: ObjectStore) -> list[BackboneRecord]:
    """Return the records of the backbones that were pinned before, oldest first."""
    return [record_of(objects, digest) for digest in _history(objects)]


def file_key(record: BackboneRecord) -> str:
    """Return the key of a backbone's file."""
    return f"models/backbone-{record.digest}.keras"


def record_key(digest: str) -> str:
    """Return the key of a backbone's own record."""
    return f"models/backbone-{digest}.json"


def imagenet_head_key(record: BackboneRecord) -> str:
    """Return the key of the ImageNet head; only a record that names one has it."""
    return f"models/imagenet-head-{record.imagenet_head}.npy"


def _create(objects: ObjectStore, settings: BackboneSettings, folder: Path) -> None:
    """Build and upload the backbone and what came with it, then write the pin, unless another run was first."""
    model, record, head = backbone.build(settings)
    objects.put_if_absent(PIN_KEY, _json(_keep(objects, model, record, head, folder)))


def _keep(
    objects: ObjectStore, model: "keras.Model", record: BackboneRecord, head: ImageNetHead | None, folder: Path
) -> BackboneRecord:
    """Upload a backbone, what came with it, and last its record, which is returned."""
    path = folder / Path(file_key(record)).name
    record = backbone.save(model, record, path)
    objects.put_file(file_key(record), path)
    if head is not None:
        path = folder / Path(imagenet_head_key(record)).name
        imagenet_head.save_head(head, path)
        objects.put_file(imagenet_head_key(record), path)
    objects.put(record_key(record.digest), _json(record))
    return record


def _json(record: BackboneRecord) -> bytes:
    return record.model_dump_json(indent=2).encode()


def _read(objects: ObjectStore, key: str) -> BackboneRecord | None:
    try:
        data = objects.get(key)
    except ObjectMissingError:
        return None
    try:
        return BackboneRecord.model_validate_json(data)
    except ValidationError as error:
        raise CorruptError(f"{key} cannot be read: {error}", _RESTORE) from error


def _history(objects: ObjectStore) -> list[str]:
    try:
        found: list[str] = json.loads(objects.get(HISTORY_KEY))
    except ObjectMissingError:
        return []
    except ValueError as error:
        raise CorruptError(f"{HISTORY_KEY} cannot be read: {error}", _RESTORE) from error
    return found


def _local_file(objects: ObjectStore, key: str, sha256: str, folder: Path) -> Path:
    """Return a kept file on this machine, downloaded unless a whole copy is here already."""
    local = objects.local_path(key)
    if local is not None:
        return local
    path = folder / Path(key).name
    if not path.is_file() or sha256_file(path) != sha256:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            objects.download(key, path)
        except ObjectMissingError as error:
            raise CorruptError(f"{key} is pinned but missing", _RESTORE) from error
    return path


def _refuse_difference(objects: ObjectStore, pin: BackboneRecord, settings: BackboneSettings) -> None:
    """Refuse settings that ask for a backbone which the lake was never asked to change to."""
    differing = _differences(pin, settings)
    if not differing:
        return
    proposed = read_next(objects)
    if proposed is not None and not _differences(proposed, settings):
        return
    if any(not _differences(each, settings) for each in earlier_pins(objects)):
        log.warning(
            "the settings name a backbone that this lake has left behind: %s; set [backbone] to what is pinned",
            "; ".join(differing),
        )
        return
    raise UsageError(
        f"the settings ask for another backbone than this lake's: {'; '.join(differing)}",
        "put the settings back; or change the backbone, which is an explicit act: see `autodetect backbone change "
        "--help`",
    )


def _differences(record: BackboneRecord, settings: BackboneSettings) -> list[str]:
    asked: dict[str, tuple[object, object]] = {
        "weights": (settings.weights, record.requested),
        "architecture": (settings.architecture, record.architecture),
        "input_size": (settings.input_size, record.input_size),
        "preprocessing": (preprocessing_name(settings.input_size, settings.geometry), record.preprocessing),
    }
    if record.resolved == "random":
        asked["seed"] = (settings.seed, record.seed)
    return [f"backbone.{name} is {now!r}, pinned {then!r}" for name, (now, then) in asked.items() if now != then]
