"""What a night tells of its models beside what the gate asks: slices, unknown cars, and a map of the test vehicles."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

import keras
import numpy as np
import numpy.typing as npt

from autodetect.classifier.champion import Abstain
from autodetect.classifier.contest import Contest, Defender, silenced
from autodetect.classifier.embedding_map import EmbeddingMap, embedding_map
from autodetect.classifier.slices import Reframed, Slices, phone_slice, reframed, slice_figures
from autodetect.classifier.split_arrays import Examples
from autodetect.classifier.unknown_cars import Cases, UnknownCars, judge_unknown_cars

Street = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Beside:
    """What is judged beside the test set.

    Attributes:
        sets: named sets of test vehicles, in the order they are told.
        unknown: photos of cars of no class, by split, as the challenger's backbone sees them.
        street: photo -> its embedding as a phone would see it, by the challenger's backbone.
        champion_street: the same by the champion's.
        groups: class id -> make, or group of lookalikes, by which the map is coloured.
    """

    sets: Mapping[str, Collection[str]] = field(default_factory=dict)
    unknown: Mapping[str, Examples] = field(default_factory=dict)
    street: Street = field(default_factory=dict)
    champion_street: Street = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)


def slices(
    contest: Contest, defender: Defender | None, test: Examples, beside: Beside, retired: frozenset[int]
) -> Slices:
    """Return both models on the named sets, and on photos as a phone would see them; `retired` classes are silent."""
    ours, theirs = contest.vehicle_answers, contest.champion_answers
    named = tuple(slice_figures(name, ours, theirs, vehicles) for name, vehicles in beside.sets.items())
    mine = reframed(partial(_answers, contest.model), contest.class_ids, test, beside.street)
    other: Reframed | None = None
    if defender is not None:
        record = defender.record
        head = silenced(defender.head, record.class_ids, retired | frozenset(record.withheld))
        other = reframed(partial(_answers, head), record.class_ids, defender.test, beside.champion_street)
    return Slices(named=named, phone=phone_slice(mine, other))


def unknown_cars(contest: Contest, splits: Mapping[str, Examples], unknown: Mapping[str, Examples]) -> UnknownCars:
    """Return how the challenger meets unknown cars, as it is served: without the classes that are withheld.

    Its threshold is chosen on those of validation.
    """
    withheld = frozenset(contest.verdict.withheld)
    model = silenced(contest.model, contest.class_ids, withheld)
    answered = tuple(class_id for class_id in contest.class_ids if class_id not in withheld)

    def cases(examples: Examples | None, *, known: bool) -> Cases:
        if examples is None or not examples.photos:
            empty = np.zeros((0, len(contest.class_ids)), np.float32)
            return Cases(empty, np.zeros(0, str), [], np.zeros(0, np.int64) if known else None)
        truth = examples.outputs(contest.class_ids) if known else None
        return Cases(_answers(model, examples.x), examples.vehicles, examples.photos, truth)

    validation, test = (
        (cases(examples.only(answered) if withheld else examples, known=True), cases(unknown.get(split), known=False))
        for split, examples in ((split, splits[split]) for split in ("validation", "test"))
    )
    return judge_unknown_cars(validation, test, temperatures=contest.temperatures)


def abstain_of(found: UnknownCars) -> Abstain | None:
    """Return the threshold as it travels with the model; None where there were too few unknown cars to choose one."""
    if found.threshold is None:
        return None
    return Abstain(threshold=found.threshold, most_answered=found.most_answered)


def map_of(contest: Contest, test: Examples, labels: Mapping[int, str], beside: Beside, seed: int) -> bytes | None:
    """Return the map of the test vehicles as JSON; None where there are too few."""
    known = test.only(contest.class_ids)
    found: EmbeddingMap | None = embedding_map(
        known.x, known.class_ids, known.vehicles, labels=labels, groups=beside.groups, seed=seed
    )
    return found.model_dump_json().encode() if found else None


def _answers(model: keras.Model, x: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    return np.asarray(model.predict(x, verbose=0))
