import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autodetect.embeddings import backbone
from autodetect.embeddings.engine import embed, engine_name, from_bytes, to_bytes
from autodetect.errors import CorruptError, StageFailedError
from autodetect.sections import BackboneSettings

ELSEWHERE = """
import sys
import numpy as np
from autodetect.embeddings import backbone
from autodetect.embeddings.engine import embed
from autodetect.sections import BackboneSettings
model = backbone.build(BackboneSettings(weights="random", input_size=96)).model
photos = np.load(sys.argv[1])
np.save(sys.argv[2], embed(model, photos[[4, 1, 0]], 8))
"""


@pytest.fixture(scope="module")
def model():
    return backbone.build(BackboneSettings(weights="random", input_size=96))[0]


@pytest.fixture(scope="module")
def photos():
    coarse = np.random.default_rng(0).integers(0, 256, (11, 12, 12, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def test_a_photos_embedding_depends_on_no_other_photo(model, photos):
    together = embed(model, photos, 8)
    assert together.shape == (11, 2048)
    assert together.dtype == np.float32
    assert len(np.unique(together, axis=0)) == 11
    for index in (0, 3, 7, 10):
        np.testing.assert_array_equal(embed(model, photos[index : index + 1], 8)[0], together[index])
    np.testing.assert_array_equal(embed(model, photos[::-1], 8)[::-1], together)


def test_another_process_makes_the_same_embeddings(model, photos, tmp_path):
    np.save(tmp_path / "photos.npy", photos)
    paths = [str(tmp_path / name) for name in ("photos.npy", "vectors.npy")]
    subprocess.run([sys.executable, "-c", ELSEWHERE, *paths], check=True, timeout=300, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "vectors.npy"), embed(model, photos, 8)[[4, 1, 0]])


def test_another_batch_size_agrees_to_float16(model, photos):
    np.testing.assert_allclose(embed(model, photos, 3), embed(model, photos, 8), rtol=1e-4, atol=1e-5)


def test_no_photos_give_no_rows(model):
    assert embed(model, np.empty((0, 96, 96, 3), np.uint8), 8).shape == (0, 2048)


@pytest.mark.parametrize("factor", [np.nan, np.inf, 1e6])
def test_values_that_cannot_be_stored_stop_the_stage(factor):
    image = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    broken = keras.Model(image, keras.layers.Rescaling(factor)(pooled))
    with pytest.raises(StageFailedError, match="2 of 2 embeddings"):
        embed(broken, np.full((2, 8, 8, 3), 200, np.uint8), 4)


def test_the_engine_is_named_for_what_computes():
    assert engine_name() == f"keras-{keras.backend.backend()}-fp32"


@settings(max_examples=30, deadline=None)
@given(arrays(np.float16, st.tuples(st.integers(0, 5), st.just(7)), elements=st.floats(-1000, 1000, width=16)))
def test_stored_rows_come_back_bit_for_bit(values):
    vectors = values.astype(np.float32)
    rows = to_bytes(vectors)
    assert [len(row) for row in rows] == [14] * len(vectors)
    np.testing.assert_array_equal(from_bytes(rows, 7), vectors)


def test_a_row_of_another_length_is_told():
    with pytest.raises(CorruptError, match="embedding 1 has 13 bytes"):
        from_bytes([bytes(14), bytes(13)], 7)
