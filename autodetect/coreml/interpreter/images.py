"""RGB images as a program's image inputs take them."""

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter.program import ImageFeature
from autodetect.errors import UsageError

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of RGB: ITU-R BT.601


def pixels(images: npt.NDArray[np.uint8], feature: ImageFeature, *, source: str) -> npt.NDArray[np.float32]:
    """Return images in the colour layout that the package declares.

    Args:
        images: uint8 (n, height, width, 3), RGB.
        feature: the input.
        source: the package, for errors.

    Returns:
        float32 (n, 3 or 1, height, width), 0..255. Grey is the luma of BT.601, rounded.

    Raises:
        UsageError: they have another shape or type, or the package declares a layout that is not known.
    """
    expected = (feature.height, feature.width, 3)
    if images.ndim != 4 or images.shape[1:] != expected or images.dtype != np.uint8:
        raise UsageError(
            f"{source} takes images of uint8 (n, {', '.join(map(str, expected))}), RGB; "
            f"these are {images.dtype} {images.shape}",
            "resize them as the package's description says",
        )
    if feature.color_space == "RGB":
        ordered = images
    elif feature.color_space == "BGR":
        ordered = images[..., ::-1]
    elif feature.color_space == "GRAYSCALE":
        ordered = np.rint(images.astype(np.float32) @ _LUMA)[..., None]
    else:
        raise UsageError(
            f"{source}: images in {feature.color_space} are not known", "evaluate it by `run`, with arrays"
        )
    return np.ascontiguousarray(ordered.transpose(0, 3, 1, 2), np.float32)
