"""Squares of half a degree, numbered so that what lies near a position is a few ranges of numbers.

720 cells make a row; rows go from the south pole north, cells eastward from 180 degrees west:

    cell = floor((latitude + 90) * 2) * 720 + floor((longitude + 180) * 2) modulo 720

so a circle is one range of cells for each row that it touches. An ordinary b-tree over the number answers as an R-tree
does, and its bytes do not depend on the order of insertion.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

EARTH_KM = 6371.0088  # mean radius, IUGG
_PER_DEGREE = 2
_COLUMNS = 360 * _PER_DEGREE
_LAST_ROW = 180 * _PER_DEGREE  # the north pole has a row of its own
_MARGIN = 1e-6  # degrees: what rounding could hide at the edge of a circle


def cell_of(latitude: float, longitude: float) -> int:
    """Return the cell of a position in degrees.

    Raises:
        ValueError: no position on Earth.
    """
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(f"no position on Earth: latitude {latitude}, longitude {longitude}")
    return _cells(latitude + 90) * _COLUMNS + _cells(longitude + 180) % _COLUMNS


def cells_of(latitudes: "pa.ChunkedArray | pa.Array", longitudes: "pa.ChunkedArray | pa.Array") -> "pa.Array":
    """Return the cells of positions (float64 columns of degrees) as int32; null where a coordinate is null.

    Raises:
        ValueError: a row is no position on Earth.
    """
    import numpy as np
    import pyarrow as pa

    latitude, longitude = (each.to_numpy(zero_copy_only=False).astype(np.float64) for each in (latitudes, longitudes))
    placed = ~(np.isnan(latitude) | np.isnan(longitude))
    wrong = placed & ~((np.abs(latitude) <= 90) & (np.abs(longitude) <= 180))
    if wrong.any():
        raise ValueError(f"no position on Earth: latitude {latitude[wrong][0]}, longitude {longitude[wrong][0]}")
    row, column = (
        np.floor((np.where(placed, degrees, 0) + turn) * _PER_DEGREE).astype(np.int32)
        for degrees, turn in ((latitude, 90), (longitude, 180))
    )
    return pa.array(row * _COLUMNS + column % _COLUMNS, pa.int32(), mask=~placed)


def ranges_around(latitude: float, longitude: float, radius_km: float) -> Iterator[tuple[int, int]]:
    """Yield ranges of cells (first, last) that do not overlap and cover all that lies within a radius, and some more.

    One range for each row of cells, two where the circle crosses 180 degrees; a circle around a pole is a single one.
    """
    angle = radius_km / EARTH_KM
    height = math.degrees(angle) + _MARGIN
    south, north = max(0, _cells(latitude - height + 90)), min(_LAST_ROW, _cells(latitude + height + 90))
    west, east = 0, _COLUMNS
    if abs(latitude) + height < 90:
        width = math.degrees(math.asin(math.sin(angle) / math.cos(math.radians(latitude)))) + _MARGIN
        west, east = _cells(longitude - width + 180), _cells(longitude + width + 180)
    if east - west >= _COLUMNS - 1:
        yield south * _COLUMNS, (north + 1) * _COLUMNS - 1
        return
    west, east = west % _COLUMNS, east % _COLUMNS
    spans = [(west, east)] if west <= east else [(0, east), (west, _COLUMNS - 1)]
    for row in range(south, north + 1):
        for first, last in spans:
            yield row * _COLUMNS + first, row * _COLUMNS + last


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the great-circle distance between two positions in degrees (haversine, on a sphere)."""
    north, other_north = math.radians(latitude), math.radians(other_latitude)
    up = math.sin((other_north - north) / 2)
    across = math.sin(math.radians(other_longitude - longitude) / 2)
    square = up * up + math.cos(north) * math.cos(other_north) * across * across
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(square)))


def _cells(degrees: float) -> int:
    return math.floor(degrees * _PER_DEGREE)
