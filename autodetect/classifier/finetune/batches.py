"""Training batches as a function of their number alone, so that training goes on after a kill as if there were none.

Made ahead of time by Keras' own loader threads, which every backend's `fit` reads in order.
"""

import os
from typing import NamedTuple, Protocol

import keras
import numpy as np
import numpy.typing as npt

from autodetect.classifier.finetune.augment import Pixels, augment
from autodetect.errors import AutoDetectError
from autodetect.sections import FinetuneSettings

_BATCHES_AHEAD = 2  # per loader thread


class Photos(Protocol):
    """Photos that can be picked by position: a uint8 array (n, side, side, 3), a memory map of one, or your own."""

    def __len__(self) -> int: ...

    def __getitem__(self, positions: npt.NDArray[np.int64], /) -> Pixels:
        """Return the photos at `positions`, uint8, shape (len(positions), side, side, 3), RGB; called by threads."""
        ...


class Labelled(NamedTuple):
    """Photos and their outputs: `labels` integer (n,), 0 <= label < classes."""

    photos: Photos
    labels: npt.NDArray[np.integer]


def positions_of(number: int, photos: int, batch_size: int, seed: int) -> npt.NDArray[np.int64]:
    """Return which photos batch `number` (from 0) holds, int64 (batch_size,).

    Photos come in a new order in each round through all of them; a batch may reach into the next round, and every batch
    is full.
    """
    wanted = np.arange(number * batch_size, (number + 1) * batch_size)
    result = np.empty(batch_size, dtype=np.int64)
    for turn in np.unique(wanted // photos):
        order = np.random.default_rng((seed, int(turn))).permutation(photos)
        here = wanted // photos == turn
        result[here] = order[wanted[here] % photos]
    return result


class Batches(keras.utils.PyDataset):
    """The batches `start` to `start + count` of a training.

    Each is a view of every photo and its target: uint8 (b, size, size, 3), one-hot float32 (b, classes). `failure` is
    what kept a batch from being made.
    """

    def __init__(
        self,
        data: Labelled,
        *,
        classes: int,
        size: int,
        settings: FinetuneSettings,
        seed: int,
        start: int,
        count: int,
    ) -> None:
        threads = settings.loaders or os.cpu_count() or 1
        super().__init__(workers=threads, max_queue_size=_BATCHES_AHEAD * threads)
        self._data, self._size, self._settings, self._seed = data, size, settings, seed
        self._targets = np.eye(classes, dtype=np.float32)
        self._start, self._count = start, count
        self.failure: AutoDetectError | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Pixels, npt.NDArray[np.float32]]:
        try:
            return self._batch(self._start + index)
        except AutoDetectError as error:
            self.failure = error  # a backend that reads batches in its own way would pass on no more than its words
            raise

    def _batch(self, number: int) -> tuple[Pixels, npt.NDArray[np.float32]]:
        chosen = positions_of(number, len(self._data.photos), self._settings.batch_size, self._seed)
        photos = augment(self._data.photos[chosen], self._size, self._settings, seed=self._seed, number=number)
        return photos, self._targets[self._data.labels[chosen]]
