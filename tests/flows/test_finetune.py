"""The fine-tune, run as a person runs it: through the program, beside the nights, killed and run again."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from autodetect.embeddings.pin import read_next, read_pin
from autodetect.lake.lake import open_lake
from autodetect.lake.nights import resolve_night, superseded
from autodetect.settings import Settings
from tests.flows.program import NIGHTS, Ended, Program

pytestmark = [pytest.mark.night, pytest.mark.timeout(900)]
SMALL = {
    "AUTODETECT_BACKBONE__ARCHITECTURE": "tiny",
    "AUTODETECT_CLASSIFIER__EPOCHS": "5",
    "AUTODETECT_FINETUNE__BATCH_SIZE": "8",
    "AUTODETECT_FINETUNE__CHECKPOINT_EVERY": "5",
}
WHOLE = ("finetune", "--steps", "20", "--from-layer", "")


@pytest.fixture(scope="module")
def night(first_night: Program, lasting_api: str) -> Program:
    """The program after one night, with the settings of these tests."""
    return replace(first_night, api=lasting_api, variables=SMALL)


@pytest.fixture(scope="module")
def undisturbed(night: Program, tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Ended]:
    """An undisturbed fine-tune after that night."""
    program = night.copied_to(tmp_path_factory.mktemp("undisturbed"))
    ended = program.run(*WHOLE, "--json")
    assert ended.code == 0, ended.err[-3000:]
    return program, ended


def test_it_proposes_the_next_backbone_and_leaves_the_nights_alone(undisturbed: tuple[Program, Ended]) -> None:
    program, ended = undisturbed
    told = ended.json()
    facts = told["receipt"]["facts"]
    assert (told["verdict"], told["receipt"]["kind"], facts["batch_norm"]) == ("proposed", "finetune", "training")
    assert [entry["step"] for entry in facts["curve"]] == [5, 10, 15, 20]
    assert "step 10 of 20" in ended.err
    assert " left" in ended.err

    settings = Settings(lake=str(program.folder / "var/lake"))
    lake = open_lake(settings)
    proposed, pin = read_next(lake.objects), read_pin(lake.objects)
    assert proposed is not None
    assert pin is not None
    assert proposed.digest == facts["backbone"]["digest"] != pin.digest
    assert proposed.parent == facts["parent"] == pin.digest
    book, tonight = lake.receipts, date.fromisoformat(NIGHTS[0])
    assert book.unfinished_night() is None
    assert list(book.finished_nights()) == [tonight]
    assert {receipt.kind for receipt in book.before(date(2026, 11, 2)).values()} == {"nightly"}
    assert "is done (published)" in superseded(book, tonight)
    assert resolve_night(book, settings, None, datetime(2026, 11, 20, tzinfo=UTC)) == date(2026, 11, 2)
    assert program.run("lake", "check").code == 0

    work = program.folder / "var/work"
    assert list(work.rglob("events.out.tfevents.*"))
    assert not [path for path in work.rglob("*") if path.suffix in {".u8", ".npz"}]


def test_the_same_photos_and_settings_again_are_skipped(undisturbed: tuple[Program, Ended]) -> None:
    program, _ = undisturbed
    again = program.run(*WHOLE, "--json")
    assert again.code == 0, again.err
    assert again.json()["verdict"] == "skipped"
    assert "nothing has changed" in again.json()["reason"]


def test_killed_in_the_middle_of_training_and_run_again_it_makes_the_same_file(
    undisturbed: tuple[Program, Ended], night: Program, tmp_path: Path
) -> None:
    program = night.copied_to(tmp_path)
    program.signal_when(lambda line: "fine-tune: step 10 of 20" in line, *WHOLE)
    assert "is unfinished; `autodetect finetune` goes on with it" in program.run("doctor").out
    resumed = program.run(*WHOLE, "--json")
    assert resumed.code == 0, resumed.err[-3000:]
    assert "going on where it stopped" in resumed.err
    ours, theirs = resumed.json()["receipt"], undisturbed[1].json()["receipt"]
    assert ours["run"]["times_resumed"] == 1
    assert (ours["files"], ours["facts"]) == (theirs["files"], theirs["facts"])
    assert ours["inputs"]["train"] == theirs["inputs"]["train"]


def test_what_cannot_run_is_told_in_words_before_anything_starts(night: Program, tmp_path: Path) -> None:
    program = night.copied_to(tmp_path)
    part = program.run("finetune", "--from-layer", "conv2")
    assert part.code == 2
    assert 'train it whole, with --from-layer ""' in part.err
    empty = replace(night, folder=tmp_path / "empty")
    empty.folder.mkdir()
    assert "there is no lake" in empty.run("finetune").err
    for ended in (part, empty.run("finetune")):
        assert ended.code == 2
        assert "Beginning flow run" not in ended.err
