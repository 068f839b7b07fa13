"""Which engine computes the embeddings: Keras, on whatever backend it runs, or OpenVINO.

An engine's name is part of an embedding's identity, and one snapshot uses one engine: another engine embeds the whole
lake again. So `auto` keeps to what made the lake's embeddings while it can be had. On a new lake it takes OpenVINO in
fp32, if that answers a few seeded pictures as Keras does. That is tried at every start, whatever was chosen.
"""

import logging
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from autodetect.embeddings.engine import embed, engine_name
from autodetect.embeddings.openvino_engine import OpenVinoEngine, Precision
from autodetect.errors import StageFailedError, UsageError
from autodetect.sections import BackboneSettings

if TYPE_CHECKING:
    import keras

OPENVINO_FP32, OPENVINO_BF16 = "openvino-fp32", "openvino-bf16"
# The least cosine and the largest relative difference to Keras in fp32. Measured: 1 - 1e-12 and 3e-6. Storing as
# float16 alone changes a value by up to 5e-4 of itself.
FP32_COSINE, FP32_DIFFERENCE = 1 - 1e-6, 1e-4
BF16_COSINE = 0.9  # what is below is broken; whether bf16 is good enough is for validation to say: `may_adopt`
MOST_POINTS_LOST, LEAST_AGREEMENT = 0.005, 0.98
PICTURES = 16  # that engines are compared on

Floats = npt.NDArray[np.float32]

log = logging.getLogger(__name__)


class Engine(Protocol):
    """What computes embeddings.

    Attributes:
        name: under which they are kept.
        note: what a person must know of the choice; empty where there is nothing.
    """

    name: str
    note: str

    def embed(self, inputs: npt.NDArray[np.uint8]) -> Floats:
        """Return one embedding per photo: uint8 (n, size, size, 3) -> float32 (n, dimension), in the same order.

        Raises:
            StageFailedError: the backbone answered with values that float16 cannot hold.
        """


class KerasEngine:
    """The backbone under Keras: what every other engine is compared with, and what a client uses."""

    def __init__(self, model: "keras.Model", *, batch_size: int, note: str = "") -> None:
        """Take a backbone, float32 (n, size, size, 3) in [-1, 1] -> (n, dimension), and photos per forward pass."""
        self.name = engine_name()
        self.note = note
        self._model, self._batch_size = model, batch_size

    def embed(self, inputs: npt.NDArray[np.uint8]) -> Floats:
        """Return one embedding per photo, as `Engine.embed` says."""
        return embed(self._model, inputs, self._batch_size)


class Agreement(NamedTuple):
    """How alike two engines answer: the worst of several pictures.

    Attributes:
        cosine: the least between a picture's two embeddings.
        difference: the largest between two values, relative to the largest value of the picture's embedding.
    """

    cosine: float
    difference: float

    @property
    def words(self) -> str:
        """Return both figures in words."""
        return f"cosine 1 - {1 - self.cosine:.1e}, largest relative difference {self.difference:.1e}"


def open_engine(model: "keras.Model", settings: BackboneSettings, *, earlier: str = "", threads: int = 0) -> Engine:
    """Return the engine that the settings and this machine allow, checked against Keras on a few pictures.

    Args:
        model: the backbone, float32 (n, size, size, 3) in [-1, 1] -> (n, dimension).
        settings: `engine` and `batch_size`.
        earlier: the engine that the lake's embeddings were made by; empty for a new lake.
        threads: of OpenVINO; 0 is one per core that the process may use. Keras takes what its backend was given.

    Raises:
        UsageError: the settings name an engine that cannot be had here.
        StageFailedError: the settings name an engine that does not answer as Keras does, or the backbone is broken.
    """
    by_keras = engine_name()
    if settings.engine == "keras" or (settings.engine == "auto" and _stays_with_keras(earlier)):
        return KerasEngine(model, batch_size=settings.batch_size)
    shown = pictures(PICTURES, int(model.input_shape[1]))
    expected = embed(model, shown, PICTURES)
    doubts = []
    for precision in _candidates(settings.engine, earlier):
        try:
            engine = OpenVinoEngine(model, batch_size=settings.batch_size, precision=precision, threads=threads)
            found = agreement(expected, engine.embed(shown))
            _refuse_difference(found, engine.name, by_keras)
        except (UsageError, StageFailedError) as error:
            if settings.engine != "auto":
                raise
            doubts.append(error.what)
        else:
            log.info("embeddings are made by %s; beside %s: %s", engine.name, by_keras, found.words)
            return engine
    note = f"embeddings are made by {by_keras}, the slower engine: {'; '.join(doubts)}"
    log.warning("%s", note)
    return KerasEngine(model, batch_size=settings.batch_size, note=note)


