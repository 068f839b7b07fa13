"""Verify a package from anywhere: its files, its operations, what it answers, and the model that it names."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter import Interpreter, Program, known, read_program
from autodetect.coreml.package import PackageFacts, inspect
from autodetect.coreml.parity.check import ROUNDED_PHOTOS, check_parity
from autodetect.coreml.parity.figures import Parity
from autodetect.coreml.parity.loading import loading_faults
from autodetect.coreml.verification.origin import NAMED, origin_of, why_unknown
from autodetect.coreml.verification.photos import as_input, bytes_of_files, bytes_of_test_photos, photo_files
from autodetect.coreml.xcode import CompilerWords, compiler_words
from autodetect.embeddings.geometry import Geometry
from autodetect.errors import CorruptError
from autodetect.lake.lake import Lake
from autodetect.records import Record

_TRIED = 16  # pictures that a package answers to where there is nothing to compare it with
_SUM_TOLERANCE = 0.01


class Verification(Record):
    """What was found out about a package.

    Attributes:
        package: its name.
        facts: what it says of itself; None where it is no classifier of images as AutoDetect writes them.
        inputs: of its program, in words.
        outputs: their names.
        operations: how many of each kind.
        unknown_operations: kinds that the interpreter does not know; then nothing was answered.
        compiler: what Xcode's compiler said.
        pictures: photos and pictures that it answered to.
        photos: how many of them are photographs, the others are generated.
        parity: how it compares with the model that it names.
        unproven: why there is no parity, in words; empty where there is.
        faults: what is wrong, in words; a sound package has none.
    """

    package: str
    facts: PackageFacts | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operations: dict[str, int]
    unknown_operations: tuple[str, ...]
    compiler: CompilerWords
    pictures: int
    photos: int
    parity: Parity | None
    unproven: str
    faults: tuple[str, ...]


@dataclass
class _Tried:
    """What a package answered, and what came of it."""

    pictures: int = 0
    photos: int = 0
    parity: Parity | None = None
    unproven: str = ""
    faults: list[str] = field(default_factory=list)


def verify(
    package: Path, *, lake: Lake | None, photos: Path | None, parity_photos: int, max_pixels: int
) -> Verification:
    """Return what is found out about a package.

    Args:
        package: the `.mlpackage` folder.
        lake: where the model that the package names may be; None where there is none.
        photos: a folder of photos to ask about; None takes test photos of the lake. Generated pictures make up the
            number.
        parity_photos: how many photos parity is shown on.
        max_pixels: of a photo; larger ones are left out.

    Raises:
        CorruptError: a file of the package is missing, cut or contradicts another.
        UsageError: it holds no ML Program, or the folder has no photos.
    """
    program = read_program(package)
    unknown = tuple(sorted({operation.kind for operation in program.operations} - known().keys()))
    ours = all(name in program.metadata for name in NAMED)
    facts = _facts(package, ours=ours)
    compiler = compiler_words(package)
    files = photo_files(photos) if photos else []
    if unknown:
        tried = _Tried(unproven=f"the interpreter does not know: {', '.join(unknown)}")
    elif facts is None:
        tried = _Tried(
            unproven="it is no classifier of one image as AutoDetect writes them: its answers were not tried"
        )
    elif lake is None or (why := why_unknown(lake, program.metadata)):
        tried = _answers(package, facts, bytes_of_files(files), max_pixels)
        tried.unproven = why if lake is not None else "there is no lake that could hold the model it was made from"
    else:
        with tempfile.TemporaryDirectory(prefix="autodetect-verify-") as work:
            origin = origin_of(lake, program.metadata, Path(work))
            images, photographs = as_input(
                bytes_of_files(files) if photos else bytes_of_test_photos(lake),
                parity_photos,
                size=origin.backbone.input_size,
                geometry=origin.backbone.geometry,
                max_pixels=max_pixels,
            )
            parity = check_parity(package, origin.reference, images, rounded_photos=ROUNDED_PHOTOS)
        tried = _Tried(len(images), photographs, parity, faults=[] if parity.passed else [parity.words])
    if compiler.passed is False:
        tried.faults.append(compiler.words)
    return Verification(
        package=package.name,
        facts=facts,
        inputs=tuple(_inputs(program)),
        outputs=program.outputs,
        operations=dict(sorted(program.counts.items())),
        unknown_operations=unknown,
        compiler=compiler,
        pictures=tried.pictures,
        photos=tried.photos,
        parity=tried.parity,
        unproven=tried.unproven,
        faults=tuple(tried.faults),
    )


def _facts(package: Path, *, ours: bool) -> PackageFacts | None:
    """Return what the package says of itself; a sound one from elsewhere may not say it as AutoDetect does."""
    try:
        return inspect(package)
    except CorruptError:
        if ours:
            raise
        return None


def _answers(package: Path, facts: PackageFacts, photos: Iterable[bytes], max_pixels: int) -> _Tried:
    """Look at the package by itself: would a phone load it, and do its probabilities stand up?"""
    width, height = facts.image.width, facts.image.height
    if width != height:
        return _Tried(faults=[f"it takes images of {width} x {height} pixels, not squares"])
    interpreter = Interpreter(package)
    [taken] = [value.type.shape for value in interpreter.program.inputs if value.name == facts.image.name] or [()]
    if taken[-2:] != (height, width):
        return _Tried(faults=[f"it describes an image of {width} x {height} pixels, its program takes {taken}"])
    geometry: Geometry = "letterbox" if facts.metadata.get("preprocessing", "").startswith("letterbox") else "squash"
    images, photographs = as_input(photos, _TRIED, size=facts.image.width, geometry=geometry, max_pixels=max_pixels)
    shares = interpreter.predict(images)
    faults = [*loading_faults(package), *_unsound(shares, facts.labels)]
    return _Tried(len(images), photographs, faults=faults)


def _unsound(shares: npt.NDArray[np.floating], labels: Sequence[str]) -> Iterable[str]:
    """Yield what is wrong with probabilities (n, labels) by themselves."""
    if len(set(labels)) < len(labels):
        yield "labels are repeated"
    if not np.isfinite(shares).all():
        yield f"{int((~np.isfinite(shares)).any(axis=1).sum())} of {len(shares)} pictures are answered with no numbers"
        return
    if (off := float(np.abs(shares.sum(axis=1, dtype=np.float64) - 1).max())) > _SUM_TOLERANCE:
        yield f"its probabilities do not add up to 1: they are off by up to {off:.3g}"
    if float(shares.min()) < 0:
        yield f"a probability is {float(shares.min()):.3g}"


def _inputs(program: Program) -> Iterable[str]:
    images = {image.name: image for image in program.images}
    for value in program.inputs:
        image = images.get(value.name)
        if image is None:
            yield f"{value.name}: {value.type.dtype} {value.type.shape}"
        else:
            yield f"{value.name}: image, {image.width} x {image.height} pixels, {image.color_space}"
