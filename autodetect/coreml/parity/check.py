"""Parity of a package: structure, labels, whether it loads, every weight, and answers, in that order."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter import Interpreter
from autodetect.coreml.package import PackageFacts, inspect
from autodetect.coreml.parity import audit, figures, native, reference
from autodetect.coreml.parity.audit import Finding
from autodetect.coreml.parity.figures import Figures, How, Parity
from autodetect.coreml.parity.loading import loading_faults
from autodetect.coreml.parity.native import Answering
from autodetect.coreml.parity.overflow import overflow_faults
from autodetect.coreml.parity.places import MismatchError
from autodetect.coreml.parity.reference import Reference
from autodetect.coreml.parity.weighted import held
from autodetect.embeddings.geometry import PIXEL_BIAS, PIXEL_SCALE
from autodetect.errors import UsageError

log = logging.getLogger(__name__)

ROUNDED_PHOTOS = 32
_PIXEL_TOLERANCE = 1e-6
_LARGEST_ERROR = 1e9  # of a weight that is no number at all: records hold finite numbers
_SUM_TOLERANCE = 1e-3
_ROUNDED_SUM_TOLERANCE = 0.05  # hundreds of float16 shares, each off by half a unit in the last place
_NAMED = 3

Images = npt.NDArray[np.uint8]
Shares = npt.NDArray[np.floating]


def check_parity(package: Path, model: Reference, images: Images, *, rounded_photos: int = ROUNDED_PHOTOS) -> Parity:
    """Return whether a saved package is the model that it was made from, with the figures that show it.

    On a Mac Core ML itself answers for the package, elsewhere the interpreter does (`native`).

    Args:
        package: the `.mlpackage` folder.
        model: what it was made from.
        images: uint8 (n, size, size, 3), RGB, in the model's geometry: photos of any kind.
        rounded_photos: on so many of them a phone's arithmetic is measured, which is slower.

    Raises:
        CorruptError: the package cannot be read. One that merely differs has not `passed`.
    """
    how = native.how_here()
    facts = inspect(package)
    faults = [*_structure(facts, model), *label_faults(facts.labels, model.labels)]
    measured, worst = figures.NOTHING_MEASURED, Finding("", 0.0, "")
    try:
        exact = Interpreter(package)
        _check_loading(package)
        stored = held(exact.program)
        pairs = reference.paired(model, stored.weighted)
        findings = [*audit.audit(pairs), *audit.audit_shifts(model.centrings, stored.shifts)]
        worst = audit.worst(findings)
        faults += audit.faults(findings)
        if _comparable(facts, model):
            rounding = Interpreter(package, precision="fp16")
            answers = _Answers(reference.carrying(model, pairs), model.labels, images)
            measured = answers.compared(_answering(package, facts, exact, how), exact, rounding, rounded_photos)
            faults += [*answers.faults, *overflow_faults(rounding, images[:rounded_photos])]
            faults += measured.faults(native.allowed_difference(how, measured.numeric_error))
    except MismatchError as error:
        faults.append(str(error))
    except UsageError as error:  # an operation that the interpreter does not know
        faults.append(error.what)
    return Parity(
        how=how,
        **asdict(measured),
        worst_weight=worst.layer,
        worst_weight_error=min(worst.error, _LARGEST_ERROR),
        passed=not faults,
        words="; ".join(faults) if faults else _praise(measured, worst, how),
    )


def _check_loading(package: Path) -> None:
    """Raise `MismatchError` for a package that no phone would load: what lies behind cannot be relied on."""
    if faults := list(loading_faults(package)):
        raise MismatchError("; ".join(faults))


def label_faults(labels: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with a package's labels, output by output."""
    if len(labels) != len(wanted):
        yield f"the package has {len(labels)} labels, the model {len(wanted)} outputs"
        return
    wrong = [output for output, pair in enumerate(zip(labels, wanted, strict=True)) if pair[0] != pair[1]]
    if wrong:
        told = ", ".join(f"output {output} is '{labels[output]}', not '{wanted[output]}'" for output in wrong[:_NAMED])
        yield f"{len(wrong)} labels are not those of their outputs: {told}"


