"""How far wrong answers are excused: cars that photographs can hardly tell apart, taken for each other."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from autodetect.classifier.intervals import Share
from autodetect.classifier.pooling import Ints
from autodetect.records import Record

MOST_GROUPS = 10
MOST_PAIRS = 4


class Mistaken(Record):
    """How many vehicles of `truth` were named `answer`."""

    truth: str
    answer: str
    vehicles: int


class LookalikeGroup(Record):
    """The vehicles of one group of lookalikes: the share named rightly, and the share named as any of the group.

    `mistaken` are its most frequent mistakes inside the group.
    """

    classes: tuple[str, ...]
    top1: Share
    within: Share
    mistaken: tuple[Mistaken, ...]


class Lookalikes(Record):
    """Wrong answers by vehicle, `wrong` in all, of which `excused` name a lookalike of the right class.

    `top1_alike` is top-1 with lookalikes counted as right. `groups` are those with most mistakes inside.
    """

    wrong: int
    excused: int
    top1_alike: Share
    groups: tuple[LookalikeGroup, ...]


def outputs_of(groups: Iterable[Collection[int]], class_ids: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return groups of class ids as groups of a model's outputs; those of which it knows fewer than two are left out.

    Args:
        groups: class ids that look alike.
        class_ids: the class id of each output.
    """
    place = {class_id: output for output, class_id in enumerate(class_ids)}
    found = (tuple(sorted(place[each] for each in group if each in place)) for group in groups)
    return tuple(group for group in found if len(group) > 1)


def lookalikes(
    answered: Ints, truth: Ints, groups: Iterable[Collection[int]], names: Sequence[str]
) -> Lookalikes | None:
    """Return which mistakes stay among lookalikes; None where no group was given.

    Args:
        answered: first answer by vehicle, an output, integer (n,), n >= 1.
        truth: the right output, integer (n,).
        groups: outputs that look alike; an output may be in several groups.
        names: one per output.
    """
    declared = sorted({tuple(sorted(set(group))) for group in groups})
    if not declared:
        return None
    wrong = answered != truth
    excused = np.zeros(len(truth), bool)
    found = []
    for group in declared:
        mine, inside = np.isin(truth, group), np.isin(answered, group)
        excused |= wrong & mine & inside
        if mine.any():
            found.append((int((wrong & mine & inside).sum()), group, mine, inside))
    found.sort(key=lambda each: (-each[0], each[1]))
    return Lookalikes(
        wrong=int(wrong.sum()),
        excused=int(excused.sum()),
        top1_alike=Share.of(~wrong | excused),
        groups=tuple(
            LookalikeGroup(
                classes=tuple(names[output] for output in group),
                top1=Share.of(~wrong[mine]),
                within=Share.of(inside[mine]),
                mistaken=_mistaken(answered[wrong & mine & inside], truth[wrong & mine & inside], names),
            )
            for _, group, mine, inside in found[:MOST_GROUPS]
        ),
    )


def _mistaken(answered: Ints, truth: Ints, names: Sequence[str]) -> tuple[Mistaken, ...]:
    pairs = Counter(zip(truth.tolist(), answered.tolist(), strict=True))
    most = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_PAIRS]
    return tuple(Mistaken(truth=names[one], answer=names[other], vehicles=count) for (one, other), count in most)
