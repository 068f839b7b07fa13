"""docs/valuation.md says all that it takes: here is the formula once more, made from that page's text alone."""

import math
import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autodetect.prices.valuation.fit import fit
from tests.prices.valuation.invented import FACTS, SETTINGS, TODAY, sales

PAGE = (Path(__file__).parents[3] / "docs" / "valuation.md").read_text("utf-8")
Car = dict[str, object]
Lookup = Callable[[str], float | None]


def table(*heads: str) -> list[list[str]]:
    """Return the cells below the table that has these heads."""
    head = re.escape(f"| {' | '.join(heads)} |")
    found = re.search(head + r"\n\|[-| ]+\|\n((?:\|.*\|\n)+)", PAGE)
    assert found, heads
    lines = (line.strip().strip("|").replace("\\|", "\0").split("|") for line in found[1].splitlines())
    return [[cell.strip().replace("\0", "|") for cell in line] for line in lines]


FAMILIES = table("family", "keys", "words", "numbers", "slope", "views")
SPREADS = table("family", "keys", "numbers", "views")
KNOTS = dict(table("number", "knots"))
SIGNS = [(sign.strip("`"), kind) for sign, kind in table("sign", "drive")]
VIEWS = [name for name, _ in table("view", "suits a car of which")]
EXAMPLE = {term: int(coefficient) for term, coefficient in table("term", "coefficient")}


def words(text: str) -> list[str]:
    found = re.findall(r"[a-z]+|\d+(?:\.\d+)?", text.lower().replace(",", ""), re.ASCII)[:8]
    return sorted(set(found), key=found.index)


def knots_of(name: str) -> list[int]:
    if every := re.fullmatch(r"year: every (\d+)", name):
        return list(range(1884, 2110, int(every[1])))
    return [int(knot) for knot in KNOTS[name].split()]


def facts(car: Car, lookup: Lookup) -> Car:
    """Section 1; what is missing is not there."""
    text = {name: car.get(name) or "" for name in ("trim", "engine", "body_type", "drive_type")}
    said = {name: car[name] for name in ("make", "make_model_id", "region") if car.get(name)}
    year, mileage = car.get("year"), car.get("mileage")
    if year is not None and 1885 <= year <= 2200:
        newest, as_of = lookup("newest-sale"), lookup("as-of")
        then = newest - year
        age = then + min(max(0, 25 - then), max(0, as_of - newest))
        first = max([each for each in (0, 7, 13, 22, 34, 46, 55, 66) if each <= age], default=0)
        epoch = "new" if first in {0, 7} else "used" if first in {13, 22, 34} else "classic"
        said |= {"year": year, "age": age, "age_class": str(first), "epoch": epoch}
    said["odometer"] = "?"
    if mileage is not None and 0 <= mileage <= 999_998 and mileage not in {111_111, 123_456, 888_888}:
        bounds = ((2, "0"), (100, "1"), (1000, "100"), (math.inf, "1000"))
        said["odometer"] = next(kind for bound, kind in bounds if mileage < bound)
        if mileage >= 2:
            said |= {"miles": mileage, "log_miles": math.log((mileage + 2000) / 60000)}
    said["body"] = " ".join(words(text["body_type"])) or "?"
    drives = [kind for sign, kind in SIGNS if sign in text["drive_type"].lower()]
    said["drive"] = ([*drives, "other"])[0] if words(text["drive_type"]) else "?"
    said["cylinders"] = "?" if car.get("cylinders") is None else str(int(car["cylinders"]))
    said["trim"], said["engine"] = words(text["trim"]), words(text["engine"])
    there = {"t": said["trim"], "e": said["engine"]} | {
        letter: said[name] != "?" for letter, name in zip("bdc", ("body", "drive", "cylinders"), strict=True)
    }
    return said | {"told": "".join(letter for letter in "tebdc" if there[letter])}


def view_of(said: Car, lookup: Lookup) -> str | None:
    """Section 2."""
    suits = {
        "full": "year" in said and len(said["told"]) >= 3,
        "trim": "year" in said and "miles" in said and "t" in said["told"],
        "miles": "year" in said and "miles" in said,
        "year": "year" in said,
        "name": True,
    }
    return next((view for view in VIEWS if suits[view] and lookup(f"{view} make:{said.get('make')}") is not None), None)


