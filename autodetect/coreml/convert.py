"""From backbone and head to one Core ML package: a photo goes in, a make and model comes out.

The package takes the square image itself (RGB, 0..255) and scales it as `embeddings.geometry.scale` does. The head is
folded (see `folding`), so that its probabilities are those of one photo at the model's temperature.
Conversion needs Keras on TensorFlow, and neither a Mac nor Xcode.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodetect.coreml import package as files
from autodetect.coreml.folding import folded_head
from autodetect.embeddings.geometry import PIXEL_BIAS, PIXEL_SCALE, Geometry
from autodetect.errors import StageFailedError, UsageError
from autodetect.records import Record
from autodetect.sections import CoremlSettings

if TYPE_CHECKING:
    import keras

INPUT = "image"
PRECISION = "fp16"

_DESCRIPTION = "Make and model of a car in a photo"
_INPUT_DESCRIPTIONS: dict[Geometry, str] = {
    "squash": "The photo, EXIF orientation applied, squashed (not cropped) to a square",
    "letterbox": "The photo, EXIF orientation applied, shrunk to fit into a square whose rest is grey (128)",
}
_LABEL_DESCRIPTION = "The most probable make and model"
_SHARES_DESCRIPTION = (
    "Probability of every make and model, of this one photo, at the model's temperature; a retired one keeps its place "
    "with 0"
)


class ConversionRecord(Record):
    """What was converted and how; `size` is the package's in bytes, `converter` names tool and version."""

    input_size: int
    classes: int
    precision: str
    deployment_target: str
    converter: str
    size: int


def convert(
    backbone: "keras.Model",
    head: "keras.Model",
    labels: Sequence[str],
    *,
    input_size: int,
    settings: CoremlSettings,
    metadata: Mapping[str, str],
    target: Path,
    geometry: Geometry = "squash",
    temperature: float = 1.0,
) -> ConversionRecord:
    """Write backbone and head as one package (an ML Program, float16) to `target`, replacing what is there.

    The same models, labels, settings and metadata give the same bytes.

    Args:
        backbone: float32 (n, size, size, 3) in [-1, 1] -> (n, dim).
        head: (n, dim) -> (n, classes), of `autodetect.classifier.head`, not folded yet.
        labels: one per output, in order, all different: what the package answers.
        input_size: side of the square image, pixels.
        settings: deployment target, author, licence.
        metadata: user-defined text that the app can read; `version` becomes the package's version.
        target: path of the package, ending in `.mlpackage`.
        geometry: how a photo becomes the square image: told to whoever feeds the package, which only sees the square.
        temperature: what one photo's log-probabilities are divided by.

    Raises:
        UsageError: Keras does not run on TensorFlow.
        ValueError: labels do not fit the head, or the target's name does not fit.
        StageFailedError: the converter gave up.
    """
    _check(head, labels, target)
    import coremltools as ct

    folded = folded_head(head, temperature)  # TensorFlow's graph does not keep its weights alive: this name does
    try:
        model = ct.convert(
            [_concrete_function(backbone, folded, input_size)],
            source="tensorflow",
            convert_to="mlprogram",
            minimum_deployment_target=ct.target[settings.deployment_target],
            compute_precision=ct.precision.FLOAT16,
            inputs=[
                ct.ImageType(
                    name=INPUT,
                    shape=(1, input_size, input_size, 3),
                    scale=PIXEL_SCALE,
                    bias=[PIXEL_BIAS] * 3,
                    color_layout=ct.colorlayout.RGB,
                )
            ],
            classifier_config=ct.ClassifierConfig(list(labels)),
            skip_model_load=True,
        )
    except (ValueError, TypeError, RuntimeError, NotImplementedError) as error:
        raise StageFailedError(
            f"the model cannot be converted to Core ML: {error}",
            "see that the temporary folder has room (1 GB), and that coremltools, tensorflow and keras have the "
            "versions of constraints.txt, then export again",
        ) from error
    _describe(model, settings, metadata, geometry)
    files.write(model, target)
    return ConversionRecord(
        input_size=input_size,
        classes=len(labels),
        precision=PRECISION,
        deployment_target=settings.deployment_target,
        converter=f"coremltools {ct.__version__}",
        size=files.size_of(target),
    )


def _check(head: "keras.Model", labels: Sequence[str], target: Path) -> None:
    import keras

    if keras.backend.backend() != "tensorflow":
        raise UsageError(
            f"export needs Keras on TensorFlow, here it runs on {keras.backend.backend()}",
            "set KERAS_BACKEND=tensorflow for the export",
        )
    if len(labels) != head.output_shape[-1]:
        raise ValueError(f"{len(labels)} labels for {head.output_shape[-1]} outputs")
    if repeated := sorted(label for label, count in Counter(labels).items() if count > 1):
        raise ValueError(f"labels must differ, repeated: {', '.join(repeated)}")
    if target.suffix != ".mlpackage":
        raise ValueError(f"a package's name ends in .mlpackage: {target}")


def _concrete_function(backbone: "keras.Model", head: "keras.Model", input_size: int) -> Any:
    """Return the TensorFlow graph of head(backbone(image)) for one image at a time."""
    import tensorflow as tf

    signature = [tf.TensorSpec((1, input_size, input_size, 3), tf.float32, name=INPUT)]

    @tf.function(input_signature=signature)
    def answer(image: Any) -> Any:
        return head(backbone(image, training=False), training=False)

    return answer.get_concrete_function()


def _describe(model: Any, settings: CoremlSettings, metadata: Mapping[str, str], geometry: Geometry) -> None:
    """Fill in what a person sees of the model in Xcode, and what the app can read."""
    spec = model.get_spec()
    model.short_description = _DESCRIPTION
    model.author = settings.author
    model.license = settings.licence
    model.version = metadata.get("version", "")
    model.input_description[INPUT] = _INPUT_DESCRIPTIONS[geometry]
    model.output_description[spec.description.predictedFeatureName] = _LABEL_DESCRIPTION
    model.output_description[spec.description.predictedProbabilitiesName] = _SHARES_DESCRIPTION
    for name in sorted(metadata):
        model.user_defined_metadata[name] = metadata[name]
