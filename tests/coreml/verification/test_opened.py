"""A package is found in a folder or an archive, and what is none is refused before anything is read."""

import zipfile

import pytest

from autodetect.coreml.package import zip_package
from autodetect.coreml.verification.opened import opened
from autodetect.errors import CorruptError, UsageError


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "Model.mlpackage"
    (folder / "Data").mkdir(parents=True)
    (folder / "Manifest.json").write_text("{}")
    (folder / "Data" / "model").write_text("spec")
    return folder


def test_a_folder_is_the_package_or_holds_it(package, tmp_path):
    for path in (package, tmp_path):
        with opened(path) as found:
            assert found == package


def test_an_archive_is_unpacked_and_thrown_away(package, tmp_path):
    zip_package(package, tmp_path / "Model.mlpackage.zip")
    with opened(tmp_path / "Model.mlpackage.zip") as found:
        assert found.name == "Model.mlpackage"
        assert (found / "Data" / "model").read_text() == "spec"
    assert not found.exists()


def test_an_archive_that_leaves_its_folder_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("Model.mlpackage/Manifest.json", "{}")
        archive.writestr("../outside", "x")
    with pytest.raises(CorruptError, match="leaves the folder"), opened(tmp_path / "evil.zip"):
        pass
    assert not (tmp_path.parent / "outside").exists()


def test_a_cut_archive_is_damaged_and_other_things_are_no_package(package, tmp_path):
    whole = tmp_path / "whole.zip"
    zip_package(package, whole)
    (tmp_path / "cut.zip").write_bytes(whole.read_bytes()[:-30])
    with pytest.raises(CorruptError), opened(tmp_path / "cut.zip"):
        pass
    (tmp_path / "photo.jpg").write_bytes(b"jpeg")
    (tmp_path / "empty").mkdir()
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme", "x")
    for name in ("photo.jpg", "empty", "other.zip", "nothing"):
        with pytest.raises(UsageError), opened(tmp_path / name):
            pass
