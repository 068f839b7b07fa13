import struct
from pathlib import Path

import numpy as np
import pytest
from coremltools.libmilstoragepython import _BlobStorageWriter as Writer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodetect.coreml.interpreter.weights import WeightFile
from autodetect.errors import CorruptError

# By element type: coremltools' own writer, its elements, and the bounds of what they may be.
WRITERS = {
    "fp32": ("write_float_data", np.float32, None),
    "uint8": ("write_uint8_data", np.uint8, (0, 255)),
    "int8": ("write_int8_data", np.int8, (-128, 127)),
    "int16": ("write_int16_data", np.int16, (-(2**15), 2**15 - 1)),
    "uint16": ("write_uint16_data", np.uint16, (0, 2**16 - 1)),
    "int32": ("write_int32_data", np.int32, (-(2**31), 2**31 - 1)),
    "uint32": ("write_uint32_data", np.uint32, (0, 2**32 - 1)),
    "int4": ("write_int4_data", np.int8, (-8, 7)),
    "uint1": ("write_uint1_data", np.uint8, (0, 1)),
    "uint2": ("write_uint2_data", np.uint8, (0, 3)),
    "uint3": ("write_uint3_data", np.uint8, (0, 7)),
    "uint4": ("write_uint4_data", np.uint8, (0, 15)),
    "uint6": ("write_uint6_data", np.uint8, (0, 63)),
}
ARRAYS = st.lists(st.tuples(st.sampled_from(sorted(WRITERS)), st.integers(1, 40)), min_size=1, max_size=8)


def elements(dtype: str, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    _, kind, bounds = WRITERS[dtype]
    return (
        rng.normal(size=count).astype(kind)
        if bounds is None
        else rng.integers(*bounds, count, endpoint=True, dtype=kind)
    )


@given(ARRAYS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_what_coremltools_writes_is_read_back(tmp_path: Path, arrays: list[tuple[str, int]]) -> None:
    writer = Writer(str(tmp_path / "weight.bin"))
    made = [(dtype, elements(dtype, count, seed)) for seed, (dtype, count) in enumerate(arrays)]
    offsets = [getattr(writer, WRITERS[dtype][0])(array) for dtype, array in made]
    del writer
    file = WeightFile(tmp_path / "weight.bin")
    for (dtype, array), offset in zip(made, offsets, strict=True):
        found = file.array(offset, dtype, (len(array), 1), weight="w")
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found[:, 0], array)


def test_float16_keeps_its_bits(tmp_path: Path) -> None:
    bits = np.array([0x0001, 0x03FF, 0x7BFF, 0x7C00, 0xFC00, 0x8000, 0x3C01], np.uint16)  # subnormal to infinite
    writer = Writer(str(tmp_path / "weight.bin"))
    offset = writer.write_fp16_data(bits)
    del writer
    found = WeightFile(tmp_path / "weight.bin").array(offset, "fp16", (7,), weight="w")
    np.testing.assert_array_equal(found.view(np.uint16), bits)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weight.bin"
    writer = Writer(str(path))
    assert writer.write_float_data(np.arange(40, dtype=np.float32)) == 64
    del writer
    return path


def overwritten(path: Path, offset: int, form: str, value: int) -> None:
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, offset, value)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("offset", "dtype", "shape", "words"),
    [
        (64, "fp32", (5, 9), "has 160 bytes of data, fp32 \\[5, 9\\] needs 180"),
        (64, "fp16", (40,), "holds fp32, not fp16"),
        (64, "int64", (20,), "which no weight file holds"),
        (0, "fp32", (40,), "does not begin as a record does"),
        (128, "fp32", (40,), "does not begin as a record does"),
        (100, "fp32", (40,), "is not in the file"),
        (2**40, "fp32", (40,), "is not in the file"),
    ],
)
def test_a_record_that_is_not_what_the_program_says_is_told(file: Path, offset, dtype, shape, words) -> None:
    with pytest.raises(CorruptError, match=f"weight 'w' of .*weight.bin.*{words}"):
        WeightFile(file).array(offset, dtype, shape, weight="w")


@pytest.mark.parametrize(
    ("at", "form", "value", "words"),
    [
        (64, "<I", 0xDEADBEE0, "does not begin as a record does"),
        (68, "<I", 99, "holds type 99, not fp32"),
        (72, "<Q", 2**62, "has its data from byte 128"),
        (80, "<Q", 2**63, "has its data from"),
        (80, "<Q", 64, "has its data from byte 64"),
    ],
)
def test_a_damaged_header_is_told(file: Path, at, form, value, words) -> None:
    overwritten(file, at, form, value)
    with pytest.raises(CorruptError, match=words):
        WeightFile(file).array(64, "fp32", (40,), weight="w")


@given(st.integers(0, 287))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_a_file_cut_anywhere_is_told(file: Path, length: int) -> None:
    cut = file.with_name("cut.bin")
    cut.write_bytes(file.read_bytes()[:length])
    with pytest.raises(CorruptError, match=r"cut\.bin"):
        WeightFile(cut).array(64, "fp32", (40,), weight="w")


def test_a_file_of_another_version_or_none_is_told(file: Path, tmp_path: Path) -> None:
    overwritten(file, 4, "<I", 9)
    with pytest.raises(CorruptError, match="version 9, not 2"):
        WeightFile(file)
    with pytest.raises(CorruptError, match="cannot be read"):
        WeightFile(tmp_path / "none.bin")
