"""Cells: whatever lies within a radius lies in one of the ranges around."""

import math
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.prices.sqlite.cells import EARTH_KM, cell_of, cells_of, distance_km, ranges_around

latitudes = st.floats(-90, 90) | st.sampled_from([-90.0, -89.75, 0.0, 89.75, 90.0])
longitudes = st.floats(-180, 180) | st.sampled_from([-180.0, -179.75, 0.0, 179.75, 180.0])
radii = st.floats(0.001, 20_100) | st.floats(0.001, 200)


def by_vectors(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The angle between two unit vectors by its tangent, times the radius: no haversine."""
    (a, b, c), (d, e, f) = _direction(latitude, longitude), _direction(other_latitude, other_longitude)
    across = math.hypot(b * f - c * e, c * d - a * f, a * e - b * d)
    return EARTH_KM * math.atan2(across, a * d + b * e + c * f)


def _direction(latitude: float, longitude: float) -> tuple[float, float, float]:
    north, east = math.radians(latitude), math.radians(longitude)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)


@given(latitudes, longitudes, latitudes, longitudes)
def test_the_distance_is_the_angle_between_two_directions(latitude, longitude, other_latitude, other_longitude):
    here, there = (latitude, longitude), (other_latitude, other_longitude)
    found = distance_km(*here, *there)
    # Near the antipode a haversine is exact to 1e-8 radians: a tenth of a metre, here a metre is asked.
    assert found == pytest.approx(by_vectors(*here, *there), abs=1e-3)
    assert found == distance_km(*there, *here)


@given(latitudes, longitudes, radii, st.floats(0, 1), st.floats(0, 360))
def test_a_position_within_the_radius_lies_in_one_of_the_ranges(latitude, longitude, radius, share, bearing):
    angle, turn, north = radius * share / EARTH_KM, math.radians(bearing), math.radians(latitude)
    up = math.sin(north) * math.cos(angle) + math.cos(north) * math.sin(angle) * math.cos(turn)
    other = math.asin(max(-1.0, min(1.0, up)))
    aside = math.atan2(
        math.sin(turn) * math.sin(angle) * math.cos(north), math.cos(angle) - math.sin(north) * math.sin(other)
    )
    east = math.remainder(longitude + math.degrees(aside), 360)
    cell = cell_of(math.degrees(other), east)
    if distance_km(latitude, longitude, math.degrees(other), east) <= radius:
        assert any(first <= cell <= last for first, last in ranges_around(latitude, longitude, radius))


@given(latitudes, longitudes, radii)
def test_ranges_never_overlap_and_a_small_circle_has_few(latitude, longitude, radius):
    ranges = sorted(ranges_around(latitude, longitude, radius))
    assert all(first <= last for first, last in ranges)
    assert all(before[1] < after[0] for before, after in pairwise(ranges))
    rows = 2 * math.degrees(radius / EARTH_KM) * 2 + 2
    assert len(ranges) <= 2 * rows


@given(st.lists(st.tuples(latitudes, longitudes) | st.just((None, None)), min_size=1))
def test_columns_have_the_cells_of_their_rows(positions):
    columns = [pa.array([position[i] for position in positions], pa.float64()) for i in (0, 1)]
    expected = [None if north is None else cell_of(north, east) for north, east in positions]
    assert cells_of(*columns).to_pylist() == expected
    assert cells_of(*(pa.chunked_array([column]) for column in columns)).to_pylist() == expected


def test_both_names_of_the_date_line_are_one_cell():
    assert cell_of(10, 180) == cell_of(10, -180)


@pytest.mark.parametrize("position", [(90.1, 0.0), (0.0, 180.1), (float("nan"), 0.0), (0.0, float("inf"))])
def test_no_position_has_no_cell(position):
    with pytest.raises(ValueError, match="no position on Earth"):
        cell_of(*position)
    if not math.isnan(sum(position)):
        with pytest.raises(ValueError, match="no position on Earth"):
            cells_of(*(pa.array([degrees]) for degrees in position))
