"""What a stage's process is given."""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from autodetect.errors import StageFailedError
from autodetect.lake.lake import open_lake
from autodetect.lake.lease import Fence
from autodetect.lake.receipts import BEGIN
from autodetect.records import Receipt
from autodetect.settings import load
from flows import runner
from flows.private_server import prefect_api
from flows.runner import NightRun, run_stage
from flows.stages import BY_NAME, STAGES

TELLING = """#!{python}
import json, os, sys
with open({told!r}, "w") as file:
    json.dump({{"variables": dict(os.environ), "request": json.load(sys.stdin)}}, file)
sys.exit(1)
"""


@pytest.mark.parametrize("name", [stage.name for stage in STAGES])
def test_only_the_process_that_publishes_is_given_the_signing_key(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, stand_in, night = tmp_path / "told.json", tmp_path / "python", date(2026, 11, 1)
    stand_in.write_text(TELLING.format(python=sys.executable, told=str(told)))
    stand_in.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTODETECT_RELEASE__KEY", "the secret")
    settings = load()
    assert settings.release.key == "the secret"
    lake = open_lake(settings, create=True)
    lake.objects.put("lease/000000001.json", b"{}")
    given = {stage.name: Receipt(night=night, stage=stage.name, run_id="r") for stage in STAGES if stage.name != name}
    begin = Receipt(night=night, stage=BEGIN, run_id="r")
    lake.receipts.commit(begin, datetime.now(UTC))
    opened = NightRun(settings, lake, Fence(lake.objects, 1), begin, "r", given)
    monkeypatch.setattr(runner.sys, "executable", str(stand_in))
    with pytest.raises(StageFailedError, match="without an answer"):
        run_stage(BY_NAME[name], opened, runner.logging.getLogger("tests"))
    seen = json.loads(told.read_text())
    assert "AUTODETECT_RELEASE__KEY" not in seen["variables"]
    assert seen["request"]["settings"]["release"]["key"] == ("the secret" if name == "publish" else "")
    assert ("the secret" in told.read_text()) == (name == "publish")


def test_the_private_prefect_server_is_not_given_the_signing_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    told, stand_in = tmp_path / "told.json", tmp_path / "python"
    stand_in.write_text(TELLING.format(python=sys.executable, told=str(told)).replace("json.load(sys.stdin)", "None"))
    stand_in.chmod(0o755)
    monkeypatch.setenv("AUTODETECT_RELEASE__KEY", "the secret")
    monkeypatch.setattr(runner.sys, "executable", str(stand_in))
    with (
        temporary_settings(restore_defaults={PREFECT_API_URL}),
        pytest.raises(StageFailedError, match="did not start"),
        prefect_api(),
    ):
        pass
    assert "PREFECT_UI_ENABLED" in told.read_text()
    assert "the secret" not in told.read_text()
