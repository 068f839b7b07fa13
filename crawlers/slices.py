"""Slices of a result set: a search pages through `reach` results only, so a larger one is read in parts.

A slice is divided by make, then by year, then by price. Makes and years whose sizes the source tells (aspect
refinements) are packed into as few searches as hold them. A single make and year is read in order of price: where its
window ends, the next slice begins at the last price, so that nothing is asked twice but what costs just that much.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Self
from urllib.parse import quote, unquote

ROOT_NAME = "all"
MAKE, YEAR = "Make", "Year"
MOST_VALUES = 60  # of one aspect in one search: keeps the address within what servers take


@dataclass(frozen=True)
class Slice:
    """A part of a category: the makes and years it holds (none: any) and its lowest price ('': any)."""

    makes: tuple[str, ...] = ()
    years: tuple[str, ...] = ()
    low: str = ""

    @property
    def name(self) -> str:
        """One text for one slice: 'all', 'Make=Audi|BMW', 'Make=Ford;Year=2012;price=15000'."""
        parts = [f"{name}={_joined(values)}" for name, values in ((MAKE, self.makes), (YEAR, self.years)) if values]
        return ";".join([*parts, *([f"price={self.low}"] if self.low else [])]) or ROOT_NAME

    @classmethod
    def named(cls, name: str) -> Self:
        """Read a slice's name back; no name is that of the whole."""
        parts = {} if name in {"", ROOT_NAME} else dict(part.split("=", 1) for part in name.split(";"))
        return cls(_split(parts.get(MAKE, "")), _split(parts.get(YEAR, "")), parts.get("price", ""))

    @property
    def by_price(self) -> bool:
        """Whether it can be divided only by price, and so must be read in order of price."""
        return len(self.makes) == 1 and len(self.years) == 1

    @property
    def breadth(self) -> tuple[float, float, float, str]:
        """Return what orders slices, the narrowest first: fewest makes, fewest years, highest price."""
        return len(self.makes) or inf, len(self.years) or inf, -float(self.low or 0), self.name

    def holds(self, make: str, year: str) -> bool:
        """Return whether a listing of this make and year belongs here; what a listing does not say is no objection."""
        fits_make = not self.makes or not make or make.casefold() in {value.casefold() for value in self.makes}
        return fits_make and (not self.years or not year or year in self.years)


@dataclass(frozen=True)
class Sized:
    """A slice and how many results it was said to have; None where nobody said."""

    part: Slice
    total: int | None


def divided(
    part: Slice,
    refinements: Mapping[str, Mapping[str, int]],
    *,
    reach: int,
    makes: Sequence[str] = (),
    years: Sequence[str] = (),
) -> list[Sized]:
    """Return the slices that a too large one is read in, in the order of the refinements.

    Args:
        part: what is too large, and not `by_price`.
        refinements: by aspect, the values it has and their sizes, as the source tells; else the next two are tried.
        reach: how many results one search can page through.
        makes: the makes to ask for, where the source does not tell.
        years: likewise the years.
    """
    if len(part.makes) > 1:
        return _told_or_halved(replace(part, makes=()), MAKE, part.makes, refinements, reach)
    if not part.makes:
        told = refinements.get(MAKE, {})
        return _grouped(part, MAKE, told, reach) if told else [Sized(Slice((make,)), None) for make in makes]
    if len(part.years) > 1:
        return _told_or_halved(replace(part, years=()), YEAR, part.years, refinements, reach)
    return _told_or_halved(part, YEAR, tuple(years), refinements, reach)


def fewest_calls(total: int, page_size: int) -> int:
    """Return the lower bound of search calls: as many pages as the results fill, however they are sliced."""
    return max(1, ceil(total / page_size))


def packed(sizes: Mapping[str, int], reach: int) -> list[tuple[tuple[str, ...], int]]:
    """Group values into as few searches as hold them, each within `reach` (first-fit decreasing).

    First-fit decreasing uses at most 11/9 of the fewest bins (Johnson 1973); each bin costs at most one page that is
    not full. A value beyond `reach` stays alone.
    """
    groups: list[tuple[list[str], int]] = []
    for value, size in sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])):
        for index, (values, held) in enumerate(groups):
            if held + size <= reach and len(values) < MOST_VALUES:
                values.append(value)
                groups[index] = values, held + size
                break
        else:
            groups.append(([value], size))
    return [(tuple(sorted(values)), held) for values, held in groups]


def _told_or_halved(
    part: Slice, aspect: str, values: tuple[str, ...], refinements: Mapping[str, Mapping[str, int]], reach: int
) -> list[Sized]:
    """Divide by an aspect's values: as the source tells their sizes, else (or if they all fit) half of them each."""
    told = {value: size for value, size in refinements.get(aspect, {}).items() if not values or value in values}
    groups = _grouped(part, aspect, told, reach)
    if groups and groups[0].part != _with(part, aspect, values):
        return groups
    middle = len(values) // 2
    return [Sized(_with(part, aspect, half), None) for half in (values[:middle], values[middle:]) if half]


def _grouped(part: Slice, aspect: str, sizes: Mapping[str, int], reach: int) -> list[Sized]:
    return [Sized(_with(part, aspect, values), total) for values, total in packed(sizes, reach)]


def _with(part: Slice, aspect: str, values: Iterable[str]) -> Slice:
    held = tuple(values)
    return replace(part, makes=held) if aspect == MAKE else replace(part, years=held)


def _joined(values: tuple[str, ...]) -> str:
    return "|".join(quote(value, safe=" -/.") for value in values)


def _split(text: str) -> tuple[str, ...]:
    return tuple(unquote(value) for value in text.split("|")) if text else ()
