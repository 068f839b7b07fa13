"""Claim: from JPEG to embedding we are quicker than `keras.Model.predict` is from decoded photos alone.

Ours reads, decodes, squashes and embeds, as the night does (`network_inputs` and an engine under OpenVINO). The peer is
handed the float32 inputs of the same photos. Photos are drawn, as large as a marketplace serves them at most, and as
small as a recorded one has them. All ways take turns; a ratio is the median of the rounds' (least to most). CPU time is
of all cores, ours / the peer's.
"""

import hashlib
import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import cycle, islice
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from autodetect.embeddings import backbone
from autodetect.embeddings.engine import engine_name
from autodetect.embeddings.engines import OPENVINO_BF16, OPENVINO_FP32, Engine, agreement, open_engine
from autodetect.embeddings.geometry import scale
from autodetect.errors import UsageError
from autodetect.photos.examine import cores
from autodetect.photos.inputs import network_inputs
from autodetect.sections import BackboneSettings
from benchmarks.grid import Grid
from benchmarks.hashing import drawn

if TYPE_CHECKING:
    import keras

SIZES = (299, 224)
PHOTOS, DIFFERENT = 64, 16  # a round
ROUNDS = 5
LARGE, SMALL = "1600x1200", "340x255"
MAX_PIXELS = 60_000_000
GOALS = {OPENVINO_FP32: 1.15, OPENVINO_BF16: 2.0}
COLUMNS = (
    "input",
    "engine",
    "photos",
    "ours, photos/s",
    "predict, photos/s",
    "CPU ms a photo",
    "ratio (least to most)",
    "goal",
)

Inputs = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]
Way = tuple[str, str]  # engine, photos
PEER: Way = ("keras", "decoded")


class Spent(NamedTuple):
    """Seconds by the clock, and of all cores together: the second tells more where the machine is busy otherwise."""

    wall_s: float
    cpu_s: float


def run(photos: int = PHOTOS, rounds: int = ROUNDS) -> Grid:
    """Time every way at each input size, and compare what they answer."""
    lines: list[tuple[str, ...]] = []
    notes = [f"{photos} photos a round, {rounds} rounds, batches of {BackboneSettings().batch_size}; random weights"]
    for size in SIZES:
        shown, said = _measured(BackboneSettings(weights="random", input_size=size), photos, rounds)
        lines += shown
        notes += said
    if all(OPENVINO_BF16 not in line for line in lines):
        notes.append("this machine's CPU has no bf16: not measured")
    notes.append(f"load average {os.getloadavg()[0]:.1f} at the end, {cores()} cores")
    return Grid(
        name="embeddings",
        claim=f"From JPEG to embedding in fp32 is at least {GOALS[OPENVINO_FP32]} times as quick as "
        f"`keras.Model.predict` on decoded photos, in bf16 at least {GOALS[OPENVINO_BF16]:g} times.",
        columns=COLUMNS,
        lines=lines,
        notes=notes,
        packages=("keras", "tensorflow-cpu", "openvino", "numpy", "pillow"),
    )


def _measured(settings: BackboneSettings, photos: int, rounds: int) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return the lines of one input size, and how alike its engines answer."""
    model = backbone.build(settings).model
    engines = _engines(model, settings)
    jpegs = {LARGE: _named(photos, small=False), SMALL: small_photos(photos)}
    decoded = np.concatenate(list(_inputs(jpegs[SMALL], settings)))
    scaled = scale(decoded)

    def predicted() -> Vectors:
        vectors: Vectors = model.predict(scaled, batch_size=settings.batch_size, verbose=0)
        return vectors

    expected = predicted()
    said = [
        f"{engine.name} beside {engine_name()} at {settings.input_size}: "
        f"{agreement(expected, engine.embed(decoded)).words}"
        for engine in engines
    ]
    ways: dict[Way, Callable[[], object]] = {
        (engine.name, kind): _ours(engine, each, settings) for engine in engines for kind, each in jpegs.items()
    }
    seconds = _in_turns({PEER: predicted, **ways}, rounds)
    return [_line(settings.input_size, way, seconds[way], seconds[PEER], photos) for way in ways], said


def _engines(model: "keras.Model", settings: BackboneSettings) -> list[Engine]:
    """Return the engines; bf16 only where the CPU has it."""
    engines = [open_engine(model, settings.model_copy(update={"engine": "openvino"}))]
    with suppress(UsageError):
        engines.append(open_engine(model, settings.model_copy(update={"engine": OPENVINO_BF16})))
    return engines


def small_photos(count: int) -> dict[str, bytes]:
    """Return so many JPEGs of a recorded photo's size by name, some of them the same."""
    return _named(count, small=True)


def _named(count: int, *, small: bool) -> dict[str, bytes]:
    """Return so many JPEGs by name, some of them the same."""
    photos = [_shrunk(drawn(seed)) if small else drawn(seed) for seed in range(DIFFERENT)]
    return {
        hashlib.sha256(bytes([place])).hexdigest(): photo for place, photo in enumerate(islice(cycle(photos), count))
    }


def _shrunk(photo: bytes) -> bytes:
    sink = io.BytesIO()
    width, height = (int(side) for side in SMALL.split("x"))
    Image.open(io.BytesIO(photo)).resize((width, height), Image.Resampling.LANCZOS).save(sink, "JPEG", quality=85)
    return sink.getvalue()


def _inputs(jpegs: Mapping[str, bytes], settings: BackboneSettings) -> Iterator[Inputs]:
    return network_inputs(
        list(jpegs),
        jpegs.__getitem__,
        input_size=settings.input_size,
        max_pixels=MAX_PIXELS,
        threads=cores(),
        batch_size=settings.batch_size,
    )


def _ours(engine: Engine, jpegs: Mapping[str, bytes], settings: BackboneSettings) -> Callable[[], object]:
    return lambda: [engine.embed(inputs) for inputs in _inputs(jpegs, settings)]


def _in_turns(ways: Mapping[Way, Callable[[], object]], rounds: int) -> dict[Way, list[Spent]]:
    """Return what each way took, round by round; a first round warms up and is not counted."""
    spent: dict[Way, list[Spent]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, work in ways.items():
            started, busy = time.perf_counter(), time.process_time()
            work()
            if number:
                spent[way].append(Spent(time.perf_counter() - started, time.process_time() - busy))
    return spent


def _line(size: int, way: Way, ours: list[Spent], theirs: list[Spent], photos: int) -> tuple[str, ...]:
    name, kind = way
    ratios = [peer.wall_s / own.wall_s for own, peer in zip(ours, theirs, strict=True)]
    ratio, goal = median(ratios), GOALS[name]
    rates = (f"{photos / median(each.wall_s for each in spent):.1f}" for spent in (ours, theirs))
    work = (f"{1000 * median(each.cpu_s for each in spent) / photos:.0f}" for spent in (ours, theirs))
    return (
        f"{size} px",
        name,
        kind,
        *rates,
        " / ".join(work),
        f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        f"{goal:g}: {'kept' if ratio >= goal else 'NOT kept'}",
    )


if __name__ == "__main__":
    print(run(*(int(argument) for argument in sys.argv[1:3])).as_text())
