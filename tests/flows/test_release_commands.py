"""What `autodetect release list`, `show`, `verify` and `diff` say of a store with a history."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore
from autodetect.release.keys import write_key, write_public
from autodetect.release.layout import history_key, manifest_key, object_key, signatures_key
from autodetect.release.pins import pin
from autodetect.release.publish import publish
from autodetect.release.rotation import rotate
from autodetect.release.signing import PrivateKey
from tests.flows.program import Program
from tests.release.sample import CONTENT, KEY, NOW, commit, facts, files, publish_night

SECOND = PrivateKey(bytes(32), "demo")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A folder with a store: two releases, a rotation, a rollback to the first, which is pinned; and their ids."""
    folder = tmp_path_factory.mktemp("history")
    store = LocalStore(folder / "var" / "store")
    first = publish_night(store, folder, 1).release_id
    told = {"metrics": {"top1": 0.75}, "champion_metrics": {"top1": 0.5}, "licences": ("own photos",), "warnings": ()}
    content = CONTENT | {"card.md": b"# Second\n"}
    second = publish(store, files(folder / "2", content), facts(night=date(2026, 3, 2), **told), NOW, key=KEY)
    rotate(store, KEY, SECOND, NOW, by="A. Smith", reason="yearly")
    valid_for = timedelta(days=20_000)
    commit(store, first, "rollback", NOW, key=SECOND, valid_for=valid_for, by="B. Jones", reason="it names Fords Audis")
    pin(store, first, NOW, by="C. Wu", reason="the fair")
    write_public(folder / "trusted.json", KEY.public)
    return folder, first, second.release_id


@pytest.fixture
def program(made: tuple[Path, str, str], tmp_path: Path) -> Iterator[Program]:
    """The program beside a copy of that store."""
    shutil.copytree(made[0], tmp_path, dirs_exist_ok=True)
    yield Program(tmp_path, tmp_path / "no-marketplace", tmp_path / "prefect")
    shutil.rmtree(tmp_path / "var")


def test_the_history_is_listed_with_who_did_what_and_why(program: Program, made: tuple[Path, str, str]) -> None:
    _, first, second = made
    rows = program.run("release", "list", "--json").json()
    assert [(row["sequence"], row["action"], row["release_id"]) for row in rows] == [
        (1, "publish", first),
        (2, "publish", second),
        (3, "rotate", second),
        (4, "rollback", first),
    ]
    assert [row["signed_by"] for row in rows[1:]] == [
        [KEY.public.key_id],
        [KEY.public.key_id, SECOND.public.key_id],
        [SECOND.public.key_id],
    ]
    assert [row["pinned"] for row in rows] == [True, False, False, True]
    assert [row["expired"] for row in rows] == [True, True, True, False]
    lines = program.run("release", "list").out.splitlines()
    assert lines[0].split() == ["no.", "release", "action", "night", "verdict", "expires", "signed", "by"]
    assert lines[4].endswith("pinned, by B. Jones: it names Fords Audis")
    assert len({line.index("2026-03-0") for line in lines[1:]}) == 1


def test_a_release_is_shown_with_its_entries_its_pin_and_the_model_it_displaced(
    program: Program, made: tuple[Path, str, str]
) -> None:
    _, first, second = made
    told = program.run("release", "show", second[:9], "--json").json()
    assert (told["release_id"], told["pin"], told["schema_version"]) == (second, None, 3)
    assert [row["action"] for row in told["entries"]] == ["publish", "rotate"]
    lines = program.run("release", "show", second[:9]).out.splitlines()
    values = {line.split("  ")[0]: line for line in lines}
    assert values["licence"].endswith("  own photos")
    assert "metrics              top1      0.7500          0.5000" in lines
    newest = program.run("release", "show").out
    assert first in newest
    assert "by C. Wu: the fair" in newest
    assert "rollback, expires 2080-" in newest
    assert "random weights: für Tests" in newest


def test_a_damaged_release_does_not_hide_the_others(program: Program, made: tuple[Path, str, str]) -> None:
    second = made[2]
    LocalStore(program.folder / "var" / "store").delete(manifest_key(second))
    listed = program.run("release", "list")
    assert listed.code == 0, listed.err
    lines = listed.out.splitlines()
    assert [second[:16] in line and "damaged" in line for line in lines[1:]] == [False, True, True, False]
    shown = program.run("release", "show", second[:9])
    assert (shown.code, "whose manifest is missing" in shown.err) == (1, True)


def test_a_sound_store_verifies_with_and_without_a_key(program: Program) -> None:
    judged = program.run("release", "verify", "--all", "--trusted", "trusted.json")
    assert judged.code == 0, judged.out
    assert f"with 2 releases: whole, signed by {KEY.public.key_id} or a key that it handed on to" in judged.out
    unjudged = program.run("release", "verify", "--json")
    assert (unjudged.code, unjudged.json()["problems"]) == (0, [])
    assert "not judged" in unjudged.json()["notes"][0]


def test_the_signing_key_at_hand_is_trusted_and_a_named_one_must_be_there(program: Program) -> None:
    write_key(program.folder / "var" / "keys" / "signing.json", SECOND)
    said = program.run("release", "verify", "--json").json()
    assert said["trusted_key"] == SECOND.public.key_id
    assert said["notes"] == ["entries 1 to 2 were signed before the trusted key came in: not judged"]
    missing = program.run("release", "verify", "--trusted", "nowhere.json")
    assert missing.code == 2
    assert "nowhere.json" in missing.err


def test_problems_are_told_one_by_one_and_exit_1(program: Program, made: tuple[Path, str, str]) -> None:
    store = LocalStore(program.folder / "var" / "store")
    model = object_key(sha256_bytes(CONTENT["AutoDetect.mlpackage.zip"]))
    store.put(model, b"!" + CONTENT["AutoDetect.mlpackage.zip"][1:])
    store.delete(signatures_key(made[1]))
    said = program.run("release", "verify", "--trusted", "trusted.json")
    assert said.code == 1
    assert said.err == ""
    assert f"!!  {signatures_key(made[1])}: missing: the manifest is not signed" in said.out
    assert f"!!  {model}: 'AutoDetect.mlpackage.zip' is damaged" in said.out
    assert said.out.endswith(": 2 problems\n")


def test_a_damaged_history_is_told_entry_by_entry(program: Program) -> None:
    store = LocalStore(program.folder / "var" / "store")
    store.put(history_key(2), b"{}")
    said = program.run("release", "verify", "--trusted", "trusted.json")
    assert (said.code, said.err) == (1, "")
    assert f"!!  {history_key(2)}: " in said.out
    assert "is no sound HistoryEntry" in said.out


def test_releases_are_compared_by_default_the_one_in_force_with_the_one_before(
    program: Program, made: tuple[Path, str, str]
) -> None:
    _, first, second = made
    told = program.run("release", "diff", "--json").json()
    assert (told["before"]["release_id"], told["after"]["release_id"]) == (second, first)
    assert told["metrics"][1] == {"name": "top1", "before": 0.75, "after": 0.5, "difference": -0.25}
    named = program.run("release", "diff", first[:8], second[:8])
    assert "  top1  0.5000  0.7500     +0.2500" in named.out.splitlines()
    LocalStore(program.folder / "var" / "store").delete(manifest_key(second))
    gone = program.run("release", "diff")
    assert gone.code == 2
    assert "it was collected, or never was there" in gone.err
