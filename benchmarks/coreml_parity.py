"""Claim: every variant of a package is shown to answer as Keras does, on 256 photos, in under two minutes.

The head was trained on photos of other vehicles, so that its answers are decided as a night's are. Parity is
`check_parity`: every weight against what it stands for, then the package against Keras carrying its weights. Beside it
stands what the variant costs: the Keras model's right answers that it loses, on the same photos.
`python -m benchmarks.coreml_parity PHOTOS SIZE` measures another case.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from autodetect.coreml.folding import folded_head
from autodetect.coreml.interpreter import Interpreter
from autodetect.coreml.loss import paired_loss
from autodetect.coreml.parity.check import check_parity
from autodetect.coreml.parity.figures import Parity
from autodetect.coreml.parity.reference import Reference
from autodetect.coreml.variants import VARIANTS, compress, package_name
from autodetect.embeddings.geometry import scale
from benchmarks.car_photos import Inputs, Ints, car_photos, first, split
from benchmarks.grid import Grid
from benchmarks.trained_model import trained_model

TRAINED_ON, PHOTOS, SIZE = 800, 256, 299
MOST_S = 120
COLUMNS = (
    "variant",
    "largest difference",
    "KL mean / max, nats",
    "same first answer",
    "rounded to float16: error, same",
    "worst weight",
    "passed",
    "top-1 lost, points (95 %)",
    "takes, s",
)


def run(photos: int = PHOTOS, size: int = SIZE) -> Grid:
    """Train a head, export it in every variant, and prove each."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        chosen = car_photos(TRAINED_ON + photos, folder)
        train, test = split(chosen.labels, (photos + len(chosen.models)) / len(chosen.labels), seed=0)
        test = test[:photos]
        model = trained_model(chosen, train, size)
        images, truth = first(chosen.inputs(test, size), len(test)), chosen.labels[test]
        reference = Reference(model.backbone, folded_head(model.head, model.temperature), model.labels)
        champion = _keras_answers(reference, images)
        fp16 = folder / package_name("fp16")
        model.export(fp16)
        lines: list[tuple[str, ...]] = []
        failed: list[str] = []
        slowest = 0.0
        for variant in VARIANTS:
            package = folder / package_name(variant)
            if variant != "fp16":
                compress(fp16, variant, package)
            started = time.perf_counter()
            parity = check_parity(package, reference, images)
            seconds = time.perf_counter() - started
            slowest = max(slowest, seconds)
            lost = _lost(champion, Interpreter(package).predict(images), truth)
            lines.append((variant, *_cells(parity), lost, f"{seconds:.0f}"))
            failed += [] if parity.passed else [f"{variant}: {parity.words}"]
    return Grid(
        name="coreml_parity",
        claim=f"Each variant is proven on {photos} photos in under {MOST_S} seconds.",
        columns=COLUMNS,
        lines=lines,
        notes=(
            (
                f"goal {MOST_S} s for {len(images)} photos: {'kept' if slowest < MOST_S else 'NOT kept'}, the slowest "
                f"took {slowest:.0f} s"
            ),
            *failed,
            (
                f"{len(model.labels)} classes, linear head trained on {len(train)} vehicles, temperature "
                f"{model.temperature:.2f}; Keras names {(champion.argmax(axis=1) == truth).mean():.1%} of the photos "
                f"right, chance {1 / len(model.labels):.1%}"
            ),
            f"InceptionV3 with random weights at {size} px: a trained backbone may answer otherwise",
            f"{chosen.words}; one photo a vehicle, no copies",
        ),
        packages=("coremltools", "openvino", "keras", "tensorflow-cpu", "numpy"),
    )


def _cells(parity: Parity) -> tuple[str, ...]:
    return (
        f"{parity.largest_difference:.1e}",
        f"{parity.kl_mean:.1e} / {parity.kl_max:.1e}",
        f"{parity.agreement:.2%} of {parity.decided} decided",
        f"{parity.numeric_error:.1e}, {parity.rounded_agreement:.1%} ({parity.rounded_photos} photos)",
        f"{parity.worst_weight_error:.2f} of what is allowed",
        "yes" if parity.passed else "NO",
    )


def _keras_answers(reference: Reference, images: Inputs) -> npt.NDArray[np.float32]:
    vectors = reference.backbone.predict(scale(images), batch_size=32, verbose=0)
    answers: npt.NDArray[np.float32] = reference.head.predict(vectors, batch_size=1024, verbose=0)
    return answers


def _lost(champion: npt.NDArray[np.floating], package: npt.NDArray[np.floating], truth: Ints) -> str:
    names = [str(place) for place in range(len(truth))]
    found = paired_loss(champion, package, class_ids=range(champion.shape[1]), truth=truth, vehicles=names)
    if found is None:
        return "not measured"
    return f"{100 * found.loss:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


if __name__ == "__main__":
    print(run(*(int(argument) for argument in sys.argv[1:3])).as_text())
