"""One curation in a process of its own: `python -m benchmarks.one_curation`, request on stdin, answer on stdout.

The request is JSON: `settings`, `night`, `work` (a folder). The network is left out: a photo's mean colour stands for
its embedding. The answer is JSON too: `seconds`, `validation_s`, `peak_mib`, how many `photos` were new, and how many
pairs of photos were `compared`.
"""

import json
import logging
import resource
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodetect.dataset import curate as stage
from autodetect.dataset import photo_intake
from autodetect.lake.lake import open_lake
from autodetect.records import StageRun
from autodetect.settings import Settings

BACKBONE = SimpleNamespace(digest="mean-colour", preprocessing="squash", input_size=96, imagenet_head="")


def main() -> None:
    """Curate one night on its crawl's receipt, commit, and tell what it took."""
    request = json.load(sys.stdin)
    settings, night = Settings().with_values(request["settings"]), date.fromisoformat(request["night"])
    lake = open_lake(settings)
    inputs = lake.receipts.of_night(night)
    now = datetime.now(UTC)
    run = StageRun(night=night, run_id="run", now=now, inputs=inputs, earlier=lake.receipts.before(night))
    photo_intake.load_pinned = lambda *_: (None, BACKBONE)  # type: ignore[assignment]
    photo_intake.embed = _mean_colours
    work = Path(request["work"])
    started = time.perf_counter()
    receipt = stage.curate(settings, lake, run, work=work, docs=work / "docs" / night.isoformat())
    seconds = time.perf_counter() - started
    receipt = receipt.model_copy(update={"inputs": {"crawl": inputs["crawl"].digest}})
    lake.receipts.commit(receipt, now)
    answer = {
        "seconds": seconds,
        "validation_s": receipt.run["validation_seconds"],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "photos": receipt.counts["photos_new"],
        "compared": receipt.counts["photos_compared"],
    }
    json.dump(answer, sys.stdout)


def _mean_colours(_model: Any, inputs: NDArray[np.uint8], _batch_size: int) -> NDArray[np.float32]:
    return inputs.mean(axis=(1, 2), dtype=np.float32)


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    main()
