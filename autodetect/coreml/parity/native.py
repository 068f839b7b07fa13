"""Who answers for a package: Core ML itself on a Mac, the interpreter everywhere else.

What is written here for the Mac follows coremltools' documentation of `MLModel.predict` and is tested against a
stand-in with that signature; it was not run on a Mac.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from autodetect.coreml.parity.figures import LARGEST_DIFFERENCE, LEAST_ALLOWED, How

INTERPRETED: How = "interpreted (Linux)"
NATIVE: How = "native"

# Core ML computes in float16 on units of its own, which add up in an order of their own: so many times what rounding
# every result to float16 does on the same photos.
_NUMERIC_ERRORS = 4

Answers = npt.NDArray[np.floating]


class Answering(Protocol):
    """Answers for a package: uint8 (n, size, size, 3), RGB -> (n, labels), columns in the order of `labels`."""

    labels: tuple[str, ...]

    def predict(self, images: npt.NDArray[np.uint8]) -> Answers:
        """Return the probabilities."""


def how_here(platform: str = sys.platform) -> How:
    """Return how packages are run on a platform: the one place that decides."""
    return NATIVE if platform == "darwin" else INTERPRETED


def allowed_difference(how: How, numeric_error: float) -> float:
    """Return how far a probability may be from Keras carrying the package's weights."""
    if how == INTERPRETED:  # an unsure model moves little: what rounding to float16 does to it is the measure
        return min(LARGEST_DIFFERENCE, max(LEAST_ALLOWED, numeric_error))
    return LARGEST_DIFFERENCE + _NUMERIC_ERRORS * numeric_error


def moving(how: How) -> int:
    """Return by how many numeric errors a first answer must lead the second to be decided.

    The interpreter's float32 arithmetic moves nothing; Core ML's own may move both answers, one up and one down.
    """
    return 1 if how == INTERPRETED else 2


class NativeModel:
    """A package, answered for by Core ML.

    Attributes:
        labels: in the order of the columns of `predict`.
    """

    def __init__(
        self,
        package: Path,
        labels: Sequence[str],
        *,
        image: str,
        probabilities: str,
        load: Callable[[str], Any] | None = None,
    ) -> None:
        """Load the package; Core ML compiles it.

        Args:
            package: the `.mlpackage` folder.
            labels: in the order wanted.
            image: name of the input.
            probabilities: name of the output that maps labels to probabilities.
            load: opens a package; coremltools' `MLModel` where none is given.
        """
        if load is None:
            import coremltools as ct

            load = ct.models.MLModel
        self.labels = tuple(labels)
        self._model, self._image, self._probabilities = load(str(package)), image, probabilities

    def predict(self, images: npt.NDArray[np.uint8]) -> Answers:
        """Return the probabilities: uint8 (n, size, size, 3), RGB -> float32 (n, labels).

        A label that Core ML does not answer with counts as 0.
        """
        found = np.zeros((len(images), len(self.labels)), np.float32)
        for row, pixels in zip(found, images, strict=True):
            answer: Mapping[str, Any] = self._model.predict({self._image: Image.fromarray(pixels, "RGB")})
            shares = answer[self._probabilities]
            row[:] = [shares.get(label, 0.0) for label in self.labels]
        return found
