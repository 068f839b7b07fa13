"""The signing key is told nowhere: not in what a night leaves, not in what it says, not in what goes wrong."""

import base64
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autodetect.errors import UsageError
from autodetect.release.keys import KeyFile, read_key
from autodetect.release.rotation import rotate
from autodetect.release.signing import PrivateKey
from autodetect.settings import Settings
from tests.release.publishing import Publishing

SEED = bytes(range(200, 232))


def forms(seed: bytes) -> list[bytes]:
    """The seed as it could be written, in whole or but for its end."""
    texts = [
        base64.b64encode(seed),
        base64.urlsafe_b64encode(seed),
        base64.b16encode(seed).lower(),
        repr(seed).encode(),
    ]
    return [seed, base64.b16encode(seed), *texts, *(text[:32] for text in texts)]


def holding(folder: Path, seed: bytes) -> set[str]:
    """The files below a folder that hold the seed."""
    found = ((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path, data in found if any(form in data for form in forms(seed))}


@pytest.fixture
def night(tmp_path: Path) -> Publishing:
    return Publishing(tmp_path)


def publish_tonight(night: Publishing) -> str:
    receipts = night.trained(champion := night.champion())
    receipts["export"] = night.exported(champion)
    receipts["price"] = night.made_up_prices()
    receipt = night.publish(receipts)
    night.lake.receipts.commit(receipt, datetime.now(UTC))
    return receipt.model_dump_json()


def test_a_night_that_signs_with_a_key_of_the_environment_leaves_it_nowhere(
    night: Publishing, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = PrivateKey(SEED, "release")
    night.settings = night.settings.with_values({"release.key": key.reveal()})
    receipt = publish_tonight(night)
    entry = rotate(night.store, key, PrivateKey(bytes(32), "demo"), datetime.now(UTC), by="me", reason="why")
    assert night.manifest().channel == "demo"
    assert holding(tmp_path, SEED) == set()
    said = f"{receipt} {caplog.text} {night.settings!r} {night.settings} {entry!r} {key!r}"
    assert caplog.records
    assert not any(form in said.encode() for form in forms(SEED))


def test_the_key_of_a_demo_is_in_its_file_alone(night: Publishing, tmp_path: Path) -> None:
    publish_tonight(night)
    seed = base64.b64decode(read_key(tmp_path / "key.json").reveal())
    assert holding(tmp_path, seed) == {"key.json"}


def test_the_record_of_a_key_file_does_not_show_it() -> None:
    record = KeyFile(private_key=PrivateKey(SEED, "demo").reveal(), purpose="demo")
    assert not any(form in f"{record!r} {record}".encode() for form in forms(SEED))


def test_settings_that_cannot_be_used_do_not_tell_the_key() -> None:
    secret = PrivateKey(SEED, "release").reveal()
    for wrong in (
        {"release.key": [secret]},
        {"release": [secret]},
        {"release": {"key": secret, "kye": secret}},
        {"release.kye": secret},
        {"release.key": secret, "release.keep": 0},
    ):
        with pytest.raises(UsageError) as refused:
            Settings().with_values(wrong)
        told = f"{refused.value} {refused.value.__cause__!r}"
        assert "release" in told
        assert not any(form in told.encode() for form in forms(SEED))
