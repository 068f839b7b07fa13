"""What a seller's words contain: the make in front, the model behind it, a model somewhere among them."""

import re
from collections.abc import Iterable

from autodetect.catalog.makes import MAKE_WORDS, make_leading, make_named, text_key
from autodetect.catalog.names import Name, leading
from autodetect.catalog.words import without_year

SHORTEST_WITHIN = 4  # signs of a name that may stand in the middle of a text; shorter ones are trims and engines
MOST_READ = 40  # words of a text that are looked through
_YEAR_BEFORE_MAKE = re.compile(r"(?<!\d)(?:19|20)\d\d\s+(?=\S)")


def leading_pair(text: str) -> Name | None:
    """Return the make and model that a text starts with: 'Dodge Ram 1500' is a Ram, 'Dodge Ram 50' a Dodge."""
    words = text.replace(":", " ").split()
    for count in range(min(MAKE_WORDS, len(words) - 1), 0, -1):
        make = make_named(" ".join(words[:count]))
        if make and (found := leading(make, " ".join(words[count:]))):
            return found[0]
    return None


def make_in(title: str) -> tuple[str, str, str] | None:
    """Return the make that a title starts with, years aside, or that follows a year in it; the rest; and both."""
    starts = (match.end() for match in _YEAR_BEFORE_MAKE.finditer(title))
    for text in (without_year(title.strip()), *(title[start:] for start in starts)):
        if (found := make_leading(text)) is not None:
            return *found, text
    return None


def inside(make: str, text: str) -> Name | None:
    """Return the one model of a make that a text names after other words; None when there are two or none."""
    words = text_key(text).split("-")[:MOST_READ]
    found: set[Name] = set()
    start = 1
    while start < len(words):
        signs, start = "".join(words[start:]), start + 1
        match = leading(make, " ".join(words[start - 1 :]))
        if match is None:
            continue
        left = len(match[1].replace(" ", ""))
        named = signs[: len(signs) - left]
        if len(named) >= SHORTEST_WITHIN and not named.isdigit():
            found.add(match[0])
            while start < len(words) and len("".join(words[start:])) > left:
                start += 1  # the words of a name name nothing else
    return found.pop() if len(found) == 1 else None


def without_make_in_front(make: str, text: str) -> Iterable[str]:
    """Yield a text without years and with its make off, as often as it is repeated and as short as it may be."""
    rest = without_year(text)
    if rest != text:
        yield rest
    words = rest.replace(":", " ").split()
    for count in range(1, min(MAKE_WORDS, len(words) - 1) + 1):
        if make_named(" ".join(words[:count])) == make:
            shorter = " ".join(words[count:])
            yield shorter
            yield from without_make_in_front(make, shorter)


def without_own_make(make: str, model: str) -> str:
    """Return a model without its make in front, however often it is repeated."""
    while True:
        split = make_leading(without_year(model))
        if split is None or split[0] != make or not split[1]:
            return model
        model = split[1]


def first_name(text: str) -> str:
    """Return the model a title starts with: its first word, with a short second one ('F 150', 'TT')."""
    words = text.split()
    if len(words) > 1 and len(words[0]) == 1:
        return " ".join(words[:2])
    return words[0] if words else ""
