import math
from pathlib import Path

import coremltools.optimize.coreml as compression
import numpy as np
import pytest
from coremltools.converters.mil.mil.ops.defs.iOS16 import constexpr_ops as ios16
from coremltools.converters.mil.mil.ops.defs.iOS18 import compression as ios18
from coremltools.optimize._utils import pack_elements_into_bits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autodetect.coreml.interpreter import Interpreter, read_program
from autodetect.coreml.interpreter.compressed import compressed_kinds, decompressed
from tests.coreml.interpreter.packages import IOS16, IOS18, classifier, images

SEEDS = st.integers(0, 2**32 - 1)
BLOCKS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=4)  # per axis: blocks, size
BITS = st.sampled_from([1, 2, 3, 4, 6, 8])
HALF_OR_FULL = st.sampled_from([np.float16, np.float32])


def same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def numbers(rng: np.random.Generator, kind: type, *shape: int) -> np.ndarray:
    if np.issubdtype(kind, np.floating):
        return rng.normal(size=shape).astype(kind)
    return rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, shape, endpoint=True, dtype=kind)


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.data(),
    st.sampled_from([np.int8, np.uint8]),
    HALF_OR_FULL,
    SEEDS,
)
def test_affine(shape, data, kind, scales, seed) -> None:
    rng, axis = np.random.default_rng(seed), data.draw(st.integers(-len(shape), len(shape) - 1))
    quantized = numbers(rng, kind, *shape)
    scale = numbers(rng, scales, *data.draw(st.sampled_from([(), (shape[axis],)])))
    zero = numbers(
        rng, data.draw(st.sampled_from([kind, np.float32])), *data.draw(st.sampled_from([(), (shape[axis],)]))
    )
    given_ = {"quantized_data": quantized, "scale": scale, "zero_point": zero, "axis": np.int32(axis)}
    (found,) = decompressed("constexpr_affine_dequantize", given_)
    same(found, ios16.constexpr_affine_dequantize.decompress(quantized, zero, scale, axis))


@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=4),
    st.sampled_from([1, 2, 4, 6, 8]),
    st.sampled_from([np.int8, np.uint8, np.float16, np.float32]),
    SEEDS,
)
def test_table_of_packed_indices(shape, bits, kind, seed) -> None:
    rng = np.random.default_rng(seed)
    lut = numbers(rng, kind, 2**bits)
    indices = pack_elements_into_bits(rng.integers(0, 2**bits, math.prod(shape)).astype(np.uint8), bits).astype(
        np.uint8
    )
    given_ = {"indices": indices, "lut": lut, "shape": np.array(shape, np.uint32)}
    (found,) = decompressed("constexpr_lut_to_dense", given_)
    same(found, ios16.constexpr_lut_to_dense.decompress(lut, indices, shape))


@given(arrays.arrays(np.uint8, arrays.array_shapes(max_dims=4, max_side=5), elements=st.integers(0, 1)), SEEDS)
def test_sparse_with_a_packed_mask(mask, seed) -> None:
    nonzero = numbers(np.random.default_rng(seed), np.float16, np.count_nonzero(mask))
    packed = np.packbits(mask.reshape(-1), bitorder="little")
    given_ = {"nonzero_data": nonzero, "mask": packed, "shape": np.array(mask.shape, np.uint32)}
    (found,) = decompressed("constexpr_sparse_to_dense", given_)
    same(found, ios18.constexpr_sparse_to_dense.decompress(nonzero, mask))


def test_cast() -> None:
    half = np.array([[1.5, -2, 65504]], np.float16)
    (found,) = decompressed("constexpr_cast", {"source_val": half, "output_dtype": "fp32"})
    same(found, half.astype(np.float32))
    with pytest.raises(ValueError, match="a cast to int8"):
        decompressed("constexpr_cast", {"source_val": half, "output_dtype": "int8"})


