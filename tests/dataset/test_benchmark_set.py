"""The benchmark set is fixed for a quarter, renewed with overlap, and never holds what may not be tested."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.dataset.benchmark_set import BenchmarkSet, benchmark_set, quarter, recent_vehicles

NIGHT = date(2026, 11, 22)
NEXT_QUARTER = date(2027, 1, 1)


def cars(class_id: int, count: int, start: int = 0) -> dict[str, int]:
    return {f"{class_id}-{number:03d}": class_id for number in range(start, start + count)}


def test_small_classes_are_in_it_whole_and_large_ones_by_twenty() -> None:
    drawn = benchmark_set(None, cars(0, 3) | cars(1, 20) | cars(2, 21) | cars(3, 400), NIGHT)
    assert (drawn.version, drawn.began, drawn.kept_from, drawn.kept, drawn.left) == ("2026-Q4", NIGHT, None, (), ())
    assert [sum(v.startswith(f"{c}-") for v in drawn.vehicles) for c in range(4)] == [3, 20, 20, 20]
    assert drawn.vehicles == tuple(sorted(drawn.vehicles))


def test_the_draw_depends_on_nothing_but_the_vehicles_and_the_quarter() -> None:
    found = cars(0, 60)
    again = dict(reversed([*found.items()]))
    assert benchmark_set(None, found, NIGHT, per_class=10) == benchmark_set(None, again, NIGHT, per_class=10)
    more = benchmark_set(None, found, NIGHT, per_class=11)
    assert set(benchmark_set(None, found, NIGHT, per_class=10).vehicles) < set(more.vehicles)


def test_within_a_quarter_vehicles_only_leave_and_are_counted() -> None:
    first = benchmark_set(None, cars(0, 30), NIGHT)
    burned, *rest = first.vehicles
    second = benchmark_set(first, dict.fromkeys(rest, 0) | cars(1, 30), NIGHT + timedelta(days=1))
    assert (second.vehicles, second.left) == (tuple(rest), (burned,))
    # One that comes back, or a class that joins, waits for the next quarter.
    third = benchmark_set(second, cars(0, 30) | cars(1, 30), date(2026, 12, 31))
    assert third == second
    assert benchmark_set(third, cars(0, 30), date(2026, 9, 30)) == third  # a night that is made up for


def test_a_new_quarter_keeps_half_and_brings_new_vehicles() -> None:
    first = benchmark_set(None, cars(0, 60), NIGHT)
    second = benchmark_set(first, cars(0, 60) | cars(1, 5), NEXT_QUARTER)
    assert (second.version, second.began, second.kept_from) == ("2027-Q1", NEXT_QUARTER, "2026-Q4")
    assert second.kept == tuple(sorted(set(first.vehicles) & set(second.vehicles)))
    assert (len(second.kept), len(second.vehicles)) == (10, 25)
    # A vehicle that stands in both and goes now is no overlap any more.
    lost = second.kept[0]
    left = {vehicle: 0 for vehicle in second.vehicles if vehicle != lost}
    assert benchmark_set(second, left, NEXT_QUARTER).kept == second.kept[1:]


def test_a_set_that_has_no_vehicles_is_drawn_anew() -> None:
    empty = benchmark_set(None, {}, NIGHT)
    assert empty.vehicles == ()
    drawn = benchmark_set(empty, cars(0, 4), NIGHT + timedelta(days=3))
    assert (drawn.vehicles, drawn.began, drawn.kept_from) == (tuple(cars(0, 4)), NIGHT + timedelta(days=3), None)


vehicles = st.dictionaries(st.integers(0, 150).map(lambda n: f"v{n}"), st.integers(0, 4), max_size=120)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(vehicles, st.integers(0, 120)), min_size=1, max_size=6), st.integers(1, 12))
def test_whatever_happens_it_holds_test_vehicles_and_half_of_what_it_held(
    nights: list[tuple[dict[str, int], int]], per_class: int
) -> None:
    before: BenchmarkSet | None = None
    night = NIGHT
    for found, days in nights:
        night += timedelta(days=days)
        now = benchmark_set(before, found, night, per_class=per_class)
        assert set(now.vehicles) <= found.keys()
        assert not set(now.left) & set(now.vehicles)
        fixed = before is not None and before.vehicles and before.version == quarter(night)
        if before is not None and fixed:
            assert set(now.vehicles) == set(before.vehicles) & found.keys()
            assert set(now.left) == set(before.left) | (set(before.vehicles) - found.keys())
        else:
            old = set(before.vehicles) & found.keys() if before else set()
            assert set(now.kept) == old & set(now.vehicles)
            for class_id in set(found.values()):
                mine = {vehicle for vehicle, its in found.items() if its == class_id}
                chosen, stayed = mine & set(now.vehicles), mine & old
                assert 2 * len(chosen & old) >= len(stayed)
                assert min(per_class, len(mine)) <= len(chosen) <= max(per_class, (len(stayed) + 1) // 2)
        before = now


@pytest.mark.parametrize(
    ("night", "name"),
    [(date(2026, 1, 1), "2026-Q1"), (date(2026, 3, 31), "2026-Q1"), (date(2026, 4, 1), "2026-Q2"),
     (date(2026, 12, 31), "2026-Q4")],
)  # fmt: skip
def test_quarters_are_those_of_the_calendar(night: date, name: str) -> None:
    assert quarter(night) == name


def test_recent_is_the_last_four_weeks_with_tonight() -> None:
    seen = {"tonight": NIGHT, "in": date(2026, 10, 26), "out": date(2026, 10, 25), "later": NIGHT + timedelta(days=1)}
    assert recent_vehicles(seen, NIGHT) == {"tonight", "in"}
    assert recent_vehicles(seen, NIGHT, days=1) == {"tonight"}
