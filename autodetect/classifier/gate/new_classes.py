"""Is a new class worth answering? One that is not is withheld; it never stops the night."""

from collections.abc import Mapping
from itertools import groupby

from autodetect.classifier.gate.answers import Answers
from autodetect.classifier.gate.formulas import Z95
from autodetect.classifier.gate.verdict import NewClass, Part
from autodetect.classifier.gate.wording import counted, listed, percent
from autodetect.classifier.intervals import wilson

NAME = "new_classes"


def judge_new_classes(
    challenger: Answers, known: frozenset[int], floor: float, names: Mapping[int, str]
) -> tuple[Part, tuple[NewClass, ...]]:
    """Return the part of the verdict and every new class by id; the part never fails.

    A class ships where the one-sided 95 % lower Wilson bound of its top-3 recall reaches `floor`; a class without test
    vehicles is withheld, because nothing shows what it is worth.

    Args:
        challenger: its answers with `ranks`.
        known: the classes that the champion answers.
        floor: the recall that must surely be reached, a share; 0 takes any class.
        names: class id -> what the class is called.
    """
    arrivals = challenger.class_ids - known
    if not arrivals:
        return Part(name=NAME, passed=None, words="no class is new"), ()
    truths = sorted((truth, vehicle) for vehicle, truth in challenger.truth.items() if truth in arrivals)
    if any(vehicle not in challenger.ranks for _, vehicle in truths):
        words = f"{counted(len(arrivals), 'new class', 'new classes')} not judged: top-3 was not measured"
        return Part(name=NAME, passed=None, words=words), ()
    hits = {
        class_id: [challenger.ranks[vehicle] < 3 for _, vehicle in found]
        for class_id, found in groupby(truths, key=lambda item: item[0])
    }
    judged = tuple(_judge(class_id, hits.get(class_id, []), floor, names) for class_id in sorted(arrivals))
    return _part(judged, floor), judged


def _judge(class_id: int, hits: list[bool], floor: float, names: Mapping[int, str]) -> NewClass:
    n, right = len(hits), sum(hits)
    lower, upper = wilson(right / n, n, Z95) if n else (0.0, 1.0)
    return NewClass(
        class_id=class_id,
        name=names.get(class_id, f"class {class_id}"),
        n=n,
        top3=round(right / n, 6) if n else 0.0,
        lower=round(lower, 6),
        upper=round(upper, 6),
        withheld=lower < floor,
    )


def _part(judged: tuple[NewClass, ...], floor: float) -> Part:
    withheld = [_told(new) for new in judged if new.withheld]
    if not withheld:
        return Part(name=NAME, passed=True, words=f"{counted(len(judged), 'new class', 'new classes')}, none withheld")
    many = counted(len(withheld), "new class", "new classes")
    words = f"{many} of {len(judged)} withheld, below {percent(floor)}: {listed(withheld)}"
    return Part(name=NAME, passed=True, words=words)


def _told(new: NewClass) -> str:
    if not new.n:
        return f"{new.name} (no test vehicle)"
    on = counted(new.n, "vehicle", "vehicles")
    return f"{new.name} (top-3 {percent(new.top3)} on {on}, surely {percent(new.lower)})"
