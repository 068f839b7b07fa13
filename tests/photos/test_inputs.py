"""Network inputs come in order and in batches, equal to those of one photo at a time."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from autodetect.embeddings.geometry import to_input
from autodetect.errors import CorruptError
from autodetect.photos.decode import decode
from autodetect.photos.inputs import network_inputs

MAX_PIXELS = 1_000_000


def photo(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(90, 120, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "JPEG")
    return sink.getvalue()


def inputs(photos: dict[str, bytes], batch_size: int) -> Iterator[np.ndarray]:
    return network_inputs(
        list(photos), photos.__getitem__, input_size=32, max_pixels=MAX_PIXELS, threads=3, batch_size=batch_size
    )


@pytest.mark.parametrize(("count", "batch_size"), [(0, 4), (1, 4), (4, 4), (11, 2), (23, 4)])
def test_inputs_come_in_order_and_in_batches(count: int, batch_size: int) -> None:
    photos = {str(seed): photo(seed) for seed in range(count)}
    batches = list(inputs(photos, batch_size))
    assert [len(batch) for batch in batches] == [min(batch_size, count - at) for at in range(0, count, batch_size)]
    images = (decode(data, max_pixels=MAX_PIXELS).image for data in photos.values())
    expected = [to_input(image, 32) for image in images if image is not None]
    assert len(expected) == count
    if count:
        np.testing.assert_array_equal(np.concatenate(batches), np.stack(expected))


def test_a_photo_that_went_bad_is_named() -> None:
    photos = {"good": photo(1), "bad": photo(2)[:-700]}
    with pytest.raises(CorruptError, match=r"photo bad was sound and is now photo\.truncated"):
        list(inputs(photos, 2))
