"""What a client in any language must accept and refuse, as data: `python -m tests.release.client.vectors` writes it.

The same every time: fixed keys, fixed times. `docs/client.md` says how the file is read.
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import LocalStore
from autodetect.records import Verdict
from autodetect.release.history import HistoryEntry, LatestHint
from autodetect.release.layout import (
    HISTORY,
    LATEST,
    MANIFESTS,
    OBJECTS,
    history_key,
    manifest_key,
    media_type,
    signatures_key,
)
from autodetect.release.manifest import Backbone, ReleaseFacts, encode
from autodetect.release.publish import publish
from autodetect.release.rotation import rotate
from autodetect.release.signed import Signatures
from autodetect.release.signing import PrivateKey
from autodetect.release.upload import ReleaseFile
from tests.release.sample import commit

PAGE = Path(__file__).parents[3] / "docs" / "client-vectors.json"
KEYS = {
    "first": PrivateKey(bytes(range(32)), "demo"),
    "second": PrivateKey(bytes(32), "demo"),
    "stolen": PrivateKey(b"\1" * 32, "demo"),
    "production": PrivateKey(b"\2" * 32, "release"),
}
NIGHT = date(2026, 3, 1)
SEEN_BY_CLIENTS = (HISTORY, LATEST, MANIFESTS, OBJECTS)

Files = dict[str, str]
Change = Callable[[Files], dict[str, str | None]]


def vectors() -> dict[str, Any]:
    """Return the keys, the stores and the cases."""
    stores = _stores()
    return {
        "keys": {
            name: key.public.model_dump(mode="json") | {"key_id": key.public.key_id} for name, key in KEYS.items()
        },
        "stores": stores,
        "cases": [*_accepted(stores), *_refused(stores)],
    }


def text() -> str:
    """Return the file's text."""
    return json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"


