"""The copies that a report shows: the groups that tonight's photos joined, the largest first, told whole."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

from autodetect.lake.lake import open_lake
from autodetect.lake.schemas import PHOTOS
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, StageRun
from autodetect.report.gather import MOST_GROUPS, MOST_IN_GROUP, Gatherer
from autodetect.settings import Settings

BEFORE, NIGHT = date(2026, 10, 31), date(2026, 11, 1)


def shown(tmp_path: Path, *photos: tuple[bytes, str | None, date]) -> list[tuple[str, list[bytes]]]:
    """What the report says of photos (content, copy group, night): the words, and the pictures of each group."""
    lake = open_lake(Settings(lake=str(tmp_path / "lake")), create=True)
    rows = [
        {"sha256": lake.photos.put(content), "copy_group": group, "night": night, "verdict": "ok" if group else "bad"}
        for content, group, night in photos
    ]
    version = lake.tables.upsert(PHOTOS, rows_of(PHOTOS, rows))
    curate = Receipt(night=NIGHT, stage="curate", run_id="r", versions={PHOTOS.name: version})
    run = StageRun(night=NIGHT, run_id="r", now=datetime(2026, 11, 1, tzinfo=UTC), inputs={"curate": curate})
    found = Gatherer(lake, run, tmp_path / "photos").copies()
    return [(group.tied_by, [path.read_bytes() for path in group.photos]) for group in found]


def test_groups_that_tonights_photos_joined_are_shown_with_their_older_copies(tmp_path: Path) -> None:
    photos = [
        (b"1", "two", BEFORE),
        (b"2", "two", NIGHT),
        (b"3", "three", NIGHT),
        (b"4", "three", NIGHT),
        (b"5", "three", BEFORE),
        (b"6", "old", BEFORE),
        (b"7", "old", BEFORE),
        (b"8", "alone", NIGHT),
        (b"9", None, NIGHT),
        (b"10", None, NIGHT),
    ]
    by_digest = sorted([b"3", b"4", b"5"], key=lambda content: hashlib.sha256(content).hexdigest())
    three, two = shown(tmp_path, *photos)
    assert three == ("3 copies of one picture", by_digest)
    assert (two[0], set(two[1])) == ("2 copies of one picture", {b"1", b"2"})


def test_a_report_shows_a_few_groups_and_a_few_copies_of_each_but_counts_all(tmp_path: Path) -> None:
    many = [(f"{group} {number}".encode(), f"{group:02}", NIGHT) for group in range(12) for number in range(9)]
    found = shown(tmp_path, *many)
    assert {(words, len(pictures)) for words, pictures in found} == {("9 copies of one picture", MOST_IN_GROUP)}
    assert [pictures[0].split()[0] for _, pictures in found] == [str(group).encode() for group in range(MOST_GROUPS)]


def test_a_night_without_photos_shows_no_copies(tmp_path: Path) -> None:
    assert shown(tmp_path, (b"1", "a", BEFORE), (b"2", "a", BEFORE)) == []
