"""Both models on named sets of test vehicles: the benchmark, what came lately, and what a phone would see.

A set is scored by vehicle, over each model's full output. Beside the champion both are told on the same vehicles, those
of classes that it knows, and the difference is a paired one: what one car does to both models says nothing of either.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autodetect.classifier.evaluation import vehicle_answers
from autodetect.classifier.gate.answers import Answers
from autodetect.classifier.gate.formulas import paired_difference
from autodetect.classifier.intervals import Z95, Share, rounded
from autodetect.classifier.pooling import Floats
from autodetect.classifier.split_arrays import Examples
from autodetect.records import Record

BENCHMARK, RECENT, PHONE = "benchmark", "recent", "phone"


class Gap(Record):
    """How much more often one answer is right than another on the same `n` vehicles: a share, with its 95 % interval.

    `gained` vehicles only the first got right, `lost` only the second.
    """

    n: int
    gained: int
    lost: int
    difference: float
    low: float
    high: float


class Beside(Record):
    """Challenger and champion on the same vehicles, of classes that both know; `gap` is challenger minus champion."""

    ours_top1: Share
    champion_top1: Share
    ours_top3: Share | None = None
    champion_top3: Share | None = None
    gap: Gap


class SliceFigures(Record):
    """A model on one set of vehicles.

    `asked` is the size of the set, `vehicles` how many of it the model was asked about and has a class for; without
    any there are no figures, and `words` say so. `beside` is None without a champion that knows one of them.
    """

    name: str
    words: str
    asked: int
    vehicles: int = 0
    top1: Share | None = None
    top3: Share | None = None
    beside: Beside | None = None


class PhoneSlice(Record):
    """What is left of the answers when listing photos are re-framed as a phone's: one photo of each vehicle.

    `plain` and `street` are figures of the same photos before and after; `loss` is plain minus street in top-1,
    `champion_loss` the champion's own, on the vehicles of classes that it knows.
    """

    words: str
    plain: SliceFigures | None = None
    street: SliceFigures | None = None
    loss: Gap | None = None
    champion_loss: Gap | None = None


class Slices(Record):
    """All slices of a night, as the receipt keeps them."""

    named: tuple[SliceFigures, ...] = ()
    phone: PhoneSlice | None = None


@dataclass(frozen=True)
class Reframed:
    """One model's answers for the same photos, one of each vehicle: as listed, and as a phone would see them."""

    plain: Answers
    street: Answers


def slice_figures(name: str, ours: Answers, theirs: Answers | None, vehicles: Collection[str]) -> SliceFigures:
    """Score both models on a set of vehicles.

    Args:
        name: what the set is called.
        ours: the challenger's answers on all test vehicles, with ranks where top-3 is wanted.
        theirs: the champion's on the same, None without a champion.
        vehicles: ids of the set; those that the challenger was not asked about, or has no class for, do not count.
    """
    asked = len(set(vehicles))
    mine = sorted(set(vehicles) & _scored(ours))
    if not mine:
        return SliceFigures(name=name, words=f"not measured: 0 of {asked} vehicles are tested tonight", asked=asked)
    found = SliceFigures(
        name=name,
        words="",
        asked=asked,
        vehicles=len(mine),
        top1=Share.of(_right(ours, mine)),
        top3=_top3(ours, mine),
        beside=None if theirs is None else _beside(ours, theirs, mine),
    )
    return found.model_copy(update={"words": _words(found)})


def reframed(
    predict: Callable[[Floats], Floats], class_ids: Sequence[int], test: Examples, street: Mapping[str, Floats]
) -> Reframed | None:
    """Return a model's answers for the test photos that have a view as a phone's; None where none has.

    Args:
        predict: from embeddings, float (n, d), to probabilities, float (n, classes).
        class_ids: the class id of each output.
        test: the test photos as the model's backbone sees them.
        street: photo -> embedding of its view as a phone's, float (d,), by the same backbone and engine.
    """
    one_each: dict[str, int] = {}
    for place in sorted(range(len(test.photos)), key=test.photos.__getitem__):
        if test.photos[place] in street:
            one_each.setdefault(str(test.vehicles[place]), place)
    if not one_each:
        return None
    places = np.array(sorted(one_each.values()))
    seen = np.stack([street[test.photos[place]] for place in places.tolist()])
    truth, vehicles = test.class_ids[places], test.vehicles[places]
    plain, street_answers = (
        vehicle_answers(predict(x), truth, vehicles, class_ids) for x in (test.x[places], np.asarray(seen, np.float32))
    )
    return Reframed(plain, street_answers)


