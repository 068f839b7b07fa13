"""Claim: Vision's `scaleFill` is what the model was trained on; most other ways to hand over a photo cost answers.

The package itself is asked, by the interpreter, about test photos prepared in the ways of `benchmarks.preparations`:
as an app should, and with common mistakes. Its head was trained on other vehicles, on a random backbone. A second
package, of a letterboxed backbone, says what the colour of `scaleFit`'s bars is worth to it.
`python -m benchmarks.vision_geometry PHOTOS SIZE` measures another case.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from autodetect.coreml.interpreter import Interpreter
from autodetect.embeddings.geometry import Geometry
from autodetect.photos.examine import cores
from benchmarks import preparations as ways
from benchmarks.car_photos import CarPhotos, Ints, car_photos, split
from benchmarks.grid import Grid
from benchmarks.paired_cost import cost
from benchmarks.preparations import BLACK, GREY, Preparation
from benchmarks.trained_model import trained_model

PHOTOS, SIZE = 1_500, 224
TEST = 0.4
TOP = 3
COLUMNS = ("trained on", "asked with", "top-1", "top-3", "top-1 lost, points (95 %)", "right turned wrong / back")

SQUASHED: dict[str, Preparation] = {
    "scaleFill, upright (right)": ways.scale_fill,
    "scaleFill, sampled without antialiasing": ways.sampled,
    "centerCrop": ways.center_crop,
    "scaleFit, black bars": ways.scale_fit(BLACK),
    "scaleFit, grey bars": ways.scale_fit(GREY),
    "orientation left out: on its side": ways.turned,
    "red and blue exchanged": ways.bgr,
    "JPEG of quality 60": ways.pressed(60),
    "screenshot: the upright 9:16 middle": ways.screenshot,
    "cropped too tightly: 5 % off each edge": ways.trimmed(0.05),
    "cropped too tightly: 15 % off each edge": ways.trimmed(0.15),
    "car half as large in the frame, not cropped": ways.surrounded(0.5),
    "the same, cropped to it plus 10 % at each edge": ways.surrounded(0.1),
}
LETTERBOXED: dict[str, Preparation] = {
    "scaleFit, grey bars (right)": ways.scale_fit(GREY),
    "scaleFit, black bars": ways.scale_fit(BLACK),
    "scaleFill": ways.scale_fill,
}

Ranks = npt.NDArray[np.int64]


def run(photos: int = PHOTOS, size: int = SIZE) -> Grid:
    """Train and export both models, ask each package about the test photos in every way."""
    lines: list[tuple[str, ...]] = []
    with TemporaryDirectory() as folder:
        chosen = car_photos(photos, Path(folder))
        train, test = split(chosen.labels, TEST, seed=0)
        cases: tuple[tuple[Geometry, dict[str, Preparation]], ...] = (
            ("squash", SQUASHED),
            ("letterbox", LETTERBOXED),
        )
        for geometry, asked in cases:
            package = Path(folder) / f"{geometry}.mlpackage"
            model = trained_model(chosen, train, size, geometry)
            model.export(package)
            lines += _lines(geometry, asked, _asked(package, chosen, test, size))
        sides = np.mean([chosen.image(place).size for place in test], axis=0)
    return Grid(
        name="vision_geometry",
        claim="Vision's scaleFill is the squash that the model is trained on; most other ways lose right answers.",
        columns=COLUMNS,
        lines=lines,
        notes=_notes(chosen, len(train), len(test), size, sides),
        packages=("coremltools", "openvino", "keras", "pillow"),
    )


def _notes(photos: CarPhotos, train: int, test: int, size: int, sides: npt.NDArray[np.float64]) -> list[str]:
    models, chance = len(photos.models), 100 / len(photos.models)
    return [
        (
            f"{test} test vehicles, {train} others trained on, {models} models: chance {chance:.1f} % and "
            f"{TOP * chance:.1f} %; one photo a vehicle, no copies"
        ),
        (
            "lost: right first answers of the right way less those of this one, on the same vehicles; interval of the "
            "paired difference (Agresti and Min); one that holds 0 shows nothing"
        ),
        (
            f"{photos.words}, {sides[0]:.0f} x {sides[1]:.0f} on average: photos of 12 megapixels alias more when they "
            "are sampled than these can show"
        ),
        (
            "cropping: there is no detector here; too tight is a share of the photo cut off, and around a smaller car "
            "the photo goes on as its own mirror image"
        ),
        (
            f"float16 package in float32 arithmetic, InceptionV3 with random weights at {size} px, linear head: "
            "trained weights may answer otherwise"
        ),
        "Vision is imitated by Pillow; nothing here ran on a phone",
    ]


def _lines(geometry: str, asked: dict[str, Preparation], ask: Callable[[Preparation], Ranks]) -> list[tuple[str, ...]]:
    found = {name: ask(prepare) for name, prepare in asked.items()}
    best, *_ = found.values()
    lines = []
    for name, ranks in found.items():
        shares = (f"{100 * (ranks < top).mean():.1f}" for top in (1, TOP))
        words = ("", "") if ranks is best else cost(best < 1, ranks < 1).words
        lines.append((geometry, name, *shares, *words))
    return lines


def _asked(package: Path, photos: CarPhotos, test: Ints, size: int) -> Callable[[Preparation], Ranks]:
    """Return what asks a package about all test photos: how many models it puts before the right one, int (n,)."""
    interpreter = Interpreter(package)
    columns = [photos.models.index(label) for label in interpreter.labels]

    def ask(prepare: Preparation) -> Ranks:
        ranks = []
        for places in _batched(test.tolist(), 64):
            with ThreadPoolExecutor(cores()) as pool:
                squares = list(pool.map(lambda place: prepare(photos.image(place), size), places))
            answers = interpreter.predict(np.stack(squares))
            truth = [columns.index(photos.labels[place]) for place in places]
            ranks.append((answers > answers[np.arange(len(places)), truth][:, None]).sum(axis=1))
        return np.concatenate(ranks)

    return ask


def _batched(places: Sequence[int], count: int) -> Iterator[list[int]]:
    remaining = iter(places)
    while batch := list(islice(remaining, count)):
        yield batch


if __name__ == "__main__":
    print(run(*(int(argument) for argument in sys.argv[1:3])).as_text())
