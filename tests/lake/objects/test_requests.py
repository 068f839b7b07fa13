"""What goes over the wire to S3: conditions, checksums, parts and repeats. The server behind is moto, a mock."""

import base64
from collections.abc import Iterator
from hashlib import md5, sha256
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from autodetect.errors import DependencyDownError
from autodetect.lake.objects import S3Options, S3Store, probe_put_if_absent

DATA = b"some bytes"


class Sent(NamedTuple):
    """A request as it leaves."""

    operation: str
    headers: dict[str, str]
    url: str
    size: int


class RawBody(BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Wire:
    """Watches what a store sends. The next requests of an operation are answered as `failures` say."""

    def __init__(self, store: S3Store) -> None:
        self.sent: list[Sent] = []
        self.failures: dict[str, list[tuple[int, str]]] = {}
        store._client().meta.events.register_first("before-send.s3", self._seen)

    def of(self, operation: str) -> list[Sent]:
        return [sent for sent in self.sent if sent.operation == operation]

    def _seen(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        self.sent.append(Sent(operation, headers, request.url, int(headers.get("content-length", 0))))
        if not self.failures.get(operation):
            return None
        status, code = self.failures[operation].pop(0)
        return AWSResponse(request.url, status, {}, RawBody(f"<Error><Code>{code}</Code></Error>".encode()))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    with mock_aws():
        store = S3Store("bucket", "prefix", S3Options(region="us-east-1", part_bytes=5 << 20, attempts=3))
        import boto3

        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
        yield store


@pytest.fixture
def wire(store: S3Store) -> Wire:
    return Wire(store)


def test_small_objects_carry_their_md5_and_sha256_and_no_trailer(store: S3Store, wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    store.put("key", DATA)
    store.put_file("key", tmp_path / "file")
    store.put_if_absent("new", DATA)
    put, put_file, put_if_absent = wire.of("PutObject")
    for sent in (put, put_file, put_if_absent):
        assert sent.headers["x-amz-content-sha256"] == sha256(DATA).hexdigest()
        assert not [name for name in sent.headers if "trailer" in name or name.startswith("x-amz-checksum")]
        assert "aws-chunked" not in sent.headers.get("content-encoding", "")
    for sent in (put, put_if_absent):
        assert sent.headers["content-md5"] == base64.b64encode(md5(DATA).digest()).decode()


def test_only_put_if_absent_sets_the_condition(store: S3Store, wire: Wire) -> None:
    store.put("key", DATA)
    assert not store.put_if_absent("key", DATA)
    plain, conditional = wire.of("PutObject")
    assert "if-none-match" not in plain.headers
    assert conditional.headers["if-none-match"] == "*"
    assert conditional.headers["x-amz-meta-writer"]


def test_a_poll_is_one_conditional_request(store: S3Store, wire: Wire) -> None:
    store.put("key", DATA)
    first = store.get_if_changed("key", None)
    assert first is not None
    assert store.get_if_changed("key", first[1]) is None
    plain, conditional = wire.sent[-2:]
    assert "if-none-match" not in plain.headers
    assert conditional.headers["if-none-match"] == first[1]
    assert [sent.operation for sent in wire.sent] == ["PutObject", "GetObject", "GetObject"]


def test_parts_are_numbered_and_each_carries_its_sha256(store: S3Store, wire: Wire, tmp_path: Path) -> None:
    parts = [b"a" * (5 << 20), b"b" * (5 << 20), b"c"]
    (tmp_path / "file").write_bytes(b"".join(parts))
    store.put_file("key", tmp_path / "file")
    sent = sorted(wire.of("UploadPart"), key=lambda part: part.url.partition("partNumber=")[2])
    assert [part.url.partition("partNumber=")[2] for part in sent] == ["1", "2", "3"]
    assert [part.size for part in sent] == [len(part) for part in parts]
    assert [part.headers["x-amz-content-sha256"] for part in sent] == [sha256(part).hexdigest() for part in parts]
    assert [len(wire.of(name)) for name in ("CreateMultipartUpload", "CompleteMultipartUpload", "PutObject")] == [
        1,
        1,
        0,
    ]


def test_a_file_of_one_part_is_one_request(store: S3Store, wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(5 << 20))
    store.put_file("key", tmp_path / "file")
    assert [sent.operation for sent in wire.sent] == ["PutObject"]


@pytest.mark.parametrize("failure", [(503, "SlowDown"), (500, "InternalError"), (200, "InternalError")])
def test_a_busy_server_is_asked_again(store: S3Store, wire: Wire, tmp_path: Path, failure: tuple[int, str]) -> None:
    (tmp_path / "file").write_bytes(bytes((5 << 20) + 1))
    for operation in ("UploadPart", "CompleteMultipartUpload"):
        wire.failures[operation] = [failure] * (failure[0] != 200 or operation != "UploadPart")
    store.put_file("key", tmp_path / "file")
    assert len(wire.of("CompleteMultipartUpload")) == 2
    assert store.size("key") == (5 << 20) + 1


def test_after_so_many_tries_the_server_is_told_to_be_down(store: S3Store, wire: Wire) -> None:
    wire.failures["PutObject"] = [(503, "SlowDown")] * 3
    with pytest.raises(DependencyDownError, match=r"SlowDown \(HTTP 503\)"):
        store.put("key", DATA)
    assert len(wire.of("PutObject")) == 3


def test_a_conflict_of_conditional_writes_is_tried_again(store: S3Store, wire: Wire) -> None:
    wire.failures["PutObject"] = [(409, "ConditionalRequestConflict")] * 2
    assert store.put_if_absent("key", DATA)
    assert len(wire.of("PutObject")) == 3


def test_a_failed_part_ends_the_upload(store: S3Store, wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes((10 << 20) + 1))
    wire.failures["UploadPart"] = [(400, "BadDigest")] * 3
    with pytest.raises(DependencyDownError, match="BadDigest"):
        store.put_file("key", tmp_path / "file")
    assert len(wire.of("AbortMultipartUpload")) == 1
    assert not wire.of("CompleteMultipartUpload")


def test_the_probe_passes_a_store_that_honours_the_condition(store: S3Store, wire: Wire) -> None:
    probe_put_if_absent(store)
    assert {sent.headers.get("if-none-match") for sent in wire.of("PutObject")} == {"*"}
    assert list(store.list()) == []
