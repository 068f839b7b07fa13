"""The makes: one data file of names and aliases, looked up by a key that ignores case and punctuation."""

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from importlib import resources

MAKE_WORDS = 3  # of the longest name of a make
_WORDS = re.compile(r"[a-z0-9]+")
_REMEMBERED = 65_536  # short texts, most of them asked for several times while one listing is decided


@lru_cache(maxsize=_REMEMBERED)
def text_key(text: str) -> str:
    """Return lower-case ASCII words joined by '-': 'Citroën  C4' -> 'citroen-c4'. Equal keys are equal names."""
    plain = text if text.isascii() else _ascii(text)
    return "-".join(_WORDS.findall(plain.casefold()))


def _ascii(text: str) -> str:
    """Return text without accents; what parts words in any script (a dash, a blank, a bullet) becomes a blank."""
    apart = (
        " " if character.isspace() or unicodedata.category(character)[0] in "PSZ" else character
        for character in unicodedata.normalize("NFKD", text)
    )
    return "".join(apart).encode("ascii", "ignore").decode()


@cache
def _names_by_key() -> dict[str, str]:
    data = tomllib.loads(resources.files("autodetect.catalog").joinpath("makes.toml").read_text("utf-8"))
    return {text_key(spelling): name for name, aliases in data.items() for spelling in (name, *aliases)}


def make_names() -> tuple[str, ...]:
    """Return every make, as it is shown, sorted."""
    return tuple(sorted(set(_names_by_key().values())))


def make_named(text: str) -> str | None:
    """Return the make that a seller's text names, as it is shown, or None."""
    return _names_by_key().get(text_key(text))


def make_leading(text: str) -> tuple[str, str] | None:
    """Return the make that a text starts with and the rest of it: 'Dodge RAM 1500' -> ('Dodge', 'RAM 1500')."""
    words = text.replace(":", " ").split()
    for count in range(min(MAKE_WORDS, len(words)), 0, -1):
        make = make_named(" ".join(words[:count]))
        if make:
            return make, " ".join(words[count:])
    return None
