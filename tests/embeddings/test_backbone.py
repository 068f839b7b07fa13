import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from autodetect.embeddings import backbone, imagenet
from autodetect.errors import CorruptError, UsageError
from autodetect.sections import BackboneSettings

BUILD = """
import json, sys
from pathlib import Path
from autodetect.embeddings import backbone
from autodetect.sections import BackboneSettings
import socket
model, record, _ = backbone.build(BackboneSettings(weights=sys.argv[1], input_size=96, seed=3))
record = backbone.save(model, record, Path(sys.argv[2]) / "backbone.keras")
print(json.dumps(record.model_dump() | {"timeout": socket.getdefaulttimeout()}))
"""


def build_elsewhere(weights, folder, **environ):
    done = subprocess.run(
        [sys.executable, "-c", BUILD, weights, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env=os.environ | environ,
    )
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    path = tmp_path_factory.mktemp("backbone") / "backbone.keras"
    model, record, _ = backbone.build(BackboneSettings(weights="random", input_size=96, seed=3))
    return model, backbone.save(model, record, path), path


def test_two_processes_build_the_same_backbone_byte_for_byte(built, tmp_path):
    _, record, _ = built
    elsewhere, _ = build_elsewhere("random", tmp_path)
    assert elsewhere["digest"] == record.digest
    assert elsewhere["file_sha256"] == record.file_sha256
    assert "RANDOM" in record.note


def test_the_digest_speaks_for_weights_and_input_size(built):
    model, record, _ = built
    assert backbone.digest_of(model, 96) == record.digest
    assert backbone.digest_of(model, 128) != record.digest
    weight = model.weights[0]
    before = weight.numpy()
    changed = before.copy()
    changed.flat[0] = np.nextafter(changed.flat[0], np.float32(np.inf))
    weight.assign(changed)
    try:
        assert backbone.digest_of(model, 96) != record.digest
    finally:
        weight.assign(before)
    assert backbone.digest_of(model, 96) == record.digest


def test_another_seed_is_another_backbone(built):
    other = backbone.build(BackboneSettings(weights="random", input_size=96, seed=4)).record
    assert other.digest != built[1].digest


def test_a_saved_backbone_loads_as_itself(built):
    model, record, path = built
    loaded = backbone.load(path, record)
    assert [weight.path for weight in loaded.weights] == [weight.path for weight in model.weights]
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert loaded.output_shape == (None, backbone.DIMENSION)


def test_a_cut_file_is_refused_with_a_remedy(built, tmp_path):
    _, record, path = built
    cut = tmp_path / "cut.keras"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CorruptError) as raised:
        backbone.load(cut, record)
    assert raised.value.remedy


def test_another_backbone_than_recorded_is_refused(built):
    _, record, path = built
    with pytest.raises(CorruptError, match="as recorded"):
        backbone.load(path, record.model_copy(update={"digest": "0" * 64}))


def test_random_features_vary_between_photos_and_survive_float16(built):
    model, _, _ = built
    photos = np.random.default_rng(0).uniform(-1, 1, (4, 96, 96, 3)).astype(np.float32)
    photos[0] *= 0.2
    vectors = model.predict_on_batch(photos)
    live = vectors.max(axis=0) > 0
    assert live.mean() > 0.5
    typical = np.median(vectors[:, live])
    assert 2.0**-14 < typical < vectors.max() < np.finfo(np.float16).max
    stored = vectors.astype(np.float16).astype(np.float32)
    assert np.abs(stored[0] - stored[1]).max() > 0
    np.testing.assert_allclose(stored[:, live], vectors[:, live], rtol=1e-3, atol=2.0**-20)


def test_without_imagenet_weights_random_ones_are_taken_and_it_is_said_loudly(built, tmp_path):
    nowhere = "http://127.0.0.1:9"
    elsewhere, stderr = build_elsewhere(
        "imagenet", tmp_path, KERAS_HOME=str(tmp_path / "keras"), https_proxy=nowhere, http_proxy=nowhere, no_proxy=""
    )
    assert (elsewhere["requested"], elsewhere["resolved"]) == ("imagenet", "random")
    assert "RANDOM" in elsewhere["note"]
    assert elsewhere["note"] in stderr
    assert elsewhere["digest"] == built[1].digest
    assert elsewhere["timeout"] is None


def test_weights_come_from_a_keras_file_or_a_weights_file(built, tmp_path):
    model, record, path = built
    model.save_weights(tmp_path / "ours.weights.h5")
    for given in (path, tmp_path / "ours.weights.h5"):
        found = backbone.build(BackboneSettings(weights=str(given), input_size=96)).record
        assert (found.resolved, found.requested) == ("file", str(given))
        assert found.digest == record.digest


def test_a_weights_file_that_is_missing_or_does_not_fit_is_wrong_usage(tmp_path):
    import keras

    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    other.save_weights(tmp_path / "other.weights.h5")
    other.save(tmp_path / "other.keras")
    (tmp_path / "text.keras").write_text("no model")
    (tmp_path / "text.weights.h5").write_text("no weights")
    for name in ("missing.keras", "other.weights.h5", "other.keras", "text.keras", "text.weights.h5"):
        with pytest.raises(UsageError) as raised:
            backbone.build(BackboneSettings(weights=str(tmp_path / name), input_size=96))
        assert name in raised.value.what
        assert "backbone.weights" in raised.value.remedy


def test_the_socket_timeout_is_put_back():
    def fail_inside():
        with imagenet.socket_timeout(1.5):
            seen.append(socket.getdefaulttimeout())
            raise OSError("down")

    seen, before = [], socket.getdefaulttimeout()
    with pytest.raises(OSError, match="down"):
        fail_inside()
    assert (seen, socket.getdefaulttimeout()) == ([1.5], before)
