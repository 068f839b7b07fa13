"""Imports wait in the lake until a crawl takes them in: one object each, `imports/<digest>.jsonl`, there whole or not.

An object's first line is its header, each other one a listing with the digests of its photos, which the photo store
holds already. What was refused lies beside it (`<digest>.refused.jsonl`). The digest covers listings and refusals, not
the header: the same data has the same name whenever and wherever it is imported, and is staged once.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from autodetect.errors import CorruptError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.records import Record, Refusal, Sighting, canonical_digest, canonical_json
from crawlers.kept import KeptListing, KeptPhoto

ROOM = "imports/"
_LISTINGS, _REFUSALS = ".jsonl", ".refused.jsonl"


class ImportHeader(Record):
    """What an import was, and when: the date is that of its sightings, fixed when it was first staged."""

    imported_on: date
    imported_at: datetime
    folder: str
    licence: str
    listings: int
    photos: int
    refusals: int


@dataclass(frozen=True)
class ImportLines:
    """An import as it is stored, but for its header: `listing_line`s and `refusal_line`s, joined."""

    listings: bytes
    refusals: bytes

    @property
    def digest(self) -> str:
        """Return what the import is called."""
        return canonical_digest([sha256_bytes(self.listings), sha256_bytes(self.refusals)])


@dataclass(frozen=True)
class StagedImport:
    """One import, as it waits in the lake or was taken in before."""

    digest: str
    header: ImportHeader
    _objects: ObjectStore

    def read(self) -> tuple[Iterator[KeptListing], tuple[Refusal, ...]]:
        """Return its listings (read one by one) and refusals, whose keys begin with the import's digest.

        Raises:
            CorruptError: it is not what was staged.
        """
        key = _key(self.digest)
        header, _, listings = self._objects.get(key).partition(b"\n")
        refusals = self._objects.get(_key(self.digest, _REFUSALS)) if self.header.refusals else b""
        if not header or ImportLines(listings, refusals).digest != self.digest:
            raise _corrupt(self._objects, key, "its content does not match its name")
        found = (Refusal.model_validate_json(line) for line in refusals.splitlines())
        named = tuple(r.model_copy(update={"key": f"{self.digest[:12]}/{r.key}"}) for r in found)
        return (_listing(line, self.header) for line in listings.splitlines()), named


def staged(objects: ObjectStore, digest: str) -> StagedImport | None:
    """Return an import by its digest, None where there is none."""
    try:
        first = _first_line(objects, _key(digest))
    except ObjectMissingError:
        return None
    try:
        return StagedImport(digest, ImportHeader.model_validate_json(first), objects)
    except ValidationError as error:
        raise _corrupt(objects, _key(digest), "its header cannot be read") from error


def pending(objects: ObjectStore, taken: Collection[str]) -> list[StagedImport]:
    """Return the imports that no crawl has taken in, oldest first: of two that tell of one listing, the later counts.

    Args:
        objects: the lake's.
        taken: digests that earlier receipts name; those are not even opened.
    """
    names = (key.removeprefix(ROOM) for key in objects.list(ROOM) if not key.endswith(_REFUSALS))
    waiting = (name.removesuffix(_LISTINGS) for name in names if name.endswith(_LISTINGS))
    found = [one for digest in waiting if digest not in taken if (one := staged(objects, digest))]
    return sorted(found, key=lambda one: (one.header.imported_at, one.digest))


def stage(objects: ObjectStore, lines: ImportLines, header: ImportHeader) -> bool:
    """Put an import where the next crawl finds it; its photos must be stored already.

    Returns:
        False when it was there before: then nothing changes, its date neither.
    """
    if header.refusals:
        objects.put_if_absent(_key(lines.digest, _REFUSALS), lines.refusals)
    first = canonical_json(header.model_dump(mode="json")) + b"\n"
    return objects.put_if_absent(_key(lines.digest), first + lines.listings)


def refusal_line(refusal: Refusal) -> bytes:
    """Return a refusal as one line."""
    return canonical_json(refusal.model_dump()) + b"\n"


def listing_line(listing: KeptListing) -> bytes:
    """Return a listing as one line; the date is left out where it is the import's."""
    sighting = listing.sighting.model_dump(mode="json", exclude_defaults=True)
    if listing.sighting.kind != "sold":
        del sighting["observed_on"]
    photos = [[photo.position, photo.sha256] for photo in listing.photos]
    return canonical_json({"sighting": sighting, "photos": photos}) + b"\n"


def _listing(line: bytes, header: ImportHeader) -> KeptListing:
    values: dict[str, Any] = json.loads(line)
    sighting = Sighting.model_validate({"observed_on": header.imported_on, **values["sighting"]})
    photos = (
        KeptPhoto(position=position, url=sighting.photo_urls[position], sha256=sha256)
        for position, sha256 in values["photos"]
    )
    return KeptListing(sighting=sighting, photos=tuple(photos))


def _first_line(objects: ObjectStore, key: str) -> bytes:
    """Return an object's first line without reading the others."""
    line = b""
    for chunk in objects.chunks(key):
        line += chunk
        if b"\n" in chunk:
            break
    return line.partition(b"\n")[0]


def _key(digest: str, suffix: str = _LISTINGS) -> str:
    return f"{ROOM}{digest}{suffix}"


def _corrupt(objects: ObjectStore, key: str, why: str) -> CorruptError:
    return CorruptError(f"{objects.url}/{key} is damaged: {why}", "delete it, and import its folder again")
