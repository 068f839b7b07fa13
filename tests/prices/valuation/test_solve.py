"""The solver: least absolute deviations, held near 0."""

from statistics import NormalDist

import numpy as np
import pytest
import scipy.sparse as sp

from autodetect.prices.valuation.solve import robust_ridge


def test_a_tenth_of_wild_targets_does_not_pull_the_coefficients():
    rng = np.random.default_rng(0)
    design = rng.standard_normal((2000, 5))
    truth = np.array([1.0, -2.0, 0.5, 0.0, 3.0])
    target = 4 + design @ truth + 0.1 * rng.standard_normal(2000)
    target[:200] += 1000
    found = robust_ridge(sp.csr_matrix(design), target, np.full(5, 1e-6))
    np.testing.assert_allclose(found.coefficients, truth, atol=0.02)
    assert found.intercept == pytest.approx(4, abs=0.05)


def test_without_columns_the_median_is_found():
    found = robust_ridge(sp.csr_matrix((5, 0)), np.array([9.0, 1, 2, 100, 3]), np.empty(0))
    assert found.intercept == 3


def test_a_penalty_outweighs_few_sales():
    """Ten targets lie about 0.75 above a thousand others: a penalty of ten keeps a part of that, a great one none."""
    noise = np.concatenate([NormalDist(sigma=0.5).samples(count, seed=count) for count in (10, 1000)])
    column = np.repeat([1.0, 0.0], [10, 1000])
    free, held, bound = (
        robust_ridge(sp.csr_matrix(column[:, None]), noise + column, np.array([penalty])).coefficients[0]
        for penalty in (1e-6, 10.0, 1e6)
    )
    assert 0.1 * free < held < 0.8 * free
    assert abs(bound) < 0.01
