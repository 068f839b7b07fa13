"""Item specifics, as eBay Motors names them -> our fields. The API's and the pages' are the same."""

import re
from collections.abc import Mapping

from autodetect.catalog.vin import read_vin

# Our field -> the specifics that may say it, the first one that does wins.
NAMES: dict[str, tuple[str, ...]] = {
    "make": ("Make",),
    "model": ("Model",),
    "year": ("Year", "Model Year"),
    "trim": ("Trim",),
    "mileage": ("Mileage",),
    "body_type": ("Body Type", "Body Style"),
    "engine": ("Engine", "Engine Size"),
    "cylinders": ("Number of Cylinders",),
    "drive_type": ("Drive Type", "Drivetrain"),
    "fuel_type": ("Fuel Type", "Fuel"),
    "transmission": ("Transmission", "Transmission Type"),
    "title_status": ("Vehicle Title", "Title"),
}
VIN_NAMES = ("VIN (Vehicle Identification Number)", "VIN")
_UNIT = re.compile(r"\b(?:(mi|miles?)|(km|kms|kilomet(?:er|re)s?))\b", re.IGNORECASE)


def fields_of(aspects: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that item specifics say, by our names; what they do not say is left out.

    `mileage` stays as written; `mileage_unit` is 'mi' or 'km' where the text says so. `vin` is there only when its
    check digit holds.
    """
    found = {field: value for field in NAMES if (value := _first(aspects, NAMES[field]))}
    if unit := mileage_unit(found.get("mileage", "")):
        found["mileage_unit"] = unit
    if vin := read_vin(_first(aspects, VIN_NAMES)):
        found["vin"] = vin
    return found


def mileage_unit(text: str) -> str:
    """Return 'mi' or 'km' as a mileage's text says, '' when it does not: '61,000 miles' -> 'mi'."""
    match = _UNIT.search(text)
    if match is None:
        return ""
    return "mi" if match[1] else "km"


def _first(aspects: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((aspects[name] for name in names if aspects.get(name)), "")
