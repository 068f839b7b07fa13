"""Files that go to S3 in parts: whole or absent, whatever happens to a part or to the sender."""

import random
import signal
import subprocess
import sys
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from autodetect.errors import DependencyDownError
from autodetect.lake.objects import S3Options, S3Store
from tests.lake.objects.conftest import FIVE_MIB
from tests.servers.ceph import CephServer
from tests.servers.lossy_proxy import LossyProxy

KEY = "AutoDetect.mlpackage.zip"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of two parts and a little more."""
    path = tmp_path / "file"
    path.write_bytes(random.Random(0).randbytes(2 * FIVE_MIB + 7))
    return path


def unfinished(store: S3Store) -> list[str]:
    return [upload["Key"] for upload in store._client().list_multipart_uploads(Bucket=store.bucket).get("Uploads", [])]


def watch_parts(store: S3Store, seen: Any) -> None:
    store._client().meta.events.register("before-send.s3.UploadPart", seen)


def test_a_file_in_three_parts_comes_back_whole(store_of_parts: S3Store, file: Path) -> None:
    sent: list[tuple[bytes, bytes]] = []

    def seen(request: Any, **_: Any) -> None:
        sent.append((request.headers["x-amz-content-sha256"], request.body.read()))
        request.body.seek(0)

    watch_parts(store_of_parts, seen)
    store_of_parts.put_file(KEY, file)
    assert store_of_parts.get(KEY) == file.read_bytes()
    assert store_of_parts.size(KEY) == file.stat().st_size
    assert sorted(len(data) for _, data in sent) == [7, FIVE_MIB, FIVE_MIB]
    assert [digest for digest, _ in sent] == [sha256(data).hexdigest().encode() for _, data in sent]
    assert unfinished(store_of_parts) == []


def test_a_part_damaged_on_the_way_is_refused_and_all_parts_are_dropped(store_of_parts: S3Store, file: Path) -> None:
    def damage(request: Any, **_: Any) -> None:
        data = request.body.read()
        request.body = data[:-1] + bytes([data[-1] ^ 1])

    store_of_parts.put(KEY, b"as it was")
    watch_parts(store_of_parts, damage)
    with pytest.raises(DependencyDownError, match="XAmzContentSHA256Mismatch"):
        store_of_parts.put_file(KEY, file)
    assert store_of_parts.get(KEY) == b"as it was"
    assert unfinished(store_of_parts) == []


DYING = """
import os, signal, sys
from pathlib import Path
from autodetect.lake.objects import S3Options, S3Store

store = S3Store(sys.argv[1], sys.argv[2], S3Options(part_bytes=5 << 20))
store._client().meta.events.register(
    "before-send.s3.CompleteMultipartUpload", lambda **_: os.kill(os.getpid(), signal.SIGKILL)
)
store.put_file(sys.argv[3], Path(sys.argv[4]))
"""


def test_what_a_killed_sender_leaves_is_not_there_and_is_removed_when_old(store_of_parts: S3Store, file: Path) -> None:
    bucket = store_of_parts.bucket
    for prefix in ("some/prefix", "other"):
        dying = subprocess.run([sys.executable, "-c", DYING, bucket, prefix, KEY, str(file)], check=False)
        assert dying.returncode == -signal.SIGKILL
    assert list(store_of_parts.list()) == []
    assert sorted(unfinished(store_of_parts)) == [f"other/{KEY}", f"some/prefix/{KEY}"]
    assert store_of_parts.abort_unfinished(timedelta(hours=1)) == 0
    assert store_of_parts.abort_unfinished(timedelta(seconds=-5)) == 1
    assert unfinished(store_of_parts) == [f"other/{KEY}"]
    store_of_parts.put_file(KEY, file)
    assert store_of_parts.get(KEY) == file.read_bytes()


def test_parts_dropped_by_somebody_else_are_told(store_of_parts: S3Store, file: Path) -> None:
    client = store_of_parts._client()

    def drop(**_: Any) -> None:
        client.meta.events.unregister("before-send.s3.CompleteMultipartUpload", drop)
        assert store_of_parts.abort_unfinished(timedelta(seconds=-5)) == 1

    client.meta.events.register("before-send.s3.CompleteMultipartUpload", drop)
    with pytest.raises(DependencyDownError, match=r"parts|InternalError"):
        store_of_parts.put_file(KEY, file)
    assert not store_of_parts.exists(KEY)


@pytest.mark.s3
@pytest.mark.parametrize("lost", [b"InitiateMultipartUploadResult", b"ETag", b"CompleteMultipartUploadResult"])
def test_a_lost_answer_costs_a_retry_and_no_byte(s3: CephServer, bucket: str, file: Path, lost: bytes) -> None:
    proxy = LossyProxy(s3.s3_port)
    options = S3Options(endpoint_url=f"http://127.0.0.1:{proxy.port}", part_bytes=FIVE_MIB)
    store = S3Store(bucket, options=options)
    assert list(store.list()) == []
    proxy.lose_next(lost)
    store.put_file(KEY, file)
    proxy.close()
    assert proxy.lost == 1
    assert store.size(KEY) == file.stat().st_size
    assert S3Store(bucket).get(KEY) == file.read_bytes()
