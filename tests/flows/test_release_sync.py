"""`release sync`, and what `value` says of a store that is old, silent or served over the web."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autodetect.lake.objects import LocalStore
from autodetect.release.signing import PrivateKey
from tests.flows.program import Program
from tests.release.priced_release import publish_prices
from tests.release.sample import CONTENT, KEY, publish_night
from tests.servers.web import serving

VALUE = ("value", "--make", "ford", "--model", "mustang", "--year", "2016", "--json")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program, which trusts the sample's key."""
    (tmp_path / "trusted.json").write_text(KEY.public.model_dump_json())
    variables = {"AUTODETECT_RELEASE__TRUSTED_KEY": "trusted.json"}
    return Program(tmp_path, tmp_path / "none", tmp_path / "prefect", variables)


def test_a_release_comes_over_the_web_and_only_what_changed_comes_again(program: Program) -> None:
    store = LocalStore(program.folder / "store")
    publish_night(store, program.folder, 1, datetime.now(UTC))
    with serving(store.root) as web:
        first = program.run("release", "sync", "phone", "--store", web.url, "--json")
        assert (first.code, first.err) == (0, "")
        told = first.json()
        assert told["fetched"] == sorted(CONTENT)
        assert told["fetched_bytes"] == sum(map(len, CONTENT.values()))
        assert (told["sequence"], told["channel"], told["expired"], told["offline"]) == (1, "demo", False, False)
        for name, data in CONTENT.items():
            assert (program.folder / told["files"][name]).read_bytes() == data
        publish_night(store, program.folder, 2, datetime.now(UTC), card_md=b"# Second\n")
        second = program.run("release", "sync", "phone", "--store", web.url)
        assert "fetched 1 of 4 files, 9 bytes" in second.out
    offline = program.run("release", "sync", "phone", "--store", web.url)
    assert offline.code == 0
    assert "WARNING" in offline.err
    assert "the last release that was fetched" in offline.err
    assert program.run("release", "sync", "other", "--store", web.url).code == 4


def test_only_what_is_named_is_fetched_and_another_key_is_refused(program: Program) -> None:
    publish_night(LocalStore(program.folder / "var/store"), program.folder, 1)
    told = program.run("release", "sync", "phone", "--only", "card.md", "--only", "classes.json", "--json").json()
    assert (told["fetched"], told["expired"]) == (["card.md", "classes.json"], True)
    assert "expired" in told["warnings"][0]
    (program.folder / "other.json").write_text(json.dumps(PrivateKey(bytes(32), "demo").public.model_dump()))
    other = program.run("release", "sync", "other", "--trusted", "other.json")
    assert other.code == 1
    assert "is not signed by the key" in other.err
    bare = program.run("release", "sync", "bare", "--trusted", KEY.public.public_key)
    assert bare.code == 0, bare.err
    for options, words in {
        ("--channel", "production"): "of the channel 'demo', not 'production'",
        ("--app-version", "0.9"): "needs version 1.0 of the app",
    }.items():
        refused = program.run("release", "sync", "phone", *options)
        assert refused.code == 2
        assert words in refused.err


def test_a_valuation_says_that_its_release_is_old_and_that_the_store_is_silent(program: Program) -> None:
    store = LocalStore(program.folder / "store")
    publish_prices(store, program.folder / "files")
    with serving(store.root) as web:
        found = program.run(*VALUE, "--store", web.url)
        assert found.json()["make_model_id"] == "ford/mustang"
        assert "expired on" in found.err
    silent = program.run(*VALUE, "--store", web.url)
    assert silent.json() == found.json()
    assert "the last release that was fetched" in silent.err
