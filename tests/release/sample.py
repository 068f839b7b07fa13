"""A small release, and stores that count, fail or kill on purpose."""

import os
import signal
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

from autodetect.classifier.champion import ClassEntry, class_map_digest
from autodetect.errors import DependencyDownError
from autodetect.lake.objects import LocalStore, ObjectStore
from autodetect.records import Verdict, canonical_json
from autodetect.release.history import Action, HistoryEntry, append, newest, repair_hint
from autodetect.release.layout import media_type
from autodetect.release.manifest import Backbone, DataWindow, ReleaseFacts
from autodetect.release.publish import Published, publish
from autodetect.release.signed import sign_manifest
from autodetect.release.signing import PrivateKey
from autodetect.release.upload import ReleaseFile

KEY = PrivateKey(bytes(range(32)), "demo")
NOW = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
CLASSES = (ClassEntry(output=0, class_id=7, make_model_id="ford/mustang", label="Ford Mustang"),)
CONTENT = {
    "AutoDetect.mlpackage.zip": bytes(range(256)) * 300,
    "classes.json": canonical_json([entry.model_dump() for entry in CLASSES]),
    "card.md": b"# A model\n",
    "empty.parquet": b"",
}


def facts(**changes: Any) -> ReleaseFacts:
    values: dict[str, Any] = {
        "channel": "demo",
        "night": date(2026, 3, 1),
        "verdict": Verdict.PUBLISHED,
        "source": "sandbox",
        "data_window": DataWindow(first=date(2026, 1, 1), last=date(2026, 3, 1)),
        "code_version": "0.1.0",
        "backbone": Backbone(digest="b" * 64, weights="random", note="tests"),
        "class_map_digest": class_map_digest(CLASSES),
        "metrics": {"top1": 0.5, "ece": 0.01},
        "warnings": ("random weights: für Tests",),
    }
    return ReleaseFacts(**{**values, **changes})


def files(folder: Path, content: Mapping[str, bytes] = CONTENT) -> list[ReleaseFile]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return [ReleaseFile(name, folder / name, media_type(name)) for name in content]


def publish_night(store: Any, folder: Path, night: int, now: datetime = NOW, **content: bytes) -> Published:
    """Publish the sample as of a night in March; `content` replaces or adds files ('_' for '.')."""
    changed = CONTENT | {name.replace("_", "."): data for name, data in content.items()}
    return publish(store, files(folder / str(night), changed), facts(night=date(2026, 3, night)), now, key=KEY)


class CountingStore(LocalStore):
    """Remembers which keys were read and written."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read: list[str] = []
        self.written: list[str] = []

    get_if_changed = ObjectStore.get_if_changed  # by `chunks`

    def chunks(self, key: str) -> Iterator[bytes]:
        self.read.append(key)
        return super().chunks(key)

    def put(self, key: str, data: bytes) -> None:
        self.written.append(key)
        super().put(key, data)

    def put_file(self, key: str, path: Path) -> None:
        self.written.append(key)
        super().put_file(key, path)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self.written.append(key)
        return super().put_if_absent(key, data)


class FallingStore(LocalStore):
    """Answers `reads` times, then no more."""

    def __init__(self, root: Path, reads: int) -> None:
        super().__init__(root)
        self.reads = reads

    get_if_changed = ObjectStore.get_if_changed  # by `chunks`

    def chunks(self, key: str) -> Iterator[bytes]:
        self.reads -= 1
        if self.reads < 0:
            raise DependencyDownError("the store does not answer")
        return super().chunks(key)

    def list(self, prefix: str = "") -> Iterator[str]:
        raise DependencyDownError("the store does not answer")


def kill_at_write(store: Any, n: int, *, after: bool) -> None:
    """Make the store kill its own process at the n-th write or removal, before or after it happens."""
    numbers = count(1)

    def watched(write: Any) -> Any:
        def wrapper(*args: Any) -> Any:
            number = next(numbers)
            if number == n and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = write(*args)
            if number == n:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapper

    for name in ("put", "put_file", "put_if_absent", "delete"):
        setattr(store, name, watched(getattr(store, name)))


def commit(
    store: Any, release_id: str, action: Action, now: datetime, *, key: PrivateKey, **fields: Any
) -> HistoryEntry:
    """Put a release that is in the store into force, with nobody else around."""
    sign_manifest(store, release_id, key)
    entry = append(store, newest(store), release_id, action=action, now=now, key=key, **fields)
    assert entry is not None
    repair_hint(store)
    return entry
