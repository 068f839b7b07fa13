"""`autodetect release rollback`, `promote`, `gc`, `pin`, `unpin`, as a person runs them."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autodetect.errors import UsageError
from autodetect.lake.objects import LocalStore
from autodetect.release.history import entries, newest
from autodetect.release.keys import write_key, write_public
from autodetect.release.layout import LATEST, manifest_key
from autodetect.release.publish import publish
from autodetect.release.signing import PrivateKey
from autodetect.release.under_way import announced
from flows.cli.app import app
from tests.flows.program import Program
from tests.release.sample import CONTENT, KEY, facts, files

SAID = ("--by", "A. Smith", "--reason", "prices of trucks are off")
NOW = datetime.now(UTC)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program beside a store `s` with nights 1 to 3, of channel candidate."""
    write_key(tmp_path / "key.json", KEY)
    write_key(tmp_path / "owner.json", PrivateKey(bytes([3] * 32), "release"))
    variables = {"AUTODETECT_RELEASE__KEY_FILE": "key.json", "AUTODETECT_CHANNEL": "candidate"}
    made = Program(tmp_path, tmp_path, tmp_path / "prefect", variables | {"AUTODETECT_STORE": "s"})
    for night in (1, 2, 3):
        content = CONTENT | {"card.md": b"# %d" % night}
        told = facts(channel="candidate", night=date(2026, 3, night))
        publish(LocalStore(tmp_path / "s"), files(tmp_path / "made", content), told, NOW, key=KEY)
    return made


@pytest.fixture
def store(program: Program) -> LocalStore:
    return LocalStore(program.folder / "s")


def test_roll_back_by_dry_run_and_for_good(program: Program, store: LocalStore) -> None:
    ids = [entry.release_id for entry in entries(store)]
    dry = program.run("release", "rollback", *SAID, "--dry-run")
    assert (dry.code, len(entries(store))) == (0, 3), dry.err
    assert f"release {ids[1][:16]} of 2026-03-02 is whole, and would take the place of {ids[2][:16]}" in dry.out
    done = program.run("release", "rollback", ids[0][:8], *SAID)
    assert done.code == 0, done.err
    assert f"release {ids[0][:16]} is in force again, number 4" in done.out
    assert "the next good night publishes on top of it" in done.out
    entry = newest(store)
    assert entry is not None
    assert (entry.action, entry.by, entry.reason) == ("rollback", "A. Smith", "prices of trucks are off")
    blank = program.run("release", "rollback", "--by", " ", "--reason", "x")
    assert (blank.code, "is empty" in blank.err) == (2, True)
    assert len(entries(store)) == 4


def test_no_key_is_made_for_a_store_that_has_releases(program: Program, store: LocalStore) -> None:
    write_public(program.folder / "trusted.json", KEY.public)
    program.variables |= {
        "AUTODETECT_CHANNEL": "demo",
        "AUTODETECT_RELEASE__KEY_FILE": "nowhere.json",
        "AUTODETECT_RELEASE__TRUSTED_KEY": "trusted.json",
    }
    first = entries(store)[0].release_id
    for command in (("rollback", "--dry-run"), ("rollback",), ("promote", first, "--to", "shop")):
        ended = program.run("release", *command, *SAID)
        assert (ended.code, "nowhere.json cannot be read" in ended.err) == (2, True), ended.err
    assert not (program.folder / "nowhere.json").exists()
    assert len(entries(store)) == 3


def test_pinned_releases_survive_garbage_collection_which_says_what_goes_first(
    program: Program, store: LocalStore
) -> None:
    ids = [entry.release_id for entry in entries(store)]
    assert program.run("release", "pin", ids[0][:8], *SAID).code == 0
    before = list(store.list())
    dry = program.run("release", "gc", "--keep", "1", "--json").json()
    assert list(store.list()) == before
    assert (dry["releases"], set(dry["kept"])) == ([ids[1]], {ids[0], ids[2]})
    assert dry["bytes"] == sum(dry["files"].values()) > 0
    assert manifest_key(ids[1]) in dry["files"]
    with announced(store, NOW):
        held = program.run("release", "gc", "--keep", "1", "--yes")
        assert (held.code, "somebody publishes" in held.err) == (4, True)
        assert set(before) < set(store.list())
    done = program.run("release", "gc", "--keep", "1", "--yes")
    assert done.code == 0, done.err
    assert f"1 releases, {len(dry['files'])} files, {dry['bytes']:,} bytes went; 2 stay" in done.out
    assert not set(dry["files"]) & set(store.list())
    gone = program.run("release", "pin", ids[1], *SAID)
    assert (gone.code, "was collected" in gone.err) == (2, True)
    shown = program.run("release", "show", ids[1])
    assert (shown.code, "it was collected" in shown.err) == (2, True)
    assert program.run("release", "unpin", ids[0], "--json").json()["was_pinned"]
    assert program.run("release", "gc", "--keep", "1", "--json").json()["releases"] == [ids[0]]


