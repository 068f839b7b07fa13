"""Manifests of schema version 1 stay what they were, to the byte, beside those of version 2."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore
from autodetect.release.client import current, sync
from autodetect.release.history import append, manifest_of, newest
from autodetect.release.layout import manifest_key, object_key
from autodetect.release.manifest import Manifest, decode, encode, load_manifest, release_id
from autodetect.release.packages import PackageFact, PackageParity
from autodetect.release.publish import publish
from autodetect.release.verify import verify
from tests.release.sample import CONTENT, NOW, facts, files, publish_night

[OLD] = (Path(__file__).parent / "manifests").iterdir()  # as a program of schema version 1 published it, by its id
PACKAGE = PackageFact(
    name="fp16",
    file="AutoDetect.mlpackage.zip",
    size=9,
    parity=PackageParity(photos=256, largest_difference=0.0004, decided=250, agreement=1.0),
    recommended=True,
)


@pytest.fixture
def old_store(store: LocalStore) -> LocalStore:
    """A store whose one release was published by a program of schema version 1."""
    for data in CONTENT.values():
        store.put(object_key(sha256_bytes(data)), data)
    store.put(manifest_key(OLD.stem), OLD.read_bytes())
    assert append(store, None, OLD.stem, action="publish", now=NOW)
    return store


def test_a_manifest_of_version_1_keeps_its_bytes_and_its_id() -> None:
    manifest = decode(Manifest, OLD.read_bytes(), OLD.name)
    assert encode(manifest) == OLD.read_bytes()
    assert release_id(manifest) == OLD.stem
    assert (manifest.schema_version, manifest.parity, manifest.packages) == (1, "", ())


def test_a_release_of_version_1_is_listed_verified_and_fetched(old_store: LocalStore, tmp_path: Path) -> None:
    assert load_manifest(old_store, OLD.stem).objects.keys() == CONTENT.keys()
    assert verify(old_store) == []
    synced = sync(old_store, tmp_path / "cache")
    assert synced.path("card.md").read_bytes() == CONTENT["card.md"]
    held = current(tmp_path / "cache")
    assert held is not None
    assert held.manifest == synced.manifest


def test_a_release_of_this_version_follows_one_of_version_1(old_store: LocalStore, tmp_path: Path) -> None:
    told = facts(parity="interpreted (Linux)", packages=(PACKAGE,))
    publish(old_store, files(tmp_path / "files"), told, NOW)
    entry = newest(old_store)
    assert entry is not None
    manifest = manifest_of(old_store, entry)
    assert (manifest.schema_version, manifest.previous_release) == (2, OLD.stem)
    assert (manifest.parity, manifest.packages) == ("interpreted (Linux)", (PACKAGE,))
    assert decode(Manifest, encode(manifest), "m") == manifest
    assert verify(old_store) == []


@pytest.mark.parametrize("field", [{"parity": ""}, {"packages": []}])
def test_version_1_has_nothing_of_version_2_not_even_empty(field: dict[str, object]) -> None:
    text = json.dumps(json.loads(OLD.read_bytes()) | field, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    with pytest.raises(CorruptError, match="no sound Manifest"):
        decode(Manifest, text.encode(), "m")


def test_version_2_lacks_nothing(store: LocalStore, tmp_path: Path) -> None:
    data = store.get(manifest_key(publish_night(store, tmp_path, 1).release_id))
    value = json.loads(data)
    for field in ("parity", "packages"):
        text = json.dumps({k: v for k, v in value.items() if k != field}, sort_keys=True, separators=(",", ":"))
        with pytest.raises(CorruptError, match="canonical"):
            decode(Manifest, text.encode(), "m")


def test_a_package_that_is_not_among_the_files_is_no_release(store: LocalStore, tmp_path: Path) -> None:
    told = facts(packages=(PACKAGE.model_copy(update={"file": "AutoDetect-int8.mlpackage.zip"}),))
    with pytest.raises(UsageError, match="AutoDetect-int8"):
        publish(store, files(tmp_path / "files"), told, NOW)


def test_an_agreement_above_one_is_no_agreement() -> None:
    with pytest.raises(ValidationError):
        PackageParity(photos=1, largest_difference=0.0, decided=1, agreement=1.1)
