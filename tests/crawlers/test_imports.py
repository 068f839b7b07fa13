"""Imports wait in the lake whole or not at all, are known by their content, and are given out as they were put in."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.errors import CorruptError
from autodetect.lake.objects import LocalStore
from autodetect.records import Refusal, Sighting
from crawlers.imports import ImportHeader, ImportLines, listing_line, pending, refusal_line, stage, staged
from crawlers.kept import KeptListing, KeptPhoto

FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)
MISSING = Refusal(table="import", key="a.jpg", rule="import.photo_missing", value="gone")
TEXT = st.text(max_size=10)


def car(item_id: str = "1", **facts: object) -> KeptListing:
    values = {"kind": "import", "observed_on": date(2026, 11, 1), "photo_urls": ("file:a", "file:b"), **facts}
    sighting = Sighting(source="folder", item_id=item_id, make="Ford", model="Ka", **values)  # type: ignore[arg-type]
    return KeptListing(sighting=sighting, photos=(KeptPhoto(position=1, url="file:b", sha256="f" * 64),))


def put(objects: LocalStore, *listings: KeptListing, refusals: tuple[Refusal, ...] = (), at: datetime = FIRST) -> bool:
    lines = lines_of(*listings, refusals=refusals)
    header = ImportHeader(
        imported_on=at.date(), imported_at=at, folder="cars", licence="own", listings=len(listings), photos=1,
        refusals=len(refusals),
    )  # fmt: skip
    return stage(objects, lines, header)


def lines_of(*listings: KeptListing, refusals: tuple[Refusal, ...] = ()) -> ImportLines:
    return ImportLines(b"".join(map(listing_line, listings)), b"".join(map(refusal_line, refusals)))


@pytest.fixture
def objects(tmp_path: Path) -> LocalStore:
    """An empty object store."""
    return LocalStore(tmp_path / "lake")


def test_what_was_put_in_comes_out(objects: LocalStore) -> None:
    sale = car("2", kind="sold", observed_on=date(2020, 5, 1), precision="month")
    assert put(objects, car(), sale, refusals=(MISSING,))
    (waiting,) = pending(objects, ())
    listings, refusals = waiting.read()
    assert list(listings) == [car(), sale]
    assert refusals == (MISSING.model_copy(update={"key": f"{waiting.digest[:12]}/a.jpg"}),)
    assert (waiting.header.folder, waiting.header.licence) == ("cars", "own")


def test_the_same_data_has_the_same_name_and_keeps_its_first_date(objects: LocalStore) -> None:
    later = FIRST + timedelta(days=3)
    assert put(objects, car(), refusals=(MISSING,))
    assert not put(objects, car(observed_on=later.date()), refusals=(MISSING,), at=later)
    (waiting,) = pending(objects, ())
    listings, _ = waiting.read()
    assert [listing.sighting.observed_on for listing in listings] == [FIRST.date()]


def test_other_data_has_another_name() -> None:
    others = [
        lines_of(car(permission="other")),
        lines_of(car(), refusals=(MISSING,)),
        lines_of(car(), car("2")),
        lines_of(car("2", kind="sold")),
        lines_of(car("2", kind="sold", observed_on=date(2020, 1, 1))),
    ]
    assert len({lines.digest for lines in (lines_of(car()), *others)}) == 6


def test_what_was_taken_in_is_not_even_opened_and_the_rest_comes_oldest_first(objects: LocalStore) -> None:
    for number in range(4):
        put(objects, car(str(number)), refusals=(MISSING,), at=FIRST - timedelta(hours=number))
    all_of_them = [one.digest for one in pending(objects, ())]
    assert all_of_them == [lines_of(car(str(n)), refusals=(MISSING,)).digest for n in (3, 2, 1, 0)]
    taken = all_of_them[1]
    (Path(objects.root) / f"imports/{taken}.jsonl").write_bytes(b"damaged")
    assert [one.digest for one in pending(objects, {taken})] == [d for d in all_of_them if d != taken]


def test_refusals_without_their_import_are_not_seen(objects: LocalStore) -> None:
    put(objects, car(), refusals=(MISSING,))
    digest = lines_of(car(), refusals=(MISSING,)).digest
    objects.delete(f"imports/{digest}.jsonl")  # as a kill between the two writes leaves it
    assert pending(objects, ()) == []
    assert staged(objects, digest) is None
    assert put(objects, car(), refusals=(MISSING,))


@pytest.mark.parametrize("suffix", [".jsonl", ".refused.jsonl"])
def test_damage_is_told(objects: LocalStore, suffix: str) -> None:
    put(objects, car(), car("2"), refusals=(MISSING,))
    (waiting,) = pending(objects, ())
    path = Path(objects.root) / f"imports/{waiting.digest}{suffix}"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CorruptError, match=waiting.digest):
        waiting.read()
    (Path(objects.root) / f"imports/{waiting.digest}.jsonl").write_bytes(b"{}\n")
    with pytest.raises(CorruptError, match="header"):
        pending(objects, ())


@given(title=TEXT, price=TEXT, aspects=st.dictionaries(TEXT, TEXT, max_size=3), urls=st.lists(TEXT, max_size=4))
def test_every_text_survives(
    tmp_path_factory: pytest.TempPathFactory, title: str, price: str, aspects: dict[str, str], urls: list[str]
) -> None:
    objects = LocalStore(tmp_path_factory.mktemp("lake"))
    sighting = car(title=title, price=price, aspects=aspects, photo_urls=tuple(urls)).sighting
    photos = tuple(KeptPhoto(position=n, url=url, sha256="f") for n, url in enumerate(urls))
    put(objects, KeptListing(sighting=sighting, photos=photos))
    (waiting,) = pending(objects, ())
    assert list(waiting.read()[0]) == [KeptListing(sighting=sighting, photos=photos)]
