"""The benchmark set: test vehicles that are fixed for a quarter, so that models of different nights can be compared.

Beside it stands the rolling set of vehicles first seen lately, which shows how a model does on what is new.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from autodetect.records import Record, canonical_digest

PER_CLASS = 20
RECENT_DAYS = 28


class BenchmarkSet(Record):
    """The test vehicles of one quarter.

    `version` is the quarter ('2026-Q4') and `began` the night it was drawn. Of the version before, `kept_from`, the
    vehicles `kept` are in this one, too. `left` are vehicles that were in it and are no test vehicles any more: burned,
    trained on, or gone. They do not come back before the next quarter.
    """

    version: str
    began: date
    vehicles: tuple[str, ...]
    kept_from: str | None = None
    kept: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def benchmark_set(
    before: BenchmarkSet | None, test_vehicles: Mapping[str, int], night: date, *, per_class: int = PER_CLASS
) -> BenchmarkSet:
    """Return the benchmark set of a night.

    Within a quarter vehicles only leave it. With a new quarter it is drawn again: of each class at most `per_class`
    vehicles, all of a class with fewer; and of the set before at least half of each class's vehicles that can still be
    tested, even where that is more than `per_class` because classes were merged.

    Args:
        before: the set as of the night before; None, or one that has no vehicles left, is drawn afresh.
        test_vehicles: vehicle -> class id of all that may be tested tonight.
        night: tonight. One before the set's quarter leaves its version as it is.
        per_class: vehicles of a class.
    """
    version = quarter(night)
    if before is not None and before.vehicles and version <= before.version:
        stay = tuple(vehicle for vehicle in before.vehicles if vehicle in test_vehicles)
        gone = set(before.vehicles) - set(stay)
        kept = tuple(vehicle for vehicle in before.kept if vehicle in test_vehicles)
        return before.model_copy(update={"vehicles": stay, "kept": kept, "left": _sorted({*before.left, *gone})})
    old = set(before.vehicles) if before is not None else set()
    drawn: set[str] = set()
    for vehicles in _by_class(test_vehicles).values():
        drawn.update(_draw(vehicles, old, version, per_class))
    return BenchmarkSet(
        version=version,
        began=night,
        vehicles=_sorted(drawn),
        kept_from=before.version if before is not None and before.vehicles else None,
        kept=_sorted(drawn & old),
    )


def recent_vehicles(first_seen: Mapping[str, date], night: date, days: int = RECENT_DAYS) -> frozenset[str]:
    """Return the vehicles that were first seen within so many days, tonight being the last.

    Args:
        first_seen: vehicle -> the night it was first seen.
        night: tonight; what was first seen later is not recent, it is unknown to tonight.
        days: how many.
    """
    since = night - timedelta(days=days)
    return frozenset(vehicle for vehicle, first in first_seen.items() if since < first <= night)


def quarter(night: date) -> str:
    """Return a night's quarter, such as '2026-Q4'; quarters sort as text."""
    return f"{night.year:04d}-Q{(night.month - 1) // 3 + 1}"


def _draw(vehicles: list[str], old: set[str], version: str, per_class: int) -> list[str]:
    """Return the vehicles of one class: half of the old ones, then new ones, then the rest of the old.

    Each version draws in an order of its own, by hash; so over the quarters all vehicles have their turn.
    """
    ordered = sorted(vehicles, key=lambda vehicle: canonical_digest([version, vehicle]))
    before = [vehicle for vehicle in ordered if vehicle in old]
    new = [vehicle for vehicle in ordered if vehicle not in old]
    must_stay = (len(before) + 1) // 2
    room = max(per_class, must_stay)
    return [*before[:must_stay], *new, *before[must_stay:]][:room]


def _by_class(test_vehicles: Mapping[str, int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for vehicle, class_id in test_vehicles.items():
        found.setdefault(class_id, []).append(vehicle)
    return found


def _sorted(vehicles: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(vehicles))
