"""One shard of photos, embedded: the same function in this process, in others, and in the workers of a Dask cluster."""

import io
import threading
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import load_backbone
from autodetect.embeddings.shards import Identity, write_shard
from autodetect.errors import StageFailedError
from autodetect.lake.blobs import BlobStore
from autodetect.lake.lake import s3_options
from autodetect.lake.objects import ObjectMissingError, ObjectStore, open_objects
from autodetect.photos.examine import cores
from autodetect.photos.inputs import network_inputs
from autodetect.records import Record
from autodetect.sections import BackboneSettings
from autodetect.settings import Settings

if TYPE_CHECKING:
    from autodetect.embeddings.engines import Engine

Tell = Callable[[int], None]  # so many photos more are done

_ONE_AT_A_TIME = threading.Lock()


class ShardWork(Record):
    """What it takes to embed photos in whichever process: JSON of a few kilobytes, without secrets.

    `settings` are those of this lake (place, S3 address, photos, backbone); `folder` is a local scratch folder.
    """

    settings: Settings
    backbone: BackboneRecord
    identity: Identity
    folder: Path


class ShardDone(Record):
    """A finished shard: its key, '' where not one photo was left to embed, and the photos that had vanished."""

    key: str
    photos: int
    lost: tuple[str, ...] = ()


def shard_work(settings: Settings, record: BackboneRecord, identity: Identity, folder: Path) -> ShardWork:
    """Return the work that other processes can do too: only the engine of the identity will do for them."""
    lake = settings.lake if "://" in settings.lake else str(Path(settings.lake).resolve())
    kept = Settings.model_construct().model_copy(
        update={
            "lake": lake,
            "s3": settings.s3,
            "photos": settings.photos,
            "backbone": settings.backbone.model_copy(update={"engine": engine_setting(identity.engine)}),
        }
    )
    return ShardWork(settings=kept, backbone=record, identity=identity, folder=folder.resolve())


def engine_setting(name: str) -> str:
    """Return the value of `backbone.engine` that asks for an engine by the name it is stored under."""
    if name.startswith("keras-"):
        return "keras"
    return "openvino" if name == "openvino-fp32" else name


def embed_shard(
    digests: Sequence[str], work: ShardWork, engine: "Engine", objects: ObjectStore, tell: Tell
) -> ShardDone:
    """Embed photos and keep them as one shard.

    Args:
        digests: n photos that were found sound, ascending. One that has vanished since is left out and told.
        work: which backbone, which view.
        engine: the engine of the identity.
        objects: the lake's objects.
        tell: called after each batch.

    Raises:
        CorruptError: a photo that was sound cannot be decoded any more.
        StageFailedError: the backbone answered with values that float16 cannot hold.
    """
    photos, lost = BlobStore(objects, "photos"), set[str]()

    def read(sha256: str) -> bytes:
        try:
            return photos.read(sha256)
        except ObjectMissingError:
            lost.add(sha256)
            return _in_its_place()  # batches keep their shape; its vector is thrown away

    batches = network_inputs(
        digests,
        read,
        input_size=work.backbone.input_size,
        geometry=work.backbone.geometry,
        view=work.identity.view,
        max_pixels=work.settings.photos.max_pixels,
        threads=min(work.settings.photos.processes or cores(), cores()),
        batch_size=work.settings.backbone.batch_size,
    )
    vectors = []
    for inputs in batches:
        vectors.append(engine.embed(inputs))
        tell(len(inputs))
    left = [sha256 for sha256 in digests if sha256 not in lost]
    if not left:
        return ShardDone(key="", photos=len(digests), lost=tuple(sorted(lost)))
    kept = np.concatenate(vectors)[[sha256 not in lost for sha256 in digests]]
    key = write_shard(objects, work.identity, left, kept)
    return ShardDone(key=key, photos=len(digests), lost=tuple(sorted(lost)))


def embed_elsewhere(digests: Sequence[str], work_json: str, tell: Tell = lambda _: None) -> ShardDone:
    """Embed a shard in a process that knows nothing yet: it opens lake, backbone and engine, once for all its shards.

    Raises:
        StageFailedError: this machine has another engine, whose embeddings may not stand beside those of the first.
    """
    work = ShardWork.model_validate_json(work_json)
    with _ONE_AT_A_TIME:  # a Dask worker may have several threads; the engine has threads of its own
        objects = open_objects(work.settings.lake, s3_options(work.settings))
        engine = _opened(objects.url, work_json)
        return embed_shard(digests, work, engine, objects, tell)


def open_backbone(
    objects: ObjectStore, record: BackboneRecord, settings: BackboneSettings, folder: Path, *, earlier: str
) -> "Engine":
    """Return an engine on a backbone of the lake; raises as `load_backbone` and `open_engine` do."""
    from autodetect.embeddings.engines import open_engine

    return open_engine(load_backbone(objects, record, folder), settings, earlier=earlier)


@lru_cache(maxsize=1)
def _opened(_url: str, work_json: str) -> "Engine":
    work = ShardWork.model_validate_json(work_json)
    objects = open_objects(work.settings.lake, s3_options(work.settings))
    wanted = work.identity.engine
    engine = open_backbone(objects, work.backbone, work.settings.backbone, work.folder, earlier=wanted)
    if engine.name != wanted:
        raise StageFailedError(
            f"this process embeds by {engine.name}, not by {wanted} as the one that asked it",
            "give all machines the same packages and Keras backend, or embed on one machine: empty backbone.dask",
        )
    return engine


@cache
def _in_its_place() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (8, 8)).save(target, "PNG")
    return target.getvalue()
