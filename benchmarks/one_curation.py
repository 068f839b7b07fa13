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

import numpy as np
from numpy.typing import NDArray

from autodetect.dataset import curate as stage
from autodetect.dataset import embedding, photo_intake
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import PIN_KEY
from autodetect.lake.lake import open_lake
from autodetect.records import StageRun
from autodetect.settings import Settings

BACKBONE = BackboneRecord(
    requested="random", resolved="random", seed=0, input_size=96, preprocessing="squash", digest="mean-colour"
)


def main() -> None:
    """Curate one night on its crawl's receipt, commit, and tell what it took."""
    request = json.load(sys.stdin)
    settings, night = Settings().with_values(request["settings"]), date.fromisoformat(request["night"])
    lake = open_lake(settings)
    inputs = lake.receipts.of_night(night)
    now = datetime.now(UTC)
    run = StageRun(night=night, run_id="run", now=now, inputs=inputs, earlier=lake.receipts.before(night))
    lake.objects.put(PIN_KEY, BACKBONE.model_dump_json().encode())
    photo_intake.pinned = lambda *_: BACKBONE
    embedding.open_backbone = lambda *_, **__: MeanColours()
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


class MeanColours:
    """An engine that answers with mean colours."""

    name, note = "mean-colours", ""

    def embed(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 (n, 3)."""
        return inputs.mean(axis=(1, 2), dtype=np.float32)


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    main()
