"""The few formulas of the gate, each with its source. Shares are 0..1."""

import math

import numpy as np
import numpy.typing as npt

# Quantiles of the normal distribution: one-sided 95 % and 99.9 %, and 80 %, the usual power.
Z95 = 1.6448536
Z999 = 3.0902323
Z80 = 0.8416212


def paired_difference(gained: int, lost: int, n: int) -> tuple[float, float]:
    """Return centre and standard error of the difference of two paired shares.

    The adjusted Wald interval of Agresti and Min (Statistics in Medicine 24, 2005): half an observation is added to
    each of the four cells, without which a single discordant vehicle among hundreds would decide.
    """
    b, c, m = gained + 0.5, lost + 0.5, n + 2
    return (b - c) / m, math.sqrt(b + c - (b - c) ** 2 / m) / m


def smallest_drop(margin: float, error: float) -> float:
    """Return the true drop that a non-inferiority test refuses four times in five.

    It refuses below -(margin - Z95 error); what is seen of a drop d scatters around -d by `error`; so it refuses with
    80 % where d = margin - (Z95 - Z80) error. (A drop as large as the margin itself is refused with 95 %.)
    """
    return margin - (Z95 - Z80) * error


def sign_test(gained: int, lost: int) -> float:
    """Return the chance of at least `lost` losses among the discordant if gains were as likely as losses.

    McNemar's test in its exact, one-sided form: a binomial tail at one half, in whole numbers.
    """
    discordant = gained + lost
    term = total = math.comb(discordant, lost)
    for k in range(lost, discordant):
        term = term * (discordant - k) // (k + 1)
        total += term
    return total / 2**discordant


def holm(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return p-values adjusted for having asked that often (Holm, Scand. J. Statistics 6, 1979), float (n,)."""
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
