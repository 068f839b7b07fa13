"""The typed records that cross a wall: between the crawler and the lake, between a stage and the flow around it."""

import hashlib
import json
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

RunKind = Literal["nightly", "prices", "finetune", "backfill", "maintain"]
Kind = Literal["asking", "sold", "import", "missing"]
Precision = Literal["day", "month", "year"]


class Record(BaseModel):
    """An immutable record; unknown fields are an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sighting(Record):
    """A listing as the source showed it. Text stays as the seller wrote it; curation cleans.

    `observed_on` is the night for an asking sighting and the sale date for a sold one, to `precision`
    (a bare year is its first of January). A sighting of kind `missing` says that a listing was looked for that night,
    where it was last seen, and was not there; it says nothing else.

    `price` is what the seller asks, in `currency`; what the source converted it to for a reader elsewhere is kept
    apart. `mileage_unit` is 'mi', 'km' or '' (not said). `vin` is one whose check digit holds; what was written is
    among the `aspects`.

    `origin_at` is the instant, as the source writes it, at which the offer was first put up: a relist keeps it.
    `relist_of` is the item id of another listing of the source that is the same offer, put up before or again.
    """

    source: str
    item_id: str
    kind: Kind
    observed_on: date
    precision: Precision = "day"
    title: str = ""
    price: str = ""
    currency: str = ""
    converted_price: str = ""
    converted_currency: str = ""
    make: str = ""
    model: str = ""
    year: str = ""
    trim: str = ""
    mileage: str = ""
    mileage_unit: str = ""
    body_type: str = ""
    engine: str = ""
    cylinders: str = ""
    drive_type: str = ""
    fuel_type: str = ""
    transmission: str = ""
    title_status: str = ""
    condition: str = ""
    vin: str = ""
    postal_code: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    seller_hash: str = ""
    buying_options: tuple[str, ...] = ()
    bids: str = ""
    url: str = ""
    origin_at: str = ""
    relist_of: str = ""
    photo_urls: tuple[str, ...] = ()
    summary_digest: str = ""
    aspects: dict[str, str] = Field(default_factory=dict)
    permission: str = ""

    @property
    def digest(self) -> str:
        """Return what tells a changed listing from an unchanged one: the content without the date it was seen on."""
        return canonical_digest(self.model_dump(mode="json", exclude={"observed_on", "summary_digest"}))


class Refusal(Record):
    """A row, value or photo that was refused, and the rule that refused it.

    `effect` says what the refusal did: the whole row was left out, one field was set to null, or it was only noted.
    """

    table: str
    key: str
    rule: str
    value: str = ""
    effect: Literal["refused", "nulled", "noted"] = "refused"


class Verdict(StrEnum):
    """How a night ended."""

    PUBLISHED = "published"
    PRICES_ONLY = "prices_only"
    HELD = "held"
    SKIPPED = "skipped"


class Receipt(Record):
    """A stage's commit point: what it read, what it wrote, what it counted.

    `outputs` are canonical digests (rows by key, run metadata left out) of what the stage wrote tonight; `versions` are
    the table versions that hold it; `files` are digests of files in the lake. `digest` leaves out run metadata, so that
    two undisturbed runs of one night give equal digests.
    """

    night: date
    kind: RunKind = "nightly"
    stage: str
    run_id: str
    inputs: dict[str, str] = Field(default_factory=dict)
    settings_digest: str = ""
    code_digest: str = ""
    versions: dict[str, int] = Field(default_factory=dict)
    outputs: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict)
    run: dict[str, float] = Field(
        default_factory=dict, description="seconds, peak memory: what differs between equal runs"
    )

    @property
    def digest(self) -> str:
        """Return the canonical digest: equal for equal results."""
        return canonical_digest(self.model_dump(mode="json", exclude={"run_id", "versions", "run"}))


class StageRun(Record):
    """What a stage is told about the execution it is part of: which night, on which receipts, at what time.

    `inputs` are tonight's receipts of the stages before it; `earlier` the newest receipt of every stage from nights
    before tonight. `now` is for what a person reads (a manifest's creation time); no result depends on it.
    """

    night: date
    kind: RunKind = "nightly"
    run_id: str
    now: datetime
    inputs: dict[str, Receipt] = Field(default_factory=dict)
    earlier: dict[str, Receipt] = Field(default_factory=dict)

    @property
    def versions(self) -> dict[str, int]:
        """Return the newest version of each table that a receipt names: what this stage may read."""
        versions: dict[str, int] = {}
        for receipt in (*self.earlier.values(), *self.inputs.values()):
            for table, version in receipt.versions.items():
                versions[table] = max(version, versions.get(table, 0))
        return versions

    def receipt(self, stage: str, **fields: Any) -> Receipt:
        """Return the receipt of one of tonight's stages."""
        return Receipt(night=self.night, kind=self.kind, stage=stage, run_id=self.run_id, **fields)


def night_seed(base: int, night: date) -> int:
    """Return a night's seed: `base` (a setting) mixed with the date, below 2**31."""
    return int(canonical_digest([base, night.isoformat()])[:8], 16) % 2**31


def canonical_json(value: Any) -> bytes:
    """Return sorted, compact, UTF-8 JSON: one text for one value. NaN is refused (`ValueError`)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def canonical_digest(value: Any) -> str:
    """Return the SHA-256 (hex) of `canonical_json(value)`."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
