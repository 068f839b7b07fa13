"""The vectors of docs/client.md: up to date, and told apart by our client and by one made from the page alone."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from autodetect.errors import AutoDetectError
from autodetect.lake.objects import LocalStore
from autodetect.release.client import sync
from autodetect.release.signing import PublicKey
from tests.release.client import vectors
from tests.release.client.asking import SOON

VECTORS = json.loads(vectors.PAGE.read_text("utf-8"))
PAGE = vectors.PAGE.with_name("client.md").read_text("utf-8")
CASES = [pytest.param(case, id=case["name"]) for case in VECTORS["cases"]]
SAID = {  # what the project's client says where the page's rule is this one
    "no release": "holds no release",
    "replayed": "already seen here",
    "entry damaged": "no sound HistoryEntry|carries the number",
    "too new": "newer than this program knows",
    "entry forged": "is not signed by the key|brought in the key of entry .* is missing",
    "key displaced": "which entry 4 displaced",
    "manifest missing": "named by entry 2, is missing",
    "manifest unsigned": "the manifest's signature, is missing",
    "manifest forged": "the manifest .* is not signed by the key",
    "manifest of another release": "it was changed after it was published",
    "demo key": "rests on a demo key",
    "channel": "of the channel",
    "app too old": "of the app; this is",
    "file": "gave other bytes|is longer than|a file of the newest release, is missing",
}


class RefusedError(Exception):
    """A rule of the page says no."""


class Phone:
    """A client made from docs/client.md alone: the standard library and Ed25519, nothing of the project."""

    def __init__(self, key: bytes, purpose: str, channel: str | None, app_version: str | None) -> None:
        self.root = self.key = key
        self.purpose, self.channel, self.app_version = purpose, channel, app_version
        self.held: bytes | None = None

    def sync(self, files: dict[str, bytes]) -> int:
        text = self.newest(files)
        if text == self.held:
            return self.facts(text)["sequence"]
        entry = self.facts(text)
        key, purpose = self.key_of(files, text, entry)
        if self.held and entry["key_since"] < self.next_key_since():
            raise RefusedError("key displaced")
        manifest = self.manifest(files, entry, key)
        if manifest["channel"] == "production" and "demo" in {self.purpose, purpose}:
            raise RefusedError("demo key")
        if self.channel not in {None, manifest["channel"]}:
            raise RefusedError("channel")
        if self.app_version and self.numbers(self.app_version) < self.numbers(manifest["minimum_app_version"]):
            raise RefusedError("app too old")
        for told in manifest["objects"].values():
            data = files.get(f"objects/sha256/{told['sha256']}")
            if data is None or len(data) != told["size"] or hashlib.sha256(data).hexdigest() != told["sha256"]:
                raise RefusedError("file")
        self.held, self.key, self.purpose, self.channel = text, key, purpose, manifest["channel"]
        return entry["sequence"]

    def newest(self, files: dict[str, bytes]) -> bytes:
        try:
            hint = json.loads(files["latest.json"])
            number, release = hint["sequence"], hint["release_id"]
        except (KeyError, ValueError):
            hint, number, release = None, 0, ""
        held = self.facts(self.held) if self.held else None
        if held and (number, release) == (held["sequence"], held["release_id"]):
            return self.held
        if held is None or number <= held["sequence"] or f"history/{number}.json" not in files:
            if held is None:
                number = number if f"history/{number}.json" in files else 1
            else:
                number = held["sequence"]
                if not hint and f"history/{number}.json" not in files:
                    return self.held  # the store is down
                if files.get(f"history/{number}.json") != self.held:
                    raise RefusedError("replayed")
        if f"history/{number}.json" not in files:
            raise RefusedError("no release")
        while f"history/{number + 1}.json" in files:
            number += 1
        text = files[f"history/{number}.json"]
        if self.facts(text)["sequence"] != number:
            raise RefusedError("entry damaged")
        return text

    def split(self, text: bytes) -> tuple[bytes, list[dict[str, str]]]:
        body, _, tail = text.partition(b',"signatures":')
        try:
            rest = json.loads(b'{"signatures":' + tail)
        except ValueError:
            raise RefusedError("entry damaged") from None
        if list(rest) != ["signatures"]:
            raise RefusedError("entry damaged")
        return body + b"}", rest["signatures"]

    def facts(self, text: bytes) -> dict[str, Any]:
        facts = json.loads(self.split(text)[0])
        if facts["schema_version"] > 2:
            raise RefusedError("too new")
        return facts

    def signed(self, kind: str, data: bytes, signatures: list[dict[str, str]], key: bytes) -> bool:
        own = hashlib.sha256(key).hexdigest()[:16]
        for each in signatures:
            if each["key_id"] == own:
                try:
                    message = f"AutoDetect {kind}\n".encode() + data
                    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(each["signature"]), message)
                except InvalidSignature:
                    continue
                return True
        return False

    def key_of(self, files: dict[str, bytes], text: bytes, entry: dict[str, Any]) -> tuple[bytes, str]:
        key, purpose = self.key, self.purpose
        chain = [text] if entry["action"] == "rotate" else []
        since = entry["key_since"]
        while since != 1 and not (chain and self.new_key(chain[-1])[0] == key):
            if f"history/{since}.json" not in files:
                raise RefusedError("entry forged")
            rotation = files[f"history/{since}.json"]
            if self.facts(rotation)["action"] != "rotate" or self.facts(rotation)["sequence"] != since:
                raise RefusedError("entry forged")
            chain.append(rotation)
            since = self.facts(rotation)["key_since"]
        for rotation in reversed(chain):
            body, signatures = self.split(rotation)
            new, meant_for = self.new_key(rotation)
            if not self.signed("history entry", body, signatures, new):
                raise RefusedError("entry forged")
            if new != key:
                if not self.signed("history entry", body, signatures, key):
                    raise RefusedError("entry forged")
                key, purpose = new, meant_for
        if not self.signed("history entry", *self.split(text), key):
            raise RefusedError("entry forged")
        return key, purpose

    def new_key(self, rotation: bytes) -> tuple[bytes, str]:
        new = self.facts(rotation)["new_key"]
        return base64.b64decode(new["public_key"]), new["purpose"]

    def next_key_since(self) -> int:
        held = self.facts(self.held)
        return held["sequence"] if held["action"] == "rotate" else held["key_since"]

    def manifest(self, files: dict[str, bytes], entry: dict[str, Any], key: bytes) -> dict[str, Any]:
        data = files.get(f"manifests/{entry['release_id']}.json")
        if data is None:
            raise RefusedError("manifest missing")
        beside = files.get(f"manifests/{entry['release_id']}.sig")
        if beside is None:
            raise RefusedError("manifest unsigned")
        if not self.signed("manifest", data, json.loads(beside)["signatures"], key):
            raise RefusedError("manifest forged")
        if hashlib.sha256(re.sub(rb'"created":"[^"]*",', b"", data, count=1)).hexdigest() != entry["release_id"]:
            raise RefusedError("manifest of another release")
        return json.loads(data)

    def numbers(self, version: str) -> list[int]:
        found = [int(part) for part in version.split(".")]
        while found and found[-1] == 0:
            found.pop()
        return found


def files_of(case: dict[str, Any]) -> dict[str, bytes]:
    changed = {**VECTORS["stores"][case["store"]], **case["change"]}
    return {path: data.encode() for path, data in changed.items() if data is not None}


def test_the_file_is_what_the_generator_writes() -> None:
    assert vectors.PAGE.read_text("utf-8") == vectors.text(), "run `python -m tests.release.client.vectors`"


@pytest.mark.parametrize("case", CASES)
def test_a_client_made_from_the_page_alone_accepts_and_refuses_as_the_vectors_say(case: dict[str, Any]) -> None:
    key = base64.b64decode(VECTORS["keys"][case["trusted"]]["public_key"])
    assert hashlib.sha256(key).hexdigest()[:16] == VECTORS["keys"][case["trusted"]]["key_id"]
    phone = Phone(key, case["purpose"], case["channel"], case["app_version"])
    if case["held"]:
        phone.sync({path: data.encode() for path, data in VECTORS["stores"][case["held"]].items()})
    if case["refused"]:
        with pytest.raises(RefusedError, match=f"^{case['refused']}$"):
            phone.sync(files_of(case))
    else:
        assert phone.sync(files_of(case)) == case["sequence"]


@pytest.mark.parametrize("case", CASES)
def test_the_projects_client_accepts_and_refuses_as_the_vectors_say(case: dict[str, Any], tmp_path: Path) -> None:
    told = {"public_key": VECTORS["keys"][case["trusted"]]["public_key"], "purpose": case["purpose"]}
    options: dict[str, Any] = {"trusted": PublicKey(**told), "now": SOON}
    store, cache = LocalStore(tmp_path / "store"), tmp_path / "cache"
    if case["held"]:
        for path, data in VECTORS["stores"][case["held"]].items():
            store.put(path, data.encode())
        sync(store, cache, **options)
        for path in list(store.list()):
            store.delete(path)
    for path, data in files_of(case).items():
        store.put(path, data)
    options |= {"channel": case["channel"], "app_version": case["app_version"]}
    if case["refused"]:
        with pytest.raises(AutoDetectError, match=SAID[case["refused"]]):
            sync(store, cache, **options)
    else:
        assert sync(store, cache, **options).sequence == case["sequence"]


def test_every_rule_of_the_page_has_a_vector_and_every_vector_a_rule() -> None:
    rules = set(re.findall(r"^\| `([a-z ]+)` \|", PAGE, re.MULTILINE))
    assert rules == {case["refused"] for case in VECTORS["cases"]} - {None} == set(SAID)
