"""Read `listings.csv`: rows by column name. A bad row costs itself; a file that is no such table is a usage error."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from autodetect.errors import UsageError
from autodetect.records import Refusal
from crawlers.folder.files import refused

REQUIRED = ("make", "model")
_AS_NAMED = (
    "make", "model", "year", "trim", "mileage", "body_type", "engine", "cylinders", "drive_type", "fuel_type",
    "transmission", "title_status", "condition", "price", "currency", "title", "city", "state", "country", "url",
)  # fmt: skip
# Column -> the field of a sighting that it fills.
FIELDS: dict[str, str] = {
    **{name: name for name in _AS_NAMED},
    "zipcode": "postal_code",
}
# Columns that are read in another way than by copying.
READ = frozenset({"item_id", "photos", "vin", "kind", "sold_on", "mileage_unit", "buying_option", "relist_of"})
REMEDY = "correct the file; its columns are explained in docs/operations.md"
DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Row:
    """A row by column name, and where it stands: the header is row 1."""

    number: int
    values: Mapping[str, str]

    @property
    def where(self) -> str:
        """Return what names it to a person and in quarantine."""
        return f"listings.csv, row {self.number}"


@dataclass(frozen=True)
class TableRead:
    """The rows that could be read, and what was refused or noted."""

    rows: tuple[Row, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def read_table(path: Path) -> TableRead:
    """Read the whole file; commas, semicolons and tabs may separate the values.

    Raises:
        UsageError: it cannot be opened, is not UTF-8, has no column `make` or `model`, or names a column twice.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _read(path, file)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a UTF-8 CSV file: {error}", "save it as 'CSV UTF-8'") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "give this user access to it") from error


def _read(path: Path, file: TextIO) -> TableRead:
    first = file.readline()
    file.seek(0)
    delimiter = max(DELIMITERS, key=first.count)
    rows: list[Row] = []
    refusals: list[Refusal] = []
    header: list[str] = []
    for number, values in _records(file, delimiter):
        if number == 1:
            header = _header(path, values)
            unknown = [name for name in header if name not in FIELDS and name not in READ]
            if unknown:
                note = refused("listings.csv", "unknown_column", ", ".join(unknown))
                refusals.append(note.model_copy(update={"effect": "noted"}))
        elif isinstance(values, csv.Error):
            refusals.append(refused(f"listings.csv, row {number}", "row_unreadable", str(values)))
        elif len(values) != len(header):
            counted = f"{len(values)} values, but {len(header)} columns"
            refusals.append(refused(f"listings.csv, row {number}", "row_unreadable", counted))
        else:
            rows.append(Row(number, dict(zip(header, values, strict=True))))
    if not header:
        _header(path, [])
    return TableRead(tuple(rows), tuple(refusals))


def _records(file: TextIO, delimiter: str) -> Iterator[tuple[int, "list[str] | csv.Error"]]:
    """Yield each record that is not blank, or why it cannot be read; the reader goes on behind a bad one."""
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, error
            continue
        if any(values):
            yield number, values


def _header(path: Path, values: "list[str] | csv.Error") -> list[str]:
    if isinstance(values, csv.Error):
        raise UsageError(f"{path} has no readable header: {values}", REMEDY)
    header = [re.sub(r"\s+", "_", name.strip().lower()) for name in values]
    if missing := [name for name in REQUIRED if name not in header]:
        raise UsageError(f"{path} has no column {', '.join(repr(name) for name in missing)}", REMEDY)
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        raise UsageError(f"{path} names the column {repeated[0]!r} more than once", REMEDY)
    return header
