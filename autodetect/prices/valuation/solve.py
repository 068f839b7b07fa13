"""Robust ridge regression on a sparse matrix: least absolute deviations with coefficients held near 0.

Absolute deviations by iteratively reweighted least squares (Holland and Welsch 1977), each step by conjugate gradients
with the diagonal as preconditioner (Hestenes and Stiefel 1952). Nothing is random: equal input gives equal output.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REWEIGHTINGS = 6
FLOOR = 0.1  # of the residuals' scale: smaller ones weigh no more than these
STEPS = 60  # of conjugate gradients in one reweighting; the next goes on where it ended
CLOSE, CLOSER = 2e-3, 5e-4  # relative residual of the normal equations, on the way and at the end
NORMAL = 1.4826  # a normal distribution's standard deviation in median absolute deviations


@dataclass(frozen=True)
class Fitted:
    """`intercept` + design x `coefficients` is the median of the target, as far as the penalties let it."""

    intercept: float
    coefficients: Floats


def robust_ridge(design: Any, target: Floats, penalties: Floats) -> Fitted:
    """Fit a target of shape (n,) to a design, a scipy CSR matrix of shape (n, k).

    Args:
        design: one row for each case, at least one row.
        target: finite.
        penalties: positive, one for each column; about so many cases are needed to move a coefficient by half of what
            they say, where that is no more than the usual residual.
    """
    intercept = float(np.median(target))
    coefficients = np.zeros(design.shape[1])
    weights = np.ones(len(target))
    transposed = design.T.tocsr()
    squares = transposed.multiply(transposed)
    for step in range(REWEIGHTINGS):
        aim = transposed @ (weights * (target - intercept))
        diagonal = squares @ weights + penalties

        def normal(vector: Floats, weights: Floats = weights) -> Floats:
            result: Floats = transposed @ (weights * (design @ vector)) + penalties * vector
            return result

        tolerance = CLOSER if step == REWEIGHTINGS - 1 else CLOSE
        coefficients = _conjugate_gradients(normal, aim, diagonal, coefficients, tolerance)
        residuals = target - intercept - design @ coefficients
        middle = float(np.median(residuals))
        intercept += middle
        distances = np.abs(residuals - middle)
        scale = NORMAL * float(np.median(distances))
        if scale == 0:  # at least half of the cases are met exactly
            break
        weights = 1 / np.maximum(distances / scale, FLOOR)
        weights /= weights.mean()
    return Fitted(intercept, coefficients)


def _conjugate_gradients(normal: Any, aim: Floats, diagonal: Floats, start: Floats, tolerance: float) -> Floats:
    found = start.copy()
    residual = aim - normal(found)
    enough = tolerance * float(np.sqrt(aim @ (aim / diagonal)))
    direction = scaled = residual / diagonal
    product = float(residual @ scaled)
    for _ in range(STEPS):
        if np.sqrt(product) <= enough:
            break
        image = normal(direction)
        length = product / float(direction @ image)
        found += length * direction
        residual = residual - length * image
        scaled = residual / diagonal
        before, product = product, float(residual @ scaled)
        direction = scaled + direction * (product / before)
    return found
