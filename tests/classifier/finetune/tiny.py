"""A backbone of two blocks and photos that can be told apart, small enough to train in seconds.

As a program: trains once and prints a digest of the weights that are kept; `hang` makes it stop dead while it makes
the batch of that number.
"""

import hashlib
import sys
import threading
from pathlib import Path

import keras
import numpy as np

from autodetect.classifier.finetune.batches import Labelled
from autodetect.classifier.finetune.loop import FinetuneRecord, finetune
from autodetect.classifier.finetune.network import Network, build_network, linear_head
from autodetect.sections import FinetuneSettings

SIZE, CLASSES = 24, 3
SCRATCH = FinetuneSettings(
    from_layer="",
    steps=24,
    batch_size=8,
    accumulate=2,
    learning_rate=1e-2,
    backbone_rate=1.0,
    block_decay=1.0,
    warmup_steps=3,
    checkpoint_every=4,
    ema=0.5,
    precision="float32",
    loaders=2,
)


def backbone(batch_norm: bool = True) -> keras.Model:
    """stem, then two blocks of two branches, `mixed0` and `mixed1`, each after the other, pooled to 8 values."""
    keras.utils.set_random_seed(1)
    x = pixels = keras.Input((SIZE, SIZE, 3), name="input")
    x = keras.layers.Conv2D(6, 3, strides=2, activation="relu", name="stem")(x)
    for block in (0, 1):
        branches = [
            keras.layers.Conv2D(4, 1, name=f"narrow{block}")(x),
            keras.layers.Conv2D(4, 3, padding="same", name=f"wide{block}")(x),
        ]
        x = keras.layers.Concatenate(name=f"mixed{block}")(branches)
        if batch_norm:
            x = keras.layers.BatchNormalization(momentum=0.8, name=f"norm{block}")(x)
        x = keras.layers.ReLU(name=f"relu{block}")(x)
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D(name="pool")(x), name="tiny")


def network(settings: FinetuneSettings = SCRATCH, *, from_random: bool = True, batch_norm: bool = True) -> Network:
    return build_network(
        backbone(batch_norm), linear_head(8, CLASSES, settings, seed=2), settings, from_random=from_random
    )


def photos(count: int, side: int, seed: int) -> Labelled:
    """Noise; each class is brighter in one colour."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    pixels = rng.integers(0, 120, (count, side, side, 3))
    pixels[np.arange(count), :, :, labels] += 60
    return Labelled(pixels.astype(np.uint8), labels)


def train(net: Network, folder: Path, settings: FinetuneSettings = SCRATCH, **named: object) -> FinetuneRecord:
    given = {"training": photos(100, 30, 0), "validation": photos(40, SIZE, 1), "seed": 3, "data": "tiny"} | named
    training, validation = given.pop("training"), given.pop("validation")
    return finetune(net, training, validation, settings=settings, folder=folder, **given)


def digest(net: Network) -> str:
    return hashlib.sha256(b"".join(weight.tobytes() for weight in net.kept.get_weights())).hexdigest()


class Hanging:
    """Photos of which one batch never comes, as from a disk that died."""

    def __init__(self, pixels: np.ndarray, positions: set[int]) -> None:
        self.pixels, self.positions = pixels, positions

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        if set(positions.tolist()) == self.positions:
            threading.Event().wait()
        return self.pixels[positions]


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(folder: str, hang: str = "") -> None:
    from autodetect.classifier.finetune.batches import positions_of

    given = photos(100, 30, 0)
    if hang:
        never = positions_of(int(hang), 100, SCRATCH.batch_size, 3)
        given = Labelled(Hanging(given.photos, set(never.tolist())), given.labels)
    net = network()
    record = train(net, Path(folder), training=given, tell=lambda progress: say(progress.step))
    say("resumed", *record.resumed_at)
    say(digest(net))


if __name__ == "__main__":
    main(*sys.argv[1:])
