"""The training itself: rounds of updates, each ended by a validation, a checkpoint, a line in the logs and a word.

A round is one call of Keras' `fit`, so that every backend trains in its own compiled step. What a round does depends on
the state it begins with and on the settings alone: a run that was killed goes on from its last checkpoint and ends with
the weights it would have ended with. (Bit for bit where the backend's kernels are deterministic: on a CPU they are.)
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from autodetect.classifier.finetune import checkpoint
from autodetect.classifier.finetune.batches import Batches, Labelled
from autodetect.classifier.finetune.logs import write_logs
from autodetect.classifier.finetune.network import Network
from autodetect.classifier.finetune.progress import Progress
from autodetect.errors import CorruptError, StageFailedError, UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.records import Record, canonical_digest
from autodetect.sections import FinetuneSettings

log = logging.getLogger(__name__)

Tell = Callable[[Progress], None]
Entry = dict[str, float]


class FinetuneRecord(Record):
    """How a training went and all it depended on.

    `recipe` names settings, seed, data, starting weights and backend in one digest; `history` has an entry per
    checkpoint: step, seconds, loss (with label smoothing, mean since the entry before), learning_rate (of the head),
    val_top1 and val_nll (of the weights that are kept). `resumed_at` lists the steps from which killed runs went on.
    """

    recipe: str
    data: str
    settings: dict[str, Any]
    seed: int
    backend: str
    keras: str
    precision: str
    batch_norm: str
    trained_parameters: int
    parameters: int
    photos: int
    classes: int
    history: tuple[Entry, ...]
    resumed_at: tuple[int, ...]
    seconds: float
    photos_per_second: float


def finetune(
    network: Network,
    training: Labelled,
    validation: Labelled,
    *,
    settings: FinetuneSettings,
    seed: int,
    folder: Path,
    data: str,
    tell: Tell | None = None,
) -> FinetuneRecord:
    """Train, or go on training, to the end of the budget; backbone and head given to `network` have the result.

    Args:
        network: of `build_network`, with the same settings, fresh.
        training: photos uint8 (n, side, side, 3), side at least the network's size for sharp crops.
        validation: photos uint8 (m, size, size, 3), as `geometry.to_input` makes them; m >= 1.
        settings: everything but the network's shape.
        seed: of the order of photos and of their views.
        folder: keeps checkpoints and logs, in a folder per recipe; may be removed afterwards.
        data: what the photos are, e.g. a snapshot id: two trainings on different photos must not share checkpoints.
        tell: called after each round.

    Raises:
        UsageError: no photos, or labels that the network has no outputs for.
        StageFailedError: the loss or a weight was not finite; names the step and the last good checkpoint.
        CorruptError: a checkpoint that does not fit the network.
    """
    _check(network, training, validation)
    recipe = recipe_of(network, settings, seed=seed, data=data)
    run = _Run(network, training, validation, settings=settings, seed=seed, folder=folder / recipe[:16])
    run.begin()
    if run.step < settings.steps:
        log.info("fine-tune: %d of %d steps are done, checkpoints in %s", run.step, settings.steps, run.folder)
    first, started, before = run.step, time.perf_counter(), run.seconds
    while run.step < settings.steps:
        run.round(lambda: before + time.perf_counter() - started)
        progress = Progress(
            step=run.step,
            steps=settings.steps,
            photos=(run.step - first) * settings.batch_size * settings.accumulate,
            seconds=time.perf_counter() - started,
            steps_now=run.step - first,
            entry=run.history[-1],
        )
        log.info("fine-tune: %s", progress.words)
        if tell is not None:
            tell(progress)
    network.keep()
    photos = settings.steps * settings.batch_size * settings.accumulate
    return FinetuneRecord(
        recipe=recipe,
        data=data,
        settings=settings.model_dump(mode="json"),
        seed=seed,
        backend=keras.backend.backend(),
        keras=keras.__version__,
        precision=network.precision,
        batch_norm=network.batch_norm,
        trained_parameters=_count(network.trained.trainable_variables),
        parameters=_count(network.trained.weights),
        photos=len(training.photos),
        classes=network.classes,
        history=tuple(run.history),
        resumed_at=tuple(run.resumed_at),
        seconds=round(run.seconds, 3),
        photos_per_second=round(photos / run.seconds, 3) if run.seconds else 0.0,
    )


class _Run:
    """A training between two checkpoints."""

    def __init__(
        self,
        network: Network,
        training: Labelled,
        validation: Labelled,
        *,
        settings: FinetuneSettings,
        seed: int,
        folder: Path,
    ) -> None:
        self.network, self.training, self.validation = network, training, validation
        self.settings, self.seed, self.folder = settings, seed, folder
        self.step, self.seconds = 0, 0.0
        self.history: list[Entry] = []
        self.resumed_at: list[int] = []

    def begin(self) -> None:
        """Go on from the last checkpoint; write that of step 0 where there is none."""
        found = checkpoint.newest(self.folder)
        if found is None:
            self._save(self.network.values())
            return
        self._restore(found)
        self.history = found.meta["history"]
        self.resumed_at = [*found.meta["resumed_at"], found.step]
        self.step, self.seconds = found.step, found.meta["seconds"]
        write_logs(self.folder, self.history)

    def round(self, clock: Callable[[], float]) -> None:
        """Train to the next checkpoint and write it."""
        updates = min(self.settings.checkpoint_every, self.settings.steps - self.step)
        loss = self._fit(updates)
        arrays = self.network.values()
        if not (np.isfinite(loss) and all(np.isfinite(array).all() for array in arrays)):
            raise self._diverged(updates)
        self.step += updates
        self.network.keep()
        top1, nll = _validated(self.network, self.validation)
        self.seconds = clock()
        rate = self.network.optimizer.schedule.at(self.step - 1)
        entry = {"loss": loss, "learning_rate": rate, "val_top1": top1, "val_nll": nll}
        rounded = {name: float(f"{value:.6g}") for name, value in entry.items()}
        self.history.append({"step": self.step, "seconds": round(self.seconds, 3), **rounded})
        self._save(arrays)
        write_logs(self.folder, self.history)

    def _fit(self, updates: int, callbacks: tuple[keras.callbacks.Callback, ...] = ()) -> float:
        """Train and return the mean loss; without callbacks no step waits for the one before to be read back."""
        batches = Batches(
            self.training,
            classes=self.network.classes,
            size=self.network.size,
            settings=self.settings,
            seed=self.seed,
            start=self.step * self.settings.accumulate,
            count=updates * self.settings.accumulate,
        )
        try:
            done = self.network.trained.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=list(callbacks))
        except Exception as error:
            if batches.failure is None:
                raise
            raise batches.failure from error
        return float(done.history["loss"][-1])

    def _save(self, arrays: list[npt.NDArray[Any]]) -> None:
        meta = {"history": self.history, "resumed_at": self.resumed_at, "seconds": self.seconds}
        checkpoint.save(self.folder, self.step, arrays, meta)

    def _restore(self, found: checkpoint.Checkpoint) -> None:
        variables = self.network.state()
        if [tuple(variable.shape) for variable in variables] != [array.shape for array in found.arrays]:
            path = checkpoint.path_of(self.folder, found.step)
            raise CorruptError(f"the checkpoint {path} does not fit the network", f"remove {self.folder}, run again")
        for variable, array in zip(variables, found.arrays, strict=True):
            variable.assign(array)

    def _diverged(self, updates: int) -> StageFailedError:
        """Train the round once more, looking at each step, to name the first whose loss was not finite."""
        where = f"within steps {self.step + 1} to {self.step + updates}"
        good = checkpoint.newest(self.folder)
        if good is not None and good.step == self.step:
            self._restore(good)
            watch = _Watch()
            self._fit(updates, (watch,))
            if watch.bad is not None:
                where = f"at step {self.step + watch.bad // self.settings.accumulate + 1}"
        path = checkpoint.path_of(self.folder, self.step)
        return StageFailedError(
            f"fine-tuning diverged {where} of {self.settings.steps}: the loss or a weight was not finite; the last "
            f"good checkpoint is that of step {self.step}, {path}",
            "lower finetune.learning_rate or finetune.backbone_rate, or lengthen finetune.warmup_steps, and run again",
        )


class _Watch(keras.callbacks.Callback):
    """Stops at the first batch after which the mean loss is not finite; `bad` is its number, from 0."""

    bad: int | None = None

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self.bad is None and not np.isfinite((logs or {})["loss"]):
            self.bad = batch
            self.model.stop_training = True


def _validated(network: Network, validation: Labelled) -> tuple[float, float]:
    """Return top-1 and negative log-likelihood per photo of the kept weights."""
    answers, truth = network.answers(validation.photos).astype(np.float64), validation.labels
    picked = answers[np.arange(len(truth)), truth]
    return float((answers.argmax(axis=1) == truth).mean()), float(-np.log(np.maximum(picked, 1e-12)).mean())


def recipe_of(network: Network, settings: FinetuneSettings, *, seed: int, data: str) -> str:
    """Return the digest of all that the result depends on; how many threads make the batches is no part of it."""
    weights = b"".join(np.ascontiguousarray(weight).tobytes() for weight in network.trained.get_weights())
    asked = settings.model_dump(mode="json", exclude={"loaders"})
    return canonical_digest(
        {
            "settings": asked,
            "seed": seed,
            "data": data,
            "weights": sha256_bytes(weights),
            "network": [network.size, network.classes, network.precision, network.batch_norm],
            "backend": keras.backend.backend(),
        }
    )


def _check(network: Network, training: Labelled, validation: Labelled) -> None:
    for name, (photos, labels) in (("training", training), ("validation", validation)):
        if len(photos) == 0 or len(photos) != len(labels):
            raise UsageError(
                f"fine-tuning has {len(photos)} {name} photos and {len(labels)} labels",
                "crawl more listings, or lower dataset.min_vehicles or .min_validation",
            )
        if labels.min() < 0 or labels.max() >= network.classes:
            raise UsageError(
                f"{name} labels reach from {labels.min()} to {labels.max()}, the head has {network.classes} outputs",
                "build the head for the classes of the snapshot",
            )


def _count(variables: list[Any]) -> int:
    return int(sum(np.prod(tuple(variable.shape), dtype=np.int64) for variable in variables))
