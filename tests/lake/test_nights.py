"""Which night it is, whether it still needs doing, and what is fixed when it begins."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from autodetect.errors import UsageError
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.nights import begin, end, resolve_night, superseded
from autodetect.records import Receipt, Verdict, night_seed
from autodetect.settings import Settings

MakeReceipt = Callable[..., Receipt]
NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
SANDBOX = Settings()
EBAY = Settings(source="ebay-api", timezone="Europe/Berlin").with_values({"ebay.permission": "contract 7"})


def night(day: int) -> date:
    return date(2026, 11, day)


def commit(lake: Lake, *receipts: Receipt) -> None:
    for n, receipt in enumerate(receipts):
        lake.receipts.commit(receipt, datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=n))


def ended(day: int, verdict: Verdict = Verdict.PUBLISHED) -> Receipt:
    return end(night(day), "nightly", "run", verdict, "because")


def test_the_night_asked_for_is_the_night(lake: Lake, make_receipt: MakeReceipt) -> None:
    commit(lake, make_receipt(3, "begin"))
    assert resolve_night(lake.receipts, SANDBOX, night(9), NOW) == night(9)


def test_a_night_far_ahead_is_a_typing_error(lake: Lake) -> None:
    assert resolve_night(lake.receipts, SANDBOX, date(2027, 11, 21), NOW) == date(2027, 11, 21)
    with pytest.raises(UsageError, match="2062"):
        resolve_night(lake.receipts, SANDBOX, date(2062, 11, 1), NOW)


def test_an_unfinished_night_comes_before_a_new_one(lake: Lake, make_receipt: MakeReceipt) -> None:
    commit(lake, make_receipt(3, "begin"), ended(3), make_receipt(4, "begin"))
    for settings in (SANDBOX, EBAY):
        assert resolve_night(lake.receipts, settings, None, NOW) == night(4)


def test_otherwise_the_sandbox_goes_on_by_one_and_others_by_the_calendar(lake: Lake, make_receipt: MakeReceipt) -> None:
    assert resolve_night(lake.receipts, SANDBOX, None, NOW) == night(20)
    commit(lake, make_receipt(3, "begin"), ended(3))
    assert resolve_night(lake.receipts, SANDBOX, None, NOW) == night(4)
    assert resolve_night(lake.receipts, EBAY, None, NOW) == night(21)  # 00:30 in Berlin


@pytest.mark.parametrize(
    ("verdict", "done"),
    [(Verdict.PUBLISHED, True), (Verdict.PRICES_ONLY, True), (Verdict.SKIPPED, True), (Verdict.HELD, False)],
)
def test_a_night_is_done_unless_it_was_held(
    lake: Lake, make_receipt: MakeReceipt, verdict: Verdict, done: bool
) -> None:
    commit(lake, make_receipt(3, "begin"), ended(3, verdict))
    assert bool(superseded(lake.receipts, night(3))) == done
    assert superseded(lake.receipts, night(4)) == ""


def test_a_held_night_that_went_through_later_is_done(lake: Lake) -> None:
    commit(lake, ended(3, Verdict.HELD), ended(3))
    assert "is done (published)" in superseded(lake.receipts, night(3))


def test_a_later_night_supersedes_an_earlier_one(lake: Lake, make_receipt: MakeReceipt) -> None:
    assert superseded(lake.receipts, night(3)) == ""
    commit(lake, make_receipt(3, "begin"), ended(3, Verdict.HELD), make_receipt(5, "begin"))
    assert "2026-11-05 has begun" in superseded(lake.receipts, night(3))
    assert "2026-11-05 has begun" in superseded(lake.receipts, night(4))
    assert superseded(lake.receipts, night(5)) == ""


def test_a_fine_tune_neither_supersedes_a_night_nor_ends_one(lake: Lake, make_receipt: MakeReceipt) -> None:
    commit(lake, make_receipt(3, "begin"), make_receipt(3, "crawl"))
    for stage, facts in (("begin", {}), ("finetune", {}), ("end", {"verdict": "published"})):
        commit(lake, make_receipt(5, stage, kind="finetune", facts=facts))
        assert superseded(lake.receipts, night(3)) == superseded(lake.receipts, night(5)) == ""
        assert resolve_night(lake.receipts, SANDBOX, None, NOW) == night(3)
    assert begin(SANDBOX, lake, night(6), "nightly", "run").facts["night_index"] == 1


def test_the_night_index_is_one_more_than_the_nights_that_went_through(lake: Lake) -> None:
    def index(day: int) -> int:
        return begin(SANDBOX, lake, night(day), "nightly", "run").facts["night_index"]

    assert index(1) == 1
    commit(lake, ended(1), ended(2, Verdict.HELD), ended(3, Verdict.PRICES_ONLY))
    assert (index(1), index(2), index(3), index(4), index(9)) == (1, 2, 2, 3, 3)


def test_beginning_fixes_source_channel_seed_and_permission(lake: Lake) -> None:
    receipt = begin(SANDBOX.with_values({"seed": 7}), lake, night(1), "nightly", "r1")
    assert receipt.facts == {
        "source": "sandbox",
        "channel": "demo",
        "permission": "",
        "night_index": 1,
        "seed": night_seed(7, night(1)),
        "seller_salt": "sandbox",
    }
    assert receipt == begin(SANDBOX.with_values({"seed": 7}), lake, night(1), "nightly", "r1")


def test_a_night_that_was_begun_keeps_what_was_fixed_then(lake: Lake) -> None:
    first = begin(SANDBOX.with_values({"sandbox.night_index": 3}), lake, night(1), "nightly", "r1")
    commit(lake, first)
    for settings in (SANDBOX, SANDBOX.with_values({"sandbox.night_index": 3, "seed": 9})):
        assert begin(settings, lake, night(1), "nightly", "r2") == first
    with pytest.raises(UsageError, match="index 3, not 2"):
        begin(SANDBOX.with_values({"sandbox.night_index": 2}), lake, night(1), "nightly", "r2")
    assert begin(SANDBOX.with_values({"sandbox.night_index": 2}), lake, night(1), "backfill", "r2").run_id == "r2"


def test_a_real_source_has_one_secret_salt_in_each_lake(tmp_path: Path) -> None:
    salts = []
    for name in ("one", "two"):
        settings = EBAY.with_values({"lake": str(tmp_path / name)})
        lake = open_lake(settings, create=True)
        receipts = [begin(settings, lake, night(day), "nightly", "run") for day in (1, 2)]
        assert {r.facts["night_index"] for r in receipts} == {None}
        assert {r.facts["permission"] for r in receipts} == {"contract 7"}
        salts += [r.facts["seller_salt"] for r in receipts]
    assert salts[0] == salts[1] != salts[2] == salts[3]
    assert min(map(len, salts)) >= 32


def test_the_end_says_the_verdict_and_why() -> None:
    receipt = end(night(1), "nightly", "run", Verdict.HELD, "too little was seen", release="r")
    assert receipt.stage == "end"
    assert receipt.facts == {"verdict": "held", "reason": "too little was seen", "release": "r"}
