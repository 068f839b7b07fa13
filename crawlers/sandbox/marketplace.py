"""Reads a marketplace folder: `listings.csv`, `photos/` and, where sales are known, `sold.csv`.

Values stay the text that the file holds: a real marketplace serves its sellers' dirt, and so does the sandbox. Only
what decides whether a listing is up on a night (`first_night`, `last_night`) must be readable.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autodetect.errors import UsageError

LISTING_COLUMNS: tuple[str, ...] = (
    "item_id", "first_night", "last_night", "make", "model", "year", "trim", "mileage", "zipcode", "body_type",
    "engine", "cylinders", "drive_type", "price", "sold_year", "photos",
)  # fmt: skip
OPTIONAL_COLUMNS: tuple[str, ...] = (
    "currency", "title", "seller", "vin", "relist_of", "buying_option", "bids", "condition", "fuel_type",
    "transmission", "title_status", "city", "state", "mileage_unit",
)  # fmt: skip
SALE_COLUMNS: tuple[str, ...] = (
    "ID", "pricesold", "yearsold", "zipcode", "Mileage", "Make", "Model", "Year", "Trim", "Engine", "BodyType",
    "NumCylinders", "DriveType",
)  # fmt: skip
REMEDY = "correct the file, or make a new marketplace with: autodetect sandbox generate DIR"
_PRICE_FROM_NIGHT = re.compile(r"price_(\d+)")


@dataclass(frozen=True, slots=True)
class MarketListing:
    """One row of `listings.csv`.

    Args:
        item_id: the listing's number.
        first_night: the first night it is up, from 1.
        last_night: the last night it is up; 0 while it has not ended.
        facts: what the seller wrote, by column name.
        photos: file names under `photos/`, the first being the gallery photo.
        prices: asking prices by the night from which they hold, ascending, night 1 being `price`.
    """

    item_id: str
    first_night: int
    last_night: int
    facts: dict[str, str]
    photos: tuple[str, ...]
    prices: tuple[tuple[int, str], ...]

    def is_up(self, night: int) -> bool:
        """Whether a visitor of that night sees it."""
        return self.first_night <= night and (self.last_night == 0 or self.last_night >= night)

    @property
    def last_change(self) -> int:
        """The last night that differs from the one before for this listing."""
        return max(self.first_night, self.prices[-1][0], self.last_night + 1 if self.last_night else 0)

    def price_on(self, night: int) -> str:
        """The asking price on that night, as written."""
        return self._until(night)[-1]

    def price_before(self, night: int) -> str:
        """The asking price before the one of that night, empty where there was none."""
        return self._until(night)[-2] if self._until(night)[1:] else ""

    def _until(self, night: int) -> list[str]:
        return [price for since, price in self.prices if since <= night]


@dataclass(frozen=True)
class Marketplace:
    """A marketplace folder in memory.

    Args:
        folder: where it lies.
        listings: all rows of `listings.csv`, by item id.
        sales: rows of `sold.csv` by column name, or None where there is no such file.
        photo_paths: every file under `photos/`, by its name without extension.
    """

    folder: Path
    listings: tuple[MarketListing, ...]
    sales: tuple[dict[str, str], ...] | None
    photo_paths: dict[str, Path] = field(repr=False)

    @classmethod
    def load(cls, folder: Path) -> "Marketplace":
        """Read a marketplace folder.

        Raises:
            UsageError: the folder, a file or a column is missing, or a row cannot be placed in time.
        """
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a marketplace folder: there is no such folder", _how_to_make(folder))
        if not (folder / "listings.csv").is_file():
            raise UsageError(f"{folder} is not a marketplace folder: it has no listings.csv", _how_to_make(folder))
        rows = _rows(folder / "listings.csv", LISTING_COLUMNS)
        listings = [_listing(row, f"{folder / 'listings.csv'}, row {number}") for number, row in rows]
        _refuse_repeated_ids(listings, folder / "listings.csv")
        sold = folder / "sold.csv"
        photos = folder / "photos"
        return cls(
            folder=folder,
            listings=tuple(sorted(listings, key=lambda listing: (len(listing.item_id), listing.item_id))),
            sales=tuple(row for _, row in _rows(sold, SALE_COLUMNS)) if sold.is_file() else None,
            photo_paths={path.stem: path for path in sorted(photos.iterdir())} if photos.is_dir() else {},
        )

    def on(self, night: int) -> tuple[MarketListing, ...]:
        """The listings that are up on a night, by item id."""
        return tuple(listing for listing in self.listings if listing.is_up(night))

    @property
    def nights(self) -> int:
        """The last night on which anything begins, ends or changes its price."""
        return max((row.last_change for row in self.listings), default=1)


def _how_to_make(folder: Path) -> str:
    return f"name a folder with listings.csv and photos/, or make one with: autodetect sandbox generate {folder}"


def _rows(path: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their row numbers (the header is row 1).

    Raises:
        UsageError: it is not UTF-8, lacks a column or has a row of another width.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            missing = [column for column in required if column not in header]
            if missing:
                raise UsageError(f"{path} has no column {', '.join(repr(column) for column in missing)}", REMEDY)
            for number, values in enumerate(reader, start=2):
                if not values:
                    continue
                if len(values) != len(header):
                    raise UsageError(f"{path}, row {number}: {len(values)} values, but {len(header)} columns", REMEDY)
                yield number, dict(zip(header, values, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is not a UTF-8 CSV file: {error}", REMEDY) from error


def _listing(row: dict[str, str], where: str) -> MarketListing:
    """One listing.

    Raises:
        UsageError: its item id is empty or its nights cannot be read.
    """
    if not row["item_id"].strip():
        raise UsageError(f"{where}: item_id is empty", REMEDY)
    first = _night(row, "first_night", where, least=1)
    last = _night(row, "last_night", where, least=0) if row["last_night"] else 0
    if 0 < last < first:
        raise UsageError(f"{where}: last_night {last} lies before first_night {first}", REMEDY)
    changes = sorted(
        (int(match[1]), value) for name, value in row.items() if (match := _PRICE_FROM_NIGHT.fullmatch(name)) and value
    )
    known = {*LISTING_COLUMNS, *OPTIONAL_COLUMNS} - {"first_night", "last_night", "photos", "price"}
    return MarketListing(
        item_id=row["item_id"].strip(),
        first_night=first,
        last_night=last,
        facts={name: value for name, value in row.items() if name in known},
        photos=tuple(row["photos"].split()),
        prices=((0, row["price"]), *changes),
    )


def _night(row: dict[str, str], column: str, where: str, *, least: int) -> int:
    value = row[column]
    if not value.isdecimal() or int(value) < least:
        raise UsageError(f"{where}: {column} {value!r} is not a whole number from {least}", REMEDY)
    return int(value)


def _refuse_repeated_ids(listings: list[MarketListing], path: Path) -> None:
    """A listing is known by its item id, so two rows must not share one."""
    seen: set[str] = set()
    for listing in listings:
        if listing.item_id in seen:
            raise UsageError(f"{path}: item_id {listing.item_id} is given twice", REMEDY)
        seen.add(listing.item_id)