def test_nothing_is_tidied_where_nothing_was_published(program: Program) -> None:
    done = program.run("release", "gc", "--yes", "--store", str(program.folder / "typo"))
    assert done.code == 2
    assert "holds no release" in done.err
    assert not (program.folder / "typo").exists()


def test_promote_a_release_to_another_store(program: Program, store: LocalStore) -> None:
    ids = [entry.release_id for entry in entries(store)]
    command = ("release", "promote", ids[1][:8], "--to", "shop", *SAID, "--key-file", "owner.json")
    dry = program.run(*command, "--dry-run")
    assert (dry.code, "would be published" in dry.out, (program.folder / "shop").exists()) == (0, True, False), dry.err
    done = program.run(*command, "--json")
    assert done.code == 0, done.err
    told, entry = done.json(), newest(LocalStore(program.folder / "shop"))
    assert entry is not None
    assert (told["from"], told["release_id"], told["channel"]) == (ids[1], entry.release_id, "production")
    assert LocalStore(program.folder / "shop").exists(LATEST)
    assert list((program.folder / "var" / "work").glob("promote-*")) == []
    for dry_run in ([], ["--dry-run"]):
        demo = program.run("release", "promote", ids[1], "--to", "elsewhere", *SAID, *dry_run)
        assert (demo.code, "demo key" in demo.err) == (2, True)


def test_a_dry_run_refuses_the_key_that_the_act_would_refuse(program: Program, store: LocalStore) -> None:
    first, second, _ = [entry.release_id for entry in entries(store)]
    promotion = ("release", "promote", first, "--to", "shop", *SAID, "--key-file", "owner.json")
    assert program.run(*promotion).code == 0
    write_key(program.folder / "other.json", PrivateKey(bytes([4] * 32), "release"))
    elsewhere = program.run("release", "promote", second, *promotion[3:-1], "other.json", "--dry-run")
    assert (elsewhere.code, "the key here" in elsewhere.err) == (1, True), elsewhere.out
    unfit = program.run(*promotion, "--channel", "candidate", "--dry-run")
    assert (unfit.code, "holds releases of channel 'production'" in unfit.err) == (2, True), unfit.out
    assert program.run("release", "rotate", "--new", "other.json", *SAID).code == 0
    displaced = program.run("release", "rollback", *SAID, "--dry-run")
    assert (displaced.code, "the key here" in displaced.err) == (1, True), displaced.out


def test_a_second_rotation_leaves_the_trusted_key_at_the_first(program: Program) -> None:
    write_public(program.folder / "first.json", KEY.public)
    program.variables["AUTODETECT_RELEASE__TRUSTED_KEY"] = "first.json"
    write_key(program.folder / "third.json", PrivateKey(bytes([5] * 32), "release"))
    assert program.run("release", "rotate", "--new", "owner.json", *SAID).code == 0
    program.variables["AUTODETECT_RELEASE__KEY_FILE"] = "owner.json"
    told = program.run("release", "rotate", "--new", "third.json", *SAID)
    assert (told.code, 'under trusted_key = "first.json"' in told.out) == (0, True), told.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["1f3a"], "ID and --to go together"),
        (["--to", "shop"], "ID and --to go together"),
        (["1f3a", "--to", "shop", "--night", "2026-03-01"], "--night and --lake"),
        (["--key-file", "owner.json"], "--key-file is for"),
    ],
)
def test_options_that_do_not_go_together_are_told(arguments: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        CliRunner().invoke(app, ["release", "promote", *arguments, *SAID], catch_exceptions=False)
