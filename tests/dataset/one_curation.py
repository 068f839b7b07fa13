"""One curation in a process of its own: `python -m tests.dataset.one_curation REQUEST`; dies after `shards` of them.

REQUEST is JSON: `settings` (a whole `Settings`), `crawl` (the crawl's receipt), `earlier` (receipts by stage), `work`,
`shards` (SIGKILL as soon as so many are kept; 0: never). The receipt goes to stdout, the log to stderr.
"""

import json
import logging
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autodetect.dataset import embedding, shard_work
from autodetect.dataset.curate import curate
from autodetect.lake.lake import open_lake
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings


def main() -> None:
    request = json.loads(sys.argv[1])
    embedding.SHARD_PHOTOS = 4
    _die_after(request["shards"])
    settings, crawl = Settings(**request["settings"]), Receipt(**request["crawl"])
    earlier = {stage: Receipt(**receipt) for stage, receipt in request["earlier"].items()}
    run = StageRun(night=crawl.night, run_id="r", now=datetime.now(UTC), inputs={"crawl": crawl}, earlier=earlier)
    work = Path(request["work"])
    receipt = curate(settings, open_lake(settings), run, work=work, docs=work / "docs")
    sys.stdout.write(receipt.model_dump_json() + "\n")


def _die_after(shards: int) -> None:
    kept, write = [], shard_work.write_shard

    def write_and_die(*arguments: Any) -> str:
        kept.append(write(*arguments))
        if len(kept) == shards:
            os.kill(os.getpid(), signal.SIGKILL)
        return kept[-1]

    shard_work.write_shard = write_and_die


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    main()
