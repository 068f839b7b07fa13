"""Photos go into the store as the bytes they are, once each; one that cannot be used costs only itself."""

import os
from datetime import date
from pathlib import Path

import pytest

from autodetect.lake.archives import sha256_bytes
from autodetect.lake.blobs import BlobStore
from autodetect.lake.objects import LocalStore
from crawlers.folder.photos import PhotoIntake, Taken
from crawlers.folder.read import FolderListing, read_folder
from tests.crawlers.folder.cars import photo_bytes, write_photos, write_table


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """An empty photo store."""
    return BlobStore(LocalStore(tmp_path / "lake"), "photos")


def listing_of(folder: Path) -> FolderListing:
    (listing,) = read_folder(folder, kind="import", night=date(2026, 11, 1), licence="own", max_photos=12)
    return listing


def take(store: BlobStore | None, listing: FolderListing, **options: object) -> Taken:
    return PhotoIntake(store, **{"max_bytes": 5_000, "max_pixels": 1_000, **options}).take(listing)  # type: ignore[arg-type]


def test_photos_are_stored_as_they_are_and_bad_ones_refused(tmp_path: Path, store: BlobStore) -> None:
    folder = write_photos(tmp_path / "cars", *(f"ford/ka/car/{n}.jpg" for n in range(5)))
    car = folder / "ford/ka/car"
    listing = listing_of(folder)
    car.joinpath("0.jpg").write_bytes(b"")
    car.joinpath("1.jpg").write_bytes(b"<html>no photo</html>")
    car.joinpath("2.jpg").write_bytes(photo_bytes(2) + bytes(5_000))
    car.joinpath("3.jpg").unlink()
    taken = take(store, listing)
    assert taken.listing is not None
    (kept,) = taken.listing.photos
    assert (kept.position, kept.url) == (4, "file:ford/ka/car/4.jpg")
    assert store.read(kept.sha256) == photo_bytes(4)
    assert [(r.key, r.rule) for r in taken.refusals] == [
        ("ford/ka/car/0.jpg", "import.photo_empty"),
        ("ford/ka/car/1.jpg", "import.photo_not_an_image"),
        ("ford/ka/car/2.jpg", "import.photo_too_large"),
        ("ford/ka/car/3.jpg", "import.unreadable"),
    ]


def test_an_image_of_too_many_pixels_is_refused(tmp_path: Path, store: BlobStore) -> None:
    listing = listing_of(write_photos(tmp_path / "cars", "ford/ka/1.jpg"))
    assert [r.rule for r in take(store, listing, max_pixels=255).refusals] == ["import.photo_too_many_pixels"]


def test_a_photo_that_became_a_pipe_does_not_hang(tmp_path: Path, store: BlobStore) -> None:
    listing = listing_of(write_photos(tmp_path / "cars", "ford/ka/1.jpg"))
    (path,) = listing.photos
    path.unlink()
    os.mkfifo(path)
    assert [r.rule for r in take(store, listing).refusals] == ["import.unreadable"]


def test_a_listing_that_is_all_photos_goes_with_the_last_of_them_and_a_row_stays(tmp_path: Path) -> None:
    photos, table = tmp_path / "photos-only", tmp_path / "table"
    write_photos(photos, "ford/ka/1.jpg")
    write_table(write_photos(table, "photos/1.jpg"), {"item_id": "1", "make": "Ford", "model": "Ka", "photos": "1.jpg"})
    for folder, stays in ((photos, False), (table, True)):
        listing = listing_of(folder)
        listing.photos[0].write_bytes(b"")
        assert (take(None, listing).listing is not None) == stays


def test_what_the_store_holds_is_not_new_and_a_dry_run_stores_nothing(tmp_path: Path, store: BlobStore) -> None:
    listing = listing_of(write_photos(tmp_path / "cars", "ford/ka/1.jpg"))
    sha256 = sha256_bytes(photo_bytes(0))
    assert take(store, listing, dry_run=True).new == {sha256}
    assert not store.has(sha256)
    assert take(store, listing, held={sha256}).new == frozenset()
    assert not store.has(sha256)  # who says that it is held is not asked again
    assert take(store, listing).new == {sha256}
    assert store.has(sha256)
    assert take(store, listing).new == frozenset()