def _stores() -> dict[str, Files]:
    """Return stores as a client sees them: path to text."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        made: dict[str, Files] = {}
        store = LocalStore(folder / "store")
        first = _publish(store, folder, 1, "first")
        made["one"] = _files(store)
        _publish(store, folder, 2, "first")
        made["two"] = _files(store)
        commit(store, first, "rollback", _time(3), key=KEYS["first"], by="Jörg", reason='"too slow"')
        made["rolled back"] = _files(store)
        rotate(store, KEYS["first"], KEYS["second"], _time(4), by="Jörg", reason="yearly")
        made["rotated"] = _files(store)
        _publish(store, folder, 5, "second")
        made["five"] = _files(store)
        production = LocalStore(folder / "production")
        _publish(production, folder, 1, "production", channel="production", minimum_app_version="1.10")
        made["production"] = _files(production)
        candidate = LocalStore(folder / "candidate")
        for night in (1, 2):
            _publish(candidate, folder, night, "production", channel="candidate")
        made["candidate"] = _files(candidate)
        return made


def _publish(store: LocalStore, folder: Path, night: int, key: str, **changes: Any) -> str:
    files = []
    for name, data in {"prices.json": f'{{"night":{night}}}', "classes.json": '{"0":"Škoda Fabia"}'}.items():
        (folder / name).write_text(data, "utf-8")
        files.append(ReleaseFile(name, folder / name, media_type(name)))
    values: dict[str, Any] = {
        "channel": "demo",
        "night": NIGHT + timedelta(days=night - 1),
        "verdict": Verdict.PUBLISHED,
        "source": "sandbox",
        "code_version": "0.1.0",
        "backbone": Backbone(digest="b" * 64, weights="random", note='a note, "created":"never",'),
        "class_map_digest": "c" * 64,
        "warnings": ("nur ein Beispiel: 1 € = 100 ¢",),
    }
    facts = ReleaseFacts(**{**values, **changes})
    return publish(store, files, facts, _time(night), key=KEYS[key]).release_id


def _time(night: int) -> datetime:
    return datetime(2026, 3, night, 2, 30, tzinfo=UTC)


def _files(store: LocalStore) -> Files:
    return {key: store.get(key).decode() for key in store.list() if key.startswith(SEEN_BY_CLIENTS)}


def _accepted(stores: dict[str, Files]) -> list[dict[str, Any]]:
    return [
        _case("a first sync", "one", sequence=1),
        _case("nothing new", "two", held="two", sequence=2),
        _case("a night of prices", "two", held="one", sequence=2),
        _case("a rollback is a newer entry", "rolled back", held="two", sequence=3),
        _case("a wall before the store: nothing is there", "one", dict.fromkeys(stores["one"]), held="one", sequence=1),
        _case("a rotation is followed", "five", held="one", sequence=5),
        _case("a rotation itself is the newest entry", "rotated", held="two", sequence=4),
        _case("a client that trusts the new key", "five", trusted="second", sequence=5),
        _case("a hint that lags", "two", {LATEST: stores["one"][LATEST]}, sequence=2),
        _case(
            "a hint that points back is not followed", "two", {LATEST: stores["one"][LATEST]}, held="two", sequence=2
        ),
        _case("a hint ahead of the history", "two", {LATEST: _hint(stores["two"], 99)}, sequence=2),
        _case("a hint that is garbage", "two", {LATEST: "garbage"}, held="one", sequence=2),
        _case("no hint", "two", {LATEST: None}, sequence=2),
        _case(
            "another key signed beside the right one",
            "two",
            {_path(stores["two"], 2, signatures_key): _signatures(stores["two"], 2, "stolen", "first")},
            sequence=2,
        ),
        _case(
            "an app that is new enough",
            "production",
            trusted="production",
            channel="production",
            app_version="1.10.0",
            sequence=1,
        ),
    ]


def _refused(stores: dict[str, Files]) -> list[dict[str, Any]]:
    two, five = stores["two"], stores["five"]
    entry, manifest, signatures = history_key(2), _path(two, 2, manifest_key), _path(two, 2, signatures_key)
    prices = next(key for key, data in two.items() if key.startswith(OBJECTS) and data == '{"night":2}')
    body, _, _ = two[entry].partition(',"signatures":')
    release = json.loads(two[entry])["release_id"]
    first = json.loads(two[history_key(1)])["release_id"]
    own_rotation = {
        **_entry(five, 6, ("stolen", "first"), key_since=1, action="rotate", new_key=KEYS["stolen"].public),
        **_entry(five, 7, ("stolen",), key_since=6),
        LATEST: _hint(five, 7),
    }
    own_rotation[_path(five, 5, signatures_key)] = _signatures(five, 5, "stolen")
    return [
        _case("an empty store", "one", dict.fromkeys(stores["one"]), refused="no release"),
        _case("an old store replayed", "one", held="two", refused="replayed"),
        _case(
            "another entry of a number that was seen",
            "two",
            _entry(two, 2, ("first",), release_id=first) | {LATEST: _hint(two, 2, first)},
            held="two",
            refused="replayed",
        ),
        _case(
            "an entry under another number", "two", {entry: two[history_key(1)]}, held="one", refused="entry damaged"
        ),
        _case("an entry cut short", "two", {entry: two[entry][:-1]}, held="one", refused="entry damaged"),
        _case(
            "a second release id behind the signatures",
            "two",
            {entry: f'{two[entry][:-1]},"release_id":"{first}"}}'},
            held="one",
            refused="entry damaged",
        ),
        _case("an entry of a newer schema", "two", _newer(two, 2), held="one", refused="too new"),
        _case(
            "an entry whose release was changed",
            "two",
            {entry: two[entry].replace(release, first)},
            held="one",
            refused="entry forged",
        ),
        _case("an entry without signatures", "two", {entry: f'{body},"signatures":[]}}'}, refused="entry forged"),
        _case("an entry of a stranger", "two", _entry(two, 2, ("stolen",)), refused="entry forged"),
        _case(
            "a stranger's signature under the right key's id",
            "two",
            {entry: _entry(two, 2, ("stolen",))[entry].replace(_id("stolen"), _id("first"))},
            refused="entry forged",
        ),
        _case("a manifest's signature on an entry", "two", {entry: _as_manifest(body)}, refused="entry forged"),
        _case("a client that trusts another key", "five", trusted="stolen", refused="entry forged"),
        _case(
            "a rotation that the old key did not sign",
            "five",
            _entry(five, 4, ("second",), action="rotate", new_key=KEYS["second"].public, key_since=1),
            refused="entry forged",
        ),
        _case(
            "a rotation that is missing", "five", {history_key(4): None, LATEST: five[LATEST]}, refused="entry forged"
        ),
        _case(
            "an entry of a displaced key",
            "five",
            _entry(five, 6, ("first",), key_since=1) | {LATEST: _hint(five, 6)},
            held="five",
            refused="entry forged",
        ),
        _case("a displaced key with a rotation of its own", "five", own_rotation, held="five", refused="entry forged"),
        _case(
            "an entry that names an earlier rotation",
            "five",
            _entry(five, 6, ("second",), key_since=1) | {LATEST: _hint(five, 6)},
            held="five",
            refused="key displaced",
        ),
        _case("a manifest that is missing", "two", {manifest: None}, held="one", refused="manifest missing"),
        _case("a manifest without signatures", "two", {signatures: None}, held="one", refused="manifest unsigned"),
        _case(
            "a manifest that was changed",
            "two",
            {manifest: two[manifest].replace("sandbox", "sandbax")},
            held="one",
            refused="manifest forged",
        ),
        _case(
            "a manifest whose creation time was changed",
            "two",
            {manifest: two[manifest].replace('"created":"2026', '"created":"2025')},
            refused="manifest forged",
        ),
        _case(
            "a stranger's signature on a manifest",
            "two",
            {signatures: _signatures(two, 2, "stolen")},
            refused="manifest forged",
        ),
        _case(
            "a sound manifest of another release",
            "two",
            {manifest: two[_path(two, 1, manifest_key)], signatures: two[_path(two, 1, signatures_key)]},
            refused="manifest of another release",
        ),
        _case("a demo key for production", "production", trusted="production", purpose="demo", refused="demo key"),
        _case("not the channel that was asked for", "one", channel="production", refused="channel"),
        _case("a change of channel", "candidate", held="production", trusted="production", refused="channel"),
        _case("an app that is too old", "production", trusted="production", app_version="1.9", refused="app too old"),
        _case("a file that was changed", "two", {prices: '{"night":3}'}, held="one", refused="file"),
        _case("a file cut short", "two", {prices: '{"night":2'}, held="one", refused="file"),
        _case("a longer file", "two", {prices: '{"night":2}\n'}, held="one", refused="file"),
        _case("a file that is missing", "two", {prices: None}, held="one", refused="file"),
    ]


def _case(
    name: str,
    store: str,
    change: dict[str, Any] | None = None,
    *,
    held: str | None = None,
    trusted: str = "first",
    purpose: str | None = None,
    channel: str | None = None,
    app_version: str | None = None,
    sequence: int | None = None,
    refused: str | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "trusted": trusted,
        "purpose": purpose or KEYS[trusted].public.purpose,
        "channel": channel,
        "app_version": app_version,
        "held": held,
        "store": store,
        "change": change or {},
        "sequence": sequence,
        "refused": refused,
    }


def _id(key: str) -> str:
    return KEYS[key].public.key_id


def _path(files: Files, sequence: int, kind: Callable[[str], str]) -> str:
    return kind(json.loads(files[history_key(sequence)])["release_id"])


def _hint(files: Files, sequence: int, release: str | None = None) -> str:
    release = release or json.loads(files[LATEST])["release_id"]
    return encode(LatestHint(sequence=sequence, release_id=release)).decode()


def _entry(files: Files, sequence: int, signers: tuple[str, ...], **changes: Any) -> dict[str, str]:
    """Return an entry for the newest release but for the changes, signed by these, under its path."""
    newest = json.loads(files[LATEST])["release_id"]
    values: dict[str, Any] = {"release_id": newest, "action": "publish", "key_since": 1}
    before = files.get(history_key(sequence - 1))
    values |= {"follows": before and sha256_bytes(before.encode())}
    values |= {"created": _time(sequence), "expires": _time(sequence) + timedelta(days=30)} | changes
    entry = HistoryEntry(sequence=sequence, **values).signed(*(KEYS[each] for each in signers))
    return {history_key(sequence): encode(entry).decode()}


def _newer(files: Files, sequence: int) -> dict[str, str]:
    """Return an entry of the next schema version, signed as it should be."""
    body, _, _ = files[history_key(sequence)].partition(',"signatures":')
    body = body.replace('"schema_version":2', '"schema_version":3') + "}"
    made = KEYS["first"].sign("history entry", body.encode()).model_dump_json()
    return {history_key(sequence): f'{body[:-1]},"signatures":[{made}]}}'}


def _as_manifest(body: str) -> str:
    made = KEYS["first"].sign("manifest", f"{body}}}".encode()).model_dump_json()
    return f'{body},"signatures":[{made}]}}'


def _signatures(files: Files, sequence: int, *signers: str) -> str:
    data = files[_path(files, sequence, manifest_key)].encode()
    return encode(Signatures(signatures=tuple(KEYS[each].sign("manifest", data) for each in signers))).decode()


if __name__ == "__main__":
    PAGE.write_text(text(), "utf-8")
