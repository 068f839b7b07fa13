import numpy as np
import pytest

from autodetect.classifier.finetune import checkpoint
from autodetect.lake.objects.durable import PARTIAL_PREFIX

ARRAYS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int64), np.array([1, 2], np.uint32)]


def test_what_was_saved_is_read_back_with_types_and_order(tmp_path):
    many = [np.full(1, index) for index in range(12)] + ARRAYS
    checkpoint.save(tmp_path, 40, many, {"history": [{"step": 40}], "words": "ünï"})
    found = checkpoint.newest(tmp_path)
    assert (found.step, found.meta) == (40, {"history": [{"step": 40}], "words": "ünï"})
    for ours, theirs in zip(found.arrays, many, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_the_last_two_are_kept_and_what_a_killed_writer_left_is_no_checkpoint(tmp_path):
    (tmp_path / f"{PARTIAL_PREFIX}abc").write_bytes(b"half")
    (tmp_path / "history.jsonl").write_text("")
    assert checkpoint.newest(tmp_path) is None
    for step in (0, 9, 10, 100):
        checkpoint.save(tmp_path, step, ARRAYS, {})
    assert checkpoint.newest(tmp_path).step == 100
    assert sorted(path.name for path in tmp_path.glob("step-*")) == ["step-00000010.npz", "step-00000100.npz"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "replaced"])
def test_a_damaged_one_is_told_and_the_one_before_is_taken(tmp_path, caplog, damage):
    checkpoint.save(tmp_path, 1, ARRAYS, {})
    path = checkpoint.save(tmp_path, 2, ARRAYS, {})
    data = bytearray(path.read_bytes())
    at = data.index(ARRAYS[0].tobytes())
    data[at + 5] ^= 1
    path.write_bytes(
        {"cut": data[: len(data) // 2], "flipped": data, "emptied": b"", "replaced": b"not an archive"}[damage]
    )
    assert checkpoint.newest(tmp_path).step == 1
    assert str(path) in caplog.text


def test_no_folder_is_no_checkpoint(tmp_path):
    assert checkpoint.newest(tmp_path / "nowhere") is None
