"""Every kind of damage to a store is found by whoever runs it, in words of its own."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from autodetect.errors import UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore
from autodetect.release.history import HistoryEntry, append, newest
from autodetect.release.kept import note_collected
from autodetect.release.layout import LATEST, OBJECTS, history_key, manifest_key, object_key, signatures_key
from autodetect.release.manifest import decode, encode
from autodetect.release.publish import publish
from autodetect.release.rotation import rotate
from autodetect.release.signed import sign_manifest
from autodetect.release.signing import PrivateKey
from autodetect.release.verify import examined, verify
from tests.release.sample import CONTENT, KEY, NOW, commit, facts, files, publish_night

MODEL = object_key(sha256_bytes(CONTENT["AutoDetect.mlpackage.zip"]))
SECOND = PrivateKey(bytes(32), "demo")
OLD = KEY.public


def change(store: LocalStore, key: str, edit: Callable[[bytes], bytes | None]) -> None:
    data = edit(store.get(key))
    if data is None:
        store.delete(key)
    else:
        store.put(key, data)


def flipped(data: bytes) -> bytes:
    return data[:100] + bytes([data[100] ^ 1]) + data[101:]


def told(store: LocalStore, release_id: str | None = None, trusted: PrivateKey | None = KEY) -> dict[str, str]:
    return {
        each.key: each.reason for each in verify(store, release_id, trusted=None if trusted is None else trusted.public)
    }


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda _: None,
    "empty": lambda _: b"",
    "one bit": flipped,
    "cut": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
}


@pytest.mark.parametrize("edit", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize("kind", ["object", "manifest", "signatures", "entry"])
def test_damage_is_found_with_and_without_a_key(
    store: LocalStore, tmp_path: Path, kind: str, edit: Callable[[bytes], bytes | None]
) -> None:
    publish_night(store, tmp_path, 1)
    published = publish_night(store, tmp_path, 2)
    publish_night(store, tmp_path, 3)
    key = {
        "object": MODEL,
        "manifest": manifest_key(published.release_id),
        "signatures": signatures_key(published.release_id),
        "entry": history_key(2),
    }[kind]
    change(store, key, edit)
    assert key in told(store)
    if (kind, edit) != ("signatures", DAMAGE["one bit"]) and (kind, edit) != ("entry", DAMAGE["one bit"]):
        assert key in told(store, trusted=None)


def test_an_object_is_told_as_missing_as_too_short_or_as_damaged(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    for edit, words in ((flipped, "is damaged"), (lambda data: data[:-1], "76,799 bytes instead of 76,800")):
        change(store, MODEL, edit)
        assert words in told(store)[MODEL]
        store.put(MODEL, CONTENT["AutoDetect.mlpackage.zip"])
    store.delete(MODEL)
    assert told(store) == {MODEL: "'AutoDetect.mlpackage.zip' is missing"}


@pytest.mark.parametrize("kind", ["manifest", "entry", "signatures"])
def test_no_byte_of_what_is_signed_can_change_unseen(store: LocalStore, tmp_path: Path, kind: str) -> None:
    published = publish_night(store, tmp_path, 1)
    key = {
        "manifest": manifest_key(published.release_id),
        "entry": history_key(1),
        "signatures": signatures_key(published.release_id),
    }[kind]
    data, path = store.get(key), store.root / key
    no_objects = "0" * 64  # of a release that is not there, which is the one problem of a sound store
    assert len(told(store, no_objects)) == 1
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            assert len(told(store, no_objects)) > 1, f"byte {place} of {data!r}"
        except UsageError:  # the schema version became another one
            assert b'"schema_version"' in data[place - 20 : place]


def test_without_a_key_digests_are_judged_and_signatures_are_said_not_to_be(store: LocalStore, tmp_path: Path) -> None:
    published = publish_night(store, tmp_path, 1)
    sign_manifest(store, published.release_id, SECOND)
    change(store, signatures_key(published.release_id), lambda data: data.replace(OLD.key_id.encode(), b"0" * 16))
    seen = examined(store)
    assert not seen.problems
    assert any("not judged" in note for note in seen.notes)
    assert list(told(store)) == [signatures_key(published.release_id)]
    assert not any("not judged" in note for note in examined(store, trusted=OLD).notes)


def test_a_store_signed_by_another_key_is_wrong_from_end_to_end(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    publish_night(store, tmp_path, 2)
    found = told(store, trusted=SECOND)
    assert {history_key(1), history_key(2)} <= found.keys()
    assert SECOND.public.key_id in found[history_key(2)]


def rotated(store: LocalStore, folder: Path) -> None:
    """Two nights under the first key, a rotation, one night under the second key."""
    publish_night(store, folder, 1)
    publish_night(store, folder, 2)
    rotate(store, KEY, SECOND, NOW, by="A. Smith", reason="yearly")
    content = CONTENT | {"card.md": b"# Third\n"}
    publish(store, files(folder / "3", content), facts(), NOW, key=SECOND)


def test_a_history_is_judged_by_the_key_before_and_by_the_key_after_a_rotation(
    store: LocalStore, tmp_path: Path
) -> None:
    rotated(store, tmp_path)
    assert told(store) == {}
    by_new = examined(store, trusted=SECOND.public)
    assert not by_new.problems
    assert "entries 1 to 2 were signed before the trusted key came in: not judged" in by_new.notes
    change(store, history_key(3), lambda data: data.replace(b"yearly", b"weekly"))
    assert {history_key(3), history_key(4)} <= told(store).keys()


def test_a_displaced_key_can_append_nothing_unseen(store: LocalStore, tmp_path: Path) -> None:
    rotated(store, tmp_path)
    last = newest(store)
    assert last is not None
    stolen = HistoryEntry(
        sequence=last.sequence + 1,
        release_id=last.release_id,
        action="publish",
        created=NOW,
        expires=NOW + timedelta(days=9),
        key_since=1,
    ).signed(KEY)
    sign_manifest(store, last.release_id, KEY)
    store.put(history_key(stolen.sequence), encode(stolen))
    assert "a key that is not in force made it" in told(store)[history_key(5)]
    assert "a key that is not in force made it" in told(store, trusted=None)[history_key(5)]


def test_the_release_in_force_must_be_signed_by_the_key_in_force(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1).release_id
    rotate(store, KEY, SECOND, NOW, by="A. Smith", reason="yearly")
    assert told(store) == {}
    only_old = encode(decode_signatures(store, first, KEY))
    store.put(signatures_key(first), only_old)
    assert SECOND.public.key_id in told(store)[signatures_key(first)]
    content = CONTENT | {"card.md": b"# Second\n"}
    publish(store, files(tmp_path / "2", content), facts(), NOW, key=SECOND)
    assert told(store) == {}  # the key then is enough for a release that is in force no more


def decode_signatures(store: LocalStore, release_id: str, key: PrivateKey):  # type: ignore[no-untyped-def]
    """The signatures of a release without those of other keys."""
    from autodetect.release.signed import Signatures, read_signatures

    kept = [each for each in read_signatures(store, release_id).signatures if each.key_id == key.public.key_id]
    return Signatures(signatures=tuple(kept))


def test_a_demo_key_vouches_for_nothing_in_production(store: LocalStore, tmp_path: Path) -> None:
    real = PrivateKey(bytes(range(32)), "release")
    done = publish(store, files(tmp_path / "1"), facts(channel="production"), NOW, key=real)
    assert not verify(store, trusted=real.public)
    [problem] = verify(store, trusted=KEY.public)  # the same 32 bytes, said to be a demo key's
    assert problem.key == signatures_key(done.release_id)
    assert "a demo key" in problem.reason


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
            assert next(iter(told(store))) == key
        store.put(key, data)
        assert told(store) == {}


def test_an_entry_under_another_number_is_found(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    store.put(history_key(2), store.get(history_key(1)))
    assert list(told(store)) == [history_key(2)]


def test_an_entry_for_a_release_that_is_not_there_is_found(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    entry = decode(HistoryEntry, store.get(history_key(1)), "")
    store.put(history_key(1), encode(entry.model_copy(update={"release_id": "0" * 64}).signed(KEY)))
    store.delete(LATEST)
    assert told(store) == {manifest_key("0" * 64): "missing"}


def test_a_release_after_one_that_was_never_in_force_is_found(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    second = publish_night(store, tmp_path, 2).release_id
    other = LocalStore(tmp_path / "other")
    for key in (*store.list(OBJECTS), manifest_key(second), signatures_key(second)):
        other.put(key, store.get(key))
    append(other, None, second, action="publish", now=NOW, key=KEY)
    assert "which is not in the history" in told(other)[manifest_key(second)]


def test_a_hint_that_contradicts_the_history_is_found_and_one_behind_is_fine(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    behind = store.get(LATEST)
    publish_night(store, tmp_path, 2)
    store.put(LATEST, behind)
    assert told(store) == {}
    for wrong in (b"{}", behind.replace(b'"sequence":1', b'"sequence":3'), behind.replace(b'e":1', b'e":2')):
        store.put(LATEST, wrong)
        assert list(told(store)) == [LATEST]


def test_only_the_release_asked_for_has_its_objects_read(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1)
    second = publish_night(store, tmp_path, 2, card_md=b"# Second\n")
    store.delete(object_key(sha256_bytes(CONTENT["card.md"])))
    assert told(store, second.release_id) == {}
    assert len(told(store, first.release_id)) == len(told(store)) == 1
    assert list(told(store, "0" * 64)) == [manifest_key("0" * 64)]


def test_a_file_that_contradicts_its_manifest_is_found_in_the_release_asked_for(
    store: LocalStore, tmp_path: Path
) -> None:
    wrong = publish(store, files(tmp_path / "1"), facts(class_map_digest="d" * 64), NOW, key=KEY).release_id
    right = publish_night(store, tmp_path, 2).release_id
    [(key, words)] = told(store, wrong).items()
    assert key == object_key(sha256_bytes(CONTENT["classes.json"]))
    assert words.startswith(f"'classes.json' of the release {wrong[:16]}: its class map digest is")
    assert told(store) == {key: words}
    assert told(store, right) == {}


def test_a_collected_release_is_no_problem_unless_it_came_back_into_force(store: LocalStore, tmp_path: Path) -> None:
    first = publish_night(store, tmp_path, 1, card_md=b"# First\n").release_id
    publish_night(store, tmp_path, 2)
    kept = {key: store.get(key) for key in (manifest_key(first), signatures_key(first))}
    for key in (*kept, object_key(sha256_bytes(b"# First\n"))):
        store.delete(key)
    assert told(store) == {manifest_key(first): "missing"}
    note_collected(store, first, 2)
    seen = examined(store, trusted=OLD)
    assert not seen.problems
    assert "1 earlier releases were collected" in seen.notes[0]
    for key, data in kept.items():
        store.put(key, data)
    assert told(store) == {}  # collected half-way
    commit(store, first, "rollback", NOW, key=KEY)
    assert "'card.md' is missing" in told(store).values()


def test_what_nothing_names_is_noted_and_is_no_problem(store: LocalStore, tmp_path: Path) -> None:
    publish_night(store, tmp_path, 1)
    store.put(object_key("f" * 64), b"left over")
    store.put("notes/todo.txt", b"buy milk")
    seen = examined(store, trusted=OLD)
    assert not seen.problems
    assert len(seen.notes) == 2
    assert object_key("f" * 64) in seen.notes[0]
    assert "notes/todo.txt" in seen.notes[1]


def test_a_manifest_of_a_newer_program_is_told_as_such(store: LocalStore, tmp_path: Path) -> None:
    published = publish_night(store, tmp_path, 1)
    key = manifest_key(published.release_id)
    store.put(key, store.get(key).replace(b'"schema_version":3', b'"schema_version":4'))
    with pytest.raises(UsageError, match="newer"):
        verify(store)


def test_what_a_damaged_manifest_names_is_not_taken_for_garbage(store: LocalStore, tmp_path: Path) -> None:
    published = publish_night(store, tmp_path, 1)
    change(
        store, manifest_key(published.release_id), lambda data: data.replace(b'"channel":"demo"', b'"channel":"d3mo"')
    )
    found = examined(store, trusted=KEY.public)
    assert found.notes == ()
    (problem,) = [each for each in found.problems if each.key == manifest_key(published.release_id)]
    assert "channel: Input should be 'demo', 'candidate' or 'production'" in problem.reason
