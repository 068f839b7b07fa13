"""What a person is told of doubted labels: shares, sellers, and which class is taken for which."""

from collections import Counter
from collections.abc import Mapping, Sequence

from autodetect.classifier.new_labels import Disagreement, DoubtfulSeller, NightLabels

_MOST_TOLD = 3
_SELLER_LETTERS = 12  # sellers are salted hashes


def compared(record: NightLabels, usual: float, nights: int) -> str:
    """Return tonight's share of disagreement beside the `usual` one (a share, over `nights` nights)."""
    wrong, sure = record.disagreeing, record.confident
    share = percent(wrong / sure) if sure else "none"
    return (
        f"the champion disagrees with {wrong} of the {sure} new labels where it is sure ({share}), "
        f"{percent(usual)} is usual over {nights} night{'s' if nights > 1 else ''}"
    )


def told_sellers(doubtful: Sequence[DoubtfulSeller]) -> str:
    """Return the first doubtful sellers with their counts; empty where there is none."""
    told = [_seller(each.seller, each.disagreeing, each.confident) for each in doubtful[:_MOST_TOLD]]
    return ", ".join(told) + (f" and {len(doubtful) - len(told)} more" if len(doubtful) > len(told) else "")


def worst(tonight: Disagreement, names: Mapping[int, str]) -> str:
    """Return where to look first: the sellers of most doubted labels, and the commonest mistake.

    Args:
        tonight: with at least one doubted label.
        names: class id -> what the class is called.
    """
    wrong = tonight.disagreeing
    pairs = Counter(zip(tonight.truth[wrong].tolist(), tonight.answered[wrong].tolist(), strict=True))
    (labelled, seen), times = min(pairs.items(), key=lambda each: (-each[1], each[0]))
    mistake = (
        f"most often labelled {names.get(labelled, f'class {labelled}')} "
        f"and seen as {names.get(seen, f'class {seen}')} ({times} times)"
    )
    counts = sorted(tonight.of_sellers().items(), key=lambda each: (-each[1][0], each[1][1], each[0]))
    told = [_seller(seller, doubted, sure) for seller, (doubted, sure, _) in counts[:_MOST_TOLD] if doubted]
    return f"most of them from {', '.join(told)}; {mistake}" if told else mistake


def percent(share: float) -> str:
    """Return a share 0..1 as a person reads it, e.g. `8.1 %`."""
    return f"{100 * share:.1f} %"


def _seller(seller: str, wrong: int, sure: int) -> str:
    return f"{seller[:_SELLER_LETTERS]} ({wrong} of {sure})"
