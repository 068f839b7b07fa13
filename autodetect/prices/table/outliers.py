"""Outliers by the modified z-score on log price.

Boris Iglewicz and David Hoaglin (1993), "How to Detect and Handle Outliers", ASQC Basic References in Quality Control,
vol. 16: M = 0.6745 (x - median) / MAD, and |M| > 3.5 is an outlier. Median and MAD (the median absolute deviation) bear
up to half of the values being wrong, which a mean and a standard deviation do not. Prices spread in proportion to their
size, so x is the natural logarithm of the price.
"""

import numpy as np

from autodetect.prices.table.columns import Floats, Ints
from autodetect.prices.table.statistics import medians

NORMAL_QUARTILE = 0.6745  # the 0.75 quantile of the standard normal: makes MAD comparable to a standard deviation
# MAD is 0 when more than half of the prices are equal, and tiny when they nearly are; every other price would then be
# an outlier. Prices within 5 % of each other count as one price: no deviation is measured with a finer ruler.
MAD_FLOOR = float(np.log(1.05))


def modified_z(prices: Floats, groups: Ints) -> Floats:
    """Return the modified z-score of each price within its group, on the log scale.

    Args:
        prices: (n,) positive and finite, any currency (one per group).
        groups: (n,) the number of each price's group, not negative.

    Returns:
        (n,) scores without a unit; 0 at the group's median.
    """
    logs = np.log(prices)
    deviations = logs - medians(logs, groups)
    return NORMAL_QUARTILE * deviations / np.maximum(medians(np.abs(deviations), groups), MAD_FLOOR)
