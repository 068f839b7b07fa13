"""Photos of the lake as one mapped file: the canonical geometry, what is gone, and going on after a kill."""

from pathlib import Path

import numpy as np
import pytest

from autodetect.classifier.finetune import lake_photos
from autodetect.classifier.finetune.lake_photos import Gathered, Wanted, gather
from autodetect.embeddings.geometry import to_input
from autodetect.errors import UsageError
from autodetect.lake.blobs import BlobStore
from autodetect.lake.objects import open_objects
from autodetect.photos.decode import decode
from autodetect.settings import Settings
from tests.classifier.finetune.small_lake import picture

MAX_PIXELS = 1_000_000


class Counted(BlobStore):
    """A photo store that is switched off after so many reads, as by a kill."""

    reads = 0
    last = 10**9

    def read(self, sha256: str) -> bytes:
        self.reads += 1
        if self.reads > self.last:
            raise KeyboardInterrupt
        return super().read(sha256)


@pytest.fixture
def photos(tmp_path: Path) -> Counted:
    from autodetect.lake.lake import s3_options

    return Counted(open_objects(str(tmp_path / "lake"), s3_options(Settings())), "photos")


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_photos, "BLOCK", 4)


def gathered(photos: BlobStore, wanted: Wanted, folder: Path) -> Gathered:
    return gather(photos, wanted, max_pixels=MAX_PIXELS, folder=folder, threads=1)


@pytest.mark.parametrize("geometry", ["squash", "letterbox"])
def test_each_photo_is_what_the_network_would_be_shown(photos: Counted, tmp_path: Path, geometry: str) -> None:
    digests = tuple(photos.put(picture(seed, 0)) for seed in range(6))
    found = gathered(photos, Wanted(digests, 32, geometry), tmp_path / "work")
    assert (found.pixels.dtype, found.pixels.shape) == (np.uint8, (6, 32, 32, 3))
    for row, sha256 in zip(found.pixels, digests, strict=True):
        image = decode(photos.read(sha256), max_pixels=MAX_PIXELS).image
        assert np.array_equal(row, to_input(image, 32, geometry))
    assert (found.kept.tolist(), found.vanished) == (list(range(6)), ())


def test_a_photo_that_is_gone_or_damaged_is_told_and_left_out(photos: Counted, tmp_path: Path, caplog) -> None:
    digests = [photos.put(picture(seed, 0)) for seed in range(6)]
    digests[1], digests[4] = "a" * 64, photos.put(b"no picture")
    found = gathered(photos, Wanted(tuple(digests), 16, "squash"), tmp_path / "work")
    assert found.kept.tolist() == [0, 2, 3, 5]
    assert found.vanished == (digests[1], digests[4])
    assert len(found.pixels) == 4
    assert f"photo {'a' * 64} is left out: it is missing in the lake" in caplog.text
    assert "it was sound and is now photo.not_an_image" in caplog.text


def test_all_gone_is_no_photos_and_no_error(photos: Counted, tmp_path: Path) -> None:
    found = gathered(photos, Wanted(("a" * 64, "b" * 64), 16, "squash"), tmp_path / "work")
    assert (len(found.pixels), len(found.kept), len(found.vanished)) == (0, 0, 2)


@pytest.mark.parametrize("last", [1, 4, 6, 10])
def test_a_killed_run_goes_on_behind_the_last_block_to_the_same_photos(
    photos: Counted, tmp_path: Path, last: int
) -> None:
    digests = [photos.put(picture(seed, seed % 3)) for seed in range(11)]
    digests[2] = "a" * 64
    wanted = Wanted(tuple(digests), 16, "squash")
    undisturbed = gathered(photos, wanted, tmp_path / "undisturbed")
    photos.reads, photos.last = 0, last
    with pytest.raises(KeyboardInterrupt):
        gathered(photos, wanted, tmp_path / "work")
    photos.reads, photos.last = 0, 10**9
    again = gathered(photos, wanted, tmp_path / "work")
    assert photos.reads == 11 - last // 4 * 4
    assert np.array_equal(again.pixels, undisturbed.pixels)
    assert (again.kept.tolist(), again.vanished) == (undisturbed.kept.tolist(), undisturbed.vanished)
    photos.reads = 0
    gathered(photos, wanted, tmp_path / "work")
    assert photos.reads == 0, "what is done is not done again"


def test_a_file_that_was_cut_is_made_anew(photos: Counted, tmp_path: Path) -> None:
    wanted = Wanted(tuple(photos.put(picture(seed, 0)) for seed in range(6)), 16, "squash")
    whole = np.array(gathered(photos, wanted, tmp_path).pixels)
    (path,) = tmp_path.glob("*.u8")
    path.write_bytes(path.read_bytes()[:-1])
    assert np.array_equal(gathered(photos, wanted, tmp_path).pixels, whole)


def test_too_little_room_is_told_before_anything_is_written(photos: Counted, tmp_path: Path) -> None:
    wanted = Wanted(tuple(f"{number:064x}" for number in range(1_000)), 20_000_000, "squash")
    with pytest.raises(UsageError, match=r"fine-tuning wants .* GB for its photos"):
        gathered(photos, wanted, tmp_path / "work")
    assert not list((tmp_path / "work").iterdir())
