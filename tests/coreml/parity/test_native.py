"""On a Mac Core ML answers itself. It cannot run here: what can be tested is the choice, and the shape of the call."""

import numpy as np
import pytest
from PIL import Image

from autodetect.coreml.interpreter import Interpreter
from autodetect.coreml.parity import check, native
from autodetect.coreml.parity.check import check_parity


class CoreMl:
    """Stands in for coremltools' MLModel: a picture by the input's name in, labels and their probabilities out."""

    def __init__(self, path):
        self.interpreter = Interpreter(path_of(path))

    def predict(self, data):
        assert list(data) == ["image"]
        image = data["image"]
        assert isinstance(image, Image.Image)
        assert image.mode == "RGB"
        [row] = self.interpreter.predict(np.asarray(image)[None])
        shares = dict(zip(self.interpreter.labels, row.tolist(), strict=True))
        shuffled = dict(sorted(shares.items(), reverse=True))
        return {"classLabel": max(shares, key=shares.get), "classLabel_probs": shuffled}


def path_of(text):
    from pathlib import Path

    assert isinstance(text, str)
    return Path(text)


def test_the_platform_decides():
    assert native.how_here("darwin") == "native"
    assert native.how_here("linux") == "interpreted (Linux)"
    assert native.how_here() in {"native", "interpreted (Linux)"}


def test_answers_come_in_the_order_of_the_labels(packages, pictures):
    labels = Interpreter(packages["fp16"]).labels[::-1]
    model = native.NativeModel(packages["fp16"], labels, image="image", probabilities="classLabel_probs", load=CoreMl)
    expected = Interpreter(packages["fp16"]).predict(pictures[:3])[:, ::-1]
    np.testing.assert_allclose(model.predict(pictures[:3]), expected, atol=1e-5)


def test_only_native_arithmetic_is_allowed_what_float16_does():
    told = [native.allowed_difference("interpreted (Linux)", error) for error in (0.1, 5e-4, 0.0)]
    assert told == [0.002, 5e-4, 1e-4]
    assert native.allowed_difference("native", 0.01) == pytest.approx(0.042)


def test_on_a_mac_parity_asks_core_ml_and_says_so(packages, model, pictures, monkeypatch):
    import coremltools as ct

    opened = []
    monkeypatch.setattr(native, "how_here", lambda: "native")
    monkeypatch.setattr(ct.models, "MLModel", lambda path: opened.append(path) or CoreMl(path))
    found = check_parity(packages["fp16"], model.reference, pictures[:4], rounded_photos=2)
    assert found.passed, found.words
    assert found.how == "native"
    assert found.words.startswith("native: ")
    assert opened == [str(packages["fp16"])]
    assert check.ROUNDED_PHOTOS == 32
