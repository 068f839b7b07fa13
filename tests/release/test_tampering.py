"""Whatever is changed in a store, a client refuses it and `verify` names it, each thing in words of its own.

The attacker can write everything in the store and has no key.
"""

import copy
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from autodetect.errors import AutoDetectError, CorruptError, UsageError
from autodetect.lake.objects import LocalStore
from autodetect.release.client import OlderReleaseError, SyncedRelease, current, sync
from autodetect.release.history import HistoryEntry, LatestHint
from autodetect.release.layout import LATEST, history_key, manifest_key, object_key, signatures_key
from autodetect.release.manifest import decode, encode, load_manifest
from autodetect.release.publish import Published, publish
from autodetect.release.signed import Signatures
from autodetect.release.signing import ForgedError, PrivateKey
from autodetect.release.verify import Problem, verify
from tests.release.sample import CONTENT, KEY, NOW, facts, files

OTHER = PrivateKey(bytes(32), "demo")
TEMPORARY = re.compile(rf"{re.escape(tempfile.gettempdir())}/tmp\w+/")  # where `verify` reads a file
KINDS = (
    "AutoDetect.mlpackage.zip",
    "champion.keras",
    "classes.json",
    "prices.parquet",
    "offers.parquet",
    "autodetect.sqlite",
    "card.md",
)

# What a client says, by what was done. Each message is of one kind and of no other.
WORDS = {
    "manifest changed": "the manifest .* is not signed by the key .*: it was changed",
    "signature missing": "the manifest's signature, is missing",
    "signature file damaged": "is no sound Signatures",
    "another release's manifest": "has the digest .*: it was changed after it was published",
    "entry forged": r"entry \d is not signed by the key",
    "entry damaged": "is no sound HistoryEntry",
    "entry of another number": "carries the number",
    "manifest missing": r"named by entry \d, is missing",
    "object changed": "gave other bytes than its digest names",
    "object missing": "a file of the newest release, is missing",
    "object too long": "is longer than",
    "history replayed": "an old copy was replayed, or the history was rewritten",
    "demo key": "rests on a demo key",
    "newer program": "newer than this program knows",
}


