"""The book of receipts: what it says about nights, stages and the versions they start from."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from autodetect.lake.lake import Lake
from autodetect.lake.receipts import ReceiptBook
from autodetect.records import Receipt, Verdict

MakeReceipt = Callable[..., Receipt]
START = datetime(2026, 11, 1, tzinfo=UTC)


def night(day: int) -> date:
    return date(2026, 11, day)


def commit(book: ReceiptBook, *receipts: Receipt) -> None:
    """Commit them a minute apart, after everything committed before."""
    done = len(book.all())
    for n, receipt in enumerate(receipts):
        book.commit(receipt, START + timedelta(days=done, minutes=n))


def test_an_empty_book_knows_no_night(lake: Lake) -> None:
    book = lake.receipts
    assert (book.all(), book.unfinished_night(), book.finished_nights(), book.before(night(9))) == ([], None, {}, {})


def test_a_receipt_comes_back_whole(lake: Lake, make_receipt: MakeReceipt) -> None:
    receipt = make_receipt(
        1, "crawl", versions={"seen": 3}, counts={"seen": 7}, facts={"words": "é", "none": None}, run={"seconds": 0.5}
    )
    commit(lake.receipts, receipt)
    assert lake.receipts.all() == [receipt]


def test_the_newest_receipt_of_a_stage_counts(lake: Lake, make_receipt: MakeReceipt) -> None:
    book = lake.receipts
    commit(book, make_receipt(1, "crawl", counts={"n": 1}), make_receipt(1, "curate"))
    commit(book, make_receipt(1, "crawl", counts={"n": 2}, run_id="later"))
    assert [(r.stage, r.counts.get("n")) for r in book.all()] == [("curate", None), ("crawl", 2)]
    assert book.of_night(night(1))["crawl"].run_id == "later"


def test_kinds_of_run_are_kept_apart(lake: Lake, make_receipt: MakeReceipt) -> None:
    commit(lake.receipts, make_receipt(1, "price"), make_receipt(1, "price", kind="prices", run_id="p"))
    assert lake.receipts.of_night(night(1))["price"].run_id == "run"
    assert lake.receipts.of_night(night(1), "prices")["price"].run_id == "p"
    assert lake.receipts.of_night(night(2)) == {}


def test_receipts_of_a_fine_tune_never_stand_in_for_those_of_a_night(lake: Lake, make_receipt: MakeReceipt) -> None:
    book = lake.receipts
    commit(book, make_receipt(1, "begin"), make_receipt(1, "train"), make_receipt(1, "end", facts={"verdict": "held"}))
    commit(book, make_receipt(1, "begin", kind="finetune", run_id="f"), make_receipt(1, "finetune", kind="finetune"))
    assert {receipt.kind for receipt in book.before(night(2)).values()} == {"nightly"}
    assert set(book.before(night(2))) == {"begin", "train", "end"}
    assert set(book.before(night(2), "finetune")) == {"begin", "finetune"}
    assert set(book.of_night(night(1))) == {"begin"}
    assert (book.unfinished_night(), list(book.finished_nights())) == (None, [night(1)])
    commit(book, make_receipt(2, "end", kind="finetune", facts={"verdict": "published"}))
    assert list(book.finished_nights()) == [night(1)]


def test_the_newest_receipt_of_a_stage_is_that_of_the_newest_night(lake: Lake, make_receipt: MakeReceipt) -> None:
    book = lake.receipts
    assert book.newest("train") is None
    commit(book, make_receipt(2, "train"), make_receipt(1, "train"), make_receipt(3, "train", kind="backfill"))
    newest = book.newest("train")
    assert newest is not None
    assert newest.night == night(2)
    assert book.newest("train", "finetune") is None


def test_before_gives_the_newest_of_each_stage_from_earlier_nights(lake: Lake, make_receipt: MakeReceipt) -> None:
    receipts = [make_receipt(day, stage, counts={"day": day}) for day in (1, 2, 3) for stage in ("crawl", "curate")]
    commit(lake.receipts, *(r for r in reversed(receipts) if (r.stage, r.counts["day"]) != ("curate", 2)))
    assert {stage: r.counts["day"] for stage, r in lake.receipts.before(night(3)).items()} == {"crawl": 2, "curate": 1}


@pytest.mark.parametrize(
    ("stages", "unfinished", "finished"),
    [
        ([(1, "begin")], 1, {}),
        ([(1, "begin"), (1, "crawl")], 1, {}),
        ([(1, "begin"), (1, "published")], None, {1: "published"}),
        ([(2, "begin"), (2, "prices_only"), (1, "begin"), (1, "held")], None, {1: "held", 2: "prices_only"}),
        ([(1, "begin"), (2, "begin"), (2, "published")], 1, {2: "published"}),
        ([(1, "begin"), (2, "begin")], 2, {}),
        ([(1, "begin"), (1, "held"), (1, "crawl")], 1, {1: "held"}),
        ([(1, "begin"), (1, "held"), (1, "crawl"), (1, "published")], None, {1: "published"}),
    ],
)
def test_a_night_that_was_begun_and_not_ended_is_unfinished(
    lake: Lake,
    make_receipt: MakeReceipt,
    stages: list[tuple[int, str]],
    unfinished: int | None,
    finished: dict[int, str],
) -> None:
    commit(lake.receipts, *(stage_or_end(make_receipt, day, name) for day, name in stages))
    assert lake.receipts.unfinished_night() == (night(unfinished) if unfinished else None)
    assert lake.receipts.finished_nights() == {night(day): verdict for day, verdict in finished.items()}
    assert list(lake.receipts.finished_nights()) == [night(day) for day in finished]


def stage_or_end(make_receipt: MakeReceipt, day: int, name: str) -> Receipt:
    if name in {verdict.value for verdict in Verdict}:
        return make_receipt(day, "end", facts={"verdict": name})
    return make_receipt(day, name)


@pytest.mark.parametrize(
    ("stages", "counting"),
    [
        (["begin", "crawl", "curate"], {"begin", "crawl", "curate"}),
        (["begin", "crawl", "held"], {"begin"}),
        (["begin", "crawl", "held", "crawl"], {"begin", "crawl"}),
        (["begin", "crawl", "held", "crawl", "curate", "published"], {"begin", "crawl", "curate", "end"}),
        (["begin", "crawl", "published"], {"begin", "crawl", "end"}),
    ],
)
def test_a_held_night_is_tried_anew_from_its_beginning(
    lake: Lake, make_receipt: MakeReceipt, stages: list[str], counting: set[str]
) -> None:
    commit(lake.receipts, *(stage_or_end(make_receipt, 1, name) for name in stages))
    assert set(lake.receipts.of_night(night(1))) == counting


def test_a_stage_starts_from_the_newest_versions_of_receipts_before_it(lake: Lake, make_receipt: MakeReceipt) -> None:
    commit(
        lake.receipts,
        make_receipt(1, "crawl", versions={"seen": 1, "quarantine": 1}),
        make_receipt(1, "curate", versions={"listings": 1, "quarantine": 2}),
        make_receipt(1, "train", versions={"quarantine": 4}),
        make_receipt(2, "crawl", versions={"seen": 4, "quarantine": 3}),
        make_receipt(2, "curate", versions={"listings": 6, "quarantine": 5}),
        make_receipt(3, "crawl", versions={"seen": 9}),
    )
    baseline = lake.receipts.baseline(night(2), "crawl")
    assert {name: version for name, version in baseline.items() if version} == {
        "seen": 1,
        "listings": 6,
        "quarantine": 5,
    }
    assert lake.receipts.baseline(night(2), "curate")["quarantine"] == 4
    first = lake.receipts.baseline(night(1), "crawl")
    assert {name: version for name, version in first.items() if version} == {"listings": 1, "quarantine": 4}
    assert set(first) == set(lake.receipts.baseline(night(9), "any"))
