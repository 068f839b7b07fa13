"""What the lake knows already, put into a new ledger, so that a night asks only for what is new or changed."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.lake import Lake
from autodetect.lake.schemas import LISTING_PHOTOS, LISTINGS, QUARANTINE, SIGHTINGS, SLICES, Table
from autodetect.records import StageRun
from crawlers.ledger import SALES_READ_TO, Ledger
from crawlers.rules import ASKING, SOLD
from crawlers.slices import Slice

LIVE = ("active", "missing")
REMEMBERED = "remembered"  # the ledger's note that it holds what was known
PHOTO_FAILURES = "crawl.photo"  # the quarantine's name for photos that could not be had
SIGHTING_COLUMNS = ["item_id", "kind", "observed_on", "night", "digest", "summary_digest", "photo_urls"]


def remember(ledger: Ledger, lake: Lake, run: StageRun, source: str, *, max_photos: int, max_tries: int) -> None:
    """Fill the `known_*` tables of a ledger from what earlier nights' receipts name: once, all or nothing.

    Args:
        ledger: tonight's.
        lake: read at the versions of the run.
        run: tonight.
        source: whose listings.
        max_photos: photos that are wanted of one listing.
        max_tries: nights in which a photo may fail before it is given up.
    """
    if ledger.noted(REMEMBERED):
        return
    with ledger.transaction():
        _remember_all(ledger, lake, run, source, max_photos=max_photos, max_tries=max_tries)
        before = run.earlier.get("crawl")
        ledger.note(SALES_READ_TO, before.facts.get("sales_read_to", "") if before else "")
        ledger.note(REMEMBERED, "yes")


def _remember_all(ledger: Ledger, lake: Lake, run: StageRun, source: str, *, max_photos: int, max_tries: int) -> None:

    def read(table: Table, columns: list[str], where: pc.Expression | None = None) -> pa.Table:
        return lake.tables.read(table, version=run.versions.get(table.name, 0), columns=columns, where=where)

    ours = pc.field("source") == source
    photos = read(LISTING_PHOTOS, ["url", "sha256"])
    ledger.insert_many("INSERT OR REPLACE INTO known_photos VALUES (?, ?)", _tuples(photos))
    failed = read(QUARANTINE, ["key", "night"], (pc.field("stage") == "crawl") & (pc.field("table") == PHOTO_FAILURES))
    tries = Counter(url for url, _ in set(_tuples(failed)))
    given_up = ((url,) for url, count in tries.items() if count >= max_tries)
    ledger.insert_many("INSERT INTO given_up_photos VALUES (?)", given_up)

    sightings = read(SIGHTINGS, SIGHTING_COLUMNS, ours & (pc.field("kind") != "missing"))
    sightings = sightings.sort_by([("night", "ascending"), ("observed_on", "ascending")])
    for row in _rows(sightings):
        _remember_sighting(ledger, row, max_photos)
    listings = read(LISTINGS, ["last_slice", "item_id"], ours & pc.is_in(pc.field("status"), pa.array(LIVE)))
    ledger.insert_many(
        "UPDATE known_listings SET live = 1, last_slice = ? WHERE item_id = ?",
        ((last_slice or "", item_id) for last_slice, item_id in _tuples(listings)),
    )
    done = read(SLICES, ["slice", "night"], ours & (pc.field("kind") == ASKING) & (pc.field("state") == "done"))
    ledger.insert_many("INSERT OR REPLACE INTO known_makes VALUES (?, ?)", _makes_done(done))


def _remember_sighting(ledger: Ledger, row: dict[str, Any], max_photos: int) -> None:
    """Remember one sighting; a later one of the same listing takes its place."""
    item_id = row["item_id"]
    if row["kind"] == SOLD:
        ledger.execute(
            "INSERT OR REPLACE INTO known_sales VALUES (?, ?, ?)",
            item_id,
            row["observed_on"].isoformat(),
            row["digest"],
        )
        return
    ledger.execute(
        "INSERT OR REPLACE INTO known_listings (item_id, digest, summary) VALUES (?, ?, ?)",
        item_id,
        row["digest"],
        row["summary_digest"],
    )
    ledger.execute("DELETE FROM lacking_photos WHERE item_id = ?", item_id)
    for position, url in enumerate((row["photo_urls"] or [])[:max_photos]):
        ledger.execute(
            "INSERT INTO lacking_photos SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM known_photos WHERE url = ?3) "
            "AND NOT EXISTS (SELECT 1 FROM given_up_photos WHERE url = ?3)",
            item_id,
            position,
            url,
        )


def _makes_done(done: pa.Table) -> Iterator[tuple[str, str]]:
    """Yield (make, night) of the slices that were whole makes, oldest night first."""
    for name, night in sorted(_tuples(done), key=lambda row: row[1]):
        part = Slice.named(name)
        if not part.years and not part.low:
            yield from ((make, night.isoformat()) for make in part.makes)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=2_000):
        yield from batch.to_pylist()


def _tuples(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return (tuple(row.values()) for row in _rows(table))
