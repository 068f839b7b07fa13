"""What a folder holds is read whole: every photo and row becomes a listing, or is refused or skipped and told."""

import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from autodetect.errors import UsageError
from crawlers.folder.read import FolderContents, FolderListing, read_folder
from tests.crawlers.folder.cars import write_photos, write_table

NIGHT = date(2026, 11, 30)


def read(folder: Path, **options: Any) -> FolderContents:
    return read_folder(folder, **{"kind": "import", "night": NIGHT, "licence": "own", "max_photos": 12, **options})


def by_photo(contents: FolderContents) -> dict[tuple[str, ...], FolderListing]:
    return {listing.sighting.photo_urls: listing for listing in contents}


def rules(contents: FolderContents) -> set[tuple[str, str]]:
    return {(refusal.key, refusal.rule.removeprefix("import.")) for refusal in contents.refusals}


def test_photos_become_listings_by_their_folders(tmp_path: Path) -> None:
    names = ["ford/mustang/a.jpg", "ford/mustang/seven/1.JPG", "ford/mustang/seven/2.jpg", "alfa_romeo_giulia/1.webp"]
    found = by_photo(read(write_photos(tmp_path, *names)))
    assert set(found) == {
        ("file:ford/mustang/a.jpg",),
        ("file:ford/mustang/seven/1.JPG", "file:ford/mustang/seven/2.jpg"),
        ("file:alfa_romeo_giulia/1.webp",),
    }
    alfa = found["file:alfa_romeo_giulia/1.webp",]
    assert alfa.sighting.model_dump(exclude_defaults=True) == {
        "source": "folder",
        "item_id": alfa.sighting.item_id,
        "kind": "import",
        "observed_on": NIGHT,
        "title": "Alfa Romeo giulia",
        "make": "Alfa Romeo",
        "model": "giulia",
        "photo_urls": ("file:alfa_romeo_giulia/1.webp",),
        "permission": "own",
    }
    assert alfa.photos == (tmp_path.resolve() / "alfa_romeo_giulia/1.webp",)


def test_item_ids_are_those_of_the_path_below_the_folder_wherever_it_lies(tmp_path: Path) -> None:
    here = write_photos(tmp_path / "here", "ford/mustang/a.jpg", "ford/mustang/caf\u00e9/1.jpg", "audi/a4/b.jpg")
    there = write_photos(
        tmp_path / "else/where", "audi/a4/b.jpg", "ford/mustang/a.jpg", "ford/mustang/cafe\u0301/1.jpg"
    )
    ids = [listing.sighting.item_id for listing in read(here)]
    assert ids == [listing.sighting.item_id for listing in read(there)] == sorted(ids)
    assert "5bc902a993c82826" in ids  # SHA-256 of 'ford/mustang/a.jpg': no later version may change it


def test_a_row_takes_the_photos_it_names_from_wherever_they_lie(tmp_path: Path) -> None:
    write_photos(
        tmp_path, "photos/one.jpg", "photos/two.png", "photos/extra.jpg", "ford/mustang/a.jpg", "audi/a4/b.jpg"
    )
    write_table(
        tmp_path, {"item_id": "7", "make": "Ford", "model": "Mustang", "photos": "one.jpg two ford/mustang/a.jpg"}
    )
    contents = read(tmp_path)
    found = by_photo(contents)
    row = found["file:photos/one.jpg", "file:photos/two.png", "file:ford/mustang/a.jpg"]
    assert (row.sighting.item_id, row.sighting.model, row.has_row) == ("7", "Mustang", True)
    assert len(contents) == len(found) == 2  # the Audi has no row; the Mustang's photo is no listing of its own
    assert contents.skipped == {"in photos/, but no row names it": 1}


def test_a_row_without_an_item_id_keeps_the_name_of_its_photo(tmp_path: Path) -> None:
    write_photos(tmp_path, "ford/mustang/a.jpg")
    (alone,) = read(tmp_path)
    write_table(tmp_path, {"make": "Ford", "model": "Mustang", "photos": "ford/mustang/a.jpg", "price": "1"},
                {"make": "Audi", "model": "A4"}, {"make": "Audi", "model": "A4"})  # fmt: skip
    contents = read(tmp_path)
    assert alone.sighting.item_id in {listing.sighting.item_id for listing in contents}
    assert ("listings.csv, row 4", "duplicate_item") in rules(contents)


def test_photos_that_are_missing_or_outside_cost_only_themselves(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "cars", "photos/one.jpg")
    secret = write_photos(tmp_path, "secret/s.jpg") / "secret"
    (folder / "photos/linked.jpg").symlink_to(secret / "s.jpg")
    (folder / "shelf").symlink_to(secret)
    (folder / "photos/within.jpg").symlink_to("one.jpg")
    names = "one.jpg none.jpg ../secret/s.jpg /etc/hosts.jpg linked.jpg shelf/s.jpg within.jpg"
    write_table(folder, {"item_id": "1", "make": "Ford", "model": "Ka", "photos": names})
    contents = read(folder)
    (listing,) = contents
    assert listing.sighting.photo_urls == ("file:photos/one.jpg", "file:photos/within.jpg")
    assert rules(contents) == {
        ("listings.csv, row 2: none.jpg", "photo_missing"),
        *((f"listings.csv, row 2: {name}", "photo_outside_folder")
          for name in ("../secret/s.jpg", "/etc/hosts.jpg", "linked.jpg", "shelf/s.jpg")),
        ("photos/linked.jpg", "photo_outside_folder"),
        ("shelf", "photo_outside_folder"),
    }  # fmt: skip


