"""What a night found: listings and sales as they were seen, read or taken over, and the photos they name."""

from collections.abc import Collection, Sequence

from autodetect.records import Sighting
from crawlers.advert import Advert, Provenance, sighting, summary_digest
from crawlers.drift import lacks
from crawlers.items import Listing, Photo
from crawlers.kept import KeptListing
from crawlers.ledger import SALES_READ_TO, Ledger
from crawlers.rules import ASKING, SOLD
from crawlers.slices import Slice


class Finds:
    """The ledger's listings, photos and sightings. Every method is part of its caller's transaction."""

    def __init__(self, ledger: Ledger, provenance: Provenance, *, max_photos: int) -> None:
        self._ledger = ledger
        self._provenance = provenance
        self._max_photos = max_photos

    def take(self, kind: str, part: Slice, entries: Sequence[Advert]) -> bool:
        """Take down a page's entries, of a slice; return whether any of them is news."""
        news = 0
        for entry in entries:
            news += self._take_sale(entry) if kind == SOLD else self._take_entry(entry, part)
        return news > 0

    def _take_entry(self, entry: Advert, part: Slice) -> bool:
        self._saw(ASKING, entry.item_id, part)
        summary = summary_digest(entry)
        known = self._ledger.value("SELECT summary FROM known_listings WHERE item_id = ?", entry.item_id)
        if known == summary:
            self._ledger.execute(
                "INSERT OR IGNORE INTO photos (item_id, position, url) "
                "SELECT item_id, position, url FROM lacking_photos WHERE item_id = ?",
                entry.item_id,
            )
            return False
        self._ledger.execute(
            "INSERT OR IGNORE INTO listings (item_id, summary, slice, known, origin_at) VALUES (?, ?, ?, ?, ?)",
            entry.item_id,
            summary,
            part.name,
            int(known is not None),
            entry.origin_at,
        )
        return True

    def _take_sale(self, entry: Advert) -> bool:
        """Take down a sale; return whether it is news, or so late that not all of its time was read before."""
        self._saw(SOLD, entry.item_id, Slice())
        if entry.sold_on is None:
            self._ledger.execute("INSERT OR IGNORE INTO undated_sales VALUES (?)", entry.item_id)
            return False
        news = self._take_sale_of(sighting(entry, self._provenance))
        return news or entry.sold_on.isoformat() > self._ledger.noted(SALES_READ_TO)

    def _take_sale_of(self, found: Sighting) -> bool:
        known = self._ledger.value(
            "SELECT digest FROM known_sales WHERE item_id = ? AND sold_on = ?",
            found.item_id,
            found.observed_on.isoformat(),
        )
        if known == found.digest:
            return False
        self._found(found, known is not None, changed=True)
        return True

    def take_listing(self, listing: Listing, found: Sighting) -> None:
        """Take down a listing that was read in full, and the photos that it names."""
        known = self._ledger.execute(
            "SELECT digest, summary FROM known_listings WHERE item_id = ?", listing.item_id
        ).fetchone()
        # A search that shows the same listing in another way is remembered too, or it would be read every night.
        self._found(found, known is not None, changed=known != (found.digest, listing.summary))
        self.settle_listing(listing, "done", "", belongs=int(listing.part.holds(found.make, found.year)))
        for position, url in enumerate(found.photo_urls[: self._max_photos]):
            if self._ledger.value("SELECT 1 FROM given_up_photos WHERE url = ?", url):
                continue
            sha256 = self._ledger.value("SELECT sha256 FROM known_photos WHERE url = ?", url) or ""
            self._ledger.execute(
                "INSERT OR IGNORE INTO photos (item_id, position, url, state, sha256) VALUES (?, ?, ?, ?, ?)",
                listing.item_id,
                position,
                url,
                "done" if sha256 else "open",
                sha256,
            )

    def take_kept(self, kept: KeptListing) -> None:
        """Write down a listing that came with its photos: nothing of it is left to ask."""
        found = kept.sighting
        if found.kind == SOLD:
            self._take_sale_of(found)
        else:
            self._saw(ASKING, found.item_id, Slice())
            known = self._ledger.value("SELECT digest FROM known_listings WHERE item_id = ?", found.item_id)
            self._found(found, known is not None, changed=known != found.digest)
        for photo in kept.photos:
            known_photo = self._ledger.value("SELECT sha256 FROM known_photos WHERE url = ?", photo.url)
            self._ledger.execute(
                "INSERT OR REPLACE INTO photos (item_id, position, url, state, sha256, fetched) "
                "VALUES (?, ?, ?, 'done', ?, ?)",
                found.item_id,
                photo.position,
                photo.url,
                photo.sha256,
                int(photo.sha256 != known_photo),
            )

    def take_back(self, fields: Collection[str]) -> None:
        """Open again the listings whose sighting lacks one of these fields, and forget what they said."""
        records = self._ledger.execute("SELECT record FROM sightings WHERE kind = ?", ASKING)
        sightings = (Sighting.model_validate_json(record) for (record,) in records)
        for item_id in [found.item_id for found in sightings if lacks(found, fields)]:
            self._ledger.execute("DELETE FROM sightings WHERE kind = ? AND item_id = ?", ASKING, item_id)
            self._ledger.execute("UPDATE listings SET state = 'open' WHERE item_id = ?", item_id)

    def settle_listing(self, listing: Listing, state: str, cause: str, belongs: int = 1) -> None:
        """Write down what became of a listing, and whether its facts fit the slice that it was found in."""
        self._ledger.execute(
            "UPDATE listings SET state = ?, cause = ?, belongs = ? WHERE item_id = ?",
            state,
            cause,
            belongs,
            listing.item_id,
        )

    def settle_photo(self, photo: Photo, state: str, *, cause: str = "", sha256: str = "", fetched: int = 0) -> None:
        """Write down what became of a photo."""
        self._ledger.execute(
            "UPDATE photos SET state = ?, cause = ?, sha256 = ?, fetched = ? WHERE item_id = ? AND position = ?",
            state,
            cause,
            sha256,
            fetched,
            photo.item_id,
            photo.position,
        )

    def _saw(self, kind: str, item_id: str, part: Slice) -> None:
        """Note where a listing was seen: of several slices the narrowest, in whatever order they were read."""
        before = self._ledger.value("SELECT slice FROM seen WHERE kind = ? AND item_id = ?", kind, item_id)
        if before is None or part.breadth < Slice.named(before).breadth:
            self._ledger.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", kind, item_id, part.name)

    def _found(self, found: Sighting, known: bool, *, changed: bool) -> None:
        self._ledger.execute(
            "INSERT OR REPLACE INTO sightings VALUES (?, ?, ?, ?, ?, ?)",
            found.kind,
            found.item_id,
            found.observed_on.isoformat(),
            int(known),
            int(changed),
            found.model_dump_json(),
        )
