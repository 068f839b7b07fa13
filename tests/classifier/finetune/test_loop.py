import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from autodetect.classifier.finetune import checkpoint
from autodetect.classifier.finetune.batches import Labelled
from autodetect.classifier.finetune.logs import HISTORY_NAME
from autodetect.classifier.finetune.loop import recipe_of
from autodetect.errors import CorruptError, StageFailedError, UsageError
from tests.classifier.finetune.tiny import CLASSES, SCRATCH, SIZE, digest, network, photos, train

ROOT = Path(__file__).resolve().parents[3]


def program(folder, *hang):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.classifier.finetune.tiny", str(folder), *hang],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    net, told = network(), []
    before = digest(net)
    record = train(net, tmp_path_factory.mktemp("trained"), tell=told.append)
    assert digest(net) != before
    return net, record, told


def test_a_training_that_was_killed_in_the_middle_ends_with_the_same_weights_bit_for_bit(trained, tmp_path):
    net, undisturbed, _ = trained
    child = program(tmp_path, "28")  # batch 28 belongs to update 14, in the round from step 12 to 16
    assert [child.stdout.readline() for _ in range(3)] == ["4\n", "8\n", "12\n"]
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    again = program(tmp_path)
    lines = again.communicate(timeout=300)[0].split("\n")
    assert again.returncode == 0
    assert lines[:4] == ["16", "20", "24", "resumed 12"]
    assert lines[4] == digest(net)
    (folder,) = tmp_path.iterdir()
    entries = [json.loads(line) for line in (folder / HISTORY_NAME).read_text().splitlines()]
    expected = [entry | {"seconds": 0} for entry in undisturbed.history]
    assert [entry | {"seconds": 0} for entry in entries] == expected


def test_random_weights_learn_what_can_be_learned_and_the_record_says_how(trained):
    net, record, told = trained
    test = photos(200, SIZE, 9)
    assert (net.answers(test.photos).argmax(axis=1) == test.labels).mean() > 0.9
    assert [entry["step"] for entry in record.history] == [4, 8, 12, 16, 20, 24]
    assert record.history[-1]["loss"] < record.history[0]["loss"]
    assert record.history[-1]["val_top1"] > 0.9
    assert (record.batch_norm, record.precision, record.data) == ("training", "float32", "tiny")
    assert record.settings == SCRATCH.model_dump(mode="json")
    assert record.trained_parameters < record.parameters
    assert [progress.step for progress in told] == [4, 8, 12, 16, 20, 24]
    assert told[-1].seconds_left == 0
    assert told[0].photos == 4 * SCRATCH.accumulate * SCRATCH.batch_size
    assert told[0].words.startswith("step 4 of 24, loss ")


def test_a_training_that_is_done_is_not_done_again(trained, tmp_path):
    short = SCRATCH.model_copy(update={"steps": 4})
    net = network(short)
    train(net, tmp_path, short)
    again, told = network(short), []
    record = train(again, tmp_path, short, tell=told.append)
    assert (told, record.resumed_at) == ([], (4,))
    assert digest(again) == digest(net)


def test_whatever_the_result_depends_on_has_checkpoints_of_its_own():
    net = network()
    recipes = [
        recipe_of(net, SCRATCH, seed=3, data="tiny"),
        recipe_of(net, SCRATCH, seed=4, data="tiny"),
        recipe_of(net, SCRATCH, seed=3, data="others"),
        recipe_of(net, SCRATCH.model_copy(update={"erase": 0.5}), seed=3, data="tiny"),
    ]
    assert recipe_of(network(), SCRATCH.model_copy(update={"loaders": 7}), seed=3, data="tiny") == recipes[0]
    net.trained.weights[0].assign(net.trained.weights[0] * 1.5)
    assert len({*recipes, recipe_of(net, SCRATCH, seed=3, data="tiny")}) == 5


def test_a_photo_that_vanished_is_told_as_such(tmp_path):
    class Vanishing(np.ndarray):
        def __getitem__(self, positions):
            if np.size(positions) == SCRATCH.batch_size:
                raise CorruptError("the photo abc is gone", "run `autodetect lake check`")
            return super().__getitem__(positions)

    given = photos(100, 30, 0)
    with pytest.raises(CorruptError, match="the photo abc is gone") as raised:
        train(network(), tmp_path, training=Labelled(given.photos.view(Vanishing), given.labels))
    assert raised.value.remedy == "run `autodetect lake check`"


def test_a_damaged_last_checkpoint_costs_one_round_and_changes_nothing(tmp_path, caplog):
    short = SCRATCH.model_copy(update={"steps": 8})
    net = network(short)
    record = train(net, tmp_path, short)
    last = checkpoint.path_of(tmp_path / record.recipe[:16], 8)
    last.write_bytes(last.read_bytes()[: last.stat().st_size // 2])
    again = network(short)
    assert train(again, tmp_path, short).resumed_at == (4,)
    assert str(last) in caplog.text
    assert digest(again) == digest(net)


def test_a_loss_that_is_not_finite_stops_the_stage_and_names_step_and_checkpoint(tmp_path):
    calls = []

    class Poisoned(keras.losses.CategoricalCrossentropy):
        """Not a number from one batch on: the weights blew up there."""

        def call(self, y_true, y_pred):
            passes = keras.ops.cast(net.optimizer.variables[0], "float32")
            return super().call(y_true, y_pred) * keras.ops.where(passes < 13, 1.0, np.nan)

    net = network()
    net.trained.compile(net.optimizer, Poisoned(from_logits=True), jit_compile=False)
    with pytest.raises(StageFailedError, match="diverged at step 7 of 24") as raised:
        train(net, tmp_path, tell=calls.append)
    (folder,) = tmp_path.iterdir()
    assert str(checkpoint.path_of(folder, 4)) in raised.value.what
    assert "finetune.learning_rate" in raised.value.remedy
    assert [progress.step for progress in calls] == [4]
    assert checkpoint.newest(folder).step == 4


def test_labels_without_an_output_and_no_photos_are_refused(tmp_path):
    net, given = network(), photos(10, SIZE, 0)
    with pytest.raises(UsageError, match="training labels reach from 0 to 3, the head has 3 outputs"):
        train(net, tmp_path, training=Labelled(given.photos, np.arange(10) % (CLASSES + 1)))
    with pytest.raises(UsageError, match="0 validation photos"):
        train(net, tmp_path, validation=photos(0, SIZE, 0))
    assert not list(tmp_path.iterdir())
