"""What only a network and a server can get wrong. A real server, and a proxy that loses its answers."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from autodetect.errors import AutoDetectError, DependencyDownError, UsageError
from autodetect.lake.objects import ObjectMissingError, S3Options, S3Store, open_objects, probe_put_if_absent
from tests.servers.ceph import CephServer
from tests.servers.lossy_proxy import LossyProxy

OK = b" 200 OK"


@pytest.fixture
def proxy(s3: CephServer) -> Iterator[LossyProxy]:
    proxy = LossyProxy(s3.s3_port)
    yield proxy
    proxy.close()


@pytest.fixture
def through_proxy(bucket: str, proxy: LossyProxy) -> S3Store:
    store = S3Store(bucket, options=S3Options(endpoint_url=f"http://127.0.0.1:{proxy.port}"))
    assert list(store.list()) == []
    return store


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.mark.s3
def test_the_winner_is_told_so_even_if_the_first_answer_was_lost(
    through_proxy: S3Store, proxy: LossyProxy, bucket: str
) -> None:
    proxy.lose_next(OK)
    assert through_proxy.put_if_absent("key", b"mine")
    assert proxy.lost == 1
    assert not S3Store(bucket).put_if_absent("key", b"mine")


@pytest.mark.s3
def test_a_read_goes_on_where_the_connection_broke(through_proxy: S3Store, proxy: LossyProxy, tmp_path: Path) -> None:
    data = bytes(range(256)) * 20_000
    through_proxy.put("key", data)
    proxy.lose_next(OK, keep=3_000_000)
    assert through_proxy.get("key") == data
    assert proxy.lost == 1
    proxy.lose_next(OK, keep=100_000)
    through_proxy.download("key", tmp_path / "copy")
    assert proxy.lost == 2
    assert (tmp_path / "copy").read_bytes() == data


@pytest.mark.s3
def test_bytes_of_two_versions_are_never_joined(through_proxy: S3Store, proxy: LossyProxy, bucket: str) -> None:
    through_proxy.put("key", b"a" * 5_000_000)
    proxy.lose_next(OK, keep=2_500_000)
    pieces = through_proxy.chunks("key")
    assert set(next(pieces)) == set(b"a")
    S3Store(bucket).put("key", b"b" * 5_000_000)
    with pytest.raises(DependencyDownError, match="replaced"):
        list(pieces)


@pytest.mark.s3
def test_a_server_that_ignores_the_condition_is_refused(bucket: str) -> None:
    store = S3Store(bucket, "prefix")
    list(store.list())

    def forget_the_condition(request: Any, **_: Any) -> None:
        del request.headers["If-None-Match"]

    store._connected.meta.events.register("before-sign.s3.PutObject", forget_the_condition)
    with pytest.raises(UsageError, match="single_writer = true"):
        probe_put_if_absent(store)
    assert list(store.list()) == []


@pytest.mark.s3
def test_bytes_damaged_on_the_way_are_not_stored(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3Store(bucket)
    list(store.list())

    def damage(params: Any, **_: Any) -> None:
        params["body"] = b"damaged"

    store._connected.meta.events.register("before-call.s3.PutObject", damage)
    for put in (store.put, store.put_if_absent):
        with pytest.raises(DependencyDownError, match="BadDigest"):
            put("key", b"as sent")
    assert not store.exists("key")


@pytest.mark.s3
def test_a_wrong_bucket_is_named(bucket: str) -> None:
    for store in (S3Store(f"{bucket}-not"), S3Store("Not_A_Name")):
        for use in (lambda s: s.get("key"), lambda s: s.put("key", b""), lambda s: s.exists("key")):
            with pytest.raises(UsageError, match=store.bucket):
                use(store)


@pytest.mark.s3
@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_credentials_are_told_as_such(bucket: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "wrong")
    with pytest.raises(UsageError, match="AWS_SECRET_ACCESS_KEY"):
        S3Store(bucket).exists("key")


@pytest.mark.s3
def test_credentials_that_end_while_running_are_not_taken_for_a_missing_object(s3: CephServer, bucket: str) -> None:
    store = S3Store(bucket)
    store.put("key", b"x")
    store._connected._request_signer._credentials.secret_key = "changed"
    for use in (store.get, store.size, store.exists):
        with pytest.raises(UsageError):
            use("key")


@pytest.mark.s3
def test_more_keys_than_one_page_are_listed(bucket: str) -> None:
    store = S3Store(bucket, "p")
    list(store.list())
    paged = store._connected.get_paginator("list_objects_v2")
    names = [f"{n:03}" for n in range(12)]
    for name in names:
        store.put(name, b"")
    assert len(list(paged.paginate(Bucket=bucket, PaginationConfig={"PageSize": 5}))) == 3
    store._connected.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 5}
    )
    assert list(store.list()) == names


@pytest.mark.s3
def test_what_other_tools_leave_as_folders_is_not_listed(s3: CephServer, bucket: str) -> None:
    s3.client().put_object(Bucket=bucket, Key="photos/", Body=b"")
    store = open_objects(f"s3://{bucket}")
    store.put("photos/a", b"x")
    assert list(store.list()) == ["photos/a"]
    with pytest.raises(ObjectMissingError):
        store.get("photos")


def test_a_closed_port_is_told_with_the_url(credentials: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    store = S3Store("bucket", "lake", S3Options(endpoint_url=f"http://127.0.0.1:{port}"))
    _is_down(store, f"s3://bucket/lake at http://127.0.0.1:{port} does not answer")


def test_a_server_that_never_answers_is_told(credentials: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        store = S3Store("bucket", options=S3Options(endpoint_url=endpoint, connect_timeout_s=0.2, read_timeout_s=0.2))
        _is_down(store, "does not answer")


class NothingHere(BaseHTTPRequestHandler):
    """Some other web server, behind the wrong port."""

    def do_GET(self) -> None:
        self.send_error(404)

    do_HEAD = do_PUT = do_GET  # noqa: N815 - the names are http.server's

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_a_server_that_is_no_object_store_is_not_taken_for_an_empty_one(credentials: None) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), NothingHere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = S3Store("bucket", options=S3Options(endpoint_url=f"http://127.0.0.1:{server.server_port}"))
        for use in (lambda: store.get("key"), lambda: store.exists("key"), lambda: list(store.list())):
            with pytest.raises(UsageError, match="no bucket 'bucket'"):
                use()
        server.shutdown()


def test_a_host_without_address_is_told(credentials: None) -> None:
    _is_down(S3Store("bucket", options=S3Options(endpoint_url="http://no-such-host.invalid")), "no-such-host")


def _is_down(store: S3Store, words: str) -> None:
    for use in (lambda: store.get("key"), lambda: store.put_if_absent("key", b""), lambda: list(store.list())):
        with pytest.raises(DependencyDownError, match=words) as told:
            use()
        assert told.value.exit_code == 4
        assert told.value.remedy


def test_settings_that_name_no_endpoint_are_wrong_usage(credentials: None) -> None:
    with pytest.raises(UsageError, match=r"s3\.endpoint_url"):
        S3Store("bucket", options=S3Options(endpoint_url="not a url")).get("key")


def test_missing_credentials_are_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(AutoDetectError, match="AWS_ACCESS_KEY_ID") as told:
        S3Store("bucket", options=S3Options(endpoint_url="http://127.0.0.1:9")).get("key")
    assert told.value.exit_code == 2


def test_boto3_is_loaded_only_when_a_bucket_is_used() -> None:
    script = (
        "import sys; from autodetect.lake.objects import open_objects; open_objects('s3://b/p'); open_objects('.')\n"
        "sys.exit(any(name.startswith('boto') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
