"""A night's verdict follows from its receipts alone."""

from collections.abc import Callable
from typing import Any

import pytest

from autodetect.lake.verdict import hold_reason, model_verdict, verdict_of, withheld_words
from autodetect.records import Receipt, Verdict

MakeReceipt = Callable[..., Receipt]
OLD, NEW = ({"head": head, "night": night} for head, night in (("a", "2026-10-30"), ("b", "2026-11-01")))
CHAMPION = {"champion": OLD, "promoted": False, "gate": {"words": "too weak"}}
FAILED = "the fp16 package answers otherwise than the model"


@pytest.fixture
def receipts(make_receipt: MakeReceipt) -> dict[str, Receipt]:
    """A night against which nothing stands."""
    facts = {"coverage": 0.95, "stopped": {}, "drift": {}}
    return {
        "crawl": make_receipt(1, "crawl", counts={"announced": 1000, "seen": 950}, facts=facts),
        "curate": make_receipt(1, "curate", facts={"held": []}),
        "train": make_receipt(1, "train", facts=CHAMPION),
        "export": make_receipt(1, "export", facts={"champion": OLD, "withheld": ""}),
        "publish": make_receipt(1, "publish"),
    }


@pytest.fixture
def earlier(make_receipt: MakeReceipt) -> dict[str, Receipt]:
    """The night before, which released the old model."""
    return {"publish": make_receipt(1, "publish", facts={"champion": OLD})}


def with_facts(receipt: Receipt, counts: dict[str, int] | None = None, **facts: Any) -> Receipt:
    return receipt.model_copy(
        update={"facts": {**receipt.facts, **facts}, "counts": {**receipt.counts, **(counts or {})}}
    )


def test_nothing_stands_against_a_good_night_nor_against_one_that_has_not_begun(receipts: dict[str, Receipt]) -> None:
    assert hold_reason(receipts, 0.9) == ""
    assert hold_reason({}, 0.9) == ""


def test_a_promoted_model_is_published(receipts: dict[str, Receipt], earlier: dict[str, Receipt]) -> None:
    receipts["train"] = with_facts(receipts["train"], promoted=True, champion=NEW)
    receipts["export"] = with_facts(receipts["export"], champion=NEW)
    passed = (Verdict.PUBLISHED, "tonight's challenger passed the gate")
    assert verdict_of(receipts, earlier, 0.9) == passed
    assert verdict_of(receipts, {}, 0.9) == passed


@pytest.mark.parametrize(("facts", "why"), [({"challenger": {}}, "was refused"), ({}, "nothing new to learn")])
def test_without_a_new_model_fresh_prices_go_out(
    receipts: dict[str, Receipt], earlier: dict[str, Receipt], facts: dict[str, Any], why: str
) -> None:
    receipts["train"] = with_facts(receipts["train"], **facts)
    verdict, reason = verdict_of(receipts, earlier, 0.9)
    assert verdict is Verdict.PRICES_ONLY
    assert why in reason
    assert "2026-10-30" in reason


@pytest.mark.parametrize("overridden", [None, {"by": "A. Smith", "reason": "we want it"}])
def test_a_new_model_that_the_export_withholds_leaves_prices_alone(
    receipts: dict[str, Receipt], earlier: dict[str, Receipt], overridden: dict[str, str] | None
) -> None:
    gate = {"words": "let through", "overridden": overridden}
    receipts["train"] = with_facts(receipts["train"], promoted=True, champion=NEW, gate=gate)
    receipts["export"] = with_facts(receipts["export"], withheld=FAILED)
    words = f"fresh prices with the model of 2026-10-30: tonight's new model is withheld: {FAILED}"
    assert verdict_of(receipts, earlier, 0.9) == (Verdict.PRICES_ONLY, words)


