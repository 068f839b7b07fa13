"""The source `folder`: what the folder holds on a night is what is there that night."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from autodetect.errors import UsageError
from autodetect.lake.archives import sha256_bytes
from autodetect.lake.lake import Lake, open_lake
from autodetect.records import StageRun
from autodetect.settings import Settings
from crawlers.folder.crawl import FolderCrawl, crawl_folder, require_folder
from crawlers.kept import KeptListing
from tests.crawlers.folder.cars import photo_bytes, write_photos, write_table


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A folder of two cars as the source."""
    write_photos(tmp_path / "cars", "ford/ka/1.jpg", "audi/a4/2.jpg")
    return Settings().with_values(
        {
            "lake": str(tmp_path / "lake"),
            "source": "folder",
            "folder.path": str(tmp_path / "cars"),
            "folder.licence": "own",
        }
    )


@pytest.fixture
def lake(settings: Settings) -> Lake:
    """A new lake for it."""
    return open_lake(settings, create=True)


def look(settings: Settings, lake: Lake, day: int, **options: Any) -> FolderCrawl:
    run = StageRun(night=date(2026, 11, day), run_id="run", now=datetime(2026, 11, day, tzinfo=UTC))
    return crawl_folder(settings, lake, run, **options)


def found(crawl: FolderCrawl) -> dict[str, KeptListing]:
    return {taken.listing.sighting.title: taken.listing for taken in crawl if taken.listing}


def test_every_night_shows_what_is_there(tmp_path: Path, settings: Settings, lake: Lake) -> None:
    first = look(settings, lake, 1)
    assert first.announced == {"asking": 2}
    before = found(first)
    shutil.rmtree(tmp_path / "cars/audi")
    write_photos(tmp_path / "cars", "vw/golf/3.jpg")
    after = found(look(settings, lake, 2))
    assert set(before) == {"Ford ka", "Audi a4"}
    assert set(after) == {"Ford ka", "Volkswagen golf"}
    ford = before["Ford ka"].sighting, after["Ford ka"].sighting
    assert ford[0].digest == ford[1].digest  # unchanged: no new sighting
    assert [sighting.observed_on.day for sighting in ford] == [1, 2]


def test_a_photo_replaced_under_its_name_is_noticed(tmp_path: Path, settings: Settings, lake: Lake) -> None:
    before = found(look(settings, lake, 1))["Ford ka"]
    (tmp_path / "cars/ford/ka/1.jpg").write_bytes(photo_bytes(9))
    after = found(look(settings, lake, 2))["Ford ka"]
    assert before.photos[0].sha256 == sha256_bytes(photo_bytes(0))
    assert after.photos[0].sha256 == sha256_bytes(photo_bytes(9))
    assert lake.photos.read(after.photos[0].sha256) == photo_bytes(9)
    assert list(after.photo_rows()) == [
        {"source": "folder", "item_id": after.sighting.item_id, "position": 0, "url": "file:ford/ka/1.jpg",
         "sha256": sha256_bytes(photo_bytes(9))}
    ]  # fmt: skip


def test_a_listing_that_becomes_a_sale_keeps_its_item_id(tmp_path: Path, settings: Settings, lake: Lake) -> None:
    write_table(tmp_path / "cars", {"item_id": "5", "make": "Fiat", "model": "500", "title": "Fiat", "price": "9"})
    asked = found(look(settings, lake, 1))["Fiat"].sighting
    write_table(tmp_path / "cars", {"item_id": "5", "make": "Fiat", "model": "500", "title": "Fiat", "price": "8",
                                    "kind": "sold", "sold_on": "2026-11-02"})  # fmt: skip
    sold = found(look(settings, lake, 3))["Fiat"].sighting
    assert (asked.kind, asked.item_id, asked.price) == ("asking", "5", "9")
    assert (sold.kind, sold.item_id, sold.observed_on) == ("sold", "5", date(2026, 11, 2))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"folder.path": ""}, "folder.path"),
        ({"folder.licence": "  "}, "licence is stamped on every sighting"),
        ({"folder.path": "nowhere"}, "there is no folder nowhere"),
    ],
)
def test_what_is_not_set_is_told_with_the_way_to_set_it(settings: Settings, values: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        require_folder(settings.with_values(values))
    assert words in refused.value.what
    assert refused.value.remedy
