"""How a night ends, decided from its receipts alone."""

from collections.abc import Mapping

from autodetect.records import Receipt, Verdict


def hold_reason(receipts: Mapping[str, Receipt], min_coverage: float) -> str:
    """Return why nothing may be published on these receipts, in a sentence; '' when nothing stands against it.

    Args:
        receipts: tonight's receipts so far, by stage.
        min_coverage: the share of the announced listings that must have been seen.
    """
    crawl, curate, train = (receipts.get(name) for name in ("crawl", "curate", "train"))
    if crawl and not crawl.counts["announced"]:
        return "the source announced no listings"
    if crawl and crawl.facts["coverage"] < min_coverage:
        return (
            f"the crawl saw {crawl.counts['seen']:,} of {crawl.counts['announced']:,} announced listings "
            f"({crawl.facts['coverage']:.1%}), less than the {min_coverage:.0%} that publishing needs"
        )
    if curate and curate.facts["held"]:
        return "validation held the night: " + ", ".join(curate.facts["held"])
    if train and not train.facts["champion"]:
        return f"there is no model to publish: {train.facts['gate']['words']}"
    return ""


def verdict_of(receipts: Mapping[str, Receipt], min_coverage: float) -> tuple[Verdict, str]:
    """Return the night's verdict and the sentence that explains it."""
    held = hold_reason(receipts, min_coverage)
    if held:
        return Verdict.HELD, held
    if "train" not in receipts:
        return Verdict.HELD, "the night stopped before there was anything to publish; its log says why"
    facts = receipts["train"].facts
    if facts["promoted"]:
        return Verdict.PUBLISHED, "tonight's challenger passed the gate"
    why = "tonight's challenger was refused" if "challenger" in facts else "there was nothing new to learn"
    return Verdict.PRICES_ONLY, f"fresh prices with the model of {facts['champion']['night']}: {why}"
