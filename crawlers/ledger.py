"""The crawl's own ledger: an append-only file of what was reached tonight, so that a kill loses at most a page.

One JSON object a line. The first names the night it belongs to; a ledger of another night, source or night index is
started anew. A torn last line (the kill came while it was written) is cut off.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from autodetect.errors import CorruptError
from autodetect.records import Sighting

FSYNC_EVERY = 200  # lines; a SIGKILL loses none of them, a power cut at most these


@dataclass
class Reached:
    """What the ledger says: everything that tonight's crawl knows so far."""

    announced: dict[str, int] = field(default_factory=dict)
    seen: dict[str, set[str]] = field(default_factory=dict)
    sightings: dict[tuple[str, str, str], Sighting] = field(default_factory=dict)
    photos: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    failures: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def take(self, entry: Mapping[str, Any]) -> None:
        """Add one ledger entry."""
        match entry["type"]:
            case "announced":
                self.announced[entry["kind"]] = entry["total"]
                self.failures.pop(("page", "token"), None)
            case "page":
                self.seen.setdefault(entry["kind"], set()).update(entry["item_ids"])
                self.failures.pop(("page", entry["key"]), None)
            case "sighting":
                sighting = Sighting.model_validate(entry["sighting"])
                self.sightings[sighting.kind, sighting.item_id, sighting.observed_on.isoformat()] = sighting
                self.failures.pop(("item", sighting.item_id), None)
            case "photo":
                self.photos[entry["item_id"], entry["position"]] = dict(entry)
                self.failures.pop(("photo", entry["url"]), None)
            case "failure":
                self.failures[entry["kind"], entry["key"]] = dict(entry)
            case kind:
                raise CorruptError(
                    f"the crawl ledger holds an entry of unknown type {kind!r}", "delete the ledger file"
                )


class Ledger:
    """Append entries; read them back after a kill."""

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self._path = path
        self._identity = {"type": "identity", **identity}
        self._lines = 0
        self.reached = Reached()

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._resume():
            self._path.write_text(json.dumps(self._identity) + "\n", "utf-8")
        self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._sync()
        self._file.close()

    def write(self, entry: Mapping[str, Any]) -> None:
        """Append one entry; it survives a SIGKILL from here on."""
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()
        self._lines += 1
        if self._lines % FSYNC_EVERY == 0:
            self._sync()
        self.reached.take(entry)

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def _resume(self) -> bool:
        """Read back an earlier attempt of this very night; return whether there was one."""
        if not self._path.is_file():
            return False
        whole = 0
        for number, (line, end) in enumerate(_whole_lines(self._path)):
            entry = json.loads(line)
            if number == 0 and entry != self._identity:
                return False
            if number:
                self.reached.take(entry)
            whole = end
        if whole == 0:
            return False
        os.truncate(self._path, whole)
        return True


def _whole_lines(path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield each line that was written to its end, with the file position after it."""
    position = 0
    with path.open("rb") as file:
        for line in file:
            position += len(line)
            if not line.endswith(b"\n"):
                return
            yield line, position
