"""The same night with lake and releases on a real S3 server."""

from pathlib import Path

import pytest

from tests.flows.program import Program
from tests.servers.ceph import CephServer

pytestmark = [pytest.mark.night, pytest.mark.s3, pytest.mark.timeout(900)]
NIGHT = "2026-11-01"


def test_lake_and_releases_on_s3_give_the_same_night_as_on_disk(
    program: Program, tmp_path_factory: pytest.TempPathFactory, s3: CephServer, bucket: str
) -> None:
    on_disk = Program(tmp_path_factory.mktemp("disk"), program.marketplace, program.prefect_home)
    assert on_disk.run("nightly", "--night", NIGHT).code == 0
    program.variables = {
        **s3.aws_variables(),
        "AUTODETECT_S3__ENDPOINT_URL": s3.endpoint,
        "AUTODETECT_LAKE": f"s3://{bucket}/lake",
        "AUTODETECT_STORE": f"s3://{bucket}/releases",
    }
    night = program.run("nightly", "--night", NIGHT, "--json")
    assert night.code == 0, night.err[-3000:]
    assert night.json()["verdict"] == "published"
    assert program.digests() == on_disk.digests()
    assert program.release_id() == on_disk.release_id()
    assert program.run("release", "verify").code == 0
    assert Path(program.folder / night.json()["report"]).is_file()
    assert not (program.folder / "var/lake").exists()
