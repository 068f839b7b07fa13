"""Whether a program leaves the range of float16: such a result is infinite on a phone, whatever float32 makes of it."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter import Interpreter
from autodetect.coreml.interpreter.images import pixels

PHOTOS = 4  # every result of every operation is kept for them, and a range is left on most photos or on none
_NAMED = 3


def overflow_faults(rounding: Interpreter, images: npt.NDArray[np.uint8]) -> Iterator[str]:
    """Yield what overflows, in words; nothing where all results are finite.

    Args:
        rounding: the package, its results rounded to float16 where it declares them so.
        images: uint8 (n, height, width, 3), RGB; the first few are looked at.
    """
    [image] = rounding.program.images
    few = images[:PHOTOS]
    made = [
        (value.name, operation)
        for operation in rounding.program.operations
        for value in operation.outputs
        if value.type.dtype == "fp16"
    ]
    if not len(few) or not made:
        return
    given = {image.name: pixels(few, image, source=rounding.program.source)}
    values = rounding.values(given, [name for name, _ in made])
    bad = [operation for name, operation in made if not np.isfinite(values[name]).all()]
    if bad:
        told = ", ".join(f"{operation.name} ({operation.kind})" for operation in bad[:_NAMED])
        more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        yield f"results leave the range of float16: {told}{more} answer with what are no finite numbers"