@given(BLOCKS, st.sampled_from([np.int8, np.uint8, np.float16, np.float32]), HALF_OR_FULL, st.booleans(), SEEDS)
def test_scales_per_block(blocks, kind, scales, shifted, seed) -> None:
    rng = np.random.default_rng(seed)
    count, size = zip(*blocks, strict=True)
    data, scale = numbers(rng, kind, *np.multiply(count, size)), numbers(rng, scales, *count)
    offset = numbers(rng, kind, *count) if shifted else None
    given_ = {"data": data, "scale": scale, **({"offset": offset} if shifted else {})}
    (found,) = decompressed("constexpr_blockwise_shift_scale", given_)
    expected = ios18.constexpr_blockwise_shift_scale.decompress(data, scale, offset)
    same(found, expected.astype(scale.dtype))


@given(BLOCKS, BITS, st.integers(1, 3), st.data(), HALF_OR_FULL, SEEDS)
def test_tables_per_block_and_of_vectors(blocks, bits, length, data, kind, seed) -> None:
    rng = np.random.default_rng(seed)
    count, size = (list(numbers) for numbers in zip(*blocks, strict=True))
    axis = data.draw(st.integers(-len(blocks), len(blocks) - 1)) if length > 1 else None
    if axis is not None:
        size[axis], count[axis] = size[axis] * count[axis], 1  # the definition's own reference takes nothing else
    indices = rng.integers(0, 2**bits, np.multiply(count, size)).astype(np.uint8)
    lut = numbers(rng, kind, *count, 2**bits, length)
    given_ = {"indices": indices, "lut": lut, **({} if axis is None else {"vector_axis": np.int32(axis)})}
    (found,) = decompressed("constexpr_lut_to_dense", given_)
    same(found, ios18.constexpr_lut_to_dense.decompress(indices, lut, axis))


def test_the_examples_of_the_definition_of_tables_of_vectors() -> None:
    indices = np.array([[[0, 0], [1, 0]], [[1, 1], [0, 0]]], np.uint8)
    lut = np.array([10, 11, 12, 20, 21, 22], np.float16).reshape(1, 1, 1, 2, 3)
    (along_1,) = decompressed("constexpr_lut_to_dense", {"indices": indices, "lut": lut, "vector_axis": np.int32(1)})
    (along_2,) = decompressed("constexpr_lut_to_dense", {"indices": indices, "lut": lut, "vector_axis": np.int32(2)})
    a, b = [10, 11, 12], [20, 21, 22]
    assert along_1.tolist() == [
        np.transpose([a + b, a + a]).tolist(),
        np.transpose([b + a, b + a]).tolist(),
    ]
    assert along_2.tolist() == [[a + a, b + a], [b + b, a + a]]


@given(BLOCKS, st.booleans(), SEEDS)
def test_sparse_with_scales_per_block(blocks, shifted, seed) -> None:
    rng = np.random.default_rng(seed)
    count, size = zip(*blocks, strict=True)
    mask = rng.integers(0, 2, np.multiply(count, size)).astype(np.uint8)
    nonzero, scale = numbers(rng, np.int8, np.count_nonzero(mask)), numbers(rng, np.float16, *count)
    offset = numbers(rng, np.int8, *count) if shifted else None
    given_ = {"data_mask": mask, "nonzero_data": nonzero, "scale": scale, **({"offset": offset} if shifted else {})}
    kind = "constexpr_sparse_blockwise_shift_scale"
    found_mask, found = decompressed(kind, given_)
    expected_mask, expected = ios18.constexpr_sparse_blockwise_shift_scale.decompress(mask, nonzero, scale, offset)
    same(found_mask, expected_mask)
    same(found, expected)


