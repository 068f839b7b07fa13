"""What only a folder can get wrong."""

import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from autodetect.errors import UsageError
from autodetect.lake.objects import LocalStore, ObjectStore, open_objects, probe_put_if_absent

LONG_PUT = """
import sys, time
from pathlib import Path
from autodetect.lake.objects import LocalStore, durable

def slowly():  # at most 180 MB in a minute, should nobody kill it
    print("writing", flush=True)
    for _ in range(6000):
        yield b"new" * 10_000
        time.sleep(0.01)

path = Path(sys.argv[1])
{call}
"""


@pytest.mark.parametrize("call", ["durable.write_file(path, slowly())", "durable.create_file(path, slowly())"])
@pytest.mark.parametrize("before", [b"old", None])
def test_a_killed_writer_leaves_nothing_under_the_name(tmp_path: Path, call: str, before: bytes | None) -> None:
    store = LocalStore(tmp_path)
    if before is not None:
        store.put("key", before)
    script = LONG_PUT.format(call=call)
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "key")], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        while not [path for path in tmp_path.glob(".partial-*") if path.stat().st_size]:
            assert writer.poll() is None
        writer.send_signal(signal.SIGKILL)
    assert len(list(tmp_path.glob(".partial-*"))) == 1
    assert store.abort_unfinished(timedelta(hours=1)) == 0
    assert list(store.list()) == ([] if before is None else ["key"])
    assert (store.get("key") if store.exists("key") else None) == before
    store.put("key", b"new")
    assert store.get("key") == b"new"
    assert store.abort_unfinished(timedelta(seconds=-1)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("a", b"x")
    assert not store.put_if_absent("a", b"y")
    with pytest.raises(UsageError, match="another key"):
        store.put("a/b", b"x")
    store.put("folder/file", b"x")
    with pytest.raises(UsageError, match="another key"):
        store.put("folder", b"x")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "file", "folder"]


LIMITED_PUT = """
import resource, signal, sys
from pathlib import Path
from autodetect.errors import DependencyDownError
from autodetect.lake.objects import LocalStore

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    LocalStore(Path(sys.argv[1])).put("key", b"x" * 2000)
except DependencyDownError as error:
    sys.exit("not full" not in error.remedy)
sys.exit("the write went through")
"""


def test_a_disk_that_takes_no_more_is_an_outside_failure(tmp_path: Path) -> None:
    LocalStore(tmp_path).put("key", b"old")
    done = subprocess.run([sys.executable, "-c", LIMITED_PUT, str(tmp_path)], check=False)
    assert done.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert LocalStore(tmp_path).get("key") == b"old"


FORBIDDEN_PUT = """
import os, sys
from pathlib import Path
from autodetect.errors import UsageError
from autodetect.lake.objects import LocalStore

if os.getuid() == 0:
    os.seteuid(65534)  # nothing is closed to root
try:
    LocalStore(Path(sys.argv[1])).put("key", b"x")
except UsageError as error:
    sys.exit("Permission denied" not in error.what)
sys.exit("the write went through")
"""


def test_a_closed_folder_is_wrong_usage(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert subprocess.run([sys.executable, "-c", FORBIDDEN_PUT, str(tmp_path)], check=False).returncode == 0
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o700)


def test_local_readers_are_told_where_the_object_lies(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("a/b", b"x")
    assert store.local_path("a/b") == tmp_path / "a" / "b"
    assert store.local_path("a") is None
    assert store.local_path("absent") is None


class PlainStore(LocalStore):
    """A store with nothing cheaper than reading all of it."""

    get_if_changed = ObjectStore.get_if_changed
    abort_unfinished = ObjectStore.abort_unfinished


def test_a_store_without_tags_compares_digests(tmp_path: Path) -> None:
    store = PlainStore(tmp_path)
    store.put("key", b"one")
    data, tag = store.get_if_changed("key", None) or (b"", "")
    assert data == b"one"
    assert store.get_if_changed("key", tag) is None
    store.put("key", b"two")
    assert (store.get_if_changed("key", tag) or (b"", ""))[0] == b"two"
    assert store.abort_unfinished(timedelta(0)) == 0


def test_urls_name_a_folder_or_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_objects("var/store").url == str(tmp_path / "var" / "store")
    assert open_objects("s3://bucket/a/b/").url == "s3://bucket/a/b"
    assert open_objects("s3://bucket").url == "s3://bucket"
    for url in ("", "gs://bucket", "s3://", "s3:///prefix", "https://host/bucket"):
        with pytest.raises(UsageError):
            open_objects(url)


class ForgetfulStore(LocalStore):
    """Ignores the condition, as some S3 servers do."""

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self.put(key, data)
        return True


class TwoStepStore(LocalStore):
    """Checks and writes in two steps: right one at a time, wrong in a race."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.checked = threading.Barrier(8)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        if self.exists(key):
            return False
        if threading.current_thread() is not threading.main_thread():
            self.checked.wait(timeout=30)
        self.put(key, data)
        return True


@pytest.mark.parametrize("unfit", [ForgetfulStore, TwoStepStore])
def test_the_probe_refuses_a_store_without_put_if_absent(tmp_path: Path, unfit: type[LocalStore]) -> None:
    store = unfit(tmp_path)
    with pytest.raises(UsageError, match="single_writer = true"):
        probe_put_if_absent(store)
    assert list(store.list()) == []


def test_a_file_in_place_of_the_folder_is_told_and_no_empty_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    store = LocalStore(tmp_path / "file")
    for look in (lambda: list(store.list()), lambda: store.get("latest.json"), lambda: store.put("latest.json", b"")):
        with pytest.raises(UsageError, match=r"file.*is a file|cannot write"):
            look()


def test_one_folder_has_one_name(tmp_path: Path) -> None:
    assert LocalStore(tmp_path / "a" / ".." / "b").url == LocalStore(tmp_path / "b").url
