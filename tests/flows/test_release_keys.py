"""`release keygen`, `key`, `rotate`: what they make, what they say, and that no command tells a private key."""

import base64
import json
import stat
from pathlib import Path

import pytest

from autodetect.lake.objects import LocalStore
from autodetect.release.history import entries
from autodetect.release.keys import read_key, read_public
from autodetect.release.publish import publish
from tests.flows.program import Ended, Program
from tests.release.sample import NOW, facts, files


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program in a folder of its own; no marketplace is drawn."""
    return Program(tmp_path, tmp_path / "marketplace", tmp_path / "prefect")


def refused(ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    for word in words:
        assert word in ended.err


def told_keys(program: Program, *runs: Ended) -> list[str]:
    """Which of the private keys in the folder one of the runs has told."""
    said = " ".join(run.out + run.err for run in runs)
    secrets = [json.loads(path.read_bytes()).get("private_key") for path in (program.folder / "keys").glob("*.json")]
    secrets = [secret for secret in secrets if secret]
    assert secrets
    return [secret for secret in secrets if secret in said or base64.b64decode(secret).hex() in said]


def test_a_key_is_made_once_with_its_public_half_beside_it(program: Program) -> None:
    made = program.run("release", "keygen", "keys/signing.json", "--json")
    assert made.code == 0, made.err
    told, folder = made.json(), program.folder / "keys"
    assert (told["private_key_file"], told["public_key_file"]) == ("keys/signing.json", "keys/signing.pub.json")
    key = read_key(folder / "signing.json")
    assert (told["key_id"], told["public_key"]) == (key.public.key_id, key.public.public_key)
    assert read_public(folder / "signing.pub.json") == key.public
    assert key.public.purpose == "release"
    assert stat.S_IMODE((folder / "signing.json").stat().st_mode) == 0o600

    again = program.run("release", "keygen", "keys/signing.json")
    refused(again, 2, "keys/signing.json is there already")
    (folder / "signing.json").rename(folder / "old.json")
    refused(program.run("release", "keygen", "keys/signing.json"), 2, "keys/signing.pub.json is there already")
    assert not (folder / "signing.json").exists()
    demo = program.run("release", "keygen", "keys/demo.json", "--demo")
    assert demo.code == 0, demo.err
    assert read_key(folder / "demo.json").public.purpose == "demo"
    assert read_key(folder / "demo.json").public.key_id in demo.out
    assert "keys/demo.pub.json" in demo.out
    assert told_keys(program, made, again, demo) == []


def test_the_key_in_use_is_shown_and_its_public_half_written(program: Program) -> None:
    refused(program.run("release", "key"), 2, "var/keys/signing.json cannot be read", "release keygen")
    assert not (program.folder / "var").exists()
    program.run("release", "keygen", "keys/signing.json")
    key = read_key(program.folder / "keys/signing.json")
    program.variables = {"AUTODETECT_RELEASE__KEY_FILE": "keys/signing.json"}
    shown = program.run("release", "key", "--public", "app.json", "--json")
    assert shown.json() == {
        "key_id": key.public.key_id,
        "purpose": "release",
        "public_key": key.public.public_key,
        "from": "keys/signing.json",
    }
    assert read_public(program.folder / "app.json") == key.public
    refused(program.run("release", "key", "--public", "keys/signing.json"), 2, "holds something else")
    assert read_key(program.folder / "keys/signing.json").public == key.public
    program.variables = {"AUTODETECT_RELEASE__KEY": key.reveal()}
    by_variable = program.run("release", "key")
    assert f"key {key.public.key_id}, for release, from AUTODETECT_RELEASE__KEY" in by_variable.out
    assert told_keys(program, shown, by_variable) == []


def test_a_store_is_handed_on_and_no_command_tells_a_key(program: Program) -> None:
    for name in ("first", "second"):
        program.run("release", "keygen", f"keys/{name}.json")
    first, second = (read_key(program.folder / f"keys/{name}.json") for name in ("first", "second"))
    program.variables = {"AUTODETECT_RELEASE__KEY": first.reveal(), "AUTODETECT_CHANNEL": "production"}
    options = ("--new", "keys/second.json", "--by", "A. Smith", "--reason", "yearly")
    empty = program.run("release", "rotate", *options)
    refused(empty, 2, "holds no release")
    store = LocalStore(program.folder / "var/store")
    publish(store, files(program.folder / "files"), facts(channel="production"), NOW, key=first)

    done = program.run("release", "rotate", *options)
    assert done.code == 0, done.err
    for words in (second.public.key_id, "(entry 2)", 'key_file = "keys/second.json"', "AUTODETECT_RELEASE__KEY"):
        assert words in done.out
    again = program.run("release", "rotate", *options, "--json")
    assert (again.json()["already"], again.json()["sequence"], again.json()["by"]) == (True, 2, "A. Smith")
    assert [entry.action for entry in entries(store)] == ["publish", "rotate"]
    shown = [program.run("release", "list", "--json"), program.run("release", "show"), program.run("doctor", "--json")]
    (program.folder / "keys/second.json").chmod(0o644)
    open_to_all = program.run("release", "rotate", *options)
    refused(open_to_all, 2, "mode is 0644", "chmod 600 keys/second.json")
    assert told_keys(program, empty, done, again, *shown, open_to_all) == []


def test_a_key_in_the_settings_file_is_refused_and_not_told(program: Program) -> None:
    program.run("release", "keygen", "keys/signing.json")
    key = read_key(program.folder / "keys/signing.json")
    (program.folder / "autodetect.toml").write_text(f'[release]\nkey = "{key.reveal()}"\n')
    ended = program.run("release", "key")
    refused(ended, 2, "autodetect.toml holds the private key", "AUTODETECT_RELEASE__KEY")
    (program.folder / "autodetect.toml").write_text("")
    program.variables = {"AUTODETECT_RELEASE": json.dumps({"key": [key.reveal()]})}
    wrong = program.run("release", "key")
    refused(wrong, 2, "release.key (its value is not shown)")
    assert told_keys(program, ended, wrong) == []
