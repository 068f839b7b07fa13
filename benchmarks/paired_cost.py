"""What a mistake costs in right answers, on the same vehicles: the paired difference with its interval."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autodetect.classifier.gate.formulas import paired_difference
from autodetect.classifier.intervals import Z95


@dataclass(frozen=True)
class Cost:
    """What a mistake costs on n vehicles: share of right first answers lost, with its interval, and how many moved."""

    lost: float
    low: float
    high: float
    turned_wrong: int
    turned_right: int

    @property
    def words(self) -> tuple[str, str]:
        """Return the table's last two cells, in points."""
        lost, low, high = (100 * value + 0.0 for value in (self.lost, self.low, self.high))
        return f"{lost:+.1f} ({low:+.1f} to {high:+.1f})", f"{self.turned_wrong} / {self.turned_right}"


def cost(right: npt.NDArray[np.bool_], asked: npt.NDArray[np.bool_]) -> Cost:
    """Return what `asked` loses against `right`: whether each of the same vehicles is answered right, bool (n,)."""
    wrong, back = int((right & ~asked).sum()), int((asked & ~right).sum())
    centre, error = paired_difference(wrong, back, len(right))
    return Cost((wrong - back) / len(right), centre - Z95 * error, centre + Z95 * error, wrong, back)
