"""Packages are tried on whole test vehicles of the model's own snapshot, the same ones every time."""

from pathlib import Path

import numpy as np
import pytest

from autodetect.coreml.candidate import Candidate
from autodetect.coreml.parity.pictures import generated_pictures
from autodetect.coreml.trial_photos import TrialPhotos, read_trial_photos
from autodetect.embeddings.geometry import to_input
from autodetect.lake.schemas import CLASSES, SNAPSHOTS
from autodetect.photos.decode import decode
from tests.coreml.exporting import Exporting

PIXELS = 60_000_000


@pytest.fixture
def exporting(tmp_path: Path) -> Exporting:
    return Exporting(tmp_path)


def read(exporting: Exporting, most: int, **fields: object) -> TrialPhotos:
    classes = exporting.lake.tables.read(CLASSES).to_pylist()
    candidate = Candidate.of(exporting.lake, exporting.champion(**fields), classes, "none")
    version = exporting.lake.tables.version(SNAPSHOTS)
    return read_trial_photos(exporting.lake, candidate, version, most=most, max_pixels=PIXELS)


def test_they_are_whole_vehicles_in_an_order_that_more_of_them_do_not_change(exporting: Exporting) -> None:
    exporting.photos(20)
    exporting.photos(10, split="validation")
    exporting.photos(10, snapshot_id="another")
    some, all_of_them = read(exporting, 13), read(exporting, 1000)
    assert (len(some.pixels), len(all_of_them.pixels)) == (12, 40)
    assert len(set(some.vehicles.tolist())) == 6
    for name in ("pixels", "class_ids", "vehicles"):
        np.testing.assert_array_equal(getattr(some, name), getattr(all_of_them, name)[:12])
    assert len(set(all_of_them.class_ids[:12].tolist())) > 1


def test_classes_that_do_not_answer_are_left_out(exporting: Exporting) -> None:
    exporting.photos(8)
    exporting.classes(retired=(4,))
    assert set(read(exporting, 100, withheld=(3,)).class_ids.tolist()) == {1, 2}


def test_they_are_what_the_backbone_was_trained_on(tmp_path: Path) -> None:
    exporting = Exporting(tmp_path, geometry="letterbox")
    digests = exporting.photos(1)
    found = read(exporting, 10)
    decoded = [decode(exporting.lake.photos.read(sha256), max_pixels=PIXELS).image for sha256 in sorted(digests)]
    for pixels, image in zip(found.pixels, decoded, strict=True):
        assert image is not None
        np.testing.assert_array_equal(pixels, to_input(image, 96, "letterbox"))


def test_missing_ones_are_made_up_for_by_generated_pictures(exporting: Exporting) -> None:
    exporting.photos(2)
    found = read(exporting, 10)
    np.testing.assert_array_equal(found.topped_up(3), found.pixels[:3])
    np.testing.assert_array_equal(found.topped_up(7), np.concatenate([found.pixels, generated_pictures(3, 96)]))


def test_photos_that_are_gone_or_damaged_are_counted(exporting: Exporting) -> None:
    digests = exporting.photos(3)
    (exporting.folder / "lake" / "photos" / digests[0][:2] / digests[0]).unlink()
    (exporting.folder / "lake" / "photos" / digests[1][:2] / digests[1]).write_bytes(b"overwritten")
    found = read(exporting, 10)
    assert (len(found.pixels), len(found.class_ids), len(found.vehicles), found.gone) == (4, 4, 4, 2)


def test_a_model_without_test_photos_has_none(exporting: Exporting) -> None:
    found = read(exporting, 10)
    assert (found.pixels.shape, len(found.vehicles)) == ((0, 96, 96, 3), 0)
    assert found.topped_up(5).shape == (5, 96, 96, 3)
