"""The uniform border around a copied photo: found and left out, since a plain frame hides the copy from any hash."""

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 12  # grey levels a border may vary by (JPEG noise)
LARGEST = 4  # a side may lose at most this part of the picture, so that a sky or a wall is not taken for a border

Grey = NDArray[np.uint8]


def trimmed(grey: Grey) -> Grey:
    """Return a grey picture (h, w) without uniform strips along its sides, as a view; each side by itself.

    Copies often have one strip only. A plain sky that is taken for one is taken from its copies too.
    """
    height, width = grey.shape
    top, bottom = _uniform(grey), _uniform(grey[::-1])
    left, right = _uniform(grey.T), _uniform(grey.T[::-1])
    return grey[top : height - bottom, left : width - right]


def _uniform(rows: Grey) -> int:
    """Return how many first rows are all of the first one's grey level; 0 if they are too many for a border."""
    first = rows[0]
    low, high = int(first.min()), int(first.max())
    if high - low > 2 * TOLERANCE:  # nearly all pictures are done with here
        return 0
    level = int(np.median(first))
    some = rows[: len(rows) // LARGEST + 1]
    uniform = (some.min(axis=1) >= level - TOLERANCE) & (some.max(axis=1) <= level + TOLERANCE)
    return 0 if uniform.all() else int(np.argmin(uniform))
