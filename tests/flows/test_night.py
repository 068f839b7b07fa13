"""Whole nights with the real backbone, run as a person runs them: in processes, on the sandbox over HTTP."""

import json
import shutil
from pathlib import Path

import pytest

from autodetect.release.keys import read_key, write_public
from autodetect.settings import Settings
from tests.flows.program import NIGHTS, Ended, Program

pytestmark = [pytest.mark.night, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, marketplace: Path, prefect_home: Path
) -> tuple[Program, Ended]:
    """An undisturbed night with InceptionV3: the program, and what it said."""
    program = Program(tmp_path_factory.mktemp("undisturbed"), marketplace, prefect_home, architecture="InceptionV3")
    said = program.run("nightly", "--night", NIGHTS[0], "--json")
    assert said.code == 0, said.err[-3000:]
    return program, said


def test_first_night_publishes_a_whole_release(undisturbed: tuple[Program, Ended]) -> None:
    program, said = undisturbed
    summary = said.json()
    assert summary["verdict"] == "published"
    assert any("RANDOM weights" in warning for warning in summary["warnings"])
    first = program.run("release", "list", "--json").json()[0]
    assert first["sequence"] == 1
    assert first["release_id"] == summary["release_id"]
    verified = program.run("release", "verify", first["release_id"])
    assert verified.code == 0, verified.err
    manifest = program.run("release", "show", first["release_id"], "--json").json()
    assert set(manifest["objects"]) == {
        "AutoDetect-palette6.mlpackage.zip",
        "AutoDetect.mlpackage.zip",
        "autodetect.sqlite",
        "backbone.json",
        "backbone.keras",
        "card.md",
        "champion.keras",
        "classes.json",
        "history.schema.json",
        "manifest.schema.json",
        "metrics.json",
        "model.json",
        "offers.parquet",
        "prices.parquet",
    }
    assert "RANDOM" in manifest["backbone"]["note"]
    assert manifest["parity"] == "interpreted (Linux)"
    assert [package["name"] for package in manifest["packages"]] == ["fp16", "palette6"]
    assert [package["recommended"] for package in manifest["packages"]].count(True) == 1


def test_report_and_data_docs_are_written(undisturbed: tuple[Program, Ended]) -> None:
    program, _ = undisturbed
    told = program.run("report", "--night", NIGHTS[0], "--json").json()
    page = program.folder / told["report"]
    assert "2026" in page.read_text("utf-8")
    assert (page.parent / "data_docs" / "index.html").is_file()


def test_identify_answers_from_the_store_alone(
    undisturbed: tuple[Program, Ended], tmp_path: Path, marketplace: Path
) -> None:
    program, _ = undisturbed
    trusted = tmp_path / "trusted.pub.json"
    write_public(trusted, read_key(program.folder / "var/keys/signing.json").public)
    variables = {"AUTODETECT_RELEASE__TRUSTED_KEY": str(trusted)}
    client = Program(tmp_path, marketplace, program.prefect_home, variables)
    photo = max((marketplace / "photos").iterdir(), key=lambda path: (path.stat().st_size, path.name))
    told = client.run("identify", str(photo), "--store", str(program.folder / "var/store"), "--json")
    assert told.code == 0, told.err
    guesses = told.json()[0]["guesses"]
    assert [guess["probability"] for guess in guesses] == sorted((g["probability"] for g in guesses), reverse=True)
    assert 1 <= len(guesses) <= 3
    assert guesses[0]["price"]["median"] > 0
    assert guesses[0]["offers"]["count"] > 0
    assert not (tmp_path / "var/lake").exists()


def test_stages_run_alone_begin_the_night_and_are_not_done_twice(served: Program) -> None:
    too_early = served.run("curate", "--night", NIGHTS[0])
    assert too_early.code == 2
    assert "run `autodetect crawl`" in too_early.err
    crawled = served.run("crawl", "--night", NIGHTS[0], "--json")
    assert crawled.code == 0, crawled.err
    again = served.run("crawl", "--json")
    assert again.json()["counts"] == crawled.json()["counts"]
    assert again.json()["run"] == crawled.json()["run"], "the second crawl of one night must do nothing"


def test_night_with_too_few_listings_is_held_and_publishes_nothing(served: Program, tmp_path: Path) -> None:
    small = tmp_path / "small"
    shutil.copytree(served.marketplace, small)
    lines = (small / "listings.csv").read_text("utf-8").splitlines()
    (small / "listings.csv").write_text("\n".join(lines[:6]) + "\n", "utf-8")
    held = served.run("nightly", "--night", NIGHTS[0], "--marketplace", str(small), "--json")
    assert held.code == 3, held.err[-2000:]
    assert held.json()["verdict"] == "held"
    assert "no class has enough vehicles" in held.json()["reason"]
    assert not (served.folder / "var/store/history").exists()
    assert Path(served.folder / held.json()["report"]).is_file()


def test_settings_of_the_tests_exist() -> None:
    names = [name for name in Program(Path(), Path(), Path()).environment if name.startswith("AUTODETECT_")]
    for name in names:
        section, _, setting = name.removeprefix("AUTODETECT_").lower().partition("__")
        value = Settings().model_dump()[section]
        assert not setting or setting in value, json.dumps(name)
