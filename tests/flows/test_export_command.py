"""`autodetect export --verify` and `--challenger`, as a person runs them."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autodetect.coreml.package import inspect, zip_package
from tests.coreml.parity.files import Files
from tests.coreml.parity.models import LABELS
from tests.coreml.verification.lakes import NightLake, night_lake
from tests.flows.program import Program


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> NightLake:
    return night_lake(tmp_path_factory.mktemp("night"))


@pytest.fixture
def program(night: NightLake, tmp_path: Path) -> Program:
    """The program in an empty folder; the lake of the night is named by the tests."""
    return Program(tmp_path, tmp_path, tmp_path, {"AUTODETECT_COREML__PARITY_PHOTOS": "12"})


def test_a_sound_archive_is_verified_against_its_lake(program: Program, night: NightLake) -> None:
    zip_package(night.package, program.folder / "AutoDetect.mlpackage.zip")
    before = sorted((path, path.stat().st_mtime_ns) for path in Path(night.settings.lake).rglob("*"))
    found = program.run("export", "--verify", "AutoDetect.mlpackage.zip", "--lake", night.settings.lake, "--json")
    assert found.code == 0, found.err
    told = found.json()
    assert told["faults"] == []
    assert told["parity"]["passed"] is True
    assert told["parity"]["how"] in {"interpreted (Linux)", "native"}
    assert (told["pictures"], told["photos"]) == (12, 5)
    assert sorted((path, path.stat().st_mtime_ns) for path in Path(night.settings.lake).rglob("*")) == before
    assert not list(program.folder.glob("var/**/*"))


def test_a_damaged_package_ends_in_1_and_names_the_layer(program: Program, night: NightLake) -> None:
    package = shutil.copytree(night.package, program.folder / "bad.mlpackage")
    files = Files(package)
    files.halves(files.kernel(1))[7] += np.float16(0.5)
    files.save()
    found = program.run("export", "--verify", "bad.mlpackage", "--lake", night.settings.lake)
    assert found.code == 1
    assert "bad.mlpackage: NOT sound" in found.out
    assert "conv1, the batch norm norm1 folded in: 1 of 12,800 values" in found.err
    assert "Traceback" not in found.err


def test_without_a_lake_a_package_is_shown_and_said_not_to_be_compared(program: Program, night: NightLake) -> None:
    found = program.run("export", "--verify", str(night.package))
    assert found.code == 0, found.err
    for words in (
        "AutoDetect.mlpackage: no fault found, not proven",
        f"labels      {len(LABELS)}: Make Model 0",
        "all known",
        "16 generated pictures",
        "not shown: there is no",
    ):
        assert words in found.out
    assert not (program.folder / "var").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--verify", "nothing.mlpackage"], "there is no package at nothing.mlpackage"),
        (["--verify", "photo.jpg"], "photo.jpg is no Core ML package"),
        (["--verify", "x", "--night", "2026-11-01"], "--verify and --night do not go together"),
        (["--verify", "x", "--challenger", "--to", "y"], "--verify and --challenger do not go together"),
        (["--photos", "x"], "--photos belongs to --verify"),
        (["--challenger"], "--challenger and --to DIR go together"),
        (["--to", "x"], "--challenger and --to DIR go together"),
    ],
)
def test_wrong_usage_ends_in_2(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from flows.cli import main

    (tmp_path / "photo.jpg").write_bytes(b"no package")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["autodetect", "export", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_the_challenger_of_the_last_night_is_written(program: Program, night: NightLake) -> None:
    receipts = [receipt.digest for receipt in night.lake.receipts.all()]
    found = program.run("export", "--challenger", "--to", "try", "--lake", night.settings.lake, "--json")
    assert found.code == 0, found.err
    package = program.folder / found.json()["package"]
    assert inspect(package).labels == LABELS
    assert [receipt.digest for receipt in night.lake.receipts.all()] == receipts


def test_help_teaches_and_loads_nothing_heavy(program: Program) -> None:
    script = program.folder / "shown.py"
    script.write_text(
        "import sys\nfrom flows.cli import main\nsys.argv = ['autodetect', 'export', '--help']\n"
        "try:\n    main()\nfinally:\n"
        "    heavy = {'tensorflow', 'keras', 'coremltools', 'openvino', 'prefect'}\n"
        "    print('LOADED', heavy & set(sys.modules))\n"
    )
    environment = {**program.environment, "PYTHONPATH": str(Path(__file__).parents[2])}
    shown = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, env=environment, check=False
    ).stdout
    assert "LOADED set()" in shown
    for words in ("--verify", "--challenger", "exit code is 0 for a sound package", "Examples:"):
        assert words in shown
