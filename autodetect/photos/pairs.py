"""Listings that look like one offer put up twice, pair by pair: what contradicts it, and what is too common to say it.

A listing is compared with the others of its group (one seller's under one title, say), all pairs at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autodetect.photos.offers import Codes, Offers, codes

# Sellers round a mileage ('61k' for 61,430 is 0.7 % off) and drive a car a little until they list it again; two cars of
# one make, model and year differ by more, but for new ones, which differ by the miles of a delivery.
MILEAGE_SHARE, MILEAGE_LEAST = 0.02, 100.0


@dataclass(frozen=True)
class Pairs:
    """m pairs of listings: rows `one` < `other`, (m,) each, and the group in which they were compared."""

    one: Codes
    other: Codes
    group: Codes

    def chosen(self, mask: NDArray[np.bool_]) -> "Pairs":
        """Return some of them."""
        return Pairs(self.one[mask], self.other[mask], self.group[mask])


def pairs_within(group: Codes, rows: Codes, *, largest: int) -> Pairs:
    """Return every pair of rows in one group, of groups of at most `largest` rows.

    Args:
        group: (m,) each row's group.
        rows: (m,) ascending within a group, each once.
        largest: groups of more rows are left out.
    """
    order = np.lexsort((rows, group))
    group, rows = group[order], rows[order]
    names, starts, sizes = np.unique(group, return_index=True, return_counts=True)
    ones, others, of = [], [], []
    for size in range(2, largest + 1):
        chosen = np.flatnonzero(sizes == size)
        members = rows[starts[chosen, None] + np.arange(size)]
        i, j = np.triu_indices(size, 1)
        ones.append(members[:, i].ravel())
        others.append(members[:, j].ravel())
        of.append(np.repeat(names[chosen], len(i)))
    none = np.empty(0, np.int64)
    return Pairs(np.concatenate([none, *ones]), np.concatenate([none, *others]), np.concatenate([none, *of]))


def contradicted(offers: Offers, pairs: Pairs) -> NDArray[np.bool_]:
    """Return which pairs cannot be one car: another VIN, another year, a mileage that differs by more than 2 %."""
    one, other = pairs.one, pairs.other
    vin = codes(offers.texts["vin"])[0]
    vins = (vin[one] >= 0) & (vin[other] >= 0) & (vin[one] != vin[other])
    years = np.abs(offers.year[one] - offers.year[other]) > 0  # a comparison with NaN is False
    miles, others = offers.mileage[one], offers.mileage[other]
    bound = np.maximum(MILEAGE_SHARE * np.fmax(miles, others), MILEAGE_LEAST)
    return vins | years | (np.abs(miles - others) > bound)


def up_together(offers: Offers, pairs: Pairs) -> NDArray[np.bool_]:
    """Return which pairs were up for sale in the same night: what is put up again was taken down before."""
    one, other = pairs.one, pairs.other
    meet = np.maximum(offers.first_seen[one], offers.first_seen[other]) <= np.minimum(
        offers.last_seen[one], offers.last_seen[other]
    )
    return meet & offers.offered[one] & offers.offered[other]


def put_up_again(offers: Offers, pairs: Pairs) -> NDArray[np.bool_]:
    """Return which pairs, each alike in seller and title or in seller and origin, are one car offered again.

    Nothing may contradict it. Where something does anywhere in their group, the seller offers several cars alike, and
    one that says little could be any of them: then only equal mileages, to the mile, tell which is which.
    """
    different = contradicted(offers, pairs) | up_together(offers, pairs)
    several = np.isin(pairs.group, pairs.group[different])
    mileage = offers.mileage
    same = (mileage[pairs.one] == mileage[pairs.other]) & (mileage[pairs.one] > MILEAGE_LEAST)
    return ~different & (~several | same)