def keeps(setting: str, earlier: str) -> bool:
    """Return whether `backbone.engine` may leave a lake's embeddings as they are, without asking this machine.

    Args:
        setting: auto, keras, openvino or openvino-bf16.
        earlier: the engine that they were made by; empty where there are none.
    """
    wanted = {"keras": earlier.startswith("keras-"), "openvino": earlier == OPENVINO_FP32}
    return bool(earlier) and (setting == "auto" or wanted.get(setting, earlier == setting))


def fp32_name(engine: str) -> str:
    """Return the engine whose embeddings the gate judges by, for a lake that is embedded by `engine`."""
    return OPENVINO_FP32 if engine == OPENVINO_BF16 else engine


def may_adopt(reference_top1: float, candidate_top1: float, agreement: float) -> bool:
    """Return whether an engine of less precision may take the place of fp32, by what validation says.

    Args:
        reference_top1: share of validation photos that the model names right on fp32 embeddings.
        candidate_top1: the same on the candidate's embeddings of the same photos; at most 0.5 points less.
        agreement: share of those photos that get the same answer either way; at least 98 %.
    """
    return reference_top1 - candidate_top1 <= MOST_POINTS_LOST + 1e-9 and agreement >= LEAST_AGREEMENT


def agreement(reference: Floats, candidate: Floats) -> Agreement:
    """Return how alike two engines' embeddings (n, dimension) of the same pictures are, n >= 1.

    Both figures are relative, since a random backbone's features are tiny. They are not numbers where a value is not.
    """
    ours, theirs = reference.astype(np.float64), candidate.astype(np.float64)
    norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    largest = np.abs(ours).max(axis=1)
    tiny = np.finfo(np.float64).tiny
    equal = (ours == theirs).all(axis=1)  # two embeddings of nothing but zeros have no angle, and agree
    cosine = np.where(equal, 1.0, (ours * theirs).sum(axis=1) / np.maximum(norms, tiny))
    difference = np.abs(ours - theirs).max(axis=1) / np.maximum(largest, tiny)
    return Agreement(float(cosine.min()), float(difference.max()))


def pictures(count: int, size: int) -> npt.NDArray[np.uint8]:
    """Return the same seeded pictures every time, uint8 (count, size, size, 3): soft shapes under a grain."""
    from PIL import Image

    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (count, 9, 9, 3), dtype=np.uint8)
    grain = generator.normal(0, 12, (count, size, size, 1))
    shapes = [np.asarray(Image.fromarray(each).resize((size, size), Image.Resampling.BICUBIC)) for each in coarse]
    made: npt.NDArray[np.uint8] = np.clip(np.stack(shapes) + grain, 0, 255).astype(np.uint8)
    return made


def _stays_with_keras(earlier: str) -> bool:
    """Return whether `auto` is Keras: the lake's embeddings are its own, or it computes on an accelerator."""
    import keras

    if earlier == engine_name():
        return True
    return earlier == "" and bool(keras.distribution.list_devices("gpu"))


def _candidates(setting: str, earlier: str) -> tuple[Precision, ...]:
    """Return the precisions to try under OpenVINO, in order; `auto` tries bf16 only where it was adopted before."""
    if setting == "auto":
        return ("bf16", "fp32") if earlier == OPENVINO_BF16 else ("fp32",)
    return ("bf16",) if setting == OPENVINO_BF16 else ("fp32",)


def _refuse_difference(found: Agreement, name: str, by_keras: str) -> None:
    """Raise StageFailedError, with the figures, if an engine does not answer as Keras does."""
    alike = found.cosine >= BF16_COSINE
    if name == OPENVINO_FP32:
        alike = found.cosine >= FP32_COSINE and found.difference <= FP32_DIFFERENCE
    if not alike:
        raise StageFailedError(
            f"{name} does not answer as {by_keras} does: {found.words}", "set backbone.engine to keras or auto"
        )
