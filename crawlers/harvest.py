"""What a finished crawl found, out of its ledger: as rows of the lake's tables, streamed, and as counts."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from autodetect.lake.schemas import LISTING_PHOTOS, SEEN, SIGHTINGS, SLICES, Table
from autodetect.lake.tables import rows_of
from autodetect.records import Refusal, Sighting, canonical_json
from crawlers.coverage import Coverage
from crawlers.ledger import Ledger
from crawlers.rules import ASKING, SOLD

BATCH = 2_000  # rows at a time between the ledger and Arrow: their Python objects weigh ten times as much
FAILURES = {"page": ("pages", "kind || '/' || slice || '/' || position"), "item": ("listings", "item_id")}


def rows(ledger: Ledger, coverage: Coverage, source: str, night: date) -> dict[Table, pa.Table]:
    """Return tonight's rows of every table that the crawl writes; of unchanged listings only that they were seen."""
    stamp = {"source": source, "night": night}
    missing = (
        Sighting(source=source, item_id=item_id, kind="missing", observed_on=night) for item_id in coverage.missing()
    )
    return {
        SIGHTINGS: concatenated(
            batches_of(SIGHTINGS, (sighting_row(s, night) for s in sightings(ledger, changed_only=True))),
            batches_of(SIGHTINGS, (sighting_row(s, night) for s in missing)),
        ),
        SEEN: concatenated(batches_of(SEEN, ({**stamp, "item_id": i, "slice": name} for i, name in _seen(ledger)))),
        SLICES: rows_of(
            SLICES,
            (
                {**stamp, "kind": s.kind, "slice": s.name, **{n: getattr(s, n) for n in _SLICE_FACTS}}
                for s in coverage.slices
            ),
        ),
        LISTING_PHOTOS: concatenated(batches_of(LISTING_PHOTOS, ({**stamp, **photo} for photo in _photos(ledger)))),
    }


_SLICE_FACTS = ("announced", "found", "state", "cause")


def counts(ledger: Ledger, missing: int) -> dict[str, int]:
    """Return the receipt's counts."""
    value = ledger.value
    news = "SELECT count(*) FROM sightings WHERE kind = ? AND changed AND known = ?"
    return {
        "announced": ledger.announced(ASKING) or 0,
        "seen": ledger.seen(ASKING),
        "missing": missing,
        "listings_new": value(news, ASKING, 0),
        "listings_changed": value(news, ASKING, 1),
        "listings_misplaced": value("SELECT count(*) FROM listings WHERE NOT belongs"),
        "sales_announced": ledger.announced(SOLD) or 0,
        "sales_new": value("SELECT count(*) FROM sightings WHERE kind = ? AND changed", SOLD),
        "photos_fetched": value("SELECT count(*) FROM photos WHERE fetched"),
        "photos_held": value("SELECT count(*) FROM photos WHERE state = 'done' AND NOT fetched"),
    }


def newest_sale(ledger: Ledger, night: date) -> str:
    """Return the date of the newest sale that is known, tonight's among them; '' for none."""
    newest = "SELECT max(day) FROM (SELECT sold_on AS day FROM known_sales UNION ALL "
    newest += "SELECT observed_on FROM sightings WHERE kind = ?) WHERE day <= ?"
    return ledger.value(newest, SOLD, night.isoformat()) or ""


def backlog(ledger: Ledger) -> int:
    """Return how many new or changed listings wait to be read in full."""
    return int(ledger.value("SELECT count(*) FROM listings WHERE state = 'open'"))


def refusals(ledger: Ledger) -> list[Refusal]:
    """Return everything that could not be had, by its cause."""
    found = [
        Refusal(table=f"crawl.{kind}", key=key, rule=f"crawl.{cause}")
        for kind, (table, name) in FAILURES.items()
        for key, cause in ledger.execute(f"SELECT {name}, cause FROM {table} WHERE state = 'failed'")  # noqa: S608
    ]
    photos = ledger.execute("SELECT url, cause, item_id FROM photos WHERE state = 'failed' ORDER BY id")
    found += [Refusal(table="crawl.photo", key=url, rule=f"crawl.{cause}", value=i) for url, cause, i in photos]
    undated = ledger.execute("SELECT item_id FROM undated_sales")
    found += [Refusal(table="crawl.item", key=i, rule="crawl.sale_date_unreadable", value=i) for (i,) in undated]
    return sorted(found, key=lambda refusal: (refusal.table, refusal.key, refusal.rule))


def sightings(ledger: Ledger, *, changed_only: bool = False, kind: str = "") -> Iterator[Sighting]:
    """Yield tonight's sightings by kind, item id and date."""
    rows = ledger.execute(
        "SELECT record FROM sightings WHERE changed >= ? AND kind LIKE ? ORDER BY kind, item_id, observed_on",
        int(changed_only),
        kind or "%",
    )
    return (Sighting.model_validate_json(record) for (record,) in rows)


def sighting_row(sighting: Sighting, night: date) -> dict[str, Any]:
    """Return a sighting as a row of its table."""
    row = dict(sighting)
    return {
        **row,
        "night": night,
        "digest": sighting.digest,
        "aspects": canonical_json(sighting.aspects).decode(),
        "buying_options": list(sighting.buying_options),
        "photo_urls": list(sighting.photo_urls),
    }


def batches_of(table: Table, records: Iterable[Mapping[str, Any]]) -> Iterator[pa.Table]:
    """Yield records as Arrow tables of `BATCH` rows."""
    batch: list[Mapping[str, Any]] = []
    for record in records:
        batch.append(record)
        if len(batch) == BATCH:
            yield rows_of(table, batch)
            batch.clear()
    yield rows_of(table, batch)


def concatenated(*parts: Iterator[pa.Table]) -> pa.Table:
    """Return Arrow tables of one schema as one."""
    return pa.concat_tables([table for part in parts for table in part])


def latest(table: Table, first: pa.Table, more: Iterator[pa.Table]) -> pa.Table:
    """Return rows of a table with more rows of it; of rows with one key the last counts."""
    rows = concatenated(iter([first]), more)
    positions = {key: i for i, key in enumerate(zip(*(rows[name].to_pylist() for name in table.key), strict=True))}
    return rows.take(sorted(positions.values())) if len(positions) < rows.num_rows else rows


def _seen(ledger: Ledger) -> Iterator[tuple[str, str]]:
    yield from ledger.execute("SELECT item_id, slice FROM seen WHERE kind = ? ORDER BY item_id", ASKING)


def _photos(ledger: Ledger) -> Iterator[dict[str, Any]]:
    for item_id, position, url, sha256 in ledger.execute(
        "SELECT item_id, position, url, sha256 FROM photos WHERE state = 'done' ORDER BY item_id, position"
    ):
        yield {"item_id": item_id, "position": position, "url": url, "sha256": sha256}
