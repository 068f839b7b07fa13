"""The same promises are checked on every kind of store."""

from pathlib import Path

import pytest

from autodetect.lake.objects import LocalStore, ObjectStore, open_objects


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return LocalStore(tmp_path / "store")
    return open_objects(f"s3://{request.getfixturevalue('bucket')}/some/prefix")
