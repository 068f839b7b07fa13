"""Postal codes as sellers and sources write them, masked or not, and the regions that they name.

A code that is not kept as written names its rule:

==========================================  ===================================================================
listing.postal_code_lost_zero               '2139' in the US is 02139: a spreadsheet took the zero for a number's
listing.postal_code_respelt                 'K1A-0B1' is K1A 0B1
listing.postal_code_not_credible            a US code outside 00501 to 99950: none
listing.postal_code_contradicts_country     a Canadian code in the US, or the other way round: kept, without a region
==========================================  ===================================================================
"""

import re
from typing import NamedTuple

FIRST_ZIP, LAST_ZIP = 501, 99_950  # Holtsville NY and Ketchikan AK, the ends of the US Postal Service's range
_SHAPES = {
    "US": re.compile(r"[0-9]{5}(?:-[0-9]{4})?|[0-9]{3}\*\*"),
    "CA": re.compile(r"[A-Z][0-9][A-Z](?: ?[0-9][A-Z][0-9]| ?\*+)?"),
}
# Territories share the US Postal Service's codes.
_HOMES = {
    "US": "US",
    "USA": "US",
    "UNITED STATES": "US",
    "PR": "US",
    "VI": "US",
    "GU": "US",
    "CA": "CA",
    "CANADA": "CA",
}
_LOST_ZERO = re.compile(r"[0-9]{4}(?:-[0-9]{4})?")
_CANADIAN_HYPHEN = re.compile(r"([A-Z][0-9][A-Z])-([0-9][A-Z][0-9]|\*+)")


class PostalCode(NamedTuple):
    """A postal code in capitals, the region that it names, and the rule that was needed ('' for none).

    The region is a US sectional center or a Canadian sorting area: the first three signs, which masked codes still
    show ('336**' and '33602' are both in '336', 'T6J ***' is in 'T6J'). None for any other country's code.
    """

    code: str | None
    region: str | None
    rule: str = ""


def read_postal_code(text: str, country: str = "") -> PostalCode:
    """Read a postal code, masked ('336**', 'T6J ***') or whole.

    Args:
        text: as written.
        country: ISO 3166 code of where the car is, or a name of the US or Canada; '' where nobody says. Codes of other
            countries are kept and have no region.
    """
    code = text.strip().upper()
    if not code:
        return PostalCode(None, None)
    rule = ""
    where = country.strip().upper()
    home = _HOMES.get(where, where)
    if home == "US" and _LOST_ZERO.fullmatch(code):
        code, rule = f"0{code}", "listing.postal_code_lost_zero"
    elif home in {"CA", ""} and (match := _CANADIAN_HYPHEN.fullmatch(code)):
        code, rule = f"{match[1]} {match[2]}", "listing.postal_code_respelt"
    shape = country_of_code(code)
    if shape is None or (home and home not in _SHAPES):
        return PostalCode(code, None, rule)
    if home and shape != home:
        return PostalCode(code, None, "listing.postal_code_contradicts_country")
    if shape == "US" and not _is_assigned(code):
        return PostalCode(None, None, "listing.postal_code_not_credible")
    return PostalCode(code, code[:3], rule)


def country_of_code(code: str) -> str | None:
    """Return 'US' or 'CA' by a postal code's shape ('336**', '10001-1234'; 'K1A 0B1', 'T6J ***'); None for others."""
    shown = code.strip().upper()
    return next((country for country, shape in _SHAPES.items() if shape.fullmatch(shown)), None)


def _is_assigned(code: str) -> bool:
    """Return whether a US code, of which the last two signs may be masked, lies in the range that is in use."""
    low, high = (int(code[:5].replace("*", fill)) for fill in "09")
    return high >= FIRST_ZIP and low <= LAST_ZIP
