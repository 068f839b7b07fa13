"""Network inputs come in order and in batches, equal to those of one photo at a time."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autodetect.embeddings.geometry import to_input
from autodetect.errors import CorruptError
from autodetect.photos.decode import decode
from autodetect.photos.inputs import VIEWS, network_inputs
from autodetect.photos.street import street

MAX_PIXELS = 1_000_000


def photo(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, size=(90, 120, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "JPEG")
    return sink.getvalue()


def inputs(photos: dict[str, bytes], batch_size: int, **options: Any) -> Iterator[np.ndarray]:
    return network_inputs(
        list(photos),
        photos.__getitem__,
        input_size=32,
        max_pixels=MAX_PIXELS,
        threads=3,
        batch_size=batch_size,
        **options,
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


def test_a_view_is_made_before_the_photo_becomes_a_square() -> None:
    photos = {str(seed): photo(seed) for seed in range(3)}
    plain, mirrored, on_a_phone = (
        np.concatenate(list(inputs(photos, 2, geometry="letterbox", view=view))) for view in VIEWS
    )
    np.testing.assert_array_equal(mirrored, plain[:, :, ::-1])
    for sha256, pixels in zip(photos, on_a_phone, strict=True):
        image = decode(photos[sha256], max_pixels=MAX_PIXELS).image
        assert image is not None
        np.testing.assert_array_equal(pixels, to_input(street(image, sha256), 32, "letterbox"))
    assert (on_a_phone[0, :, 16] != 128).all()  # upright: the photo reaches from top to bottom
    assert (plain[0, 0, 16] == 128).all()


def test_a_view_that_does_not_exist_is_refused_before_any_photo_is_read() -> None:
    with pytest.raises(ValueError, match=r"sideways.*plain, mirror, street-v1"):
        network_inputs([], {}.__getitem__, input_size=32, max_pixels=1, threads=1, batch_size=1, view="sideways")


def test_a_photo_that_went_bad_is_named() -> None:
    photos = {"good": photo(1), "bad": photo(2)[:-700]}
    with pytest.raises(CorruptError, match=r"photo bad was sound and is now photo\.truncated"):
        list(inputs(photos, 2))