def terms(row: list[str], said: Car) -> Iterator[tuple[str, float]]:
    """Section 3, one family."""
    family, keys, text, numbers, slope, _ = row
    key_names = [key.strip() for key in keys.split(",") if key.strip()]
    number_names = [name.strip() for name in numbers.split(",") if name.strip()]
    needed = [*key_names, *([slope] if slope else []), *(name.partition(":")[0] for name in number_names)]
    if any(name not in said for name in needed) or (slope and said[slope] == 0) or "" in map(said.get, key_names):
        return
    sides = []
    for name in number_names:
        number, knots = said[name.partition(":")[0]], knots_of(name)
        number = min(max(number, knots[0]), knots[-1])
        lower = max(knot for knot in knots[:-1] if knot <= number)
        upper = knots[knots.index(lower) + 1]
        share = (upper - number) / (upper - lower)
        sides.append([(knot, weight) for knot, weight in ((lower, share), (upper, 1 - share)) if weight])
    for word in said[text] if text else [None]:
        name = "|".join([said[key] for key in key_names] + ([word] if text else []))
        for corner in product(*sides):
            weight = math.prod(each for _, each in corner) * (said[slope] if slope else 1)
            yield f"{family}:{name}" + "".join(f"@{knot}" for knot, _ in corner), weight


def total(name: str, rows: list[list[str]], said: Car, lookup: Lookup) -> float:
    found = [(name, 1.0)] + [(f"{name} {term}", weight) for row in rows for term, weight in terms(row, said)]
    return sum((lookup(term) or 0) * weight for term, weight in found) / 10000


def value(car: Car, lookup: Lookup) -> tuple[float, float, float] | None:
    said = facts(car, lookup)
    view = view_of(said, lookup)
    if view is None:
        return None
    middle = total(view, [row for row in FAMILIES if view in row[-1].split()], said, lookup)
    wide = [[family, keys, "", numbers, "", views] for family, keys, numbers, views in SPREADS]
    spread = math.exp(total(f"{view}~", [row for row in wide if view in row[-1].split()], said, lookup))
    group = "full ?" if view == "full" and said["odometer"] == "?" else view
    low, high = min(lookup(f"{group} low"), 0), max(lookup(f"{group} high"), 0)
    return math.exp(middle), math.exp(middle + spread * low / 10000), math.exp(middle + spread * high / 10000)


@pytest.mark.parametrize("gaps", [0.0, 0.2, 0.7])
def test_the_page_gives_the_factorys_values(gaps):
    model = fit(sales(1500), as_of=TODAY, settings=SETTINGS, seed=1)
    cars = sales(300, seed=7, gaps=gaps)
    odd = {"year": 1800.0, "mileage": 123_456.0, "drive_type": "front wheel", "engine": "5.7L V8, 4x4 é1,234.5.6"}
    cars.loc[cars.index[:60], list(odd)] = list(odd.values())
    cars.loc[cars.index[30:90], "mileage"] = [0.0, 1.0, 50.0, 400.0, 40_000.0, 5e5] * 10
    cars.loc[cars.index[30:90], "year"] = [1931.0, 1967.0, 1999.0, 2027.0, 2003.0] * 12
    rows = [
        {name: None if pd.isna(fact) else fact for name, fact in row.items()}
        for row in cars[["make", "make_model_id", *FACTS]].to_dict("records")
    ]
    found = [value(row, model.terms.get) for row in rows]
    np.testing.assert_allclose(np.array(found), model.value(cars).to_numpy(), rtol=1e-9)
    assert value({"make": "Lada"}, model.terms.get) is None


def test_the_example_comes_out_as_the_page_says():
    car = {"make": "Ford", "make_model_id": "ford/mustang", "year": 1967, "mileage": 50_000}
    said = re.search(r"Value ([\d,]+); low ([\d,]+); high ([\d,]+)\.", PAGE)
    found = value(car, EXAMPLE.get)
    assert said
    assert found
    assert [f"{round(each):,}" for each in found] == list(said.groups())
