"""Numbers out of what sellers wrote. A text is read in one way or not at all; ranges are judged by the suites.

A reading that took more than taking the number as it stands names the rule it took (`Reading.rule`):

==================================  ===========================================================================
listing.price_thousands             '12.5k' is 12,500
listing.price_decimal_comma         '12.345,00' in a currency whose countries write so is 12,345.00
listing.price_currency_contradicts  the text names a currency, the field another: no price
listing.mileage_thousands           '98k' is 98,000
listing.mileage_unit_in_text        '123,456 km' where no unit is told apart
listing.mileage_unit_contradicts    the text names one unit, the field another: no mileage
listing.mileage_unknown             'TMU' (true mileage unknown), 'exempt': no mileage, whatever number is beside it
listing.year_two_digits             '67' can be 1967 only; '05' is 2005 when the title begins with it
listing.year_ambiguous              '05' without such a title: no year
listing.year_span                   '1967/68': two model years, so none
listing.year_among_numbers          '2012 (62 plate)', '03/2012': the only year among several numbers
==================================  ===========================================================================
"""

import math
import re
from dataclasses import dataclass

FIRST_CAR_YEAR = 1885  # Benz Patent-Motorwagen
MAX_CYLINDERS = 16
BUYING_OPTIONS = ("AUCTION", "BEST_OFFER", "CLASSIFIED_AD", "FIXED_PRICE")
MILES_PER_KM = 0.621371  # the international mile of 1959: 1.609344 km
# Nobody offers a car for these: the price is in the text, or to be found out by bidding.
PRICE_PLACEHOLDERS = (0.01, 0.99, 1.0, 123_456.0, 1_234_567.0, 12_345_678.0, 1_111_111.0, 9_999_999.0, 99_999_999.0)
MILEAGE_PLACEHOLDERS = (999_999, 123_456, 111_111, 888_888)  # what sellers type who do not want to say
DOLLARS = frozenset(["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"])
DECIMAL_COMMA = frozenset(
    ["EUR", "PLN", "SEK", "DKK", "NOK", "CZK", "HUF", "RON", "TRY", "BRL"]
)  # most of their countries write 1.234,56

_NUMBER = re.compile(r"^[^\d-]*(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\D*$", re.ASCII)
_COMMA_NUMBER = re.compile(r"^[^\d-]*(-?(?:\d{1,3}(?:[.]\d{3})+|\d+)(?:,\d{1,2})?)\D*$", re.ASCII)
_THOUSANDS = re.compile(r"^[^\d-]*(\d{1,4}(?:\.\d{1,3})?)\s?(?:k|thousand)(?![a-z])\D*$", re.IGNORECASE | re.ASCII)
_GROUP_OR_DECIMALS = re.compile(r"(?<!\d)\d{1,3}\.\d{3}(?!\d)", re.ASCII)  # '12.345': a thousand or a fraction
_OTHER_THAN_A_PRICE = re.compile(r"%|/\s?mo|month|deposit|\bdown\b|\d\s?(?:m|mm|mio|mil|million)\b", re.IGNORECASE)
_CODES = re.compile(r"(?<![A-Z])(USD|EUR|GBP|CAD|AUD|NZD|SGD|HKD|MXN|CHF|PLN|SEK|DKK|NOK|JPY|CNY)(?![A-Z])")
_SIGNS = {"€": "EUR", "£": "GBP"}
_DOLLAR_OF = re.compile(r"(?<![A-Z])(US|CA|C|AU|A|NZ|HK|MX)\s?\$")
_DOLLAR_NAMES = {"US": "USD", "CA": "CAD", "C": "CAD", "AU": "AUD", "A": "AUD", "NZ": "NZD", "HK": "HKD", "MX": "MXN"}
_MILES = re.compile(r"(?<![a-z])(?:mi|mls?|miles?)(?![a-z])", re.IGNORECASE)
_KILOMETRES = re.compile(r"(?<![a-z])(?:kms?|kilomet(?:er|re)s?)(?![a-z])", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"(?<![a-z])(?:tmu|unk|unknown|not known|exempt|n/?a|not actual|inaccurate|tbd)(?![a-z])", re.IGNORECASE
)
_TWO_DIGITS = re.compile(r"['\u2019]?(\d\d)", re.ASCII)
_SPAN = re.compile(r"^\D*((?:18|19|20)\d\d)\s?(?:/|-|\u2013|&|to)\s?'?((?:18|19|20)?\d\d)\D*$", re.ASCII)
_YEARS = re.compile(r"(?<!\d)(?:18|19|20)\d\d(?!\d)", re.ASCII)
_BIDS = re.compile(r"\s*(\d{1,3}(?:,\d{3})+|\d{1,9})(?:\s+bids?)?\s*", re.IGNORECASE | re.ASCII)
_LEADING_YEAR = re.compile(r"\s*((?:19|20)[0-9]{2})(?![\w/.&-])", re.ASCII)


@dataclass(frozen=True)
class Reading:
    """A number read from text.

    Args:
        value: the number; None for none.
        unreadable: there was text, but no single number in it.
        rule: the rule that was needed, '' when the text is read as it stands; see the module.
    """

    value: float | None
    unreadable: bool = False
    rule: str = ""


NOTHING, UNREADABLE = Reading(None), Reading(None, unreadable=True)


