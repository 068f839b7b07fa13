import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from autodetect.embeddings import backbone, openvino_engine
from autodetect.embeddings.engine import embed
from autodetect.embeddings.engines import pictures
from autodetect.embeddings.openvino_engine import OpenVinoEngine
from autodetect.errors import StageFailedError, UsageError
from autodetect.sections import BackboneSettings

# Everything that a process does between starting and having embeddings, watched for whoever calls home.
ELSEWHERE = """
import json, os, sys
asked = []
sys.addaudithook(lambda event, arguments: asked.append([event, str(arguments)])
    if event in {"socket.connect", "socket.getaddrinfo", "urllib.Request", "os.fork", "os.forkpty"} else None)
import numpy as np
from autodetect.embeddings import backbone
from autodetect.embeddings.engines import open_engine, pictures
from autodetect.sections import BackboneSettings
settings = BackboneSettings(weights="random", architecture=sys.argv[1], input_size=96, engine="openvino")
engine = open_engine(backbone.build(settings).model, settings, threads=int(sys.argv[2]))
np.save(sys.argv[3], engine.embed(pictures(11, 96)[[4, 1, 0]]))
loaded = sorted(name for name, module in sys.modules.items() if name.startswith("openvino_telemetry") and module)
print(json.dumps({"asked": asked, "loaded": loaded}))
"""


@pytest.fixture(scope="module")
def model():
    return backbone.build(BackboneSettings(weights="random", input_size=96)).model


@pytest.fixture(scope="module")
def engine(model):
    return OpenVinoEngine(model, batch_size=32)


def test_a_photos_embedding_depends_on_no_other_photo_and_comes_in_order(engine):
    shown = pictures(21, 96)
    together = engine.embed(shown)
    assert (together.shape, together.dtype) == ((21, 2048), np.float32)
    assert len(np.unique(together, axis=0)) == 21
    for index in (0, 7, 8, 20):
        np.testing.assert_array_equal(engine.embed(shown[index : index + 1])[0], together[index])
    np.testing.assert_array_equal(engine.embed(shown[::-1])[::-1], together)
    assert engine.embed(shown[:0]).shape == (0, 2048)


def test_no_number_of_threads_or_batch_size_changes_a_bit(model, engine):
    shown = pictures(21, 96)
    expected = engine.embed(shown)
    for options in ({"threads": 1}, {"threads": 2, "batch_size": 8}, {"threads": 3, "batch_size": 1}):
        other = OpenVinoEngine(model, **{"batch_size": 32} | options)
        np.testing.assert_array_equal(other.embed(shown), expected)


def test_features_are_those_of_keras_within_what_float16_rounds(model, engine):
    shown = pictures(9, 96)
    ours, theirs = engine.embed(shown), embed(model, shown, 9)
    assert (np.abs(ours - theirs).max(axis=1) < 1e-5 * theirs.max(axis=1)).all()


def test_another_process_makes_the_same_embeddings_and_calls_nobody(engine, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, "InceptionV3", "1", str(tmp_path / "vectors.npy")],
        check=True,
        timeout=300,
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": str(tmp_path / "home")},
    )
    assert json.loads(done.stdout.splitlines()[-1]) == {"asked": [], "loaded": []}
    assert not (tmp_path / "home" / "intel").exists()
    np.testing.assert_array_equal(np.load(tmp_path / "vectors.npy"), engine.embed(pictures(11, 96))[[4, 1, 0]])


@pytest.mark.parametrize("factor", [np.inf, 1e6])  # that a weight is no number is seen by Keras, in `open_engine`
def test_values_that_cannot_be_stored_stop_the_stage(factor):
    image = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    broken = OpenVinoEngine(keras.Model(image, keras.layers.Rescaling(factor)(pooled)), batch_size=4)
    with pytest.raises(StageFailedError, match="2 of 2 embeddings"):
        broken.embed(np.full((2, 8, 8, 3), 200, np.uint8))


def test_pixels_are_scaled_inside():
    image = keras.Input((8, 8, 3))
    mean_of = OpenVinoEngine(keras.Model(image, keras.layers.GlobalAveragePooling2D()(image)), batch_size=4)
    for value, expected in ((0, -1.0), (255, 1.0), (128, 128 / 127.5 - 1)):
        np.testing.assert_allclose(mean_of.embed(np.full((1, 8, 8, 3), value, np.uint8)), expected, atol=1e-6)


def test_a_machine_without_bf16_says_so(monkeypatch, model):
    class Core:
        def get_property(self, *_):
            return ["FP32"]

    monkeypatch.setattr(openvino_engine._openvino(), "Core", Core)
    with pytest.raises(UsageError, match="no bf16") as raised:
        OpenVinoEngine(model, batch_size=4, precision="bf16")
    assert "backbone.engine" in raised.value.remedy


def test_keras_on_another_backend_is_told_not_tried(monkeypatch, model):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UsageError, match="runs on jax"):
        OpenVinoEngine(model, batch_size=4)
