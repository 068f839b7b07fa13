"""Objects under keys, in a folder or in an S3 bucket: one interface for the lease, the photos and the releases."""

from pathlib import Path

from autodetect.errors import UsageError
from autodetect.lake.objects.base import ObjectMissingError, ObjectStore
from autodetect.lake.objects.local import LocalStore
from autodetect.lake.objects.probe import probe_put_if_absent
from autodetect.lake.objects.s3 import S3Store
from autodetect.lake.objects.s3_client import S3Options

__all__ = [
    "LocalStore",
    "ObjectMissingError",
    "ObjectStore",
    "S3Options",
    "S3Store",
    "open_objects",
    "probe_put_if_absent",
]


def open_objects(url: str, s3: S3Options | None = None) -> ObjectStore:
    """Return the store behind a folder path or `s3://bucket/prefix`; nothing is touched yet.

    Raises:
        UsageError: the URL names neither.
    """
    scheme, separator, rest = url.partition("://")
    if not separator and url:
        return LocalStore(Path(url))
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise UsageError(f"{url!r} is no place for objects", "give a folder, or s3://bucket/prefix")
    return S3Store(bucket, prefix.strip("/"), s3)