@pytest.mark.parametrize(("length", "axis"), [(1, None), (2, 0), (2, 1)])
def test_sparse_with_tables(length, axis) -> None:
    rng = np.random.default_rng(3)
    mask = rng.integers(0, 2, (4, 6)).astype(np.uint8)
    nonzero, lut = (
        rng.integers(0, 4, np.count_nonzero(mask)).astype(np.uint8),
        numbers(rng, np.float16, 1, 1, 4, length),
    )
    given_ = {"indices_mask": mask, "indices_nonzero_data": nonzero, "lut": lut}
    given_ |= {} if axis is None else {"vector_axis": np.int32(axis)}
    found = decompressed("constexpr_lut_to_sparse", given_)
    for ours, theirs in zip(found, ios18.constexpr_lut_to_sparse.decompress(mask, nonzero, lut, axis), strict=True):
        same(ours, theirs)


def test_every_kind_of_coremltools_is_known() -> None:
    theirs = {name for module in (ios16, ios18) for name in vars(module) if name.startswith("constexpr_")}
    assert set(compressed_kinds()) == theirs
    assert decompressed("constexpr_of_tomorrow", {}) is None


TABLE = {"indices": np.zeros((2, 2), np.uint8), "lut": np.zeros((1, 1, 4, 1), np.float16)}


