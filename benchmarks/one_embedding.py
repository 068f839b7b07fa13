"""The network's part in a process of its own: `python -m benchmarks.one_embedding`, request on stdin, answer on stdout.

The request is JSON: `photos`. The answer is JSON too: the `seconds` in which the backbone, as the settings' defaults
have it but with random weights, embeds so many network inputs.
"""

import json
import sys
import time

import numpy as np

from autodetect.embeddings import backbone
from autodetect.embeddings.engine import embed
from autodetect.sections import BackboneSettings


def main() -> None:
    """Embed after one batch to warm up."""
    photos = json.load(sys.stdin)["photos"]
    settings = BackboneSettings(weights="random")
    model = backbone.build(settings).model
    shape = (photos, settings.input_size, settings.input_size, 3)
    inputs = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    embed(model, inputs[: settings.batch_size], settings.batch_size)
    started = time.perf_counter()
    embed(model, inputs, settings.batch_size)
    json.dump({"seconds": time.perf_counter() - started}, sys.stdout)


if __name__ == "__main__":
    main()
