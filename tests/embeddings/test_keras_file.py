import hashlib
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from autodetect.embeddings.keras_file import load_model, save_model
from autodetect.errors import CorruptError


def small_model(compiled=False):
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, kernel_initializer=ones())])
    if compiled:
        model.compile("adam", "mse")
        model.train_on_batch(np.zeros((2, 4)), np.zeros((2, 3)))
    return model


def ones():
    return keras.initializers.Constant(1.0)


def test_a_model_gives_the_same_bytes_whenever_it_is_saved(tmp_path, monkeypatch):
    first = save_model(small_model(), tmp_path / "a.keras")
    monkeypatch.setattr("time.time", lambda: 2e9)
    second = save_model(small_model(), tmp_path / "b.keras")
    assert first == second == hashlib.sha256((tmp_path / "b.keras").read_bytes()).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.keras", "b.keras"]


def test_two_processes_save_the_same_model_as_the_same_bytes(tmp_path):
    script = (
        "import sys; from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[1]); import test_keras_file as ours\n"
        "earlier = [ours.small_model() for _ in range(3)]  # other addresses, other numbers\n"
        "print(ours.save_model(ours.small_model(), Path(sys.argv[2])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parent), str(tmp_path / "theirs.keras")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C"},
        umask=0o077,
    )
    assert done.stdout.split()[-1] == save_model(small_model(), tmp_path / "ours.keras")
    assert (tmp_path / "theirs.keras").read_bytes() == (tmp_path / "ours.keras").read_bytes()


def test_the_optimizer_is_left_out(tmp_path):
    trained = small_model(compiled=True)
    weights = [np.full_like(weight, 2.0) for weight in trained.get_weights()]
    trained.set_weights(weights)
    plain = small_model()
    plain.set_weights(weights)
    assert save_model(trained, tmp_path / "a.keras") == save_model(plain, tmp_path / "b.keras")
    assert not load_model(tmp_path / "a.keras", "").compiled


def test_a_loaded_model_answers_as_the_saved_one(tmp_path):
    model = small_model()
    save_model(model, tmp_path / "deep" / "a.keras")
    x = np.random.default_rng(0).random((5, 4), np.float32)
    np.testing.assert_array_equal(
        load_model(tmp_path / "deep" / "a.keras", "").predict_on_batch(x), model.predict_on_batch(x)
    )


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.99])
def test_a_cut_file_is_told_with_the_remedy(tmp_path, kept):
    path = tmp_path / "a.keras"
    save_model(small_model(), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(CorruptError, match="fetch it again") as raised:
        load_model(path, "fetch it again")
    assert str(path) in raised.value.what


def test_overwritten_bytes_are_told(tmp_path):
    path = tmp_path / "a.keras"
    save_model(small_model(), path)
    data = bytearray(path.read_bytes())
    for start in range(0, len(data), 64):
        data[start] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(CorruptError):
        load_model(path, "")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(CorruptError, match="does not exist"):
        load_model(tmp_path / "none.keras", "")
