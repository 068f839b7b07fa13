"""The fine-tune that this process runs: found and begun, or gone on with, under the lake's lease."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from autodetect.classifier.finetune.due import beginning, check_from_layer, due, needless
from autodetect.classifier.finetune.scratch import clear_scratch
from autodetect.embeddings.pin import read_next, record_of
from autodetect.lake.lake import open_lake
from autodetect.lake.provenance import settings_digest
from autodetect.settings import Settings
from flows.open_night import NothingToDoError, hold_lake, new_run_id
from flows.runner import Log, NightRun
from flows.stages import FINETUNE


@contextlib.contextmanager
def open_finetune(settings: Settings, log: Log) -> Iterator[NightRun]:
    """Hold the lake's lease, and begin a fine-tune or go on with the one that was begun.

    Raises:
        NothingToDoError: why there is nothing to do.
        UsageError: there is no lake, or no champion in it, or its random weights would be trained in part.
        LeaseHeldError: another run holds the lake.
    """
    lake = open_lake(settings)
    run_id = new_run_id()
    with hold_lake(lake, settings.lease, run_id) as fence:
        found = due(lake.receipts)
        last = lake.receipts.newest(FINETUNE.name, "finetune")
        asked = settings_digest(settings, FINETUNE.settings)
        if why := needless(found, last, asked, read_next(lake.objects)):
            raise NothingToDoError(why)
        # What cannot be trained is not begun: a later fine-tune would go on with its snapshot, however old by then.
        check_from_layer(record_of(lake.objects, found.champion.backbone), settings.finetune)
        begun = found.begun or beginning(found.train, run_id)
        night = NightRun(settings, lake, fence, begun, run_id, given={"train": found.train})
        if found.begun:
            log.info("fine-tune of %s: going on where it stopped", begun.night)
        else:
            clear_scratch(night.work)
            fence.check()
            lake.receipts.commit(begun, datetime.now(UTC))
        yield night