@pytest.mark.parametrize(
    ("kind", "given_", "words"),
    [
        ("lut_to_dense", {"lut": TABLE["lut"]}, "it has no parameter 'indices'"),
        ("lut_to_dense", {**TABLE, "indices": np.full((2, 2), 4, np.uint8)}, "index 4 into a table of 4 entries"),
        ("lut_to_dense", {**TABLE, "lut": np.zeros((1, 1, 5, 1))}, "a table of 5 entries"),
        ("lut_to_dense", {**TABLE, "lut": np.zeros((1, 4, 1))}, "a table of rank 3 for indices of rank 2"),
        ("lut_to_dense", {**TABLE, "lut": np.zeros((1, 3, 4, 1))}, "an axis of 2 in 3 blocks"),
        ("lut_to_dense", {**TABLE, "lut": np.zeros((1, 1, 4, 2))}, "no axis says where they go along"),
        ("lut_to_dense", {**TABLE, "lut": np.zeros(4), "shape": np.array([99])}, "4 bytes of indices, 25 are needed"),
        ("sparse_to_dense", {"mask": np.ones((2, 2)), "nonzero_data": np.ones(3)}, "3 elements for 4 places"),
        (
            "sparse_to_dense",
            {"mask": np.zeros(3, np.uint8), "nonzero_data": np.ones(0), "shape": np.array([4])},
            "3 bytes",
        ),
        ("blockwise_shift_scale", {"data": np.ones((4, 4)), "scale": np.ones(4)}, "rank 1 for data of rank 2"),
        ("blockwise_shift_scale", {"data": np.ones(4), "scale": np.ones(2), "offset": np.ones(4)}, "offsets \\[4\\]"),
        (
            "affine_dequantize",
            {"quantized_data": np.ones((2, 3)), "scale": np.ones(2), "zero_point": np.int8(0), "axis": np.int32(1)},
            "broadcast",
        ),
        (
            "affine_dequantize",
            {"quantized_data": np.ones((2, 3)), "scale": np.ones(2), "zero_point": np.int8(0), "axis": np.int32(2)},
            "do not fit together",
        ),
        (
            "affine_dequantize",
            {"quantized_data": "seven", "scale": np.ones(2), "zero_point": np.int8(0), "axis": np.int32(0)},
            "do not fit together",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_told(kind, given_, words) -> None:
    with pytest.raises(ValueError, match=words):
        decompressed(f"constexpr_{kind}", given_)


def quantized(**settings):
    config = compression.OpLinearQuantizerConfig(weight_threshold=0, **settings)
    return lambda model: compression.linear_quantize_weights(model, compression.OptimizationConfig(config))


def palettized(**settings):
    config = compression.OpPalettizerConfig(weight_threshold=0, **settings)
    return lambda model: compression.palettize_weights(model, compression.OptimizationConfig(config))


def pruned(model):
    config = compression.OpThresholdPrunerConfig(threshold=0.3, minimum_sparsity_percentile=0.0, weight_threshold=0)
    return compression.prune_weights(model, compression.OptimizationConfig(config))


def joint(**settings):
    config = compression.OptimizationConfig(compression.OpLinearQuantizerConfig(weight_threshold=0, **settings))
    return lambda model: compression.linear_quantize_weights(pruned(model), config, joint_compression=True)


def joint_palette(**settings):
    config = compression.OptimizationConfig(compression.OpPalettizerConfig(weight_threshold=0, **settings))
    return lambda model: compression.palettize_weights(pruned(model), config, joint_compression=True)


WAYS = {
    "int8 per channel": (IOS16, quantized(mode="linear_symmetric"), {"affine_dequantize"}),
    "int8 asymmetric": (IOS16, quantized(mode="linear"), {"affine_dequantize"}),
    "uint8 per tensor": (
        IOS16,
        quantized(mode="linear", dtype="uint8", granularity="per_tensor"),
        {"affine_dequantize"},
    ),
    **{
        f"palette of {bits} bits": (IOS16, palettized(nbits=bits, mode="uniform"), {"lut_to_dense"})
        for bits in (1, 2, 4, 6, 8)
    },
    "palette by k-means": (IOS16, palettized(nbits=6, mode="kmeans"), {"lut_to_dense"}),
    "pruned": (IOS16, pruned, {"sparse_to_dense"}),
    "int4 per block": (
        IOS18,
        quantized(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=4),
        {"blockwise_shift_scale"},
    ),
    "uint4 asymmetric": (IOS18, quantized(mode="linear", dtype="uint4"), {"blockwise_shift_scale"}),
    "palette of 3 bits": (IOS18, palettized(nbits=3, mode="uniform"), {"lut_to_dense"}),
    "palette per group": (
        IOS18,
        palettized(nbits=4, mode="uniform", granularity="per_grouped_channel", group_size=4),
        {"lut_to_dense"},
    ),
    "pruned on iOS 18": (IOS18, pruned, {"sparse_to_dense"}),
    "pruned, then int8": (
        IOS18,
        joint(mode="linear_symmetric"),
        {"sparse_to_dense", "sparse_blockwise_shift_scale"},
    ),
    "pruned, then a palette": (
        IOS18,
        joint_palette(nbits=4, mode="uniform"),
        {"sparse_to_dense", "lut_to_sparse"},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_package_compressed_by_coremltools_reads_back_as_coremltools_decompresses_it(way, tmp_path: Path) -> None:
    target, compress, kinds = WAYS[way]
    model = compress(classifier(target=target))
    model.save(str(tmp_path / "compressed.mlpackage"))
    compression.decompress_weights(model).save(str(tmp_path / "dense.mlpackage"))
    ours, theirs = read_program(tmp_path / "compressed.mlpackage"), read_program(tmp_path / "dense.mlpackage")
    assert {operation.kind.removeprefix("constexpr_") for operation in ours.compressed.values()} == kinds
    assert not theirs.compressed
    weights = [name for name in ours.compressed if np.asarray(ours.constants[name]).dtype == np.float16]
    dense = {name: array for name, array in theirs.constants.items() if getattr(array, "ndim", 0) > 1}
    assert len(dense) >= 3
    for name, array in dense.items():
        held = next(
            (ours.constants[other] for other in (name, *weights) if _holds(ours.constants.get(other), array)), None
        )
        assert held is not None, f"{way}: no weight of ours is {name}"
    pictures = images(3)
    np.testing.assert_allclose(
        Interpreter(tmp_path / "compressed.mlpackage").predict(pictures),
        Interpreter(tmp_path / "dense.mlpackage").predict(pictures),
        rtol=0,
        atol=1e-6,
    )


def _holds(ours, theirs) -> bool:
    return ours is not None and ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
