"""The same night with lake and releases on a real S3 server."""

from pathlib import Path

import pytest

from tests.flows.program import NIGHTS, Program
from tests.servers.ceph import CephServer

pytestmark = [pytest.mark.night, pytest.mark.s3, pytest.mark.timeout(900)]


def test_lake_and_releases_on_s3_give_the_same_night_as_on_disk(
    served: Program, first_night: Program, s3: CephServer, bucket: str
) -> None:
    served.variables = {
        **s3.aws_variables(),
        "AUTODETECT_S3__ENDPOINT_URL": s3.endpoint,
        "AUTODETECT_LAKE": f"s3://{bucket}/lake",
        "AUTODETECT_STORE": f"s3://{bucket}/releases",
    }
    night = served.run("nightly", "--night", NIGHTS[0], "--json")
    assert night.code == 0, night.err[-3000:]
    assert night.json()["verdict"] == "published"
    assert served.digests() == first_night.digests()
    assert served.release_id() == first_night.release_id()
    assert served.run("release", "verify").code == 0
    assert Path(served.folder / night.json()["report"]).is_file()
    assert not (served.folder / "var/lake").exists()
