"""The files of a release on this machine, each checked before anybody reads it."""

from pathlib import Path

from autodetect.errors import CorruptError
from autodetect.lake.archives import sha256_file
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.release.layout import object_key
from autodetect.release.manifest import Manifest

_REMEDY = "see `autodetect release verify`; publish the release again, or restore the object"


def fetched(store: ObjectStore, manifest: Manifest, name: str, folder: Path) -> Path:
    """Bring a file of a release into a folder, under its name.

    Raises:
        KeyError: the release has no file of this name.
        CorruptError: the store lacks its object, or holds other bytes.
        DependencyDownError: the store does not answer.
    """
    wanted, path = manifest.objects[name], folder / name
    key = object_key(wanted.sha256)
    try:
        store.download(key, path)
    except ObjectMissingError as error:
        raise CorruptError(f"'{name}' of a release of {manifest.night} is missing: {error.what}", _REMEDY) from error
    if sha256_file(path) != wanted.sha256:
        raise CorruptError(f"'{name}' of a release of {manifest.night} is damaged: {store.url}/{key}", _REMEDY)
    return path
