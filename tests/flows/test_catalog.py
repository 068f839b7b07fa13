"""`autodetect catalog review`: what is open, answers, and a file that is wrong stops a night before it begins."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from autodetect.errors import UsageError
from autodetect.lake.lake import open_lake
from autodetect.settings import Settings
from flows.cli.app import app
from flows.open_night import preflight


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTODETECT_SETTINGS_FILE", raising=False)


def test_answers_are_written_and_told_without_a_lake() -> None:
    said = CliRunner().invoke(
        app,
        ["catalog", "review", "--answer", "Chevy / Silvrado=Chevrolet / Silverado 1500", "--answer", "Ford / a=b=none"],
    )
    assert said.exit_code == 0, said.output
    assert "Chevy / Silvrado -> chevrolet/silverado-1500" in said.output
    assert "Ford / a=b -> none" in said.output
    assert '"Chevy / Silvrado" = "Chevrolet / Silverado 1500"' in Path("catalog.toml").read_text("utf-8")


def test_an_empty_lake_has_nothing_to_review(tmp_path: Path) -> None:
    open_lake(Settings(lake=str(tmp_path / "lake")), create=True)
    review = ["catalog", "review", "--lake", str(tmp_path / "lake")]
    assert "nothing is waiting" in CliRunner().invoke(app, review).output
    assert CliRunner().invoke(app, [*review, "--json"]).output.strip() == "[]"


@pytest.mark.parametrize("answer", ["Ford / Ka", "Ford / Ka=Fiesta", "=none"])
def test_what_is_no_answer_is_refused_and_nothing_written(answer: str) -> None:
    said = CliRunner().invoke(app, ["catalog", "review", "--answer", answer])
    assert isinstance(said.exception, UsageError)
    assert not Path("catalog.toml").exists()


def test_a_wrong_file_stops_a_night_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("catalog.toml").write_text('[answers]\n"Ford / Ka" = "Fiesta"\n')
    with pytest.raises(UsageError, match=r"catalog\.toml, line 2"):
        preflight(None)
