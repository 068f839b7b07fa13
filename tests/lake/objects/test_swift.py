"""A second make of S3 server: what it checks that others let pass, and what it gets wrong."""

import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from autodetect.errors import DependencyDownError, UsageError
from autodetect.lake.objects import ObjectMissingError, S3Options, S3Store, probe_put_if_absent
from tests.servers.s3_server import StartError
from tests.servers.swift import SwiftServer, swift_unavailable

pytestmark = pytest.mark.swift


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_credentials_are_told_as_such(swift_bucket: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "tests:wrong")
    with pytest.raises(UsageError, match="AWS_SECRET_ACCESS_KEY") as told:
        S3Store(swift_bucket).exists("key")
    assert told.value.exit_code == 2


def test_bytes_damaged_on_the_way_are_refused_by_their_sha256(swift_bucket: str, tmp_path: Path) -> None:
    store = S3Store(swift_bucket)
    (tmp_path / "file").write_bytes(b"as sent")

    def damage(request: Any, **_: Any) -> None:
        request.body = b"damaged"  # as long, and signed before

    store._client().meta.events.register("before-send.s3.PutObject", damage)
    for put in (
        lambda: store.put("key", b"as sent"),
        lambda: store.put_if_absent("key", b"as sent"),
        lambda: store.put_file("key", tmp_path / "file"),
    ):
        with pytest.raises(DependencyDownError, match=r"XAmzContentSHA256Mismatch|BadDigest"):
            put()
    assert not store.exists("key")


def test_a_signed_address_opens_one_object_and_nothing_else(swift: SwiftServer, swift_bucket: str) -> None:
    store = S3Store(swift_bucket)
    for key in ("key", "kex"):
        store.put(key, b"bytes")
    url = swift.client().generate_presigned_url("get_object", Params={"Bucket": swift_bucket, "Key": "key"})
    assert httpx.get(url).content == b"bytes"
    for tampered in (url.replace("/key?", "/kex?"), url[:-1] + ("1" if url[-1] != "1" else "2")):
        assert httpx.get(tampered).status_code == 403
    assert httpx.delete(url).status_code == 403
    assert store.get("key") == b"bytes"


def test_put_if_absent_in_two_steps_is_caught_by_the_probe(swift_bucket: str) -> None:
    store = S3Store(swift_bucket)
    with pytest.raises(UsageError, match=r"writers at once .*\n.*single_writer = true"):
        probe_put_if_absent(store)
    assert list(store.list()) == []


def test_what_was_acknowledged_survives_a_kill_under_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if reason := swift_unavailable():
        pytest.skip(reason)
    server = SwiftServer(tmp_path)
    try:
        server.start()
    except StartError as error:
        pytest.skip(f"Swift does not start here: {error}")
    for name, value in server.aws_variables().items():
        monkeypatch.setenv(name, value)
    server.client().create_bucket(Bucket="killed")
    store = S3Store("killed", options=S3Options(attempts=1))
    list(store.list())
    acknowledged: list[str] = []

    def write(writer: int) -> None:
        for number in range(1000):
            key = f"{writer}/{number}"
            try:
                store.put(key, key.encode() * 1000)
            except DependencyDownError:
                return
            acknowledged.append(key)

    try:
        writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
        for writer in writers:
            writer.start()
        while len(acknowledged) < 40:
            time.sleep(0.01)
        server.stop()
        for writer in writers:
            writer.join()
        server.start()
        assert len(acknowledged) >= 40
        assert all(store.get(key) == key.encode() * 1000 for key in acknowledged)
        with pytest.raises(ObjectMissingError):
            store.get("0/1000")
    finally:
        server.stop()