def phone_slice(ours: Reframed | None, theirs: Reframed | None = None) -> PhoneSlice:
    """Tell what both models lose when listing photos are re-framed as a phone's.

    Args:
        ours: the challenger's answers (`reframed`), None where no photo has such a view.
        theirs: the champion's.
    """
    if ours is None or not _scored(ours.street):
        return PhoneSlice(words="not measured: no test photo has an embedding as a phone would see it")
    mine = sorted(_scored(ours.street))
    plain = slice_figures("the same photos as listed", ours.plain, theirs.plain if theirs else None, mine)
    street = slice_figures(PHONE, ours.street, theirs.street if theirs else None, mine)
    loss = _gap(_right(ours.plain, mine), _right(ours.street, mine))
    known = sorted(_scored(theirs.street) & set(mine)) if theirs else []
    champion_loss = _gap(_right(theirs.plain, known), _right(theirs.street, known)) if theirs and known else None
    words = f"{street.words}; top-1 loses {_points(loss, sign='')} beside the same photos as listed"
    if champion_loss:
        words += f", the champion {_points(champion_loss, sign='')}"
    return PhoneSlice(words=words, plain=plain, street=street, loss=loss, champion_loss=champion_loss)


def _scored(answers: Answers) -> set[str]:
    """Return the vehicles of classes that the model knows."""
    return {vehicle for vehicle, truth in answers.truth.items() if truth in answers.class_ids}


def _right(answers: Answers, vehicles: Sequence[str]) -> npt.NDArray[np.bool_]:
    return np.array([answers.answered[vehicle] == answers.truth[vehicle] for vehicle in vehicles], bool)


def _top3(answers: Answers, vehicles: Sequence[str]) -> Share | None:
    if not all(vehicle in answers.ranks for vehicle in vehicles):
        return None
    return Share.of([answers.ranks[vehicle] < 3 for vehicle in vehicles])


def _beside(ours: Answers, theirs: Answers, mine: Sequence[str]) -> Beside | None:
    known = _scored(theirs)
    both = [vehicle for vehicle in mine if vehicle in known and theirs.truth[vehicle] == ours.truth[vehicle]]
    if not both:
        return None
    one, other = _right(ours, both), _right(theirs, both)
    return Beside(
        ours_top1=Share.of(one),
        champion_top1=Share.of(other),
        ours_top3=_top3(ours, both),
        champion_top3=_top3(theirs, both),
        gap=_gap(one, other),
    )


def _gap(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> Gap:
    """Return how much more often `one` is right, with the adjusted Wald interval of Agresti and Min."""
    gained, lost, n = int((one & ~other).sum()), int((other & ~one).sum()), len(one)
    centre, error = paired_difference(gained, lost, n)
    return Gap(
        n=n,
        gained=gained,
        lost=lost,
        difference=rounded((gained - lost) / n),
        low=rounded(max(-1.0, centre - Z95 * error)),
        high=rounded(min(1.0, centre + Z95 * error)),
    )


def _words(found: SliceFigures) -> str:
    assert found.top1 is not None
    top3 = f", top-3 {found.top3.share:.1%}" if found.top3 else ""
    words = f"top-1 {found.top1.share:.1%} ({found.top1.low:.1%} to {found.top1.high:.1%}){top3} of {found.vehicles}"
    beside = found.beside
    if beside is None:
        return f"{words} vehicles"
    return (
        f"{words} vehicles; of the {beside.gap.n} that the champion knows {beside.ours_top1.share:.1%}, "
        f"the champion {beside.champion_top1.share:.1%} ({_points(beside.gap)})"
    )


def _points(gap: Gap, sign: str = "+") -> str:
    """Return a difference in points with its interval; `sign` empty: without plus signs, for a loss."""
    figures = [f"{100 * value:{sign}.1f}" for value in (gap.difference, gap.low, gap.high)]
    return f"{figures[0]} points ({figures[1]} to {figures[2]})"
