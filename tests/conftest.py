"""Fixtures of the whole suite: real S3 servers, each started once when the first test asks for it.

Property tests draw the same examples on every machine, so that a commit is green or red for everyone; other examples
are looked for with `HYPOTHESIS_PROFILE=explore`.
"""

import gc
import os
from collections.abc import Iterator
from typing import TypeVar
from uuid import uuid4

import pytest
from hypothesis import settings

from tests.servers.ceph import CephServer, ceph_unavailable
from tests.servers.s3_server import StartError
from tests.servers.swift import SwiftServer, swift_unavailable

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

STARTS = 3  # a machine that is busy may be too slow for a server, or give its port to somebody else meanwhile
ServerT = TypeVar("ServerT", CephServer, SwiftServer)

# Files (a process runs a whole file) of half a minute and more.
LONG = (
    "tests/classifier/finetune/test_loop.py",
    "tests/classifier/test_training.py",
    "tests/coreml/interpreter/test_interpreter.py",
    "tests/coreml/parity/test_damage.py",
    "tests/coreml/test_export.py",
    "tests/coreml/test_package.py",
    "tests/crawlers/test_sixty_thousand.py",
    "tests/dataset/test_embedding_curate.py",
    "tests/embeddings/test_imagenet_head.py",
    "tests/embeddings/test_openvino_engine.py",
    "tests/flows/test_identify.py",
    "tests/release/drill/",
    "tests/release/test_identify.py",
    "tests/release/test_withheld_export.py",
    "tests/validation/test_stages.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run whole nights first, then what is long: what is short fills both processes to the end."""
    items.sort(key=lambda item: (item.get_closest_marker("night") is None, not item.nodeid.startswith(LONG)))


def pytest_collection_finish() -> None:
    """Keep the garbage collector off the millions of objects that were imported: it cost a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CephServer]:
    """A running S3 server. Skips where none can be started; under CI, one that is installed must start."""
    yield from _running(CephServer, ceph_unavailable(), tmp_path_factory)


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwiftServer]:
    """A running S3 server of another make. Skips and fails as `s3` does."""
    yield from _running(SwiftServer, swift_unavailable(), tmp_path_factory)


def _running(kind: type[ServerT], unavailable: str, folders: pytest.TempPathFactory) -> Iterator[ServerT]:
    if unavailable:
        pytest.skip(unavailable)
    for tries_left in reversed(range(STARTS)):
        try:
            server = kind(folders.mktemp(kind.__name__)).start()
            break
        except StartError as error:
            if not tries_left and os.environ.get("CI") == "true":
                pytest.fail(f"{kind.__name__} is installed but does not start: {error}")
            if not tries_left:
                pytest.skip(f"{kind.__name__} does not start here: {error}")
    yield server
    server.stop()


@pytest.fixture
def bucket(s3: CephServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a fresh bucket; the AWS variables lead to it."""
    return _fresh_bucket(s3, monkeypatch)


@pytest.fixture
def swift_bucket(swift: SwiftServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a fresh bucket on Swift; the AWS variables lead to it."""
    return _fresh_bucket(swift, monkeypatch)


def _fresh_bucket(server: CephServer | SwiftServer, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in server.aws_variables().items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    name = f"test-{uuid4().hex}"
    server.client().create_bucket(Bucket=name)
    return name
