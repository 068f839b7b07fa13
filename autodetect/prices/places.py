"""Where a postal code is: from gazetteers that are installed with the program, so without any service.

The United States and their territories come from `zipcodes` (ZIP codes), Canada from `pypostalcode` (sorting areas, the
first three signs). A position is as precise as its source: `code` is that of a whole ZIP code (four decimals of a
degree); `area` is the centre of what the first three signs name: a sorting area, or the median of the ZIP codes that
begin so (two decimals), for masked codes ('336**', 'T6J ***') and those that the gazetteer does not know. Military
codes are nowhere: the gazetteer puts what is sent to fleets and bases at 0, 0.
"""

import re
from collections import Counter, defaultdict
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Literal

from autodetect.catalog.postal_codes import country_of_code, read_postal_code
from autodetect.errors import UsageError
from autodetect.prices.sqlite.cells import distance_km
from autodetect.records import Record

if TYPE_CHECKING:
    import pandas as pd

Precision = Literal["point", "code", "area"]

_NO_STATES = {"AA", "AE", "AP", "FM", "MH", "PW"}  # armed forces; countries that the US Postal Service delivers to
_PROVINCES = {
    "Alberta": "AB",
    "British Columbia": "BC",
    "Manitoba": "MB",
    "New Brunswick": "NB",
    "Newfoundland and Labrador": "NL",
    "Northwest Territory": "NT",
    "Nova Scotia": "NS",
    "Nunavut Territory": "NU",
    "Ontario": "ON",
    "Prince Edward Island": "PE",
    "Quebec": "QC",
    "Saskatchewan": "SK",
    "Yukon": "YT",
}
_WIDEST_KM = 600  # from the centre of an area to its farthest code: 525 in Arizona, then 1,048 in Alaska
_POSITION = re.compile(r"([+-]?[0-9]+(?:\.[0-9]*)?)\s*[,;\s]\s*([+-]?[0-9]+(?:\.[0-9]*)?)")
_REMEDY = "name a ZIP code (33602), a Canadian postal code (K1A 0B1), or latitude and longitude (27.95,-82.46)"


class Place(Record):
    """A position in degrees, how precise it is, and the state or province as ISO 3166-2 ('US-FL', 'CA-AB')."""

    latitude: float
    longitude: float
    precision: Precision
    state: str | None = None


def locate(code: str, country: str = "") -> Place | None:
    """Return where a postal code is, None for codes of other countries and for those that nobody knows.

    Args:
        code: whole, with its four further digits, or masked.
        country: ISO 3166 code or a name of the US or Canada; '' where nobody says.
    """
    if country in {"", "US"} and (known := _zip_codes().get(code)):
        return known
    read = read_postal_code(code, country)
    if read.code is None or read.region is None:
        return None
    if country_of_code(read.code) == "CA":
        return _sorting_areas().get(read.region)
    if read.code[:5] in _military():
        return None
    return _zip_codes().get(read.code[:5]) or _sectional_centers().get(read.region)


def located(codes: "pd.Series", countries: "pd.Series") -> "pd.DataFrame":
    """Return where postal codes are, each different one looked up once.

    Args:
        codes: postal codes as text, perhaps missing.
        countries: of the same index: ISO 3166 codes, perhaps missing.

    Returns:
        Of the same index: latitude, longitude (float64 degrees, NaN where not known), place_precision ('code', 'area')
        and state (ISO 3166-2), None where not known.
    """
    import numpy as np
    import pandas as pd

    code_numbers, different_codes = pd.factorize(codes)
    country_numbers, different_countries = pd.factorize(countries)
    texts, homes = [*different_codes, ""], [*different_countries, ""]  # the last: missing, number -1
    pairs, different = pd.factorize(code_numbers * len(homes) + country_numbers)
    numbers, places = np.divmod(different + 1, len(homes)), []
    for code, country in zip(numbers[0].tolist(), (numbers[1] - 1).tolist(), strict=True):
        places.append(locate(texts[code], homes[country]))
    facts = pd.DataFrame(
        {
            "latitude": np.array([place.latitude if place else np.nan for place in places], np.float64),
            "longitude": np.array([place.longitude if place else np.nan for place in places], np.float64),
            "place_precision": pd.Series([place.precision if place else None for place in places], dtype="str"),
            "state": pd.Series([place.state if place else None for place in places], dtype="str"),
        }
    )
    return facts.take(pairs).set_axis(codes.index)


def parse_place(text: str) -> Place:
    """Return the place that a person typed: '33602', 'K1A 0B1' or '27.95,-82.46' (latitude, longitude).

    Raises:
        UsageError: it is neither, or no gazetteer knows it.
    """
    typed = text.strip()
    if match := _POSITION.fullmatch(typed):
        latitude, longitude = float(match[1]), float(match[2])
        if abs(latitude) > 90 or abs(longitude) > 180:
            what = f"{text!r} is no position: latitude goes from -90 to 90, longitude from -180 to 180"
            raise UsageError(what, "name the latitude first, degrees with a decimal point: 27.95,-82.46")
        return Place(latitude=latitude, longitude=longitude, precision="point")
    if country_of_code(read_postal_code(typed).code or "") is None:
        raise UsageError(f"{text!r} is no place that can be looked up", _REMEDY)
    place = locate(typed)
    if place is None:
        raise UsageError(f"no gazetteer knows where the postal code {text!r} is", _REMEDY)
    return place


@cache
def _gazetteer() -> list[dict[str, str]]:
    import zipcodes

    return zipcodes.list_all()  # type: ignore[no-untyped-call]


@cache
def _zip_codes() -> dict[str, Place]:
    """Return the places of ZIP codes, five digits, that have one."""
    return {
        row["zip_code"]: Place.model_construct(
            latitude=float(row["lat"]), longitude=float(row["long"]), precision="code", state=_state_of(row["state"])
        )
        for row in _gazetteer()
        if row["zip_code_type"] != "MILITARY" and (float(row["lat"]) or float(row["long"]))
    }


@cache
def _military() -> frozenset[str]:
    return frozenset(row["zip_code"] for row in _gazetteer() if row["zip_code_type"] == "MILITARY")


@cache
def _sectional_centers() -> dict[str, Place]:
    """Return the centres of US areas by three digits; those that reach across Alaska or the Pacific have none.

    The median of each coordinate lies where most codes are; a mean can lie where nobody lives.
    """
    members: dict[str, list[Place]] = defaultdict(list)
    for code, place in _zip_codes().items():
        members[code[:3]].append(place)
    found = {}
    for area, places in members.items():
        north = round(median(place.latitude for place in places), 2)
        east = round(median(place.longitude for place in places), 2)
        if all(distance_km(north, east, place.latitude, place.longitude) <= _WIDEST_KM for place in places):
            [(state, _)] = Counter(sorted(place.state or "" for place in places)).most_common(1)
            found[area] = Place(latitude=north, longitude=east, precision="area", state=state or None)
    return found


@cache
def _sorting_areas() -> dict[str, Place]:
    """Return the centres of Canadian areas by three signs."""
    from pypostalcode import PostalCodeDatabase  # type: ignore[import-untyped]

    return {
        row.postalcode: Place(
            latitude=round(row.latitude, 4),
            longitude=round(row.longitude, 4),
            precision="area",
            state=f"CA-{_PROVINCES[row.province]}",
        )
        for row in PostalCodeDatabase().find_postalcode()
        if row.latitude < 90  # H0H, where Santa Claus gets his mail, is the pole
    }


def _state_of(code: str) -> str | None:
    return None if code in _NO_STATES else f"US-{code}"
