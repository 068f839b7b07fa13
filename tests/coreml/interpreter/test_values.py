from typing import Any

import numpy as np
import pytest
from coremltools.converters.mil.backend.mil.helper import (
    create_list_scalarvalue,
    create_scalar_value,
    create_tensor_value,
)
from coremltools.converters.mil.mil import types
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autodetect.coreml.interpreter.values import constant, type_of

WHOLE = {
    "fp16": np.float16,
    "fp32": np.float32,
    "fp64": np.float64,
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "uint16": np.uint16,
    "int32": np.int32,
    "uint32": np.uint32,
    "int64": np.int64,
    "bool": np.bool_,
}
PARTS = {"int4": (types.int4, -8, 7), "uint1": (types.uint1, 0, 1), "uint2": (types.uint2, 0, 3)}
PARTS |= {"uint3": (types.uint3, 0, 7), "uint4": (types.uint4, 0, 15), "uint6": (types.uint6, 0, 63)}
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def no_file(*where: Any) -> np.ndarray:
    raise AssertionError(f"nothing is in a file: {where}")


@given(st.sampled_from(sorted(WHOLE)), SHAPES, st.data())
def test_tensors_that_coremltools_writes_are_read_back(dtype: str, shape: tuple[int, ...], data) -> None:
    value = data.draw(arrays.arrays(WHOLE[dtype], shape))
    written = create_tensor_value(value)
    assert (type_of(written.type).dtype, type_of(written.type).shape) == (dtype, shape)
    found = constant(written, no_file)
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.shape) == (value.dtype, shape)
    np.testing.assert_array_equal(found, value)


@given(st.sampled_from(sorted(PARTS)), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_parts_of_bytes_are_read_back(dtype: str, count: int, seed: int) -> None:
    kind, low, high = PARTS[dtype]
    numbers = np.random.default_rng(seed).integers(low, high, count, endpoint=True)
    found = constant(create_tensor_value(numbers.astype(types.nptype_from_builtin(kind))), no_file)
    np.testing.assert_array_equal(found, numbers)


def test_texts_and_lists_are_read_back() -> None:
    assert constant(create_scalar_value("same"), no_file) == "same"
    labels = constant(create_list_scalarvalue(["Citroën 2CV", "", "Škoda"], str), no_file)
    assert isinstance(labels, np.ndarray)
    assert labels.tolist() == ["Citroën 2CV", "", "Škoda"]
    numbers = constant(create_list_scalarvalue([np.int64(3), np.int64(-1)], np.int64), no_file)
    assert isinstance(numbers, np.ndarray)
    assert numbers.tolist() == [3, -1]


def test_what_a_file_holds_is_asked_for_by_place_type_and_shape() -> None:
    value = create_tensor_value(np.zeros((2, 3), np.float16))
    value.blobFileValue.fileName, value.blobFileValue.offset = "@model_path/weights/weight.bin", 640
    asked = []
    constant(value, lambda *where: asked.append(where) or np.zeros(0))
    assert asked == [("@model_path/weights/weight.bin", 640, "fp16", (2, 3))]


@pytest.mark.parametrize("dtype", ["fp32", "fp16", "int32", "bool", "int8"])
def test_a_value_that_is_too_short_or_of_another_type_is_told(dtype: str) -> None:
    value = create_tensor_value(np.ones(4, WHOLE[dtype]))
    value.type.tensorType.dimensions[0].constant.size = 5
    with pytest.raises(ValueError, match=r"elements|bytes"):
        constant(value, no_file)
    value = create_tensor_value(np.ones(4, WHOLE[dtype]))
    value.type.tensorType.dataType = create_scalar_value("text").type.tensorType.dataType
    with pytest.raises(ValueError, match="declares texts"):
        constant(value, no_file)


def test_numbers_of_another_kind_and_no_value_are_told() -> None:
    value = create_tensor_value(np.ones(4, np.float32))
    value.type.CopyFrom(create_tensor_value(np.ones(4, np.int32)).type)
    with pytest.raises(ValueError, match="it holds floats and declares int32"):
        constant(value, no_file)
    value.immediateValue.tensor.Clear()
    with pytest.raises(ValueError, match="it has no value"):
        constant(value, no_file)
    value.ClearField("immediateValue")
    with pytest.raises(ValueError, match="neither a tensor nor a list"):
        constant(value, no_file)
    value.type.tensorType.dimensions[0].unknown.variadic = False
    with pytest.raises(ValueError, match=r"its type, int32 \(\?,\), is not one of a constant"):
        constant(value, no_file)
