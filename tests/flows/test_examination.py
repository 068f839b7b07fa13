"""What the doctor says of the store and of the key that signs releases."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autodetect.lake.objects import LocalStore
from autodetect.release.keys import write_key, write_public
from autodetect.release.layout import history_key
from autodetect.release.rotation import rotate
from autodetect.release.signing import PrivateKey
from autodetect.settings import Settings
from flows.examination import Finding, examine
from tests.release.sample import KEY, NOW, commit, publish_night

SECOND = PrivateKey(bytes(32), "release")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    release = {"key_file": str(tmp_path / "keys" / "signing.json")}
    return Settings(lake=str(tmp_path / "lake"), store=str(tmp_path / "store"), work=str(tmp_path), release=release)


@pytest.fixture
def store(settings: Settings, tmp_path: Path) -> LocalStore:
    """A store with one release, long expired."""
    made = LocalStore(Path(settings.store))
    publish_night(made, tmp_path, 1)
    return made


def found(settings: Settings, what: str, **changes: Any) -> list[Finding]:
    return [each for each in examine(settings.with_values(changes)) if each.what == what]


def test_a_release_that_expired_is_noted_and_a_fresh_one_is_well(store: LocalStore, settings: Settings) -> None:
    write_key(Path(settings.release.key_file), KEY)
    release, expiry, signature = found(settings, "store")
    assert (release.state, signature.state) == ("good", "good")
    assert signature.words == f"signed by {KEY.public.key_id}, which phones trust"
    assert expiry.state == "note"
    assert "expired on 2026-03-31: nothing newer was published, and phones are warning" in expiry.words
    now = datetime.now(UTC)
    first = release.words.partition("release ")[2][:12]
    whole = next(iter(store.list("manifests/"))).removeprefix("manifests/").partition(".")[0]
    assert whole.startswith(first)
    commit(store, whole, "publish", now, key=KEY, valid_for=timedelta(days=3))
    _, expiry, _ = found(settings, "store")
    assert (expiry.state, expiry.words) == (
        "good",
        f"phones take it for the newest until {now + timedelta(days=3):%Y-%m-%d}",
    )


def test_a_forged_entry_is_bad_and_without_a_key_nothing_is_vouched_for(store: LocalStore, settings: Settings) -> None:
    *_, signature = found(settings, "store")
    assert signature.state == "note"
    assert f"it says, by {KEY.public.key_id}" in signature.words
    data = store.get(history_key(1))
    store.put(history_key(1), data.replace(b'"expires":"2026', b'"expires":"2096'))
    write_key(Path(settings.release.key_file), KEY)
    *_, signature = found(settings, "store")
    assert signature.state == "bad"
    assert "entry 1 is not signed by the key" in signature.words


def test_a_rotated_store_is_judged_from_the_first_key_on(store: LocalStore, settings: Settings, tmp_path: Path) -> None:
    rotate(store, KEY, SECOND, NOW, by="A. Smith", reason="yearly")
    write_public(tmp_path / "trusted.json", KEY.public)
    *_, signature = found(settings, "store", **{"release.trusted_key": str(tmp_path / "trusted.json")})
    assert signature.words == f"signed by {SECOND.public.key_id}, which phones trust"


def test_a_key_that_cannot_publish_to_the_store_is_bad(store: LocalStore, settings: Settings) -> None:
    write_key(Path(settings.release.key_file), SECOND)
    key, unfit = found(settings, "signing key")
    assert (key.state, key.words) == ("good", f"{SECOND.public.key_id}, a release key ({settings.release.key_file})")
    assert unfit.state == "bad"
    assert "nights cannot publish there" in unfit.words


def test_a_missing_key_is_made_by_a_demo_night_and_bad_anywhere_else(settings: Settings) -> None:
    [demo] = found(settings, "signing key")
    assert (demo.state, demo.words) == (
        "note",
        f"none at {settings.release.key_file} yet; the first night makes a demo key",
    )
    [production] = found(settings, "signing key", channel="production")
    assert (production.state, production.exit_code) == ("bad", 2)
    assert not Path(settings.release.key_file).exists()


def test_a_key_that_others_can_read_and_a_demo_key_in_production_are_bad(settings: Settings) -> None:
    path = Path(settings.release.key_file)
    write_key(path, KEY)
    [fine] = found(settings, "signing key")
    assert fine.state == "good"
    [demo] = found(settings, "signing key", channel="production")
    assert demo.state == "bad"
    assert "the channel 'production' refuses it" in demo.words
    path.chmod(0o640)
    [read] = found(settings, "signing key")
    assert read.state == "bad"
    assert "others than its owner" in read.words
    assert KEY.reveal() not in str(examine(settings))
