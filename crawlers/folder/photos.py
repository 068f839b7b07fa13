"""Put the photos of a folder's listings into the lake's photo store, each as the bytes it is.

Every photo is read and hashed each time: a file whose size and time did not change may still have other bytes, and
reading is cheap beside looking at what is new. What the lake holds is not stored again.
"""

import stat
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from autodetect.lake.archives import sha256_bytes
from autodetect.lake.blobs import BlobStore
from autodetect.records import Refusal
from crawlers.folder.files import refused
from crawlers.folder.read import FolderListing
from crawlers.kept import KeptListing, KeptPhoto
from crawlers.photo_bytes import refusal_of


@dataclass(frozen=True)
class Taken:
    """A listing with what became of its photos.

    Args:
        listing: None where the photos were all that it had, and none was kept.
        refusals: the photos that were not kept.
        new: digests of the photos that the store did not hold before.
    """

    listing: KeptListing | None
    refusals: tuple[Refusal, ...]
    new: frozenset[str]


@dataclass(frozen=True)
class PhotoIntake:
    """Judges photos by their bytes and stores them.

    Args:
        store: the lake's photo store; None where there is no lake yet.
        max_bytes: a larger file is refused before it is read.
        max_pixels: a larger image is refused by its header.
        held: digests that the store is known to hold, so that it need not be asked.
        dry_run: only look, store nothing.
    """

    store: BlobStore | None
    max_bytes: int
    max_pixels: int
    held: Container[str] = frozenset()
    dry_run: bool = False

    def take(self, listing: FolderListing) -> Taken:
        """Keep a listing's photos; a photo that cannot be used costs only itself."""
        kept: list[KeptPhoto] = []
        refusals: list[Refusal] = []
        new: set[str] = set()
        for position, (url, path) in enumerate(zip(listing.sighting.photo_urls, listing.photos, strict=True)):
            data = self._read(url.removeprefix("file:"), path)
            if isinstance(data, Refusal):
                refusals.append(data)
                continue
            sha256 = sha256_bytes(data)
            if self.store is None or (sha256 not in self.held and not self.store.has(sha256)):
                new.add(sha256)
                if self.store is not None and not self.dry_run:
                    self.store.put(data)
            kept.append(KeptPhoto(position=position, url=url, sha256=sha256))
        useful = kept or listing.has_row
        found = KeptListing(sighting=listing.sighting, photos=tuple(kept)) if useful else None
        return Taken(found, tuple(refusals), frozenset(new))

    def _read(self, label: str, path: Path) -> bytes | Refusal:
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):  # it was a file when the folder was walked; a pipe would never end
                return refused(label, "unreadable", "not a file any more")
            if found.st_size > self.max_bytes:
                return refused(label, "photo_too_large", f"{found.st_size:,} bytes; see crawl.max_photo_bytes")
            data = path.read_bytes()
        except OSError as error:
            return refused(label, "unreadable", error.strerror or type(error).__name__)
        cause = refusal_of(data, max_pixels=self.max_pixels)
        return refused(label, f"photo_{cause}") if cause else data
