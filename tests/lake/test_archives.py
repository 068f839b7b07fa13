"""Archives: equal content gives equal bytes, and nothing unpacks outside its folder."""

import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.archives import repack_zip, sha256_bytes, sha256_file, unzip, zip_folder

FILES = {"Manifest.json": b"{}", "Data/weights/weight.bin": bytes(range(256)) * 9000, "Data/é.txt": b"", "a": b"a"}


def make_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make_zip(path: Path, *entries: tuple[str, bytes, int]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data, mode in entries:
            info = zipfile.ZipInfo("placeholder")
            info.filename, info.external_attr, info.compress_type = name, mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return path


def test_digests_are_those_that_sha256sum_prints(tmp_path: Path) -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (tmp_path / "empty").touch()
    assert sha256_bytes(b"") == sha256_file(tmp_path / "empty") == empty
    (tmp_path / "large").write_bytes(FILES["Data/weights/weight.bin"])
    assert sha256_file(tmp_path / "large") == sha256_bytes(FILES["Data/weights/weight.bin"])


def test_a_folder_comes_back_as_it_was_packed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in", FILES)
    digest = zip_folder(folder, tmp_path / "packed.zip", "AutoDetect.mlpackage/")
    assert digest == sha256_file(tmp_path / "packed.zip")
    unzip(tmp_path / "packed.zip", tmp_path / "out")
    assert content(tmp_path / "out" / "AutoDetect.mlpackage") == FILES
    assert zipfile.ZipFile(tmp_path / "packed.zip").testzip() is None


def test_the_archive_does_not_depend_on_order_times_modes_or_process(tmp_path: Path) -> None:
    first = zip_folder(make_folder(tmp_path / "one", FILES), tmp_path / "one.zip")
    other = make_folder(tmp_path / "two", dict(reversed(FILES.items())))
    for path in other.rglob("*"):
        os.utime(path, (10**9, 10**9))
        path.chmod(0o755)
    (other / "an empty folder").mkdir()
    script = (
        "import sys; from pathlib import Path; from autodetect.lake.archives import zip_folder\n"
        "print(zip_folder(Path(sys.argv[1]), Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", script, str(other), str(tmp_path / "two.zip")]
    second = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"},
        umask=0o077,
    )
    assert second.stdout.strip() == first
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    (other / "a").write_bytes(b"b")
    assert zip_folder(other, tmp_path / "two.zip") != first


def test_a_link_is_not_packed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in", FILES)
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="link"):
        zip_folder(folder, tmp_path / "packed.zip")
    with pytest.raises(UsageError, match="absent"):
        zip_folder(tmp_path / "absent", tmp_path / "packed.zip")
    assert not (tmp_path / "packed.zip").exists()


def test_two_savings_of_one_model_become_equal_once_repacked(tmp_path: Path) -> None:
    packed = []
    for turn, order in enumerate((1, -1)):
        entries = [("config.json", b"{}", 0o600), ("model.weights.h5", b"weights" * 100, 0o644)][::order]
        source = make_zip(tmp_path / f"{turn}.keras", *entries, ("metadata.json", b"%d" % turn, 0))
        target = tmp_path / f"{turn}-repacked.keras"
        packed.append(repack_zip(source, target, replace={"metadata.json": b"{}"}))
        with zipfile.ZipFile(target) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == {
                "config.json": b"{}",
                "metadata.json": b"{}",
                "model.weights.h5": b"weights" * 100,
            }
    assert packed[0] == packed[1] == sha256_file(tmp_path / "1-repacked.keras")


def test_entries_can_be_dropped_and_an_archive_repacked_in_place(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "a.zip", ("b", b"b", 0), ("a", b"a", 0))
    digest = repack_zip(source, source, drop=["a"])
    assert digest == sha256_file(source)
    assert zipfile.ZipFile(source).namelist() == ["b"]
    for wrong in ({"drop": ["absent"]}, {"replace": {"absent": b""}}):
        with pytest.raises(UsageError, match="absent"):
            repack_zip(source, source, **wrong)
    assert digest == sha256_file(source)


LINK = stat.S_IFLNK | 0o777
UNSAFE: dict[str, tuple[tuple[str, bytes, int], ...]] = {
    "parent": (("../evil", b"x", 0),),
    "parent inside": (("a/../../evil", b"x", 0),),
    "absolute": (("/tmp/evil", b"x", 0),),
    "drive": (("C:evil", b"x", 0),),
    "backslash": (("..\\evil", b"x", 0),),
    "link": (("link", b"/etc", LINK), ("link/evil", b"x", 0)),
    "device": (("device", b"", stat.S_IFCHR | 0o644),),
    "twice": (("a", b"x", 0), ("./a", b"y", 0)),
    "file and folder": (("a", b"x", 0), ("a/b", b"y", 0)),
    "too large": (("a", bytes(600_000), 0), ("b", bytes(600_000), 0)),
}


@pytest.mark.parametrize("entries", UNSAFE.values(), ids=UNSAFE.keys())
def test_an_unsafe_archive_is_refused_and_leaves_nothing(
    tmp_path: Path, entries: tuple[tuple[str, bytes, int], ...]
) -> None:
    archive = make_zip(tmp_path / "unsafe.zip", ("harmless", b"x", 0o644), *entries)
    with pytest.raises(CorruptError):
        unzip(archive, tmp_path / "deep" / "out", max_bytes=1_000_000)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "unsafe.zip"]


def test_an_entry_that_hides_its_size_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "bomb.zip", ("a", bytes(5_000_000), 0))
    data = archive.read_bytes()
    assert data.count((5_000_000).to_bytes(4, "little")) == 2
    archive.write_bytes(data.replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(CorruptError):
        unzip(archive, tmp_path / "out", max_bytes=1000)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("use", [unzip, lambda a, f: repack_zip(a, f / "new.zip")])
def test_what_is_no_archive_is_corrupt(tmp_path: Path, use: Callable[[Path, Path], object]) -> None:
    whole = make_zip(tmp_path / "a.zip", ("a", os.urandom(1000), 0)).read_bytes()
    damaged = bytearray(whole)
    damaged[300] ^= 1
    for data in (b"", b"no zip", whole[:-30], bytes(damaged)):
        (tmp_path / "a.zip").write_bytes(data)
        with pytest.raises(CorruptError, match=r"a\.zip"):
            use(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(UsageError, match="absent"):
        use(tmp_path / "absent", tmp_path / "out")


def test_a_full_folder_is_not_unpacked_into(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", ("a", b"new", 0))
    make_folder(tmp_path / "out", {"a": b"old"})
    with pytest.raises(UsageError, match="not empty"):
        unzip(archive, tmp_path / "out")
    assert content(tmp_path / "out") == {"a": b"old"}
    (tmp_path / "empty").mkdir()
    unzip(archive, tmp_path / "empty")
    assert content(tmp_path / "empty") == {"a": b"new"}


@given(st.binary(max_size=400), st.integers(0, 10_000))
def test_no_damage_unpacks_to_other_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes, place: int) -> None:
    folder = tmp_path_factory.mktemp("damage")
    make_folder(folder / "in", {"a/b": data, "c": data[::-1]})
    zip_folder(folder / "in", folder / "a.zip")
    packed = (folder / "a.zip").read_bytes()
    place %= len(packed)
    (folder / "a.zip").write_bytes(packed[:place] + bytes([packed[place] ^ 255]) + packed[place + 1 :])
    try:
        unzip(folder / "a.zip", folder / "out")
    except CorruptError:
        assert not (folder / "out").exists()
    else:
        assert set(content(folder / "out").values()) <= {data, data[::-1]}
