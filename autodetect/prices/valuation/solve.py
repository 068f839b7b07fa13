"""Robust ridge regression on a sparse matrix: least absolute deviations with coefficients held near 0.

Absolute deviations by iteratively reweighted least squares (Holland and Welsch 1977), each step by scipy's conjugate
gradients with the diagonal as preconditioner. Nothing is random: equal input gives equal output.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, cg
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Floats = NDArray[np.float64]

REWEIGHTINGS, REWEIGHTINGS_AGAIN = 6, 3
SMALLEST = 1e-9  # scale: where most targets are met exactly
FLOOR = 0.1  # of the residuals' scale: smaller ones weigh no more than these
STEPS = 60  # of conjugate gradients in one reweighting; the next goes on where it ended
CLOSE, CLOSER = 2e-3, 5e-4  # relative residual of the normal equations, on the way and at the end
NORMAL = 1.4826  # a normal distribution's standard deviation in median absolute deviations


@dataclass(frozen=True)
class Fitted:
    """`intercept` + design x `coefficients` is the median of the target, as far as the penalties let it."""

    intercept: float
    coefficients: Floats


@threadpool_limits.wrap(limits=1, user_api="blas")
def robust_ridge(design: Any, target: Floats, penalties: Floats, start: Fitted | None = None) -> Fitted:
    """Fit a target of shape (n,) to a design, a scipy CSR matrix of shape (n, k).

    It runs on one core: sums of such length gain nothing by more, and no digit depends on how many there are.

    Args:
        design: one row for each case, at least one row.
        target: finite.
        penalties: positive, one for each column; about so many cases are needed to move a coefficient by half of what
            they say, where that is no more than the usual residual.
        start: a fit to much the same cases; with it, fewer rounds do.
    """
    found = start or Fitted(float(np.median(target)), np.zeros(design.shape[1]))
    weights = (
        np.ones(len(target)) if start is None else _weights(target - found.intercept - design @ start.coefficients)
    )
    solver = _RidgeSolver(design, penalties)
    rounds = REWEIGHTINGS if start is None else REWEIGHTINGS_AGAIN
    for step in range(rounds):
        close = CLOSER if step == rounds - 1 else CLOSE
        coefficients = solver.solve(target - found.intercept, weights, found.coefficients, close)
        residuals = target - found.intercept - design @ coefficients
        middle = float(np.median(residuals))
        found = Fitted(found.intercept + middle, coefficients)
        weights = _weights(residuals - middle)
    return found


def _weights(residuals: Floats) -> Floats:
    """Return weights, 1 on average, with which squares grow like absolute deviations."""
    distances = np.abs(residuals)
    scale = max(NORMAL * float(np.median(distances)), SMALLEST)
    weights = 1 / np.maximum(distances / scale, FLOOR)
    result: Floats = weights / weights.mean()
    return result


class _RidgeSolver:
    """Solves weighted ridge regressions of one design."""

    def __init__(self, design: Any, penalties: Floats) -> None:
        self._design, self._penalties = design, penalties
        self._transposed = design.T.tocsr()
        self._squares = self._transposed.multiply(self._transposed)

    def solve(self, target: Floats, weights: Floats, start: Floats, close: float) -> Floats:
        """Return the coefficients for a target, by conjugate gradients from `start` until they are so close."""
        aim = self._transposed @ (weights * target)
        diagonal = self._squares @ weights + self._penalties
        shape = (len(start), len(start))
        normal = LinearOperator(shape, matvec=lambda vector: self._normal(vector, weights))
        scaled = LinearOperator(shape, matvec=lambda vector: vector / diagonal)
        found, _ = cg(normal, aim, x0=start, rtol=close, maxiter=STEPS, M=scaled)  # as close as so many steps get
        return np.asarray(found)

    def _normal(self, vector: Floats, weights: Floats) -> Floats:
        """Return the matrix of the normal equations times a vector."""
        result: Floats = self._transposed @ (weights * (self._design @ vector)) + self._penalties * vector
        return result
