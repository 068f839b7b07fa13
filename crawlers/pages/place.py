"""Where an item is, as eBay's pages write it: 'Located in: Miami, Florida, United States', 'aus Deutschland'."""

import re
from typing import NamedTuple

# ISO 3166-1 alpha-2, by the names that the English and German pages use.
COUNTRIES: dict[str, str] = {
    "united states": "US",
    "usa": "US",
    "vereinigte staaten": "US",
    "vereinigte staaten von amerika": "US",
    "canada": "CA",
    "kanada": "CA",
    "mexico": "MX",
    "mexiko": "MX",
    "united kingdom": "GB",
    "großbritannien": "GB",
    "vereinigtes königreich": "GB",
    "ireland": "IE",
    "irland": "IE",
    "germany": "DE",
    "deutschland": "DE",
    "austria": "AT",
    "österreich": "AT",
    "switzerland": "CH",
    "schweiz": "CH",
    "france": "FR",
    "frankreich": "FR",
    "italy": "IT",
    "italien": "IT",
    "spain": "ES",
    "spanien": "ES",
    "netherlands": "NL",
    "niederlande": "NL",
    "belgium": "BE",
    "belgien": "BE",
    "poland": "PL",
    "polen": "PL",
    "sweden": "SE",
    "schweden": "SE",
    "denmark": "DK",
    "dänemark": "DK",
    "japan": "JP",
    "china": "CN",
    "hong kong": "HK",
    "hongkong": "HK",
    "australia": "AU",
    "australien": "AU",
    "united arab emirates": "AE",
    "puerto rico": "PR",
}
_LEAD = re.compile(
    r"^(?:item location|located in|artikelstandort|standort|location)\b\s*:?\s*|^(?:from|aus)\s+(?=[^\W\d])",
    re.IGNORECASE,
)
_US_STATE_ZIP = re.compile(r"^(?P<state>[A-Z]{2})\s+(?P<code>\d{5}(?:-\d{4})?|\d{3}\*\*)$", re.ASCII)
_CODE = re.compile(r"(?<![\w*])(?:\d{5}(?:-\d{4})?|\d{3}\*\*|\d{4})(?![\w*-])", re.ASCII)


class Place(NamedTuple):
    """Where an item is; what the page does not show is ''."""

    postal_code: str = ""
    city: str = ""
    state: str = ""
    country: str = ""


def says_place(text: str) -> bool:
    """Return whether a line begins as those do that say where an item is."""
    return _LEAD.match(text) is not None


def read_place(text: str) -> Place:
    """Read '[ZIP] city, state, country', any of which may be missing but the last: it is the country.

    Countries become ISO 3166 codes where the name is a known one, else they stay as written.
    """
    parts = [part.strip() for part in _LEAD.sub("", text.strip()).split(",") if part.strip()]
    if not parts:
        return Place()
    if match := _US_STATE_ZIP.match(parts[-1]):
        return Place(match["code"], parts[0] if len(parts) > 1 else "", match["state"], "US")
    country = COUNTRIES.get(parts[-1].casefold(), parts[-1])
    if country == "US" and len(parts) > 1 and (match := _US_STATE_ZIP.match(parts[-2])):
        return Place(match["code"], parts[0] if len(parts) > 2 else "", match["state"], country)
    code, rest = "", []
    for part in parts[:-1]:
        found = _CODE.search(part)
        code = code or (found[0] if found else "")
        rest.append(_CODE.sub("", part).strip() if found else part)
    rest = [part for part in rest if part]
    return Place(code, rest[0] if rest else "", rest[-1] if len(rest) > 1 else "", country)
