"""Which fine-tune is to be done: the one that was begun, else one on the newest snapshot, if anything has changed.

How it trains, the record of the champion's backbone decides: random weights that were never trained are trained whole,
batch norm included; all others were trained before, and are trained from a block up with batch norm in inference mode.
"""

import logging
from typing import NamedTuple

from autodetect.classifier.champion import Champion
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.errors import UsageError
from autodetect.lake.receipts import BEGIN, ReceiptBook
from autodetect.records import Receipt
from autodetect.sections import FinetuneSettings

STAGE = "finetune"

log = logging.getLogger(__name__)


class Due(NamedTuple):
    """A fine-tune: the train receipt that names snapshot and champion, and the receipt it was begun with, if it was."""

    train: Receipt
    champion: Champion
    begun: Receipt | None


def champion_of(train: Receipt | None) -> Champion:
    """Return the champion as the last train receipt leaves it.

    Raises:
        UsageError: there is none yet.
    """
    champion = Champion.of(train)
    if champion is None:
        raise UsageError(
            "there is no champion to fine-tune: no night has trained a model that passed the gate",
            "run `autodetect nightly` until one has; `autodetect report` says what the gate found",
        )
    return champion


def untrained(record: BackboneRecord) -> bool:
    """Return whether the backbone has random weights that no training has seen."""
    return record.resolved == "random" and not record.parent


def check_from_layer(record: BackboneRecord, settings: FinetuneSettings) -> None:
    """Check that random weights are trained whole, before anything is loaded.

    Raises:
        UsageError: a block is named, below which random weights would stay as they are.
    """
    if untrained(record) and settings.from_layer:
        raise UsageError(
            f"the champion's backbone {record.digest[:12]} has random weights, and finetune.from_layer is "
            f"{settings.from_layer!r}: what lies below would stay random",
            'train it whole, with --from-layer "", or prepare trained weights: `autodetect backbone change`',
        )


def due(book: ReceiptBook) -> Due:
    """Return the fine-tune that is to be done.

    One that was begun goes on with the snapshot it was begun on, whatever nights came between: days of training are not
    thrown away because a night has passed. Unless the champion stands on another backbone by now, or the train receipt
    was made anew: then it is of no use, and begins afresh.

    Raises:
        UsageError: there is no champion.
    """
    newest = book.newest("train")
    champion = champion_of(newest)
    assert newest is not None  # it names the champion
    begun = unfinished(book)
    if begun is None:
        return Due(newest, champion, None)
    made = begun.inputs["train"]
    on = next((receipt for receipt in book.all() if receipt.stage == "train" and receipt.digest == made), None)
    then = Champion.of(on)
    if on is None or then is None or then.backbone != champion.backbone:
        log.info("fine-tune: the one begun on the night of %s is given up: the champion has changed", begun.night)
        return Due(newest, champion, None)
    return Due(on, then, begun)


def unfinished(book: ReceiptBook) -> Receipt | None:
    """Return the receipt of the fine-tune that was begun and has not ended, if there is one."""
    last = [receipt for receipt in book.all() if receipt.kind == STAGE][-1:]
    return last[0] if last and last[0].stage == BEGIN else None


def needless(found: Due, last: Receipt | None, settings_digest: str, waiting: BackboneRecord | None) -> str:
    """Return why the fine-tune need not be done, '' where it must.

    Args:
        found: what is due.
        last: the receipt of the last fine-tune that ended.
        settings_digest: of the settings that a fine-tune depends on.
        waiting: the next backbone, if one is proposed and neither taken nor refused yet.
    """
    shot = found.train.facts["snapshot_id"]
    if last and (last.facts["snapshot_id"], last.settings_digest) == (shot, settings_digest):
        return f"nothing has changed since the fine-tune of {last.night}: the same photos, the same settings"
    if waiting is None or waiting.digest == found.champion.backbone:  # it has won; the next night makes it the pin
        return ""
    # A run that was killed between the proposal and its receipt has proposed this one itself.
    ours = waiting.parent == found.champion.backbone and waiting.snapshot_ids[-1:] == (shot,)
    if found.begun and ours and not (last and last.facts["backbone"]["digest"] == waiting.digest):
        return ""
    return (
        f"the backbone {waiting.digest[:12]} still waits for its contest with the champion: the nights make its "
        "embeddings by and by, `autodetect backbone renew` makes them at once"
    )


def beginning(train: Receipt, run_id: str) -> Receipt:
    """Return the receipt that fixes what a fine-tune is on; its night is that of the train receipt."""
    champion = champion_of(train)
    return Receipt(
        night=train.night,
        kind="finetune",
        stage=BEGIN,
        run_id=run_id,
        inputs={"train": train.digest},
        facts={"snapshot_id": train.facts["snapshot_id"], "champion": champion.head, "parent": champion.backbone},
    )
