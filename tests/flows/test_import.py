"""`autodetect import`, as a person runs it: what is there is told, what is wrong is told, nothing is half there."""

import json
import shutil
from pathlib import Path

import pytest

from autodetect.lake.lake import open_lake
from autodetect.settings import Settings
from crawlers.imports import pending
from flows.cli.imports import TELL_EVERY
from tests.crawlers.folder.cars import photo_bytes, write_photos, write_table
from tests.flows.program import Ended, Program

OWN = ("--licence", "own photos")


@pytest.fixture
def program(tmp_path: Path, prefect_home: Path) -> Program:
    """The program beside a folder `cars` of two photos and a table; no marketplace is drawn."""
    write_photos(tmp_path / "cars", "ford/mustang/1.jpg", "alfa_romeo_giulia/2.jpg", "photos/3.jpg")
    write_table(
        tmp_path / "cars",
        {"item_id": "9", "make": "Audi", "model": "A4", "photos": "3.jpg 4.jpg", "price": "9000", "seller": "me"},
    )
    return Program(tmp_path, tmp_path / "no-marketplace", prefect_home)


def refused(ended: Ended, *words: str) -> None:
    assert ended.code == 2, ended.err[-2000:]
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) <= 3
    for word in words:
        assert word in ended.err


def lake_of(program: Program) -> list[str]:
    """The keys that the lake holds, its tables aside."""
    root = program.folder / "var/lake"
    keys = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(key for key in keys if not key.startswith("tables/"))


def test_a_folder_is_imported_once_and_waits_for_the_crawl(program: Program) -> None:
    told = program.run("import", "cars", *OWN)
    assert told.code == 0, told.err
    for words in ("listings   3 (3 of kind import)", "photos     3 (3 new", "Alfa Romeo Giulia 1", "photo_missing",
                  "4.jpg", "next: autodetect nightly"):  # fmt: skip
        assert words in told.out
    lake = open_lake(Settings(lake=str(program.folder / "var/lake")))
    (waiting,) = pending(lake.objects, ())
    listings = {listing.sighting.title or "Audi": listing for listing in waiting.read()[0]}
    assert lake.photos.read(listings["Ford mustang"].photos[0].sha256) == photo_bytes(0)
    assert {listing.sighting.permission for listing in listings.values()} == {"own photos"}
    held = lake_of(program)
    again = program.run("import", "cars", *OWN, "--json")
    assert again.json()["state"] == "the same"
    assert again.json()["photos_new"] == 0
    assert lake_of(program) == held


def test_a_dry_run_needs_no_licence_and_writes_nothing(program: Program) -> None:
    told = program.run("import", "cars", "--dry-run", "--json")
    assert told.code == 0, told.err
    found = told.json()
    assert (found["state"], found["listings"], found["photos"]) == ("would be imported", 3, 3)
    assert found["models"] == {"Ford Mustang": 1, "Alfa Romeo Giulia": 1, "Audi A4": 1}
    assert found["refused"] == {
        "import.photo_missing": {"count": 1, "examples": ["listings.csv, row 2: 4.jpg"]},
    }
    assert set(found["noted"]) == {"import.unknown_column", "import.price_not_used"}
    assert found["next"] == "autodetect import cars --licence TEXT"
    assert not (program.folder / "var").exists()


def test_mistakes_are_told_with_the_way_on_and_nothing_is_written(program: Program) -> None:
    refused(program.run("import", "cars"), "licence", "--licence")
    refused(program.run("import", "nowhere", *OWN), "there is no folder nowhere", "make/model/photo.jpg")
    (program.folder / "cars/listings.csv").write_bytes("make,model\nCitro\xebn,C4\n".encode("latin-1"))
    refused(program.run("import", "cars", *OWN), "cars/listings.csv", "UTF-8")
    (program.folder / "cars/listings.csv").write_text("make,price\nFord,1\n")
    refused(program.run("import", "cars", *OWN), "cars/listings.csv", "'model'", "docs/operations.md")
    assert not (program.folder / "var").exists()


def test_photos_that_are_none_are_told_before_anything_is_staged(program: Program) -> None:
    page = program.folder / "pages/ford/mustang/1.jpg"
    page.parent.mkdir(parents=True)
    page.write_text("<html>404</html>")
    refused(program.run("import", "pages", *OWN), "none of the photos", "import.photo_not_an_image")
    assert not (program.folder / "var/lake/imports").exists()


def test_a_kill_leaves_nothing_half_visible_and_the_next_import_is_whole(program: Program) -> None:
    many = program.folder / "many/ford/mustang"
    many.mkdir(parents=True)
    for number in range(2 * TELL_EVERY):
        (many / f"{number}.jpg").write_bytes(photo_bytes(number))
    program.signal_when(lambda line: line.startswith("import: 1,000 of 2,000"), "import", "many", *OWN)
    assert not [key for key in lake_of(program) if key.startswith("imports/")]
    whole = program.run("import", "many", *OWN, "--json").json()
    assert (whole["state"], whole["photos"]) == ("imported", 2 * TELL_EVERY)
    assert whole["photos_new"] <= TELL_EVERY  # what the killed one stored is not stored again


def test_the_same_data_elsewhere_at_the_same_time_is_one_import(program: Program) -> None:
    shutil.copytree(program.folder / "cars", program.folder / "copy")
    runs = [program.start("import", name, *OWN, "--json") for name in ("cars", "copy")]
    told = [json.loads(run.communicate(timeout=100)[0]) for run in runs]
    assert {found["digest"] for found in told} == {told[0]["digest"]}
    assert sorted(found["state"] for found in told) == ["imported", "the same"]
    assert [key for key in lake_of(program) if key.startswith("imports/")] == [
        f"imports/{told[0]['digest']}{suffix}" for suffix in (".jsonl", ".refused.jsonl")
    ]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "folder.path"),
        ({"AUTODETECT_FOLDER__PATH": "cars"}, "folder.licence"),
        ({"AUTODETECT_FOLDER__PATH": "nowhere", "AUTODETECT_FOLDER__LICENCE": "own"}, "there is no folder nowhere"),
    ],
)
def test_a_night_over_a_folder_that_cannot_be_used_begins_nothing(
    program: Program, variables: dict[str, str], words: str
) -> None:
    program.variables = variables
    refused(program.run("nightly", "--source", "folder"), words)
    assert not (program.folder / "var").exists()
