"""Whole nights, run as a person runs them: through the program, in processes, on the sandbox over HTTP."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from autodetect.settings import Settings
from tests.flows.program import Ended, Program

pytestmark = [pytest.mark.night, pytest.mark.timeout(900)]
NIGHTS = ("2026-11-01", "2026-11-02")


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, marketplace: Path, prefect_home: Path
) -> tuple[Program, list[Ended], list[dict[str, str]]]:
    """Two undisturbed nights: the program, what each said, and the lake's digests after each."""
    program = Program(tmp_path_factory.mktemp("undisturbed"), marketplace, prefect_home, architecture="InceptionV3")
    said, digests = [], []
    for night in NIGHTS:
        said.append(program.run("nightly", "--night", night, "--json"))
        assert said[-1].code == 0, said[-1].err[-3000:]
        digests.append(program.digests())
    return program, said, digests


def test_first_night_publishes_a_whole_release(undisturbed: tuple[Program, list[Ended], list[dict[str, str]]]) -> None:
    program, said, _ = undisturbed
    summary = said[0].json()
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
        "metrics.json",
        "model.json",
        "offers.parquet",
        "prices.parquet",
    }
    assert "RANDOM" in manifest["backbone"]["note"]
    assert manifest["parity"] == "interpreted (Linux)"
    assert [package["name"] for package in manifest["packages"]] == ["fp16", "palette6"]
    assert [package["recommended"] for package in manifest["packages"]].count(True) == 1


def test_second_night_learns_only_what_is_new(undisturbed: tuple[Program, list[Ended], list[dict[str, str]]]) -> None:
    _, said, _ = undisturbed
    first, second = (night.json()["figures"] for night in said)
    assert second["crawl"]["counts"]["listings_new"] > 0
    assert second["crawl"]["counts"]["listings_new"] < first["crawl"]["counts"]["listings_new"]
    assert second["crawl"]["counts"]["sales_new"] == 0
    assert second["curate"]["counts"]["photos_new"] < first["curate"]["counts"]["photos_new"]
    assert second["curate"]["counts"]["listings_missing"] > 0
    assert second["curate"]["counts"]["listings_ended"] == 0  # a listing must have been missing for two nights
    assert second["curate"]["counts"]["embeddings_new"] <= second["curate"]["counts"]["photos_new"]


def test_report_and_data_docs_are_written(undisturbed: tuple[Program, list[Ended], list[dict[str, str]]]) -> None:
    program, _, _ = undisturbed
    told = program.run("report", "--night", NIGHTS[0], "--json").json()
    page = program.folder / told["report"]
    assert "2026" in page.read_text("utf-8")
    assert (page.parent / "data_docs" / "index.html").is_file()


def test_same_night_again_has_nothing_to_do(undisturbed: tuple[Program, list[Ended], list[dict[str, str]]]) -> None:
    program, _, digests = undisturbed
    again = program.run("nightly", "--night", NIGHTS[1], "--json")
    assert again.code == 0
    assert again.json()["verdict"] == "skipped"
    earlier = program.run("nightly", "--night", NIGHTS[0], "--json")
    assert earlier.json()["verdict"] == "skipped"
    assert program.digests() == digests[1]


def test_identify_answers_from_the_store_alone(
    undisturbed: tuple[Program, list[Ended], list[dict[str, str]]], tmp_path: Path, marketplace: Path
) -> None:
    program, _, _ = undisturbed
    client = Program(tmp_path, marketplace, program.prefect_home)
    photo = max((marketplace / "photos").iterdir(), key=lambda path: (path.stat().st_size, path.name))
    told = client.run("identify", str(photo), "--store", str(program.folder / "var/store"), "--json")
    assert told.code == 0, told.err
    guesses = told.json()[0]["guesses"]
    assert [guess["probability"] for guess in guesses] == sorted((g["probability"] for g in guesses), reverse=True)
    assert 1 <= len(guesses) <= 3
    assert guesses[0]["price"]["median"] > 0
    assert guesses[0]["offers"]["count"] > 0
    assert not (tmp_path / "var/lake").exists()


