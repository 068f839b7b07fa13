"""How a night ends, decided from its receipts alone."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

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
    judged = [receipts[name].facts for name in JUDGING if name in receipts]
    if broken := [rule for facts in judged for rule in facts["held"]]:
        words = [words for facts in judged for words in facts.get("held_words", ())]
        return "; ".join(["validation held the night: " + ", ".join(broken), *words])
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


def verdict_of(
    receipts: Mapping[str, Receipt], earlier: Mapping[str, Receipt], min_coverage: float
) -> tuple[Verdict, str]:
    """Return the night's verdict and the sentence that explains it.

    Args:
        receipts: tonight's receipts, by stage.
        earlier: the newest receipt of every stage from nights before.
        min_coverage: the share of the announced listings that must have been seen.
    """
    if held := hold_reason(receipts, min_coverage):
        return Verdict.HELD, held
    if "train" not in receipts:
        return Verdict.HELD, "the night stopped before there was anything to publish; its log says why"
    if "publish" not in receipts:
        return Verdict.HELD, "the night stopped before its release was published; its log says why"
    return model_verdict(receipts, earlier)


def model_verdict(receipts: Mapping[str, Receipt], earlier: Mapping[str, Receipt]) -> tuple[Verdict, str]:
    """Return whether a release on these receipts brings a new model or fresh prices alone, and why.

    A model is new that no release before carried, whichever night trained it: the export may withhold one for a night.

    Args:
        receipts: tonight's, train and export among them.
        earlier: the newest receipt of every stage from nights before.
    """
    train, model = receipts["train"].facts, released_model(receipts)
    with_the_old_one = f"fresh prices with the model of {model['night']}"
    if words := withheld_words(receipts):
        return Verdict.PRICES_ONLY, f"{with_the_old_one}: {words}"
    if _same(model, published_before(earlier)):
        why = "tonight's challenger was refused" if "challenger" in train else "there was nothing new to learn"
        return Verdict.PRICES_ONLY, f"{with_the_old_one}: {why}"
    if not train["promoted"]:
        return Verdict.PUBLISHED, f"the model of {model['night']}, which passed the gate then, goes out tonight"
    if train["gate"].get("overridden"):
        return Verdict.PUBLISHED, train["gate"]["words"]
    return Verdict.PUBLISHED, "tonight's challenger passed the gate"


def withheld_words(receipts: Mapping[str, Receipt]) -> str:
    """Return what the export withheld tonight, and why; '' where it withheld nothing.

    It withholds a model whose package fails; where that is the released model itself, new packages of it.
    """
    train, export = receipts.get("train"), receipts.get("export")
    why = export.facts.get("withheld", "") if export else ""
    if not (train and export and why):
        return ""
    if train.facts["promoted"]:
        return f"tonight's new model is withheld: {why}"
    champion = train.facts["champion"]
    if _same(champion, released_model(receipts)):
        return f"its packages of {export.facts['made_on']} stay, for new ones are withheld: {why}"
    return f"the model of {champion['night']}, which passed the gate then, is still withheld: {why}"


def released_model(receipts: Mapping[str, Receipt]) -> dict[str, Any]:
    """Return the record of the model that tonight's release carries: the one that the export settled on."""
    found: dict[str, Any] = receipts["export"].facts["champion"]
    return found


def published_before(earlier: Mapping[str, Receipt]) -> dict[str, Any] | None:
    """Return the record of the model that the last release of earlier nights carried; None before the first release.

    A publish receipt of an earlier version does not say: it published the champion of the train receipt.
    """
    if "publish" not in earlier:
        return None
    found: dict[str, Any] | None = earlier["publish"].facts.get("champion") or earlier["train"].facts["champion"]
    return found


def _same(one: dict[str, Any], other: dict[str, Any] | None) -> bool:
    return other is not None and (one["head"], one["night"]) == (other["head"], other["night"])
