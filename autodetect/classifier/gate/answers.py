"""What a model says of each test vehicle, and the vehicles that two models can be compared on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Answers:
    """What one model says of each test vehicle.

    `class_ids` are the classes it can answer (not those that are retired or were withheld); `truth` and `answered`
    give, per vehicle id, the right class id and the model's first choice. Of vehicles whose class the model knows,
    `ranks` says how many classes it put before the right one (0 is top-1) and `nll` the negative log-likelihood of the
    right one in nats; a caller without them leaves them empty, and what needs them is not judged.
    """

    class_ids: frozenset[int]
    truth: Mapping[str, int]
    answered: Mapping[str, int]
    ranks: Mapping[str, int] = field(default_factory=dict)
    nll: Mapping[str, float] = field(default_factory=dict)

    def without(self, vehicles: frozenset[str]) -> "Answers":
        """Return the answers for all other vehicles."""
        if not vehicles:
            return self
        kept = {vehicle: truth for vehicle, truth in self.truth.items() if vehicle not in vehicles}
        return Answers(self.class_ids, kept, self.answered, self.ranks, self.nll)


@dataclass(frozen=True)
class Pairs:
    """Two models on the same n vehicles of classes that both know, sorted by vehicle id.

    `class_ids` holds the right class of each, int (n,); `ours` and `theirs` whether the challenger and the other model
    name it, bool (n,).
    """

    vehicles: tuple[str, ...]
    class_ids: npt.NDArray[np.int64]
    ours: npt.NDArray[np.bool_]
    theirs: npt.NDArray[np.bool_]

    @property
    def gained(self) -> npt.NDArray[np.bool_]:
        """Vehicles that only the challenger got right, bool (n,)."""
        return self.ours & ~self.theirs

    @property
    def lost(self) -> npt.NDArray[np.bool_]:
        """Vehicles that only the other model got right, bool (n,)."""
        return self.theirs & ~self.ours


def pair(challenger: Answers, other: Answers) -> Pairs:
    """Return both models on the vehicles that both answered, of classes that both know.

    Each model answers over its full output: a car that the challenger takes for a class that only it knows is wrong.
    """
    known = challenger.class_ids & other.class_ids
    vehicles = sorted(
        vehicle for vehicle, truth in challenger.truth.items() if truth in known and other.truth.get(vehicle) == truth
    )
    truth = np.array([challenger.truth[vehicle] for vehicle in vehicles], np.int64)
    return Pairs(
        vehicles=tuple(vehicles),
        class_ids=truth,
        ours=np.array([challenger.answered[vehicle] for vehicle in vehicles], np.int64) == truth,
        theirs=np.array([other.answered[vehicle] for vehicle in vehicles], np.int64) == truth,
    )


def class_groups(make_models: Mapping[int, str], groups: Iterable[frozenset[str]]) -> tuple[frozenset[int], ...]:
    """Return groups of lookalikes as class ids, in order; groups with fewer than two of these classes are left out.

    Args:
        make_models: class id -> make_model_id.
        groups: make_model_ids that look alike, as `autodetect.catalog.lookalikes` and a person declare them.
    """
    found = (frozenset(class_id for class_id, car in make_models.items() if car in group) for group in groups)
    return tuple(group for group in found if len(group) > 1)
