"""No car that a model was trained on is tested, whatever it is called tonight."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from autodetect.dataset.trained_on import trained_on
from autodetect.lake.schemas import SNAPSHOTS, Table
from autodetect.lake.tables import rows_of

NIGHT = date(2026, 11, 1)
PAST = [
    ("s1", "p1", "v1", "train"),
    ("s1", "p2", "v2", "validation"),
    ("s2", "p3", "v3", "train"),
    ("s2", "p4", "v2", "test"),
]


def read(table: Table, *, columns: list[str] | None = None, where: Any = None) -> pa.Table:
    assert table is SNAPSHOTS
    assert where is not None, "all snapshots together grow with every night"
    names = ("snapshot_id", "sha256", "vehicle_id", "split")
    return rows_of(SNAPSHOTS, (dict(zip(names, row, strict=True)) for row in PAST)).filter(where).select(columns)


def tonight(*rows: tuple[str, str]) -> pa.Table:
    return pa.table({"sha256": [photo for photo, _ in rows], "vehicle_id": [vehicle for _, vehicle in rows]})


@pytest.mark.parametrize(
    ("rows", "snapshots", "found"),
    [
        ([("new", "v1"), ("p2", "v2"), ("p4", "v2")], None, {"v1"}),
        ([("p1", "another name"), ("new", "another name"), ("p9", "v9")], None, {"another name"}),
        ([("p1", "v1"), ("p3", "v3")], None, {"v1", "v3"}),
        ([("p1", "v1"), ("p3", "v3")], ["s2", "never"], {"v3"}),
        ([("p1", "v1")], [], set()),
        ([], None, set()),
    ],
)
def test_vehicles_are_known_by_their_id_and_by_their_photos(
    rows: list[tuple[str, str]], snapshots: list[str] | None, found: set[str]
) -> None:
    assert trained_on(read, tonight(*rows), snapshots) == found
