"""Claim: on Linux a Core ML package answers nearly as quickly as the Keras model that it was made from.

Ours is `Interpreter.predict` on the saved float16 package in float32 arithmetic; the peer is `keras.Model.predict` of
backbone and head, its batch norms where they were, on inputs that are scaled already. Both get as many photos at a time
as the line says and take turns; a ratio is the median of the rounds' (least to most). Rounding every result to float16
is told beside it: nothing is promised of it. `python -m benchmarks.interpreter PHOTOS ROUNDS` measures a smaller case.
"""

import os
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autodetect.coreml.convert import convert
from autodetect.coreml.interpreter import Interpreter
from autodetect.coreml.parity.pictures import generated_pictures
from autodetect.embeddings.geometry import scale
from autodetect.photos.examine import cores
from autodetect.sections import CoremlSettings
from benchmarks.coreml_export import CLASSES, LABELS, exported_models
from benchmarks.grid import Grid
from benchmarks.rounds import Case, timed

if TYPE_CHECKING:
    import keras

SIZES = (224, 299)
BATCHES = (32, 1)
PHOTOS, ROUNDS = 64, 3
FEWER = 8  # so many times fewer at batch 1, and where results are rounded
GOAL = 0.8
COLUMNS = (
    "input",
    "batch",
    "ours, photos/s",
    "predict, photos/s",
    "ratio (least to most)",
    "goal",
    "ours rounding to float16, photos/s",
)

Inputs = npt.NDArray[np.uint8]


def run(photos: int = PHOTOS, rounds: int = ROUNDS) -> Grid:
    """Time both at each input size and batch, and compare what they answer."""
    lines: list[tuple[str, ...]] = []
    few = max(1, photos // FEWER)
    notes = [f"{photos} photos a round at batch 32, {few} at batch 1 and with rounding; {rounds} rounds, in turns"]
    with TemporaryDirectory() as folder:
        for size in SIZES:
            package = Path(folder) / f"{size}.mlpackage"
            model = _exported(size, package)
            images = generated_pictures(photos, size)
            lines += [_line(model, package, images, batch=batch, rounds=rounds) for batch in BATCHES]
            notes += [_start(package, images[:1], size), _agreement(model, package, images[:few], size)]
    notes += [
        f"generated pictures; InceptionV3 with random weights, an untrained dense head of {CLASSES} classes",
        f"load average {os.getloadavg()[0]:.1f} at the end, {cores()} cores",
    ]
    return Grid(
        name="interpreter",
        claim=f"On Linux a saved package answers at {GOAL} times the speed of `keras.Model.predict` at least.",
        columns=COLUMNS,
        lines=lines,
        notes=notes,
        packages=("openvino", "keras", "tensorflow-cpu", "coremltools", "numpy"),
    )


def _exported(size: int, package: Path) -> "keras.Model":
    """Write a package; return its Keras model, float32 (n, size, size, 3) in [-1, 1] -> (n, classes)."""
    import keras

    network, head = exported_models(size)
    settings = CoremlSettings()
    convert(network, head, LABELS, input_size=size, settings=settings, metadata={"version": "1"}, target=package)
    return keras.Model(network.inputs, head(network.outputs[0]))


def _line(model: "keras.Model", package: Path, images: Inputs, *, batch: int, rounds: int) -> tuple[str, ...]:
    few = images[: max(1, len(images) // FEWER)]
    asked = images if batch > 1 else few
    scaled = scale(asked)
    ours = Interpreter(package, batch_size=batch)
    rounding = Interpreter(package, precision="fp16", batch_size=batch)
    mine, theirs, rounded = (
        row.seconds
        for row in timed(
            [
                Case("ours", "ours", lambda: ours.predict(asked)),
                Case("predict", "peer", lambda: model.predict(scaled, batch_size=batch, verbose=0)),
                Case("rounding", "peer", lambda: rounding.predict(few)),
            ],
            rounds=rounds,
        )
    )
    ratios = [peer / own for own, peer in zip(mine, theirs, strict=True)]
    ratio = median(ratios)
    return (
        f"{images.shape[1]} px",
        str(batch),
        f"{len(asked) / median(mine):.1f}",
        f"{len(asked) / median(theirs):.1f}",
        f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        f"{GOAL}: {'kept' if ratio >= GOAL else 'NOT kept'}",
        f"{len(few) / median(rounded):.1f}",
    )


def _start(package: Path, image: Inputs, size: int) -> str:
    """Return how long it takes from the files to a first answer."""
    found = []
    for precision in ("fp32", "fp16"):
        started = time.perf_counter()
        Interpreter(package, precision=precision, batch_size=1).predict(image)
        found.append(time.perf_counter() - started)
    return f"at {size}: {found[0]:.1f} s from the files to a first answer, {found[1]:.1f} s with rounding"


def _agreement(model: "keras.Model", package: Path, images: Inputs, size: int) -> str:
    """Return how far the answers are apart: the package carries float16 weights, the Keras model its own."""
    expected = model.predict(scale(images), batch_size=32, verbose=0)
    apart = [
        float(np.abs(Interpreter(package, precision=precision).predict(images) - expected).max())
        for precision in ("fp32", "fp16")
    ]
    return f"at {size}: a probability is {apart[0]:.1e} from Keras's at most, {apart[1]:.1e} with rounding"


if __name__ == "__main__":
    print(run(*(int(argument) for argument in sys.argv[1:3])).as_text())