def _structure(facts: PackageFacts, model: Reference) -> Iterator[str]:
    """Yield what is wrong with the image that the package takes."""
    image = facts.image
    height, width = model.backbone.input_shape[1:3]
    if (image.height, image.width) != (height, width):
        yield f"the package takes images of {image.width} x {image.height}, the model of {width} x {height} pixels"
    if image.color_space != "RGB":
        yield f"the package takes its image as {image.color_space}, the model as RGB: the channels change places"
    if abs(image.scale - PIXEL_SCALE) > _PIXEL_TOLERANCE:
        yield f"the package multiplies pixels by {image.scale:.6g}, not by {PIXEL_SCALE:.6g}"
    if max(abs(bias - PIXEL_BIAS) for bias in image.bias) > _PIXEL_TOLERANCE:
        yield f"the package adds {', '.join(f'{bias:g}' for bias in image.bias)} to the channels, not {PIXEL_BIAS:g}"


def _comparable(facts: PackageFacts, model: Reference) -> bool:
    """Return whether both can be asked about the same photos, and answer with the same labels."""
    same_size = (facts.image.height, facts.image.width) == tuple(model.backbone.input_shape[1:3])
    return same_size and sorted(facts.labels) == sorted(model.labels)


def _answering(package: Path, facts: PackageFacts, interpreter: Interpreter, how: How) -> Answering:
    if how == native.NATIVE:
        return native.NativeModel(package, facts.labels, image=facts.image.name, probabilities=facts.probabilities)
    return interpreter


class _Answers:
    """What Keras and the package answer to the same photos, columns in the order of the model's labels.

    Attributes:
        faults: what is wrong with the package's answers by themselves, in words.
    """

    def __init__(self, keras_model: reference.KerasModel, labels: Sequence[str], images: Images) -> None:
        self.faults: list[str] = []
        self._keras, self._labels, self._images = keras_model, labels, images

    def compared(self, answering: Answering, exact: Interpreter, rounding: Interpreter, rounded_photos: int) -> Figures:
        """Return the figures: of who answers for the package, and of the arithmetic of the interpreter."""
        few = self._images[:rounded_photos]
        keras = reference.answers(self._keras, self._images)
        log.info("parity: Keras has answered to %d photos", len(keras))
        package = self._asked(answering, self._images, "", _SUM_TOLERANCE)
        log.info("parity: the package has answered")
        unrounded = package[: len(few)] if answering is exact else self._asked(exact, few, "", _SUM_TOLERANCE)
        rounded = self._asked(rounding, few, ", rounded to float16,", _ROUNDED_SUM_TOLERANCE)
        moving = native.moving(native.INTERPRETED if answering is exact else native.NATIVE)
        return figures.compare(keras, package, unrounded, rounded, moving=moving)

    def _asked(self, answering: Answering, images: Images, mode: str, tolerance: float) -> Shares:
        """Return the package's answers; what is no number becomes 0 and is told."""
        order = [answering.labels.index(label) for label in self._labels]
        found = np.asarray(answering.predict(images))[:, order]
        bad = np.asarray(~np.isfinite(found).all(axis=1))
        found = np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)
        if bad.any():
            self.faults.append(f"the package{mode} answers {bad.sum()} of {bad.size} photos with what are no numbers")
        elif len(found) and (off := float(np.abs(found.sum(axis=1, dtype=np.float64) - 1).max())) > tolerance:
            self.faults.append(f"the package's probabilities{mode} add up to 1 only within {off:.3g}")
        return found


def _praise(measured: Figures, worst: Finding, how: How) -> str:
    """Return a sentence about a package that passed."""
    decided = (
        f"the first answer is the same for {measured.agreement:.2%} of {measured.decided} decided ones"
        if measured.decided
        else "none is decided: on each, Keras's first two answers are closer than a phone's arithmetic can tell"
    )
    return (
        f"{how}: every weight is as near to what it stands for as its format allows (the worst, of {worst.layer}, at "
        f"{worst.error:.0%}); on {measured.photos} photos probabilities differ by {measured.largest_difference:.2g} at "
        f"most, and {decided} (float16 arithmetic moves a probability by up to {measured.numeric_error:.2g})"
    )
