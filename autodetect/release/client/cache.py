"""The folder in which a client keeps releases: usable after a kill at any moment, and bounded in size.

    trusted.json                        the key that all in here was believed by
    current.json, previous.json         the entries in force and before; replacing `current.json` is the switch
    history/<n>.json                    the rotations that lead from the trusted key to the one that signed
    manifests/<release_id>.json, .sig   of these two releases
    objects/<sha256>                    files of these two releases
    hint.json                           ETag of the store's hint when `current.json` was taken
    sync.lock                           one process at a time brings in a release

What is JSON is byte for byte as the store has it and is believed anew, by its signatures, whenever it is read.
"""

import fcntl
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from autodetect.errors import AutoDetectError, CorruptError, UsageError
from autodetect.lake.objects import LocalStore, ObjectMissingError
from autodetect.lake.objects.durable import PARTIAL_PREFIX, make_folder
from autodetect.records import Record
from autodetect.release.client.belief import Believed, believe
from autodetect.release.client.polling import MAX_ENTRY_BYTES, read_entry
from autodetect.release.client.source import read
from autodetect.release.client.synced import object_path
from autodetect.release.history import HistoryEntry
from autodetect.release.layout import history_key, manifest_key, signatures_key
from autodetect.release.manifest import RecordT, decode, encode
from autodetect.release.signing import PublicKey

CURRENT, PREVIOUS, TRUSTED, HINT, LOCK = "current.json", "previous.json", "trusted.json", "hint.json", "sync.lock"
ROOMS = ("objects", "manifests", "history")


class SeenHint(Record):
    """The store's hint had this ETag when the entry of this number was found to be the newest."""

    url: str
    etag: str
    sequence: int


class Cache:
    """A cache folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = LocalStore(folder)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the cache's lock; the system frees it when the process ends, however it ends.

        Raises:
            UsageError: the folder belongs to something else, or cannot be used.
        """
        try:
            if self.folder.is_dir() and any(self.folder.iterdir()) and not (self.folder / LOCK).is_file():
                raise UsageError(f"{self.folder} is not empty, and holds no releases", "name a folder of its own")
            make_folder(self.folder)
            with (self.folder / LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise UsageError(
                f"the folder {self.folder} cannot be used: {error}", "give this user access to it, or name another"
            ) from error

    def trusted(self) -> PublicKey | None:
        """Return the key that what is in here was believed by; None if that is not known."""
        return self._record(PublicKey, TRUSTED)

    def held(self, trusted: PublicKey) -> tuple[Believed | None, tuple[str, ...]]:
        """Return the release in force here, or the one before where that is damaged, and what is to be told about it.

        Raises:
            UsageError: all in here was believed by another key, and this one has nothing to do with it.
        """
        warnings: list[str] = []
        for name in (CURRENT, PREVIOUS):
            try:
                return self._believed(name, trusted), tuple(warnings)
            except ObjectMissingError:
                continue
            except AutoDetectError as error:
                if (known := self.trusted()) and not known.is_same(trusted):
                    raise UsageError(
                        f"{self.folder} holds releases that were believed by the key {known.key_id};"
                        f" {trusted.key_id} is to be trusted now, which no rotation in here has brought in",
                        "if that is meant, remove the folder and sync again; if not, name the key from before",
                    ) from error
                warnings.append(f"{self.folder} was damaged ({error.what}) and is fetched anew")
        return None, tuple(warnings)

    def previous(self, trusted: PublicKey) -> Believed | None:
        """Return the release before the one in force, None if there is none that is sound."""
        try:
            return self._believed(PREVIOUS, trusted)
        except AutoDetectError:
            return None

    def keep(self, release: Believed) -> None:
        """Write down all but the files of a release that is about to come into force."""
        for rotation in release.rotations:
            self._put(history_key(rotation.sequence), encode(rotation))
        self._put(signatures_key(release.entry.release_id), release.signatures)
        self._put(manifest_key(release.entry.release_id), release.data)

    def switch(self, release: Believed, before: Believed | None, trusted: PublicKey) -> None:
        """Put a release into force whose files are all here, in one step."""
        if before is not None:
            self._put(PREVIOUS, encode(before.entry))
        self.trust(trusted)
        self._put(CURRENT, encode(release.entry))

    def trust(self, trusted: PublicKey) -> None:
        """Remember the key that what is in force was believed by."""
        if self.trusted() != trusted:
            self._put(TRUSTED, encode(trusted))

    def etag(self, url: str, entry: HistoryEntry) -> str:
        """Return the ETag that the hint at this place had when the entry was found to be the newest; '' if unknown."""
        seen = self._record(SeenHint, HINT)
        return seen.etag if seen and (seen.url, seen.sequence) == (url, entry.sequence) else ""

    def remember(self, url: str, etag: str, entry: HistoryEntry) -> None:
        """Write down what the next poll starts from."""
        seen = SeenHint(url=url, etag=etag, sequence=entry.sequence)
        if self._record(SeenHint, HINT) != seen:
            self._put(HINT, encode(seen))

    def sweep(self, kept: Collection[Believed]) -> None:
        """Remove what none of these releases names, and what killed processes left."""
        keys = {history_key(rotation.sequence) for release in kept for rotation in release.rotations}
        for release in kept:
            keys |= {manifest_key(release.entry.release_id), signatures_key(release.entry.release_id)}
        paths = {self.folder / key for key in keys}
        paths |= {object_path(self.folder, each) for release in kept for each in release.manifest.objects.values()}
        for room in (self.folder / name for name in ROOMS):
            found = [path for path in room.iterdir() if path not in paths] if room.is_dir() else [room]
            for path in sorted(found):
                remove(path)
        for path in sorted(self.folder.glob(f"{PARTIAL_PREFIX}*")):
            remove(path)

    def _believed(self, name: str, trusted: PublicKey) -> Believed:
        path = self.folder / name
        if path.is_dir():
            raise CorruptError(f"{path} is a folder")
        entry = decode(HistoryEntry, read(self._files, name, MAX_ENTRY_BYTES), str(path))
        return believe(
            entry,
            rotation=lambda sequence: read_entry(self._files, sequence),
            read=lambda key, limit: read(self._files, key, limit),
            trusted=trusted,
            place=str(self.folder),
        )

    def _record(self, kind: type[RecordT], name: str) -> RecordT | None:
        try:
            return decode(kind, read(self._files, name, MAX_ENTRY_BYTES), str(self.folder / name))
        except (ObjectMissingError, CorruptError):
            return None

    def _put(self, key: str, data: bytes) -> None:
        if (self.folder / key).is_dir():
            remove(self.folder / key)
        self._files.put(key, data)


def remove(path: Path) -> None:
    """Remove what is under this path of a cache, a folder with all that is in it; it is fine if nothing is."""
    if path.is_dir() and not path.is_symlink():
        rmtree(path)
    else:
        path.unlink(missing_ok=True)
