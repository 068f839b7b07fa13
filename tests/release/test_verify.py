"""Every kind of damage is found, by whoever runs the store and by the client."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore
from autodetect.release.client import sync
from autodetect.release.layout import LATEST, history_key, manifest_key, object_key
from autodetect.release.verify import verify
from tests.release.sample import CONTENT, publish_night

MODEL = object_key(sha256_bytes(CONTENT["AutoDetect.mlpackage.zip"]))


def change(store: LocalStore, key: str, edit: Callable[[bytes], bytes | None]) -> None:
    data = edit(store.get(key))
    if data is None:
        store.delete(key)
    else:
        store.put(key, data)


def flipped(data: bytes) -> bytes:
    return data[:100] + bytes([data[100] ^ 1]) + data[101:]


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda _: None,
    "empty": lambda _: b"",
    "one bit": flipped,
    "cut": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
}


@pytest.mark.parametrize("edit", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize("kind", ["object", "manifest", "entry"])
def test_damage_is_found_by_the_check_and_by_the_client(
    store: LocalStore, tmp_path: Path, kind: str, edit: Callable[[bytes], bytes | None]
) -> None:
    publish_night(store, tmp_path, 1)
    published = publish_night(store, tmp_path, 2)
    key = {"object": MODEL, "manifest": manifest_key(published.release_id), "entry": history_key(2)}[kind]
    if (kind, edit) == ("entry", DAMAGE["missing"]):
        publish_night(store, tmp_path, 3)
        change(store, key, edit)
        assert [problem.key for problem in verify(store)] == [key]
        return
    change(store, key, edit)
    named = {problem.key for problem in verify(store)}
    assert key in named or (kind == "entry" and named)  # a changed release id is told as a missing manifest
    with pytest.raises(CorruptError):
        sync(store, tmp_path / "cache")
    assert not (tmp_path / "cache" / "current.json").exists()


def test_no_byte_of_a_manifest_can_change_unseen_but_its_creation_time(store: LocalStore, tmp_path: Path) -> None:
    published = publish_night(store, tmp_path, 1)
    key = manifest_key(published.release_id)
    data = store.get(key)
    start = data.index(b'"created":"') + len(b'"created":"')
    creation = range(start, data.index(b'"', start))  # left out of the identity; signatures will cover it
    unseen = []
    for place in range(len(data)):
        store.put(key, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with suppress(UsageError):  # the schema version became a higher one: a newer program's
            if not verify(store, published.release_id):
                unseen.append(place)
    assert set(unseen) <= set(creation)
    assert unseen


def test_no_byte_of_an_entry_can_change_unseen_but_its_times(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    data = store.get(history_key(1))
    times = set()
    for field in (b'"created":"', b'"expires":"'):
        start = data.index(field) + len(field)
        times |= set(range(start, data.index(b'"', start)))
    for place in set(range(len(data))) - times:
        store.put(history_key(1), data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert verify(store), f"byte {place} of {data!r}"


def test_white_space_another_order_or_another_field_are_refused(store: LocalStore, tmp_path: Path) -> None:
    published = publish_night(store, tmp_path, 1)
    for key in (manifest_key(published.release_id), history_key(1)):
        data = store.get(key)
        fields = json.loads(data)
        compact = {"separators": (",", ":"), "ensure_ascii": False}
        for other in (
            json.dumps(fields, sort_keys=True, ensure_ascii=False),
            json.dumps(dict(reversed(fields.items())), **compact),
            json.dumps(fields | {"more": 1}, sort_keys=True, **compact),
        ):
            store.put(key, other.encode())
            assert [problem.key for problem in verify(store)][:1] == [key]
        store.put(key, data)
        assert verify(store) == []


def test_an_entry_under_another_number_is_found(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    store.put(history_key(2), store.get(history_key(1)))
    assert [problem.key for problem in verify(store)] == [history_key(2)]
    with pytest.raises(CorruptError, match="carries the number 1"):
        sync(store, tmp_path / "cache")


def test_an_entry_for_a_release_that_is_not_there_is_found(store: LocalStore, tmp_path: Path) -> None:
    published = publish_night(store, tmp_path, 1)
    forged = store.get(history_key(1)).replace(published.release_id.encode(), b"0" * 64)
    store.put(history_key(1), forged)
    store.delete(LATEST)
    assert [problem.key for problem in verify(store)] == [manifest_key("0" * 64)]


def test_a_hint_that_contradicts_the_history_is_found_and_one_behind_is_fine(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    behind = store.get(LATEST)
    publish_night(store, tmp_path, 2)
    store.put(LATEST, behind)
    assert verify(store) == []
    for wrong in (b"{}", behind.replace(b'"sequence":1', b'"sequence":3'), behind.replace(b'e":1', b'e":2')):
        store.put(LATEST, wrong)
        assert [problem.key for problem in verify(store)] == [LATEST]


def test_only_the_release_asked_for_has_its_objects_read(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1)
    second = publish_night(store, tmp_path, 2, card_md=b"# Second\n")
    store.delete(object_key(sha256_bytes(CONTENT["card.md"])))
    assert verify(store, second.release_id) == []
    assert len(verify(store, first.release_id)) == len(verify(store)) == 1
    assert [problem.key for problem in verify(store, "0" * 64)] == [manifest_key("0" * 64)]


def test_a_manifest_of_a_newer_program_is_told_as_such(store: LocalStore, tmp_path: Path) -> None:
    published = publish_night(store, tmp_path, 1)
    key = manifest_key(published.release_id)
    store.put(key, store.get(key).replace(b'"schema_version":2', b'"schema_version":3'))
    with pytest.raises(UsageError, match="newer"):
        verify(store)
