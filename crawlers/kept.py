"""A listing whose photos are in the lake's photo store: what a folder gives, tonight or by an import."""

from collections.abc import Iterator
from typing import Any

from autodetect.records import Record, Sighting


class KeptPhoto(Record):
    """A photo of a listing: its place among them (from 0), its URL, and the digest that it is stored under."""

    position: int
    url: str
    sha256: str


class KeptListing(Record):
    """A sighting and those of its photos that were worth keeping."""

    sighting: Sighting
    photos: tuple[KeptPhoto, ...] = ()

    def photo_rows(self) -> Iterator[dict[str, Any]]:
        """Yield its rows of `listing_photos`; the night is for the caller to add."""
        names = {"source": self.sighting.source, "item_id": self.sighting.item_id}
        yield from ({**names, **photo.model_dump()} for photo in self.photos)
