"""Which fine-tune is to be done, and when none is."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from autodetect.classifier.champion import Champion
from autodetect.classifier.finetune.due import Due, beginning, due, needless, unfinished
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.errors import UsageError
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.nights import end
from autodetect.records import Receipt, Verdict
from autodetect.settings import Settings

Commit = Callable[..., None]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(Settings(lake=str(tmp_path / "lake")), create=True)


@pytest.fixture
def commit(lake: Lake) -> Commit:
    start = datetime(2026, 11, 1, tzinfo=UTC)

    def commit(*receipts: Receipt) -> None:
        for receipt in receipts:
            lake.receipts.commit(receipt, start + timedelta(minutes=len(lake.receipts.all())))

    return commit


def night(day: int) -> date:
    return date(2026, 11, day)


def trained(day: int, snapshot: str = "s", backbone: str = "b", head: str = "h") -> Receipt:
    champion = Champion(head=head, class_ids=(0,), snapshot_id="s", night=night(day), backbone=backbone, metrics={})
    facts = {"snapshot_id": snapshot, "champion": champion.model_dump(mode="json")}
    return Receipt(night=night(day), stage="train", run_id="n", facts=facts)


def tuned(day: int, snapshot: str = "s", settings: str = "x", backbone: str = "made") -> Receipt:
    facts = {"snapshot_id": snapshot, "backbone": {"digest": backbone}}
    return Receipt(
        night=night(day), kind="finetune", stage="finetune", run_id="f", settings_digest=settings, facts=facts
    )


def proposed(digest: str = "made", parent: str = "b", snapshots: tuple[str, ...] = ("s",)) -> BackboneRecord:
    return BackboneRecord(
        requested="random",
        resolved="random",
        seed=0,
        input_size=96,
        preprocessing="p",
        digest=digest,
        parent=parent,
        snapshot_ids=snapshots,
    )


def test_without_a_champion_there_is_nothing_to_tune(lake: Lake, commit: Commit) -> None:
    with pytest.raises(UsageError, match="no champion to fine-tune"):
        due(lake.receipts)
    commit(Receipt(night=night(1), stage="train", run_id="n", facts={"snapshot_id": "s", "champion": None}))
    with pytest.raises(UsageError, match="no champion to fine-tune"):
        due(lake.receipts)


def test_a_fine_tune_is_on_the_newest_snapshot(lake: Lake, commit: Commit) -> None:
    commit(trained(1, "old"), trained(2, "new"))
    found = due(lake.receipts)
    assert (found.train.night, found.begun, found.champion.backbone) == (night(2), None, "b")
    begin = beginning(found.train, "run")
    assert (begin.night, begin.kind, begin.facts["snapshot_id"]) == (night(2), "finetune", "new")
    assert begin.inputs == {"train": found.train.digest}


def test_one_that_was_begun_goes_on_with_its_own_snapshot_whatever_nights_came_between(
    lake: Lake, commit: Commit
) -> None:
    commit(trained(1, "old"))
    begin = beginning(due(lake.receipts).train, "run")
    # A night may even be held after its training: the champion is the one that it left.
    commit(begin, end(night(1), "nightly", "n", Verdict.HELD, "because"), trained(2, "new", head="another"))
    found = due(lake.receipts)
    assert (found.train.night, found.begun) == (night(1), begin)
    commit(tuned(1))
    assert unfinished(lake.receipts) is None
    found = due(lake.receipts)
    assert (found.train.night, found.champion.head, found.begun) == (night(2), "another", None)


def test_one_that_was_begun_is_given_up_where_it_would_be_of_no_use(lake: Lake, commit: Commit) -> None:
    commit(trained(1))
    commit(beginning(due(lake.receipts).train, "run"), trained(2, backbone="another"))
    assert (due(lake.receipts).train.night, due(lake.receipts).begun) == (night(2), None)


def test_a_train_receipt_that_was_made_anew_begins_the_fine_tune_anew(lake: Lake, commit: Commit) -> None:
    commit(trained(1))
    commit(beginning(due(lake.receipts).train, "run"), trained(1, head="another"))
    assert due(lake.receipts).begun is None


@pytest.mark.parametrize(
    ("begun", "last", "settings", "waiting", "words"),
    [
        (False, None, "x", None, ""),
        (False, tuned(1), "x", None, "nothing has changed since the fine-tune of 2026-11-01"),
        (True, tuned(1), "x", None, "nothing has changed"),
        (False, tuned(1), "y", None, ""),
        (False, tuned(1, "older"), "x", None, ""),
        (False, tuned(1, "older"), "x", proposed(), "the backbone made still waits"),
        (False, None, "x", proposed("changed", parent="", snapshots=()), "the backbone changed still waits"),
        (False, tuned(1, "older"), "x", proposed("b"), ""),  # it has won already, and the next night makes it the pin
        # Killed between the proposal and its receipt: only the receipt is missing.
        (True, None, "x", proposed(), ""),
        (True, tuned(1, "older", backbone="before"), "x", proposed(), ""),
        (True, tuned(1, "s", "y"), "x", proposed(), "the backbone made still waits"),
        (True, None, "x", proposed(parent="another"), "still waits"),
    ],
)
def test_a_fine_tune_is_needless_when_nothing_changed_or_one_still_waits(
    begun: bool, last: Receipt | None, settings: str, waiting: BackboneRecord | None, words: str
) -> None:
    train = trained(2)
    champion = Champion.of(train)
    assert champion is not None
    why = needless(Due(train, champion, beginning(train, "r") if begun else None), last, settings, waiting)
    assert words in why
    assert bool(words) == bool(why)
