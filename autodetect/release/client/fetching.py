"""Fetching the files of a release that is believed: only what is missing, and nothing is put in place unchecked."""

import hashlib
import shutil
from collections.abc import Collection
from pathlib import Path

from autodetect.errors import CorruptError, DependencyDownError, UsageError
from autodetect.lake.objects import ObjectMissingError
from autodetect.lake.objects.durable import partial_file, sync_file, sync_folder
from autodetect.release.client.cache import remove
from autodetect.release.client.source import Source, bounded
from autodetect.release.client.synced import described, is_sound, object_path
from autodetect.release.layout import object_key
from autodetect.release.manifest import Manifest, ManifestObject

MAX_BYTES = 4 << 30
SPARE_BYTES = 16 << 20  # of the disk, for all that is no object


def wanted_names(manifest: Manifest, wanted: Collection[str] | None, optional: Collection[str]) -> list[str]:
    """Return the names of the files to fetch: all if none are `wanted`, those `optional` that the release has."""
    if wanted is None:
        return sorted(manifest.objects)
    return sorted({*wanted, *(name for name in optional if name in manifest.objects)})


def missing_files(folder: Path, manifest: Manifest, names: Collection[str]) -> dict[str, ManifestObject]:
    """Return which of the files are not here, or not what the manifest says, by name.

    Raises:
        UsageError: the release has no such file.
    """
    files = {name: described(manifest, name) for name in names}
    return {name: each for name, each in files.items() if not is_sound(object_path(folder, each), each)}


def total_size(files: Collection[ManifestObject]) -> int:
    """Return how many bytes the files come to; two names for the same bytes are one object."""
    return sum({each.sha256: each.size for each in files}.values())


def check_size(wanted: Collection[ManifestObject], limit: int) -> None:
    """Compare what is announced with what may be taken, before the first byte of it.

    Raises:
        UsageError: the wanted files come to more than `limit` bytes.
    """
    if (total := total_size(wanted)) > limit:
        raise UsageError(
            f"the files come to {total:,} bytes, more than the {limit:,} allowed here", "want fewer, or allow more"
        )


def check_room(folder: Path, missing: Collection[ManifestObject]) -> None:
    """Compare what is to be fetched with what the disk has left, before the first byte of it.

    Raises:
        DependencyDownError: there is no room for it.
    """
    needed, free = total_size(missing), shutil.disk_usage(folder).free
    if needed and needed + SPARE_BYTES > free:
        raise DependencyDownError(f"{folder} needs {needed:,} bytes, and its disk has {free:,} left", "make room")


def fetch(source: Source, folder: Path, name: str, wanted: ManifestObject) -> None:
    """Download an object and put it in place once its digest is right; at most its size is written.

    Raises:
        CorruptError: it is missing, or other bytes come.
        DependencyDownError: the source does not answer, or the disk refuses.
    """
    path, digest, size = object_path(folder, wanted), hashlib.sha256(), 0
    place = f"{source.url}/{object_key(wanted.sha256)} ('{name}')"
    try:
        with partial_file(path.parent) as (partial, file):
            for chunk in bounded(source.chunks(object_key(wanted.sha256)), wanted.size, place):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            if (size, digest.hexdigest()) != (wanted.size, wanted.sha256):
                raise CorruptError(f"{place} gave other bytes than its digest names", "sync again later")
            sync_file(file)
            if path.is_dir():
                remove(path)
            partial.replace(path)
        sync_folder(path.parent)
    except ObjectMissingError as error:
        raise CorruptError(f"{place}, a file of the newest release, is missing", "tell who runs the store") from error
    except OSError as error:
        raise DependencyDownError(f"{path} cannot be written: {error.strerror}", "check the disk") from error