def test_a_model_of_an_earlier_night_that_is_withheld_again_is_told_as_that(
    receipts: dict[str, Receipt], earlier: dict[str, Receipt]
) -> None:
    receipts["train"] = with_facts(receipts["train"], champion=NEW, challenger={})
    receipts["export"] = with_facts(receipts["export"], withheld=FAILED)
    verdict, reason = verdict_of(receipts, earlier, 0.9)
    assert verdict is Verdict.PRICES_ONLY
    assert reason.endswith(f"the model of 2026-11-01, which passed the gate then, is still withheld: {FAILED}")
    assert withheld_words(receipts) in reason


def test_new_packages_of_the_released_model_itself_may_be_withheld(
    receipts: dict[str, Receipt], earlier: dict[str, Receipt]
) -> None:
    receipts["export"] = with_facts(receipts["export"], withheld=FAILED, made_on="2026-10-31")
    words = f"its packages of 2026-10-31 stay, for new ones are withheld: {FAILED}"
    expected = (Verdict.PRICES_ONLY, f"fresh prices with the model of 2026-10-30: {words}")
    assert verdict_of(receipts, earlier, 0.9) == expected


def test_a_model_that_was_withheld_is_new_on_the_night_it_goes_out(
    receipts: dict[str, Receipt], earlier: dict[str, Receipt]
) -> None:
    receipts["train"] = with_facts(receipts["train"], champion=NEW, challenger={})
    receipts["export"] = with_facts(receipts["export"], champion=NEW)
    verdict, reason = verdict_of(receipts, earlier, 0.9)
    assert (verdict, "2026-11-01" in reason) == (Verdict.PUBLISHED, True)
    earlier["publish"] = with_facts(earlier["publish"], champion=NEW)
    assert model_verdict(receipts, earlier)[0] is Verdict.PRICES_ONLY


def test_a_release_of_an_earlier_version_carried_the_champion_of_its_train_receipt(
    receipts: dict[str, Receipt], make_receipt: MakeReceipt
) -> None:
    before = {"publish": make_receipt(1, "publish"), "train": make_receipt(1, "train", facts=CHAMPION)}
    assert verdict_of(receipts, before, 0.9)[0] is Verdict.PRICES_ONLY


@pytest.mark.parametrize("last", ["begin", "train", "export"])
def test_a_night_that_ended_before_its_release_was_out_is_held(receipts: dict[str, Receipt], last: str) -> None:
    receipts["train"] = with_facts(receipts["train"], promoted=True, champion=NEW)
    order = ["begin", *receipts]
    came = {name: receipts[name] for name in order[: order.index(last) + 1] if name in receipts}
    verdict, reason = verdict_of(came, {}, 0.9)
    assert verdict is Verdict.HELD
    assert reason.endswith("its log says why")


@pytest.mark.parametrize(("coverage", "held"), [(0.95, False), (0.9, False), (0.8999, True), (0.0, True)])
def test_a_crawl_that_saw_too_little_holds_the_night(receipts: dict[str, Receipt], coverage: float, held: bool) -> None:
    receipts["crawl"] = with_facts(receipts["crawl"], coverage=coverage)
    assert (verdict_of(receipts, {}, 0.9)[0] is Verdict.HELD) == held
    if held:
        words = f"950 of 1,000 announced listings and covered {coverage:.1%}, less than the 90%"
        assert words in hold_reason(receipts, 0.9)


def test_an_empty_source_holds_the_night_whatever_coverage_is_asked(receipts: dict[str, Receipt]) -> None:
    receipts["crawl"] = with_facts(receipts["crawl"], {"announced": 0, "seen": 0}, coverage=0.0)
    assert verdict_of(receipts, {}, 0.0) == (Verdict.HELD, "the source announced no listings")


def test_a_night_of_imports_alone_needs_nothing_announced(receipts: dict[str, Receipt]) -> None:
    receipts["crawl"] = with_facts(receipts["crawl"], {"announced": 0, "seen": 0, "imported": 12}, coverage=1.0)
    assert hold_reason(receipts, 0.9) == ""


