"""Smaller packages of the same model: its large weights as 8-bit integers, or as places in a palette of 64 values.

Both are made from the saved float16 package, without converting again; biases and other small tensors stay float16.
Such weights (`constexpr_affine_dequantize`, `constexpr_lut_to_dense`) need iOS 16; a phone stores them as they are and
computes in float16.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from autodetect.coreml import package as files
from autodetect.coreml.loss import PairedLoss
from autodetect.coreml.palette import palette
from autodetect.coreml.parity.figures import Parity
from autodetect.errors import StageFailedError
from autodetect.records import Record
from autodetect.sections import Variant

VARIANTS: tuple[Variant, ...] = get_args(Variant)
# A package whose loss of vehicles may be as much as this is not recommended: one point.
MOST_LOST = 0.01
_PALETTE_BITS = 6
_LARGE = 2048  # weights of a tensor, from which on it is compressed


class VariantFacts(Record):
    """One package of the model, and how it fared.

    Attributes:
        name: which one.
        file: its name in a release.
        size: of the package, bytes.
        zip_size: of the archive that is downloaded, bytes; 0 where it is not kept.
        parity: whether it answers as Keras with the same weights does.
        loss: the accuracy that it costs beside the champion under Keras; None where there are no test photos.
        kept: whether the release has it.
        recommended: whether an app should fetch this one.
        words: what a person should know of it.
    """

    name: Variant
    file: str
    size: int
    zip_size: int
    parity: Parity
    loss: PairedLoss | None
    kept: bool
    recommended: bool = False
    words: str


def package_name(variant: Variant) -> str:
    """Return the name of a variant's package, such as `AutoDetect-int8.mlpackage`."""
    return "AutoDetect.mlpackage" if variant == "fp16" else f"AutoDetect-{variant}.mlpackage"


def archive_name(variant: Variant) -> str:
    """Return the name of the zipped package in a release, such as `AutoDetect-int8.mlpackage.zip`."""
    return f"{package_name(variant)}.zip"


def file_key(variant: Variant) -> str:
    """Return under which name an export receipt has the zipped package, such as `package-int8`."""
    return "package" if variant == "fp16" else f"package-{variant}"


def compress(fp16: Path, variant: Variant, target: Path) -> None:
    """Write a variant of the float16 package to `target`, replacing what is there; the same bytes for the same package.

    Args:
        fp16: as `convert` writes it.
        variant: not fp16.
        target: path of the package, ending in `.mlpackage`.

    Raises:
        CorruptError: the float16 package cannot be read.
        StageFailedError: its weights cannot be compressed.
    """
    import coremltools as ct

    files.inspect(fp16)
    try:
        model = _COMPRESSED[variant](ct.models.MLModel(str(fp16), skip_model_load=True))
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise StageFailedError(
            f"the {variant} variant of {fp16.name} cannot be made: {error}",
            "see that coremltools has the version of constraints.txt, or leave the variant out of coreml.variants",
        ) from error
    model.user_defined_metadata[files.VARIANT] = variant
    files.write(model, target)


def recommended(variants: list[VariantFacts]) -> Variant:
    """Return the variant that an app should fetch: the smallest kept one that surely costs less than a point, or fp16.

    Surely: the upper end of the interval of its loss is below `MOST_LOST`.
    """
    cheap = [each for each in variants if each.kept and each.loss is not None and each.loss.high < MOST_LOST]
    return min(cheap, key=lambda each: each.size).name if cheap else "fp16"


def _int8(model: Any) -> Any:
    """Return the model with large weights as whole numbers -127 to 127, times a scale per output channel."""
    import coremltools.optimize.coreml as cto

    rule = cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8", weight_threshold=_LARGE)
    return cto.linear_quantize_weights(model, cto.OptimizationConfig(global_config=rule))


def _palette6(model: Any) -> Any:
    """Return the model with large weights as places in a palette of 64 values, one palette per tensor."""
    import coremltools.optimize.coreml as cto

    rule = cto.OpPalettizerConfig(mode="custom", lut_function=_palette_of, weight_threshold=_LARGE)
    return cto.palettize_weights(model, cto.OptimizationConfig(global_config=rule))


def _palette_of(weights: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.uint8]]:
    found = palette(weights, _PALETTE_BITS)
    return found.values, found.indices


_COMPRESSED: dict[Variant, Callable[[Any], Any]] = {"int8": _int8, "palette6": _palette6}
