"""The models: what a text that starts with a known model names, and what follows the name."""

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources

from autodetect.catalog.makes import text_key

ANY_DIGIT = "#"
ELSEWHERE = " / "  # 'Dodge / Ram 1500', an alias below Ram: what sellers write under another make
MOST_RUNS = 12  # of the longest name; whatever is longer was not written to name a model
SHORT = 3  # letters: the GLC-Class is no G-Class
_REMEMBERED = 16_384  # texts, most of them asked for several times while one listing is decided
_RUNS = re.compile(r"[a-z]+|[0-9]+")
_ROMAN = re.compile(r"x{0,3}(?:ix|iv|v?i{0,3})")


@dataclass(frozen=True, slots=True)
class Name:
    """A make and model of the catalogue, as they are shown."""

    make: str
    model: str

    @property
    def make_model_id(self) -> str:
        """Return the permanent id: `<make>/<model>`, each in plain lower-case words joined by '-'."""
        return f"{text_key(self.make)}/{text_key(self.model)}"


@dataclass(frozen=True, slots=True)
class Run:
    """Letters or digits that stand together in a text; `opens` tells whether a written word starts with them."""

    text: str
    opens: bool


@dataclass
class Names:
    """What sellers write under one make.

    `spelt` is by the signs without blanks, `figures` says which of them must not be guessed (`figures_of`), `alike` are
    those with the same figures, `shapes` are spellings in which digits may vary.
    """

    spelt: dict[str, Name] = field(default_factory=dict)
    figures: dict[str, tuple[str, ...]] = field(default_factory=dict)
    alike: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    shapes: list[tuple[re.Pattern[str], Name]] = field(default_factory=list)

    def named(self, signs: str) -> Name | None:
        """Return the model that exactly these signs name: a spelling first, then a shape."""
        found = self.spelt.get(signs)
        if found is None:
            found = next((name for shape, name in self.shapes if shape.fullmatch(signs)), None)
        return found


@cache
def catalogue() -> tuple[Name, ...]:
    """Return every make and model that the catalogue lists, sorted by id."""
    return tuple(sorted((Name(make, model) for make in _data() for model in _data()[make]), key=_by_id))


@cache
def names_under(make: str) -> Names:
    """Return what sellers write under a make, given as it is shown; empty for a make without models."""
    return _names_by_make().get(make, Names())


@lru_cache(maxsize=_REMEMBERED)
def runs_of(text: str) -> tuple[Run, ...]:
    """Return a text's letters and digits, in order: 'F150-XLT' -> f, 150, xlt, of which f and xlt open a word."""
    return tuple(
        Run(signs, opens=position == 0)
        for word in text_key(text).split("-")
        for position, signs in enumerate(_RUNS.findall(word))
    )


def joined(runs: Sequence[Run]) -> str:
    """Return the signs of runs without anything between them."""
    return "".join(run.text for run in runs)


def figures_of(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return what tells one name from the next and is no slip of spelling: numbers, Roman ones, and short letters."""
    return tuple(run.text for run in runs if run.text.isdigit() or len(run.text) <= SHORT or _ROMAN.fullmatch(run.text))


def may_end(runs: Sequence[Run], count: int) -> bool:
    """Return whether a model's name may end after so many runs.

    A figure may be followed at once by letters ('328i', 'F150XLT'), letters never by a figure: a 'GT350' is no 'GT'. A
    single sign names a model only when nothing follows: 'S' is a Tesla, 'S 4wd clean' is not.
    """
    if count == len(runs):
        return True
    following = runs[count]
    return (following.opens or following.text.isalpha()) and len(joined(runs[:count])) > 1


def leading(make: str, text: str) -> tuple[Name, str] | None:
    """Return the longest model of a make that a text starts with, and the plain words that follow it; None without."""
    names, runs = names_under(make), runs_of(text)
    for count in range(min(len(runs), MOST_RUNS), 0, -1):
        if may_end(runs, count) and (name := names.named(joined(runs[:count]))):
            return name, " ".join(run.text for run in runs[count:])
    return None


@cache
def makes_of(signs: str) -> tuple[Name, ...]:
    """Return the models of all makes that a spelling names, sorted by id: the makes that it may stand for."""
    found = {names.spelt[signs] for names in _names_by_make().values() if signs in names.spelt}
    return tuple(sorted(found, key=_by_id))


def spellings() -> list[tuple[str, str, Name]]:
    """Return every entry of the data file: the make it is written under, the spelling, and what it means."""
    rows: list[tuple[str, str, Name]] = []
    for make, models in _data().items():
        for model, aliases in models.items():
            name = Name(make, model)
            rows.append((make, model, name))
            for alias in aliases:
                under, separator, spelling = alias.partition(ELSEWHERE)
                rows.append((under, spelling, name) if separator else (make, alias, name))
    return rows


def signs_of(spelling: str) -> str:
    """Return a spelling's letters, digits and '#', without accents, in lower case, with nothing between them."""
    plain = unicodedata.normalize("NFKD", spelling).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9#]", "", plain)


@cache
def _names_by_make() -> dict[str, Names]:
    by_make: dict[str, Names] = {}
    for make, spelling, name in spellings():
        names, signs = by_make.setdefault(make, Names()), signs_of(spelling)
        if ANY_DIGIT in signs:
            names.shapes.append((re.compile(signs.replace(ANY_DIGIT, "[0-9]")), name))
        else:
            names.spelt.setdefault(signs, name)
            names.figures.setdefault(signs, figures_of(runs_of(spelling)))
    for names in by_make.values():
        for signs, figures in names.figures.items():
            names.alike.setdefault(figures, []).append(signs)
    return by_make


@cache
def _data() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(resources.files("autodetect.catalog").joinpath("models.toml").read_text("utf-8"))


def _by_id(name: Name) -> str:
    return name.make_model_id