def read_number(text: str) -> Reading:
    """Read '12,345', '$12,345.00' or '98000 miles' as a number; empty text is no number and no fault."""
    stripped = text.strip()
    if not stripped:
        return NOTHING
    match = _NUMBER.match(stripped)
    if match is None:
        return UNREADABLE
    value = float(match.group(1).replace(",", ""))
    return Reading(value) if math.isfinite(value) else UNREADABLE


def read_price(text: str, currency: str = "") -> Reading:
    """Read a price as it is written in its currency (ISO 4217; '' where nobody says).

    '12.345,00' is a number only where commas part the decimals; elsewhere, as '12.345' and '12,50', it is unreadable.
    """
    named = _currencies_in(text)
    if currency and not all(currency in each for each in named):
        return Reading(None, rule="listing.price_currency_contradicts")
    if _OTHER_THAN_A_PRICE.search(text):
        return UNREADABLE
    if match := _THOUSANDS.match(text):
        return Reading(_thousands(match[1]), rule="listing.price_thousands")
    with_comma = currency in DECIMAL_COMMA or (not currency and any(each <= DECIMAL_COMMA for each in named))
    if with_comma and (match := _COMMA_NUMBER.match(text)) and re.search(r"[.,]", match[1]):
        value = float(match[1].replace(".", "").replace(",", "."))
        if math.isfinite(value):
            return Reading(value, rule="listing.price_decimal_comma")
    return UNREADABLE if _GROUP_OR_DECIMALS.search(text) else read_number(text)


def read_mileage(text: str, unit: str = "") -> Reading:
    """Read a mileage in whole miles; `unit` is 'mi', 'km' or '' (not said), which is miles unless the text says more.

    What sellers type who do not want to say (`MILEAGE_PLACEHOLDERS`) stays as typed, for the rule that knows it.
    """
    if _UNKNOWN.search(text):
        return Reading(None, rule="listing.mileage_unknown")
    miles, kilometres = _MILES.search(text) is not None, _KILOMETRES.search(text) is not None
    if (miles and unit == "km") or (kilometres and unit == "mi"):
        return Reading(None, rule="listing.mileage_unit_contradicts")
    if miles and kilometres:
        return UNREADABLE
    rule = "listing.mileage_unit_in_text" if kilometres and not unit else ""
    if match := _THOUSANDS.match(text):
        read, rule = Reading(_thousands(match[1])), "listing.mileage_thousands"
    else:
        read = UNREADABLE if _GROUP_OR_DECIMALS.search(text) else read_number(text)
    if read.value is None:
        return read
    value = float(round(read.value))
    if (kilometres or unit == "km") and value not in MILEAGE_PLACEHOLDERS:
        value = float(round(value * MILES_PER_KM))
    return Reading(value, rule=rule)


def read_year(text: str, title_year: int | None = None, *, latest: int) -> Reading:
    """Read a model year.

    Args:
        text: as written.
        title_year: the year that the title begins with (`leading_year`): it settles a century, and nothing else.
        latest: no car on offer can be of a later model year.
    """
    if match := _TWO_DIGITS.fullmatch(text.strip()):
        possible = [year for year in (1900 + int(match[1]), 2000 + int(match[1])) if year <= latest]
        if len(possible) > 1:
            possible = [year for year in possible if year == title_year]
        return (
            Reading(float(possible[0]), rule="listing.year_two_digits")
            if possible
            else Reading(None, rule="listing.year_ambiguous")
        )
    if match := _SPAN.match(text):
        first, second = match.groups()
        # '2012-03' is a month: the two digits behind it are no later year.
        if len(second) == 4 or int(second) > int(first[2:]):
            return Reading(None, rule="listing.year_span")
        return Reading(float(first), rule="listing.year_among_numbers")
    read = read_number(text)
    if read.value is not None:
        return Reading(float(round(read.value)))
    years = set(_YEARS.findall(text))
    return Reading(float(years.pop()), rule="listing.year_among_numbers") if len(years) == 1 else read


def leading_year(title: str) -> int | None:
    """Return the year of this or the last century that a title begins with: '2012 Ford Mustang'; None without."""
    match = _LEADING_YEAR.match(title)
    return int(match[1]) if match else None


def read_cylinders(text: str) -> int | None:
    """Return a number of cylinders, 1 to `MAX_CYLINDERS`; None for any other text."""
    value = read_number(text).value
    return int(value) if value is not None and 0 < value <= MAX_CYLINDERS else None


def read_bids(text: str) -> int | None:
    """Return the number of bids on an auction: '7', '1,204', '1 bid'; None for any other text."""
    match = _BIDS.fullmatch(text)
    return int(match[1].replace(",", "")) if match else None


def read_buying_options(text: str) -> tuple[str, bool]:
    """Return what a text names between its '|': of `BUYING_OPTIONS`, sorted and joined alike; and if there is more."""
    named = {option.strip().upper() for option in text.split("|")} - {""}
    return "|".join(sorted(named.intersection(BUYING_OPTIONS))), not named.issubset(BUYING_OPTIONS)


def _thousands(number: str) -> float:
    return float(round(float(number) * 1000))


def _currencies_in(text: str) -> list[frozenset[str]]:
    """Return, for each currency that a text names, the codes that it may mean: a bare '$' any dollar."""
    upper = text.upper()
    found = [frozenset({code}) for code in _CODES.findall(upper)]
    found += [frozenset({code}) for sign, code in _SIGNS.items() if sign in text]
    if "$" in text:
        told = [frozenset({_DOLLAR_NAMES[name]}) for name in _DOLLAR_OF.findall(upper)]
        found += told or [DOLLARS]
    return found
