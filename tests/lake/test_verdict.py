"""A night's verdict follows from its receipts alone."""

from collections.abc import Callable
from typing import Any

import pytest

from autodetect.lake.verdict import hold_reason, verdict_of
from autodetect.records import Receipt, Verdict

MakeReceipt = Callable[..., Receipt]
CHAMPION = {"champion": {"night": "2026-10-30"}, "promoted": False, "gate": {"words": "too weak"}}


@pytest.fixture
def receipts(make_receipt: MakeReceipt) -> dict[str, Receipt]:
    """A night against which nothing stands."""
    return {
        "crawl": make_receipt(1, "crawl", counts={"announced": 1000, "seen": 950}, facts={"coverage": 0.95}),
        "curate": make_receipt(1, "curate", facts={"held": []}),
        "train": make_receipt(1, "train", facts=CHAMPION),
    }


def with_facts(receipt: Receipt, counts: dict[str, int] | None = None, **facts: Any) -> Receipt:
    return receipt.model_copy(
        update={"facts": {**receipt.facts, **facts}, "counts": {**receipt.counts, **(counts or {})}}
    )


def test_nothing_stands_against_a_good_night_nor_against_one_that_has_not_begun(receipts: dict[str, Receipt]) -> None:
    assert hold_reason(receipts, 0.9) == ""
    assert hold_reason({}, 0.9) == ""


def test_a_promoted_model_is_published(receipts: dict[str, Receipt]) -> None:
    receipts["train"] = with_facts(receipts["train"], promoted=True)
    assert verdict_of(receipts, 0.9) == (Verdict.PUBLISHED, "tonight's challenger passed the gate")


@pytest.mark.parametrize(("facts", "why"), [({"challenger": {}}, "was refused"), ({}, "nothing new to learn")])
def test_without_a_new_model_fresh_prices_go_out(receipts: dict[str, Receipt], facts: dict[str, Any], why: str) -> None:
    receipts["train"] = with_facts(receipts["train"], **facts)
    verdict, reason = verdict_of(receipts, 0.9)
    assert verdict is Verdict.PRICES_ONLY
    assert why in reason
    assert "2026-10-30" in reason


@pytest.mark.parametrize(("coverage", "held"), [(0.95, False), (0.9, False), (0.8999, True), (0.0, True)])
def test_a_crawl_that_saw_too_little_holds_the_night(receipts: dict[str, Receipt], coverage: float, held: bool) -> None:
    receipts["crawl"] = with_facts(receipts["crawl"], coverage=coverage)
    assert (verdict_of(receipts, 0.9)[0] is Verdict.HELD) == held
    if held:
        assert "950 of 1,000 announced" in hold_reason(receipts, 0.9)


def test_an_empty_source_holds_the_night_whatever_coverage_is_asked(receipts: dict[str, Receipt]) -> None:
    receipts["crawl"] = with_facts(receipts["crawl"], {"announced": 0, "seen": 0}, coverage=0.0)
    assert verdict_of(receipts, 0.0) == (Verdict.HELD, "the source announced no listings")


def test_a_rule_of_validation_holds_the_night_by_name(receipts: dict[str, Receipt]) -> None:
    receipts["curate"] = with_facts(receipts["curate"], held=["listings.models_missing", "photos.none_readable"])
    receipts["train"] = with_facts(receipts["train"], promoted=True)
    verdict, reason = verdict_of(receipts, 0.9)
    assert verdict is Verdict.HELD
    assert reason.endswith("listings.models_missing, photos.none_readable")


def test_without_any_model_nothing_is_published(receipts: dict[str, Receipt]) -> None:
    receipts["train"] = with_facts(receipts["train"], champion=None)
    assert verdict_of(receipts, 0.9) == (Verdict.HELD, "there is no model to publish: too weak")
