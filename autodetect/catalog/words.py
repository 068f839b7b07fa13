"""Words that name no model: bodies, doors, driven wheels, years, engine sizes, and what sellers say of any car."""

import re
import tomllib
from importlib import resources

from autodetect.catalog.makes import text_key

MOST_WORDS, MOST_SIGNS = 4, 30  # eBay Motors' own longest names: 'XC (Cross Country)', 'Silver Spirit/Spur/Dawn'

_WORDS: dict[str, list[str]] = tomllib.loads(
    resources.files("autodetect.catalog").joinpath("words.toml").read_text("utf-8")
)
_OTHER, _BODY, _DRIVE, _SALE, _COPY = (frozenset(_WORDS[name]) for name in ("other", "body", "drive", "sale", "copy"))
_GENERIC = _BODY | _DRIVE | _SALE
_YEAR = re.compile(r"(?:18|19|20)\d\d")
_DOORS = re.compile(r"\d(?:dr|door|doors)")
_LEADING_YEAR = re.compile(r"^\s*(?:19|20)\d\d\s+")
# '2.0', '3.2L', '1.8T': 'TT 2.0' is a TT.
_ENGINE_SIZE = re.compile(r"\s+\d\.\d\s*(?:l|t|i|d|liter|litre)?$", re.IGNORECASE)
_LAST_WORD = re.compile(r"\s+(\S+)$")


def without_year(text: str) -> str:
    """Return a text without the years that it starts with: '2016 BMW 7-Series' -> 'BMW 7-Series'."""
    while (shorter := _LEADING_YEAR.sub("", text)) != text:
        text = shorter
    return text


def bare(text: str) -> str:
    """Return a model that is not known without years in front and engine size, year, body and drive behind it."""
    while True:
        shorter = _ENGINE_SIZE.sub("", without_year(text.strip())).strip()
        match = _LAST_WORD.search(shorter)
        if match and (_YEAR.fullmatch(match[1]) or text_key(match[1]) in _BODY | _DRIVE):
            shorter = shorter[: match.start()]
        if shorter == text:
            return text
        text = shorter


def says_other(text: str) -> bool:
    """Return whether a seller says that it is something else: 'Other', 'Other Pickups', 'N/A'."""
    key = text_key(text)
    return key in _OTHER or key.split("-")[0] in _OTHER


def is_copy(text: str) -> bool:
    """Return whether a text says that the car is not what it looks like: a replica or a kit."""
    return not _COPY.isdisjoint(text_key(text).split("-"))


def names_nothing(text: str) -> bool:
    """Return whether a text has no word that could be a model: 'Pickup Truck', '2 door', '4 dr coupe'."""
    words = text_key(text).split("-")
    numbered = {"door", "doors", "dr", "window"}
    return all(
        word in _GENERIC
        or _YEAR.fullmatch(word)
        or _DOORS.fullmatch(word)
        or (word.isdigit() and following in numbered)
        for word, following in zip(words, [*words[1:], ""], strict=True)
    )


def looks_like_a_sentence(text: str) -> bool:
    """Return whether a text is too long for a model's name, or speaks of sale and state: nobody's class."""
    words = text_key(text).split("-")
    return len(words) > MOST_WORDS or len(text) > MOST_SIGNS or not _SALE.isdisjoint(words)
