"""Look a lake over: canonical digests of its tables, uncommitted tails, missing photos. Changes nothing."""

from typing import Any

from autodetect.errors import AutoDetectError
from autodetect.lake.archives import sha256_file
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import LISTING_PHOTOS, NIGHTS, TABLES
from autodetect.lake.tables import table_digest
from autodetect.records import Record

MOST_NAMED = 10


class TableState(Record):
    """One table as its newest receipt names it."""

    name: str
    version: int
    rows: int
    digest: str


class LakeState(Record):
    """What a look at the lake found."""

    tables: tuple[TableState, ...]
    problems: tuple[str, ...]


def inspect(lake: Lake) -> LakeState:
    """Read every table at the version that receipts name; list what is broken or was left behind by a kill."""
    versions = dict.fromkeys(TABLES, 0)
    for receipt in lake.receipts.all():
        for name, version in receipt.versions.items():
            versions[name] = max(version, versions[name])
    versions[NIGHTS.name] = lake.tables.version(NIGHTS)
    tables: list[TableState] = []
    problems: list[str] = []
    photos: set[str] = set()
    for name, table in TABLES.items():
        try:
            rows = lake.tables.read(table, version=versions[name])
        except (AutoDetectError, OSError) as error:
            problems.append(f"{name}: {error}")
            continue
        digest = table_digest(table, rows)
        tables.append(TableState(name=name, version=versions[name], rows=rows.num_rows, digest=digest))
        newest = lake.tables.version(table)
        if newest != versions[name]:
            problems.append(f"{name}: no receipt names version {newest}; the next run rewinds to {versions[name]}")
        if table is LISTING_PHOTOS:
            photos = set(rows["sha256"].to_pylist())
    missing = lake.photos.missing(sorted(photos))
    problems += [f"photo {sha256} is missing" for sha256 in missing[:MOST_NAMED]]
    if len(missing) > MOST_NAMED:
        problems.append(f"and {len(missing) - MOST_NAMED} more photos are missing")
    problems += _index_problems(lake)
    return LakeState(tables=tuple(tables), problems=tuple(problems))


def _index_problems(lake: Lake) -> list[str]:
    """Return which segments of the hash index, as the newest curation names them, are missing or damaged."""
    index: dict[str, Any] = {}
    for receipt in lake.receipts.all():
        index = receipt.facts.get("index", index) if receipt.stage == "curate" else index
    problems = []
    for segment in index.get("segments", ()):
        key = f"index/{segment['digest']}.arrow"
        if not lake.objects.exists(key):
            problems.append(f"{key} is missing; the next night builds the index anew")
        elif (local := lake.objects.local_path(key)) and sha256_file(local) != segment["digest"]:
            problems.append(f"{key} is damaged; the next night builds the index anew")
    return problems
