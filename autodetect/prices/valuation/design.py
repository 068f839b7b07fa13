"""A formula's terms of many cars as a sparse matrix, and back: coefficients by name to a sum for every car."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from autodetect.prices.valuation.features import Cars, Floats, terms_of
from autodetect.prices.valuation.formula import MAKE, SCALE, Family
from autodetect.prices.valuation.solve import Fitted, robust_ridge

Coefficients = Mapping[str, float]


@dataclass(frozen=True)
class Design:
    """The terms of cars: a CSR matrix (cars, terms) of weights, and each term's name and penalty."""

    matrix: Any
    names: list[str]
    penalties: Floats


def design_of(cars: Cars, families: Sequence[Family], least: int) -> Design:
    """Return the terms that at least so many cars have; a make's needs but one."""
    rows, columns, weights = [], [], []
    names: list[str] = []
    penalties: list[float] = []
    for family in families:
        terms = terms_of(cars, family)
        counts = np.bincount(terms.codes, minlength=len(terms.names))
        kept = counts >= (1 if family.name == MAKE else least)
        place = np.cumsum(kept) - 1 + len(names)
        mine = kept[terms.codes]
        rows.append(terms.rows[mine])
        columns.append(place[terms.codes[mine]])
        weights.append(terms.weights[mine])
        names += terms.names[kept].tolist()
        penalties += [family.penalty] * int(kept.sum())
    shape = (cars.size, len(names))
    parts = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return Design(sp.csr_matrix(parts, shape=shape), names, np.array(penalties))


def fitted(
    name: str,
    cars: Cars,
    families: Sequence[Family],
    target: Floats,
    *,
    least: int,
    start: Coefficients | None = None,
) -> dict[str, float]:
    """Fit a target of every car; return coefficients in units of 1 / `SCALE`.

    The intercept is named `name`; a term's name has `name` and a blank in front. With a fit to much the same cars to
    `start` from, it is sooner done.
    """
    design = design_of(cars, families, least)
    terms = [f"{name} {term}" for term in design.names]
    before = start and Fitted(start[name] / SCALE, np.array([start.get(term, 0.0) for term in terms]) / SCALE)
    found = robust_ridge(design.matrix, target, design.penalties, before)
    scaled = (SCALE * found.coefficients).tolist()
    return {name: SCALE * found.intercept} | dict(zip(terms, scaled, strict=True))


def summed(name: str, cars: Cars, families: Sequence[Family], coefficients: Coefficients) -> Floats:
    """Return the sum of coefficient times weight over each car's terms, as `fitted` names and scales them.

    A term without a coefficient counts nothing.
    """
    total = np.full(cars.size, float(coefficients[name]))
    for family in families:
        terms = terms_of(cars, family)
        known = np.array([coefficients.get(f"{name} {term}", 0.0) for term in terms.names], dtype=np.float64)
        total += np.bincount(terms.rows, known[terms.codes] * terms.weights, minlength=cars.size)
    return total / SCALE
