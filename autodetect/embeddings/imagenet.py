"""ImageNet's weights of InceptionV3, as Keras downloads them: the network, and its last layer where that fits."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from autodetect.embeddings import imagenet_head
from autodetect.embeddings.architectures import inception, whole_inception
from autodetect.embeddings.imagenet_head import ImageNetHead

if TYPE_CHECKING:
    import keras

_TIMEOUT_S = 20.0

logger = logging.getLogger(__name__)


def download(input_size: int) -> tuple["keras.Model", ImageNetHead | None]:
    """Return ImageNet's network and its last layer; without the layer where that could not be had.

    Keras offers the network with and without its top as two files and nowhere promises that they are one training: the
    layer is taken only if the weights below it are the backbone's, bit by bit.

    Raises:
        Exception: the network could not be had: see `could_not_be_had`.
    """
    with socket_timeout(_TIMEOUT_S):
        model = inception(input_size, "imagenet")
        try:
            whole = whole_inception("imagenet")
        except Exception as error:
            if not could_not_be_had(error):
                raise
            logger.warning("ImageNet's last layer could not be had: no screening by it (%s)", first_line(error))
            return model, None
    below = whole.get_weights()[:-2]
    if not all(np.array_equal(ours, theirs) for ours, theirs in zip(model.get_weights(), below, strict=True)):
        logger.warning("ImageNet's last layer belongs to other weights than the backbone's: no screening by it")
        return model, None
    return model, imagenet_head.cut(whole)


def could_not_be_had(error: Exception) -> bool:
    """Return whether a download failed: Keras raises a bare Exception; anything more specific is a fault of ours."""
    return type(error) is Exception or isinstance(error, OSError | ValueError)


def first_line(error: Exception) -> str:
    """Return the first line of what an exception says, or its name."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def socket_timeout(seconds: float) -> Iterator[None]:
    """Bound every wait on a socket that is opened inside, so that a silent network does not hold up the night."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