def test_killed_in_every_stage_and_run_again_ends_the_same(
    undisturbed: tuple[Program, list[Ended], list[dict[str, str]]], program: Program
) -> None:
    reference, _, digests = undisturbed
    program.architecture = reference.architecture
    moments = {
        "crawl": lambda line: "Beginning subflow run 'crawl-" in line,
        "curate": lambda line: " embedded" in line,
        "train": lambda line: "train: dense head, epoch 5" in line,
        "gate": lambda line: "train: the gate is asked" in line,
        "export": lambda line: "export: converting" in line,
        "publish": lambda line: "Beginning subflow run 'publish-" in line,
    }
    for moment in moments.values():
        program.signal_when(moment, "nightly", "--night", NIGHTS[0])
    resumed = program.run("nightly", "--json")
    assert resumed.code == 0, resumed.err[-3000:]
    assert resumed.json()["verdict"] == "published"
    assert resumed.json()["night"] == NIGHTS[0]
    assert program.digests() == digests[0]
    first = reference.run("release", "list", "--json").json()[0]
    assert program.release_id() == first["release_id"]
    assert len(program.run("release", "list", "--json").json()) == 1


def test_a_stage_that_dies_fails_the_night_and_the_next_run_goes_on(program: Program) -> None:
    child = program.start("nightly", "--night", NIGHTS[0])
    assert child.stderr is not None
    for line in child.stderr:
        if " embedded" in line:
            for stage in _children_of(child.pid, "flows.child"):
                os.kill(stage, signal.SIGKILL)
            break
    _, err = child.communicate(timeout=120)
    assert child.returncode == 1
    assert "curate ended without an answer (SIGKILL)" in err
    assert "Traceback" not in err
    assert program.run("curate").code == 0


def test_a_deadline_ends_a_native_call(program: Program) -> None:
    program.architecture = "InceptionV3"
    program.variables = {"AUTODETECT_DEADLINES__CURATE": "6", "AUTODETECT_DEADLINES__GRACE": "1"}
    ended = program.run("nightly", "--night", NIGHTS[0])
    assert ended.code == 1
    assert "curate ran past its deadline of 6 s" in ended.err


def test_stages_run_alone_make_the_same_night(
    undisturbed: tuple[Program, list[Ended], list[dict[str, str]]], program: Program
) -> None:
    reference, _, _ = undisturbed
    too_early = program.run("curate", "--night", NIGHTS[0])
    assert too_early.code == 2
    assert "run `autodetect crawl`" in too_early.err
    crawled = program.run("crawl", "--night", NIGHTS[0], "--json")
    assert crawled.code == 0, crawled.err
    again = program.run("crawl", "--json")
    assert again.json()["counts"] == crawled.json()["counts"]
    assert again.json()["run"] == crawled.json()["run"], "the second crawl of one night must do nothing"
    assert reference.run("nightly", "--night", NIGHTS[0], "--json").json()["verdict"] == "skipped"


def test_two_runs_at_once_one_is_refused(program: Program) -> None:
    first = program.start("nightly", "--night", NIGHTS[0])
    assert first.stderr is not None
    for line in first.stderr:
        if "Beginning subflow run 'crawl-" in line:
            break
    second = program.run("crawl", "--night", NIGHTS[0])
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert second.code == 5
    assert "holds the lease" in second.err


def test_interrupted_night_says_so_and_leaves_no_process(program: Program) -> None:
    ended = program.signal_when(lambda line: " embedded" in line, "nightly", "--night", NIGHTS[0], number=signal.SIGINT)
    assert ended.code == 130
    assert "interrupted; the next run goes on from here" in ended.err
    assert _children_of(None, "flows.child", str(program.folder)) == []


def test_night_with_too_few_listings_is_held_and_publishes_nothing(program: Program, tmp_path: Path) -> None:
    small = tmp_path / "small"
    shutil.copytree(program.marketplace, small)
    lines = (small / "listings.csv").read_text("utf-8").splitlines()
    (small / "listings.csv").write_text("\n".join(lines[:6]) + "\n", "utf-8")
    held = program.run("nightly", "--night", NIGHTS[0], "--marketplace", str(small), "--json")
    assert held.code == 3, held.err[-2000:]
    assert held.json()["verdict"] == "held"
    assert "no class has enough vehicles" in held.json()["reason"]
    assert not (program.folder / "var/store/history").exists()
    assert Path(program.folder / held.json()["report"]).is_file()


def test_settings_of_the_tests_exist() -> None:
    names = [name for name in Program(Path(), Path(), Path()).environment if name.startswith("AUTODETECT_")]
    for name in names:
        section, _, setting = name.removeprefix("AUTODETECT_").lower().partition("__")
        value = Settings().model_dump()[section]
        assert not setting or setting in value, json.dumps(name)


def _children_of(parent: int | None, *words: str) -> list[int]:
    """Return processes whose command line or environment holds all words; of `parent` where it is given."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
            place = str((folder / "cwd").readlink())
            status = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        mine = parent is None or int(status[1]) == parent
        if status[0] != "Z" and mine and all(word in command + place for word in words):
            found.append(int(folder.name))
    return found
