"""One crawl in a process of its own (a reactor starts once): `python -m tests.crawlers.crawl_once`, request on stdin.

The request is JSON: `settings` by dotted name, `night` and `work`. The answer on stdout is the receipt, which is also
committed to the lake, or the error that a person would be told.
"""

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from autodetect.errors import AutoDetectError
from autodetect.lake.lake import open_lake
from autodetect.lake.nights import begin
from autodetect.records import StageRun
from autodetect.settings import Settings
from crawlers.crawl import crawl


def main() -> None:
    request = json.load(sys.stdin)
    settings, night = Settings().with_values(request["settings"]), date.fromisoformat(request["night"])
    lake = open_lake(settings, create=True)
    now = datetime.now(UTC)
    run = StageRun(
        night=night,
        run_id="run",
        now=now,
        inputs={"begin": begin(settings, lake, night, "nightly", "run")},
        earlier=lake.receipts.before(night),
    )
    try:
        receipt = crawl(settings, lake, run, work=Path(request["work"]))
    except AutoDetectError as error:
        sys.stdout.write(json.dumps({"error": type(error).__name__, "what": error.what}))
        return
    lake.receipts.commit(receipt, now)
    sys.stdout.write(receipt.model_dump_json())


if __name__ == "__main__":
    main()
