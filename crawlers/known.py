"""What the lake knows already, so that a night fetches only what is new or changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import pyarrow.compute as pc

from autodetect.lake.lake import Lake
from autodetect.lake.schemas import LISTING_PHOTOS, SIGHTINGS
from autodetect.records import Sighting, StageRun

COLUMNS = ["source", "item_id", "kind", "observed_on", "night", "digest", "summary_digest", "photo_urls"]
Identity = tuple[str, str, str]


@dataclass(frozen=True)
class Known:
    """What earlier nights saw, by what it is an update of.

    `digests` are those of the last sightings, `summaries` those of live listings' search results by item id, `photos`
    the SHA-256 of photos by URL. A listing some of whose photos could not be fetched has no summary: it is read again.
    """

    digests: Mapping[Identity, str] = field(default_factory=dict)
    summaries: Mapping[str, str] = field(default_factory=dict)
    photos: Mapping[str, str] = field(default_factory=dict)
    newest_sale: date | None = None

    def holds(self, sighting: Sighting) -> bool:
        """Return whether this very content was seen before."""
        return self.digests.get(identity(sighting)) == sighting.digest

    def has_seen(self, sighting: Sighting) -> bool:
        """Return whether this listing or sale was seen before, with whatever content."""
        return identity(sighting) in self.digests

    def sales_since(self, overlap_days: int) -> str:
        """Return the ISO date from which sales are asked for again; '' for all."""
        return (self.newest_sale - timedelta(overlap_days)).isoformat() if self.newest_sale else ""


def identity(sighting: Sighting) -> Identity:
    """Return what a sighting is an update of: an asking listing as a whole, a sale of one date."""
    return _identity(sighting.kind, sighting.item_id, sighting.observed_on)


def read_known(lake: Lake, run: StageRun, source: str, *, max_photos: int) -> Known:
    """Read what earlier nights saw of a source, from which a listing's first `max_photos` photos are wanted."""
    rows = lake.tables.read(
        SIGHTINGS,
        version=run.versions.get(SIGHTINGS.name, 0),
        columns=COLUMNS,
        where=pc.field("source") == source,
    ).sort_by([("night", "ascending"), ("observed_on", "ascending")])
    held = lake.tables.read(LISTING_PHOTOS, version=run.versions.get(LISTING_PHOTOS.name, 0), columns=["url", "sha256"])
    photos = dict(zip(held["url"].to_pylist(), held["sha256"].to_pylist(), strict=True))
    digests: dict[Identity, str] = {}
    summaries: dict[str, str] = {}
    sales: list[date] = []
    for row in rows.to_pylist():
        digests[_identity(row["kind"], row["item_id"], row["observed_on"])] = row["digest"]
        if row["kind"] == "asking":
            whole = all(url in photos for url in row["photo_urls"][:max_photos])
            summaries[row["item_id"]] = row["summary_digest"] if whole else ""
        else:
            sales.append(row["observed_on"])
    return Known(digests, summaries, photos, max(sales, default=None))


def _identity(kind: str, item_id: str, observed_on: date) -> Identity:
    return kind, item_id, "" if kind == "asking" else observed_on.isoformat()