class World:
    """A store of two releases that differ in every file, the second in force."""

    sound: tuple[Problem, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.store = LocalStore(folder / "store")
        self.folder = folder
        self.first, self.second = self.publish(1), self.publish(2)
        self.sound = tuple(self.problems())

    def copy(self, folder: Path) -> "World":
        """Return a world of the same content in another folder."""
        other = copy.copy(self)
        other.store, other.folder = LocalStore(folder / "store"), folder
        shutil.copytree(self.store.root, other.store.root)
        return other

    def publish(self, turn: int) -> Published:
        content = {name: CONTENT["AutoDetect.mlpackage.zip"][turn:] + name.encode() for name in KINDS}
        told = facts(warnings=(f"turn {turn}",))
        return publish(self.store, files(self.folder / str(turn), content), told, NOW, key=KEY)

    def sync(self, name: str = "cache") -> SyncedRelease:
        return sync(self.store, self.folder / name, trusted=KEY.public, now=NOW)

    def problems(self) -> list[Problem]:
        """What `verify` finds; these files say nothing that could be true, which is not the point here."""
        try:
            found = verify(self.store, self.second.release_id, trusted=KEY.public)
        except UsageError as error:  # what a newer program wrote ends the look
            found = [Problem(key=history_key(2), reason=error.what)]
        plain = [Problem(key=each.key, reason=TEMPORARY.sub("", each.reason)) for each in found]
        return [each for each in plain if each not in self.sound]

    def object(self, name: str, release: Published | None = None) -> str:
        manifest = load_manifest(self.store, (release or self.second).release_id)
        return object_key(manifest.objects[name].sha256)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(untouched: World, tmp_path: Path) -> World:
    return untouched.copy(tmp_path)


Edit = Callable[[bytes], bytes]


def flipped(part: bytes) -> Edit:
    """Change the byte after these; a digit or letter into a digit, so that what is read is of the same form."""

    def edit(data: bytes) -> bytes:
        place = data.index(part) + len(part)
        byte = data[place : place + 1]
        other = (b"2" if byte == b"1" else b"1") if byte.isalnum() or byte in b"+/" else bytes([byte[0] ^ 1])
        return data[:place] + other + data[place + 1 :]

    return edit


def cut(data: bytes) -> bytes:
    return data[:-1]


def longer(data: bytes) -> bytes:
    return data + b"\n"


@dataclass(frozen=True)
class Tampering:
    """One thing done to the store.

    Attributes:
        key: gives the file that is touched.
        edit: what is put there; None removes it.
        client: which of `WORDS` the client says.
        verify: what `verify` says, at `key` where `at` is not given.
        error: what the client raises.
    """

    key: Callable[[World], str]
    edit: Edit | None
    client: str
    verify: str
    error: type[AutoDetectError] = CorruptError
    at: Callable[[World], str] | None = None


def manifest(world: World) -> str:
    return manifest_key(world.second.release_id)


def signatures(world: World) -> str:
    return signatures_key(world.second.release_id)


def entry(world: World) -> str:
    return history_key(2)


FORGED, NO_ENTRY, CHANGED = "entry forged", "is no sound HistoryEntry", "manifest changed"
UNSIGNED, NOT_ITS_ID = "is not signed by the key", "has the digest .*: it was changed"

TAMPERINGS = {
    # The manifest: whatever is in it, the signature goes first.
    "manifest, a digest in it": Tampering(manifest, flipped(b'"sha256":"'), CHANGED, NOT_ITS_ID, ForgedError),
    "manifest, a size in it": Tampering(manifest, flipped(b'"size":'), CHANGED, NOT_ITS_ID, ForgedError),
    "manifest, a figure in it": Tampering(manifest, flipped(b'"top1":0.'), CHANGED, NOT_ITS_ID, ForgedError),
    "manifest, its predecessor": Tampering(
        manifest, flipped(b'"previous_release":"'), CHANGED, NOT_ITS_ID, ForgedError
    ),
    "manifest, its time, which its id leaves out": Tampering(
        manifest, flipped(b'"created":"202'), CHANGED, UNSIGNED, ForgedError, signatures
    ),
    "manifest, a sign between": Tampering(manifest, flipped(b'"objects"'), CHANGED, "no sound Manifest", ForgedError),
    "manifest cut": Tampering(manifest, cut, CHANGED, "no sound Manifest", ForgedError),
    "manifest longer": Tampering(manifest, longer, CHANGED, "no sound Manifest", ForgedError),
    "manifest missing": Tampering(manifest, None, "manifest missing", "missing"),
    # Its signature.
    "signature of the manifest": Tampering(signatures, flipped(b'"signature":"'), CHANGED, UNSIGNED, ForgedError),
    "key id of the manifest's signature": Tampering(
        signatures, lambda data: data.replace(b'"key_id":"', b'"key_id":"0')[:-4] + data[-3:], "signature file damaged",
        "no sound Signatures",
    ),
    "signatures cut": Tampering(signatures, cut, "signature file damaged", "no sound Signatures"),
    "signatures longer": Tampering(signatures, longer, "signature file damaged", "no sound Signatures"),
    "signatures, none in the file": Tampering(
        signatures, lambda _: encode(Signatures(signatures=())), CHANGED, UNSIGNED, ForgedError
    ),
    "signatures missing": Tampering(signatures, None, "signature missing", "missing", ForgedError),
    # The entry, which carries its own.
    "entry, its time": Tampering(entry, flipped(b'"created":"202'), FORGED, UNSIGNED, ForgedError),
    "entry, its end": Tampering(entry, flipped(b'"expires":"202'), FORGED, UNSIGNED, ForgedError),
    "entry, who decided": Tampering(
        entry, lambda data: data.replace(b'"by":""', b'"by":"me"'), FORGED, UNSIGNED, ForgedError
    ),
    "entry, its action": Tampering(
        entry, lambda data: data.replace(b'"publish"', b'"rollback"'), FORGED, UNSIGNED, ForgedError
    ),
    "entry, its release": Tampering(entry, flipped(b'"release_id":"'), FORGED, UNSIGNED, ForgedError),
    "entry, its number": Tampering(
        entry, lambda data: data.replace(b'"sequence":2', b'"sequence":3'), "entry of another number",
        "carries the number 3",
    ),
    "entry, its signature": Tampering(entry, flipped(b'"signature":"'), FORGED, UNSIGNED, ForgedError),
    "entry, unsigned": Tampering(
        entry, lambda data: re.sub(rb'"signatures":\[.*\]', b'"signatures":[]', data), FORGED, UNSIGNED, ForgedError
    ),
    "entry cut": Tampering(entry, cut, "entry damaged", NO_ENTRY),
    "entry longer": Tampering(entry, longer, "entry damaged", NO_ENTRY),
    "entry of a newer program": Tampering(
        entry, lambda data: data.replace(b'"schema_version":2', b'"schema_version":9'), "newer program",
        "newer than this program knows", UsageError,
    ),
}  # fmt: skip


def of(name: str) -> Callable[[World], str]:
    return lambda world: world.object(name)


for kind in KINDS:
    TAMPERINGS |= {
        f"{kind} changed": Tampering(of(kind), flipped(b"\x10"), "object changed", "is damaged"),
        f"{kind} cut": Tampering(of(kind), cut, "object changed", r"has [\d,]+ bytes instead"),
        f"{kind} longer": Tampering(of(kind), longer, "object too long", r"has [\d,]+ bytes instead"),
        f"{kind} missing": Tampering(of(kind), None, "object missing", "is missing"),
    }


def refusal(world: World, error: type[AutoDetectError], words: str, cache: str = "cache") -> None:
    """Let the client sync, which must fail in these words and in no others."""
    before = current(world.folder / cache)
    with pytest.raises(error) as raised:
        world.sync(cache)
    assert [name for name, pattern in WORDS.items() if re.search(pattern, raised.value.what)] == [words], (
        raised.value.what
    )
    assert raised.value.remedy
    assert current(world.folder / cache) == before


def named(world: World, key: str, words: str) -> None:
    """Let `verify` look, which must name the file in these words."""
    found = [each.reason for each in world.problems() if each.key == key]
    assert any(re.search(words, reason) for reason in found), world.problems()


@pytest.mark.parametrize("done", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_what_was_tampered_with_is_refused_and_named(world: World, done: Tampering) -> None:
    key, at = done.key(world), (done.at or done.key)(world)
    before = world.store.get(key)
    if done.edit is None:
        world.store.delete(key)
    else:
        changed = done.edit(before)
        assert changed != before
        world.store.put(key, changed)
    refusal(world, done.error, done.client)
    named(world, at, done.verify)
    world.store.put(key, before)
    assert world.sync().sequence == 2
    assert world.problems() == []


def test_no_byte_of_what_is_signed_can_change(world: World) -> None:
    for key in (entry(world), manifest(world), signatures(world)):
        data = world.store.get(key)
        for place in range(len(data)):
            world.store.root.joinpath(key).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            with pytest.raises(AutoDetectError):
                sync(world.store, world.folder / "cache", (), trusted=KEY.public, now=NOW)
        world.store.put(key, data)
    assert current(world.folder / "cache") is None
    assert world.sync().sequence == 2


@pytest.mark.parametrize(
    ("make", "words", "error", "said"),
    [
        (manifest_key, CHANGED, ForgedError, NOT_ITS_ID),
        (signatures_key, CHANGED, ForgedError, UNSIGNED),
    ],
)
def test_a_file_of_another_release_in_the_place_of_this_ones_is_refused(
    world: World, make: Callable[[str], str], words: str, error: type[CorruptError], said: str
) -> None:
    world.store.put(make(world.second.release_id), world.store.get(make(world.first.release_id)))
    refusal(world, error, words)
    named(world, make(world.second.release_id), said)


def test_another_release_with_its_own_sound_signature_is_refused(world: World) -> None:
    for make in (manifest_key, signatures_key):
        world.store.put(make(world.second.release_id), world.store.get(make(world.first.release_id)))
    refusal(world, CorruptError, "another release's manifest")
    named(world, manifest(world), NOT_ITS_ID)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_release_under_this_ones_digest_is_refused(world: World, kind: str) -> None:
    world.store.put(world.object(kind), world.store.get(world.object(kind, world.first)))
    refusal(world, CorruptError, "object too long")
    named(world, world.object(kind), r"has [\d,]+ bytes instead")


def test_an_old_entry_as_the_newest_is_refused(world: World) -> None:
    world.store.put(history_key(3), world.store.get(history_key(1)))
    refusal(world, CorruptError, "entry of another number")
    named(world, history_key(3), "carries the number 1")


def test_a_store_put_back_in_time_is_refused_by_who_has_seen_more(world: World) -> None:
    world.sync()
    world.store.delete(history_key(2))
    assert world.sync().sequence == 2  # nothing new is announced, and what is here is newer
    named(world, LATEST, "names entry 2")
    world.store.put(LATEST, encode(LatestHint(sequence=1, release_id=world.first.release_id)))
    refusal(world, OlderReleaseError, "history replayed")
    assert world.problems() == []  # whoever has only this copy sees nothing wrong with it, until it expires


def test_a_history_rewritten_by_the_same_key_is_refused_by_who_has_seen_the_other(world: World) -> None:
    world.sync()
    world.store.delete(history_key(2))
    world.publish(3)
    refusal(world, OlderReleaseError, "history replayed")


def test_what_another_key_signed_is_refused(world: World) -> None:
    data = world.store.get(manifest(world))
    sound = world.store.get(signatures(world))
    world.store.put(signatures(world), encode(Signatures(signatures=(OTHER.sign("manifest", data),))))
    refusal(world, ForgedError, CHANGED)
    named(world, signatures(world), UNSIGNED)
    world.store.put(signatures(world), sound)
    found = decode(HistoryEntry, world.store.get(history_key(2)), "")
    world.store.put(history_key(2), encode(found.signed(OTHER)))
    refusal(world, ForgedError, FORGED)
    named(world, history_key(2), UNSIGNED)


def test_a_signature_of_one_kind_of_file_is_none_of_another(world: World) -> None:
    data = world.store.get(manifest(world))
    world.store.put(signatures(world), encode(Signatures(signatures=(KEY.sign("history entry", data),))))
    refusal(world, ForgedError, CHANGED)
    named(world, signatures(world), UNSIGNED)


def test_a_demo_key_vouches_for_nothing_in_production(tmp_path: Path) -> None:
    store, same = LocalStore(tmp_path / "store"), PrivateKey(bytes(range(32)), "release")
    done = publish(store, files(tmp_path / "files"), facts(channel="production"), NOW, key=same)
    with pytest.raises(ForgedError, match=WORDS["demo key"]):
        sync(store, tmp_path / "cache", trusted=KEY.public, now=NOW)
    found = {each.key: each.reason for each in verify(store, trusted=KEY.public)}
    assert "a demo key" in found[signatures_key(done.release_id)]
    assert sync(store, tmp_path / "cache", trusted=same.public, now=NOW).sequence == 1


@pytest.mark.parametrize("data", [b"", b"{}", b'{"release_id":"x","sequence":1}', b"\xff" * 100], ids=range(4))
def test_a_hint_decides_nothing_whatever_it_says(world: World, data: bytes) -> None:
    world.store.put(LATEST, data)
    assert world.sync().sequence == 2
    named(world, LATEST, "is no sound LatestHint")


@pytest.mark.parametrize("sequence", [1, 2, 3, 10**6])
def test_a_hint_that_lies_leads_to_the_newest_entry_all_the_same(world: World, sequence: int) -> None:
    lie = {"release_id": "0" * 64, "sequence": sequence}
    world.store.put(LATEST, json.dumps(lie, separators=(",", ":")).encode())
    assert world.sync().sequence == 2
    assert world.sync().sequence == 2
    named(world, LATEST, f"names entry {sequence}")


def test_damage_to_what_is_here_already_is_not_asked_for_again(world: World) -> None:
    assert set(world.sync().fetched) == set(KINDS)
    world.store.put(world.object("card.md"), b"damaged")
    assert world.sync().fetched == ()
    refusal(world, CorruptError, "object changed", "another cache")
