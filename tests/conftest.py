"""Fixtures of the whole suite: a real S3 server, started once when the first test asks for it.

Property tests draw the same examples on every machine, so that a commit is green or red for everyone; other examples
are looked for with `HYPOTHESIS_PROFILE=explore`.
"""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import settings

from tests.servers.ceph import CephServer, CephStartError, ceph_unavailable

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run whole nights first: each takes minutes, and what is short fills both processes to the end."""
    items.sort(key=lambda item: item.get_closest_marker("night") is None)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CephServer]:
    """A running S3 server. Skips where none can be started; under CI, one that is installed must start."""
    if reason := ceph_unavailable():
        pytest.skip(reason)
    try:
        server = CephServer(tmp_path_factory.mktemp("ceph")).start()
    except CephStartError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"Ceph is installed but does not start: {error}")
        pytest.skip(f"Ceph does not start here: {error}")
    yield server
    server.stop()


@pytest.fixture
def bucket(s3: CephServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a fresh bucket; the AWS variables lead to it."""
    for name, value in s3.aws_variables().items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    name = f"test-{uuid4().hex}"
    s3.client().create_bucket(Bucket=name)
    return name
