"""A row of `listings.csv` -> a sighting. Text stays as written; only what decides the sighting's kind is judged."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from autodetect.catalog.vin import read_vin
from autodetect.records import Kind, Precision
from crawlers.folder.labels import defect
from crawlers.folder.table import FIELDS
from crawlers.specifics import mileage_unit

DefaultKind = Literal["import", "asking"]
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_PRECISIONS: tuple[Precision, ...] = ("year", "month", "day")


def row_defect(row: Mapping[str, str], night: date) -> tuple[str, str] | None:
    """Return the rule (without `import.`) that keeps a row from being a sighting and the value at fault, or None.

    Args:
        row: values by column name.
        night: a sale after it has not been made yet.
    """
    if rule := defect(row["make"], row["model"], row.get("title", "")):
        return rule.removeprefix("import."), f"{row['make']} {row['model']}".strip()
    kind = _text(row, "kind").lower()
    if kind not in {"", "import", "asking", "sold"}:
        return "unknown_kind", kind
    if kind == "sold":
        sold = sale_date(_text(row, "sold_on"))
        if sold is None:
            return "sold_without_date", _text(row, "sold_on")
        if sold[0] > night:
            return "sold_in_future", _text(row, "sold_on")
    return None


def row_kind(row: Mapping[str, str], default: DefaultKind) -> Kind:
    """Return a sound row's kind: a sale, else what its folder holds.

    A folder that is read every night holds offers; what is imported once is none, for nobody would notice its end.
    """
    return "sold" if _text(row, "kind").lower() == "sold" else default


def row_facts(row: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a sighting that a row fills; a sale's date and its precision are among them."""
    facts: dict[str, Any] = {field: row[column] for column, field in FIELDS.items() if row.get(column)}
    written = _text(row, "vin")
    facts |= {
        "vin": read_vin(written),
        "relist_of": _text(row, "relist_of"),
        "mileage_unit": mileage_unit(row.get("mileage_unit") or row.get("mileage", "")),
        "buying_options": tuple(sorted(_text(row, "buying_option").upper().split())),
        "aspects": {"VIN": written} if written else {},
    }
    if _text(row, "kind").lower() == "sold" and (sold := sale_date(_text(row, "sold_on"))):
        facts |= {"observed_on": sold[0], "precision": sold[1]}
    return facts


def sale_date(text: str) -> tuple[date, Precision] | None:
    """Read '2026-11-30', '2026-11' or '2026' as the first day it can mean and its precision; None for other text."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    parts = [int(part) for part in match.groups() if part]
    try:
        return date(*[*parts, 1, 1][:3]), _PRECISIONS[len(parts) - 1]
    except ValueError:
        return None


def photo_names(row: Mapping[str, str]) -> list[str]:
    """Return the photos that a row names, each once: by '|' or ';' between them where there is one, else by blanks."""
    cell = _text(row, "photos")
    names = re.split(r"[|;]", cell) if re.search(r"[|;]", cell) else cell.split()
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))


def _text(row: Mapping[str, str], column: str) -> str:
    return row.get(column, "").strip()