def test_imports_do_not_make_up_for_a_source_that_was_not_reached(receipts: dict[str, Receipt]) -> None:
    receipts["crawl"] = with_facts(receipts["crawl"], {"announced": 0, "seen": 0, "imported": 12}, coverage=0.0)
    assert verdict_of(receipts, {}, 0.9)[0] is Verdict.HELD


@pytest.mark.parametrize("url", ["https://www.shop.invalid/b/cars", ""])
def test_a_crawl_that_was_stopped_says_what_stopped_it_and_where(receipts: dict[str, Receipt], url: str) -> None:
    stopped = {"cause": "captcha", "words": "the source asks for a captcha", "url": url}
    receipts["crawl"] = with_facts(receipts["crawl"], stopped=stopped)
    verdict, reason = verdict_of(receipts, {}, 0.9)
    assert verdict is Verdict.HELD
    at = f" at {url}" if url else ""
    wanted = f"the crawl stopped early: the source asks for a captcha{at}; once that is settled, run the night again"
    assert reason == wanted


def test_what_stopped_the_crawl_is_told_before_what_followed_from_it(receipts: dict[str, Receipt]) -> None:
    stopped = {"cause": "blocked", "words": "403", "url": ""}
    drift = {"fields": ["make"], "words": "", "example": "", "kept": ""}
    nothing = {"announced": 0, "seen": 0}
    receipts["crawl"] = with_facts(receipts["crawl"], nothing, coverage=0.0, stopped=stopped, drift=drift)
    assert hold_reason(receipts, 0.9).startswith("the crawl stopped early: 403")


def test_a_spent_budget_does_not_hold_a_night_that_covered_enough(receipts: dict[str, Receipt]) -> None:
    stopped = {"cause": "quota", "words": "5,000 calls were made", "url": ""}
    receipts["crawl"] = with_facts(receipts["crawl"], stopped=stopped)
    assert hold_reason(receipts, 0.9) == ""
    receipts["crawl"] = with_facts(receipts["crawl"], coverage=0.4)
    assert "covered 40.0%" in hold_reason(receipts, 0.9)


def test_drift_holds_the_night_and_names_the_fields_and_an_example(receipts: dict[str, Receipt]) -> None:
    example = "https://www.shop.invalid/itm/1"
    drift = {"fields": ["make", "mileage"], "words": "make: 3 of 120, usually 97%", "example": example, "kept": "5a"}
    stopped = {"cause": "drift", "words": "the pages changed", "url": example}  # the same thing, seen before the end
    receipts["crawl"] = with_facts(receipts["crawl"], drift=drift)
    verdict, reason = verdict_of(receipts, {}, 0.9)
    assert verdict is Verdict.HELD
    assert hold_reason({"crawl": with_facts(receipts["crawl"], stopped=stopped)}, 0.9) == reason
    for words in ("make, mileage", "make: 3 of 120, usually 97%", example):
        assert words in reason


def test_a_rule_of_validation_holds_the_night_by_name(receipts: dict[str, Receipt]) -> None:
    receipts["curate"] = with_facts(receipts["curate"], held=["listings.models_missing", "photos.none_readable"])
    receipts["train"] = with_facts(receipts["train"], promoted=True)
    verdict, reason = verdict_of(receipts, {}, 0.9)
    assert verdict is Verdict.HELD
    assert reason.endswith("listings.models_missing, photos.none_readable")


def test_without_any_model_nothing_is_published(receipts: dict[str, Receipt]) -> None:
    receipts["train"] = with_facts(receipts["train"], champion=None)
    assert verdict_of(receipts, {}, 0.9) == (Verdict.HELD, "there is no model to publish: too weak")


def test_a_source_that_collapsed_is_told_as_that(receipts: dict[str, Receipt]) -> None:
    drift = {"fields": ["announced"], "words": "the source announces 3 listings, usually 24", "example": "", "kept": ""}
    receipts["crawl"] = with_facts(receipts["crawl"], drift=drift)
    words = "the source seems to have collapsed: the source announces 3 listings, usually 24"
    assert hold_reason(receipts, 0.0) == words