def test_one_bad_thing_costs_only_itself(tmp_path: Path) -> None:
    names = ["ford/mustang/a.jpg", "top.jpg", "ford/b.jpg", "a/b/c/d/e.jpg", ".hidden/x/y.jpg", "ford/mustang/n.txt"]
    write_photos(tmp_path, *names)
    os.mkfifo(tmp_path / "ford/mustang/pipe.jpg")
    (tmp_path / "ford/again").symlink_to(tmp_path / "ford/mustang")
    (tmp_path / "ford/loop").symlink_to(tmp_path / "ford/loop")
    write_table(
        tmp_path,
        {"item_id": "1", "make": "Ford", "model": "Ka"},
        {"item_id": "1", "make": "Ford", "model": "Kb"},
        {"item_id": "2", "make": "", "model": ""},
        {"item_id": "3", "make": "Ford", "model": "Ka", "kind": "sold"},
    )
    contents = read(tmp_path)
    assert {listing.sighting.model for listing in contents} == {"mustang", "Ka"}
    assert rules(contents) >= {
        ("top.jpg", "no_make"),
        ("ford/b.jpg", "no_model"),
        ("a/b/c/d/e.jpg", "too_deep"),
        ("ford/mustang/pipe.jpg", "unreadable"),
        ("listings.csv, row 3", "duplicate_item"),
        ("listings.csv, row 4", "no_make"),
        ("listings.csv, row 5", "sold_without_date"),
    }
    assert contents.skipped["hidden"] == 1
    assert contents.skipped[".txt"] == 1
    assert contents.skipped["links to folders"] == 1


def test_a_name_that_is_no_utf8_is_refused_in_words(tmp_path: Path) -> None:
    write_photos(tmp_path, "ford/mustang/a.jpg")
    shutil.copy(tmp_path / "ford/mustang/a.jpg", os.fsencode(tmp_path / "ford/mustang") + b"/\xff.jpg")
    contents = read(tmp_path)
    assert len(contents) == 1
    assert rules(contents) == {("ford/mustang/\\udcff.jpg", "name_unreadable")}


def test_two_files_whose_names_are_one_in_unicode_are_one_listing(tmp_path: Path) -> None:
    write_photos(tmp_path, "ford/ka/e\u0301.jpg", "ford/ka/\u00e9.jpg")
    contents = read(tmp_path)
    assert len(contents) == 1
    assert rules(contents) == {("ford/ka/\u00e9.jpg", "duplicate_item")}


def test_more_photos_than_a_listing_may_have_are_left_out_and_counted(tmp_path: Path) -> None:
    contents = read(write_photos(tmp_path, *(f"ford/ka/car/{n}.jpg" for n in range(5))), max_photos=3)
    (listing,) = contents
    assert listing.sighting.photo_urls == tuple(f"file:ford/ka/car/{n}.jpg" for n in range(3))
    assert contents.skipped == {"beyond crawl.max_photos_per_listing": 2}


def test_a_folder_that_is_read_every_night_holds_offers_and_sales(tmp_path: Path) -> None:
    write_photos(tmp_path, "ford/ka/1.jpg")
    write_table(tmp_path, {"make": "Audi", "model": "A4", "kind": "sold", "sold_on": "2025-03", "price": "9"},
                {"make": "Audi", "model": "A6", "kind": "import", "price": "8"})  # fmt: skip
    nightly, once = read(tmp_path, kind="asking"), read(tmp_path)
    assert nightly.kinds == {"asking": 2, "sold": 1}
    assert once.kinds == {"import": 2, "sold": 1}
    assert ("listings.csv", "price_not_used") in rules(once) - rules(nightly)
    (sale,) = (listing.sighting for listing in nightly if listing.sighting.kind == "sold")
    assert (sale.observed_on, sale.precision) == (date(2025, 3, 1), "month")
    assert {listing.sighting.observed_on for listing in nightly} == {NIGHT, date(2025, 3, 1)}


def test_the_contents_say_what_the_catalogue_makes_of_them(tmp_path: Path) -> None:
    contents = read(
        write_photos(
            tmp_path, "ford/ka/1.jpg", "Ford_KA/2.jpg", "ford/ka/3.jpg", "train/ford_ka/1.jpg", "vw/other/1.jpg"
        )
    )
    assert contents.models == {"Ford ka": 3, "train ford ka": 1, "other models": 1}
    assert contents.unknown_makes == {"train": 1}


@pytest.mark.parametrize(
    ("names", "words"),
    [([], "it is empty"), (["a.txt", "b.heic"], "skipped 1 .txt, 1 .heic"), (["x.jpg"], "x.jpg: import.no_make")],
)
def test_a_folder_with_nothing_to_use_says_what_it_has_instead(tmp_path: Path, names: list[str], words: str) -> None:
    folder = write_photos(tmp_path, *names)
    with pytest.raises(UsageError, match=str(folder)) as refused:
        read(folder)
    assert words in refused.value.what
    assert "make/model/photo.jpg" in refused.value.remedy


def test_a_folder_that_is_not_there_or_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for name in ("nowhere", "file"):
        with pytest.raises(UsageError, match=f"there is no folder .*{name}"):
            read(tmp_path / name)
