"""The same promises are checked on every kind of store."""

from pathlib import Path

import pytest

from autodetect.lake.objects import LocalStore, ObjectStore, S3Options, S3Store, open_objects

FIVE_MIB = 5 << 20


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return LocalStore(tmp_path / "store")
    bucket = request.getfixturevalue({"s3": "bucket", "swift": "swift_bucket"}[request.param])
    return open_objects(f"s3://{bucket}/some/prefix")


@pytest.fixture(
    params=[pytest.param("bucket", marks=pytest.mark.s3), pytest.param("swift_bucket", marks=pytest.mark.swift)]
)
def store_of_parts(request: pytest.FixtureRequest) -> S3Store:
    """A store that sends files in parts of 5 MiB."""
    return S3Store(request.getfixturevalue(request.param), "some/prefix", S3Options(part_bytes=FIVE_MIB))
