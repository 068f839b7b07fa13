"""How a night ends, decided from its receipts alone."""

from collections import Counter
from collections.abc import Mapping

from autodetect.records import Receipt, Verdict

BUDGET_SPENT = "quota"  # the one cause of an early stop that is as planned: the next nights go on

JUDGING = ("curate", "price")  # the stages whose receipts name the rules for which a night must not be published


def hold_reason(receipts: Mapping[str, Receipt], min_coverage: float) -> str:
    """Return why nothing may be published on these receipts, in a sentence; '' when nothing stands against it.

    Args:
        receipts: tonight's receipts so far, by stage.
        min_coverage: the share of the announced listings that must have been seen.
    """
    crawl, train = receipts.get("crawl"), receipts.get("train")
    if crawl and (reason := _crawl_reason(crawl, min_coverage)):
        return reason
    if broken := [rule for name in JUDGING if name in receipts for rule in receipts[name].facts["held"]]:
        return "validation held the night: " + ", ".join(broken)
    if train and not train.facts["champion"]:
        return f"there is no model to publish: {train.facts['gate']['words']}"
    return ""


def _crawl_reason(crawl: Receipt, min_coverage: float) -> str:
    """Return why the crawl holds the night: it was stopped, read something else than it expects, or saw too little.

    Coverage may be more than what was seen tonight: slices that nights just before completed count too.
    """
    facts, counts = crawl.facts, Counter(crawl.counts)
    stopped, drift = facts.get("stopped") or {}, facts.get("drift") or {}
    if stopped and stopped["cause"] != BUDGET_SPENT and not (stopped["cause"] == "drift" and drift):
        where = f" at {stopped['url']}" if stopped.get("url") else ""
        return f"the crawl stopped early: {stopped['words']}{where}; once that is settled, run the night again"
    if drift.get("fields") == ["announced"]:
        return f"the source seems to have collapsed: {drift['words']}"
    if drift:
        names, example = ", ".join(drift["fields"]), drift.get("example")
        compare = f"; compare {example}" if example else ""
        return f"the source seems to have changed: {names} can hardly be read any more ({drift['words']}){compare}"
    if not counts["announced"] and not counts["imported"]:
        return "the source announced no listings"
    if facts["coverage"] < min_coverage:
        return (
            f"the crawl saw {counts['seen']:,} of {counts['announced']:,} announced listings and covered "
            f"{facts['coverage']:.1%}, less than the {min_coverage:.0%} that publishing needs"
        )
    return ""


def verdict_of(receipts: Mapping[str, Receipt], min_coverage: float) -> tuple[Verdict, str]:
    """Return the night's verdict and the sentence that explains it."""
    held = hold_reason(receipts, min_coverage)
    if held:
        return Verdict.HELD, held
    if "train" not in receipts:
        return Verdict.HELD, "the night stopped before there was anything to publish; its log says why"
    facts = receipts["train"].facts
    if facts["promoted"] and facts["gate"].get("overridden"):
        return Verdict.PUBLISHED, facts["gate"]["words"]
    if facts["promoted"]:
        return Verdict.PUBLISHED, "tonight's challenger passed the gate"
    why = "tonight's challenger was refused" if "challenger" in facts else "there was nothing new to learn"
    return Verdict.PRICES_ONLY, f"fresh prices with the model of {facts['champion']['night']}: {why}"
