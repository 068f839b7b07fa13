"""The last night's challenger as a package to try on a phone, whatever the gate said of it. No receipt knows of it."""

import logging
import tempfile
from pathlib import Path

from autodetect.classifier.champion import Champion
from autodetect.coreml.candidate import Candidate
from autodetect.errors import UsageError
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import CLASSES
from autodetect.settings import Settings

PACKAGE = "AutoDetect-challenger.mlpackage"

log = logging.getLogger(__name__)


def export_challenger(settings: Settings, lake: Lake, folder: Path) -> Path:
    """Write the newest challenger as a float16 package into `folder`, in place of one that is there; return its path.

    Args:
        settings: `coreml`.
        lake: the last train receipt names the challenger.
        folder: made where it is not.

    Raises:
        UsageError: there was no night yet, or the last one had no challenger.
        HeldError: none of its classes may be answered.
        CorruptError: a file of it is missing or damaged.
    """
    receipts = lake.receipts
    train = receipts.newest("train")
    if train is None:
        raise UsageError("the lake has no trained model yet", "run `autodetect nightly` first, or name another --lake")
    if "challenger" not in train.facts:
        raise UsageError(
            f"the night of {train.night} had no challenger: {train.facts['gate']['words']}",
            "the champion's package is in the release: `autodetect release list`",
        )
    begin = receipts.of_night(train.night)["begin"]
    classes = lake.tables.read(CLASSES, version=train.versions[CLASSES.name]).to_pylist()
    challenger = Champion.model_validate(train.facts["challenger"])
    candidate = Candidate.of(lake, challenger, classes, begin.facts["permission"])

    from autodetect.coreml.packaging import make_fp16

    folder.mkdir(parents=True, exist_ok=True)
    target = folder / PACKAGE
    with tempfile.TemporaryDirectory(prefix="autodetect-challenger-") as work:
        record = make_fp16(candidate, candidate.networks(lake, Path(work)), settings.coreml, target)
    log.info("export: the challenger of %s, %d classes, is %s", train.night, record.classes, target)
    return target
