"""What a manifest says of Core ML packages is true of its files, and possible."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from autodetect.errors import UsageError
from autodetect.lake.objects import LocalStore
from autodetect.release.history import newest_manifest
from autodetect.release.packages import PackageFact, PackageParity
from autodetect.release.publish import publish
from tests.release.sample import KEY, NOW, facts, files

PACKAGE = PackageFact(
    name="fp16",
    file="AutoDetect.mlpackage.zip",
    size=9,
    parity=PackageParity(photos=256, largest_difference=0.0004, decided=250, agreement=1.0),
    recommended=True,
)


def test_a_package_that_is_not_among_the_files_is_no_release(store: LocalStore, tmp_path: Path) -> None:
    told = facts(packages=(PACKAGE.model_copy(update={"file": "AutoDetect-int8.mlpackage.zip"}),))
    with pytest.raises(UsageError, match="AutoDetect-int8"):
        publish(store, files(tmp_path / "files"), told, NOW, key=KEY)
    assert newest_manifest(store) is None
    publish(store, files(tmp_path / "files"), facts(packages=(PACKAGE,)), NOW, key=KEY)
    manifest = newest_manifest(store)
    assert manifest is not None
    assert manifest.packages == (PACKAGE,)


def test_an_agreement_above_one_is_no_agreement() -> None:
    with pytest.raises(ValidationError):
        PackageParity(photos=1, largest_difference=0.0, decided=1, agreement=1.1)
