"""Many cars at once -> the terms of the formula that each of them has, as arrays.

What `formula` and `facts` say of one car, for a frame: texts are read once for each different one. `phone` does the
same car by car, and the tests hold both to one result.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autodetect.prices.valuation import facts
from autodetect.prices.valuation.formula import Family, Knots, View

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Names = NDArray[np.object_]
Bools = NDArray[np.bool_]


class Codes(NamedTuple):
    """A text fact of every car: places in `names`, -1 for none."""

    codes: Ints
    names: Names


class Words(NamedTuple):
    """The words of one text: car `rows[i]` has the word `names[codes[i]]`."""

    rows: Ints
    codes: Ints
    names: Names


class Terms(NamedTuple):
    """Terms of a family: car `rows[i]` has the term `names[codes[i]]` with `weights[i]`."""

    rows: Ints
    codes: Ints
    names: Names
    weights: Floats


@dataclass(frozen=True)
class Cars:
    """What is known of cars, in the order of their frame.

    Attributes:
        size: how many.
        keys: text facts by name.
        words: words by the name of their text.
        numbers: age, year, miles, log_miles and lag; NaN for what is not known.
    """

    size: int
    keys: dict[str, Codes]
    words: dict[str, Words]
    numbers: dict[str, Floats]

    def take(self, rows: Ints) -> "Cars":
        """Return some of the cars, in the order of `rows`."""
        place = np.full(self.size, -1)
        place[rows] = np.arange(len(rows))
        words = {}
        for name, each in self.words.items():
            mine = place[each.rows]
            words[name] = Words(mine[mine >= 0], each.codes[mine >= 0], each.names)
        keys = {name: Codes(each.codes[rows], each.names) for name, each in self.keys.items()}
        return Cars(len(rows), keys, words, {name: each[rows] for name, each in self.numbers.items()})

    def knows(self, view: View) -> Bools:
        """Return which cars have the facts that a view wants of every car: it learns from such."""
        there = np.ones(self.size, dtype=np.bool_)
        if view.year:
            there &= ~np.isnan(self.numbers["year"])
        if view.miles:
            there &= ~np.isnan(self.numbers["miles"])
        if view.trim:
            there &= self._tells(lambda told: facts.TOLD[0] in told)
        return there

    def suits(self, view: View) -> Bools:
        """Return which cars a view may value: those whose advertisement tells as much as it wants, besides."""
        return self.knows(view) & self._tells(lambda told: len(told) >= view.told)

    def _tells(self, enough: Callable[[str], bool]) -> Bools:
        told = self.keys["told"]
        return np.array([*map(enough, told.names), enough("")])[told.codes]


def read_cars(frame: pd.DataFrame, calendar: facts.Calendar, lags: Floats | None = None) -> Cars:
    """Read a car frame.

    Args:
        frame: columns make, make_model_id, year, mileage and, where there are any, trim, engine, body_type,
            drive_type, cylinders, region; more are not looked at.
        calendar: what ages are counted by.
        lags: years from each sale to the newest one; None for cars that did not sell.
    """
    size = len(frame)
    text = {name: _texts(frame, name) for name in ("make", "make_model_id", "region", *_TEXTS)}
    number = {name: _numbers(frame, name) for name in ("year", "mileage", "cylinders")}
    year, miles = _each(number["year"], facts.year_of), _each(number["mileage"], facts.miles_of)
    age = _each(year, calendar.age_of)
    kinds = {
        "body": _mapped(text["body_type"], facts.body_of),
        "drive": _mapped(text["drive_type"], facts.drive_of),
        "cylinders": _mapped(number["cylinders"], facts.cylinders_of),
    }
    age_class = _mapped(age, facts.age_class_of)
    words = {name: _words(text[name]) for name in ("trim", "engine")}
    keys = {
        "make": _mapped(text["make"], str),
        "model": _mapped(text["make_model_id"], str),
        "region": _mapped(text["region"], str),
        "age_class": age_class,
        "epoch": _renamed(age_class, facts.epoch_of),
        "odometer": _mapped(miles, facts.odometer_of),
        "told": _told(size, words, kinds),
        **kinds,
    }
    there = np.where(miles < facts.DRIVEN, np.nan, miles)
    numbers = {
        "age": age,
        "year": year,
        "miles": there,
        "log_miles": np.log((there + facts.MILES_AT_REST) / facts.MILES_OF_ONE),
        "lag": np.zeros(size) if lags is None else lags,
    }
    return Cars(size, keys, words, numbers)


def terms_of(cars: Cars, family: Family) -> Terms:
    """Return the terms of one family that cars have, without the view's name in front."""
    if family.words:
        rows, codes, names = cars.words[family.words]
    else:
        rows, codes, names = np.arange(cars.size), np.zeros(cars.size, dtype=np.int64), np.array([""], dtype=object)
    weights = np.ones(len(rows))
    first = not family.words
    for key in reversed(family.keys):
        fact = cars.keys[key]
        mine = fact.codes[rows]
        there = mine >= 0
        rows, codes, weights, mine = rows[there], codes[there], weights[there], mine[there]
        codes = mine * len(names) + codes
        joint = "" if first else "|"
        codes, used = _numbered(codes)
        names = fact.names[used // len(names)] + joint + names[used % len(names)]
        first = False
    for number, knots in family.hats:
        rows, codes, names, weights = _hats(Terms(rows, codes, names, weights), cars.numbers[number], knots)
    if family.slope:
        slope = cars.numbers[family.slope][rows]
        there = ~np.isnan(slope) & (slope != 0)
        rows, codes, weights = rows[there], codes[there], (weights * slope)[there]
    return Terms(rows, codes, family.name + ":" + names, weights)


def _hats(terms: Terms, numbers: Floats, knots: Knots) -> Terms:
    """Return terms split between the knots below and above each car's number."""
    mine = numbers[terms.rows]
    there = ~np.isnan(mine)
    rows, codes, names, weights = terms.rows[there], terms.codes[there], terms.names, terms.weights[there]
    at = np.array(knots, dtype=np.float64)
    mine = np.clip(mine[there], at[0], at[-1])
    below = np.clip(np.searchsorted(at, mine, side="right") - 1, 0, len(at) - 2)
    share = (mine - at[below]) / (at[below + 1] - at[below])
    both = np.concatenate([1 - share, share])
    used = both > 0
    codes = np.concatenate([codes * len(at) + below, codes * len(at) + below + 1])[used]
    shown = np.array([f"@{knot}" for knot in knots], dtype=object)
    codes, different = _numbered(codes)
    names = names[different // len(at)] + shown[different % len(at)]
    return Terms(np.tile(rows, 2)[used], codes, names, (np.tile(weights, 2) * both)[used])


def _numbered(codes: Ints) -> tuple[Ints, Ints]:
    """Number the codes that occur from 0 on; return the numbers and the code of each."""
    numbers, different = pd.factorize(codes)
    return numbers, np.asarray(different)


_TEXTS = ("trim", "engine", "body_type", "drive_type")


def _texts(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column of text with '' for none."""
    if name not in frame:
        return pd.Series("", index=range(len(frame)), dtype=object)
    return frame[name].reset_index(drop=True).astype("str").fillna("")


def _numbers(frame: pd.DataFrame, name: str) -> Floats:
    """Return a column of numbers as float64, NaN for none and for infinities."""
    if name not in frame:
        return np.full(len(frame), np.nan)
    found: Floats = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def _each(numbers: Floats, read: Callable[[float | None], float | None]) -> Floats:
    """Apply a function of one number to each different one; NaN stands for None."""
    places, used = pd.factorize(numbers, use_na_sentinel=False)
    found = [read(None if np.isnan(each) else float(each)) for each in used]
    return np.array([np.nan if each is None else each for each in found], dtype=np.float64)[places]


def _mapped(values: Any, read: Callable[[Any], str]) -> Codes:
    """Read each different text or number into a key; '' is none."""
    places, used = pd.factorize(values, use_na_sentinel=False)
    found = [read(None if _is_nan(each) else each) for each in used]
    return _renamed(Codes(places, np.array(found, dtype=object)), str)


def _renamed(fact: Codes, read: Callable[[str], str]) -> Codes:
    """Rename a fact's texts; those that become one get one code, and '' gets none."""
    names = [read(each) for each in fact.names]
    known = sorted({name for name in names if name})
    place = {name: at for at, name in enumerate(known)} | {"": -1}
    codes = np.array([place[name] for name in names] or [-1], dtype=np.int64)
    return Codes(np.where(fact.codes >= 0, codes[fact.codes], -1), np.array(known, dtype=object))


def _is_nan(value: Hashable) -> bool:
    return isinstance(value, float) and np.isnan(value)


def _words(texts: pd.Series) -> Words:
    places, used = pd.factorize(texts)
    read = [facts.words_of(str(text)) for text in used]
    counts = np.array([len(each) for each in read], dtype=np.int64)
    codes, names = pd.factorize(np.array([word for each in read for word in each], dtype=object))
    starts = np.cumsum(counts) - counts
    mine = counts[places]
    rows = np.repeat(np.arange(len(texts)), mine)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(mine) - mine, mine)
    return Words(rows, codes[np.repeat(starts[places], mine) + within], np.asarray(names, dtype=object))


def _told(size: int, words: dict[str, Words], kinds: dict[str, Codes]) -> Codes:
    """Return which texts each car has, as `facts.told_of` says it."""
    there = [np.isin(np.arange(size), words[name].rows) for name in ("trim", "engine")]
    there += [kinds[name].names[kinds[name].codes] != facts.NOT_TOLD for name in ("body", "drive", "cylinders")]
    codes = sum((flag.astype(np.int64) << bit for bit, flag in enumerate(there)), np.zeros(size, dtype=np.int64))
    names = ["".join(letter for bit, letter in enumerate(facts.TOLD) if code >> bit & 1) for code in range(32)]
    return _renamed(Codes(codes, np.array(names, dtype=object)), str)
