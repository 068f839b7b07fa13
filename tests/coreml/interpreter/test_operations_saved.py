"""Operations as coremltools writes them: built with its builder, saved, read back and evaluated by the interpreter.

Parameters are left out wherever the definition has a default. What comes out is compared with coremltools' own value
of the same operation on constants where it has one, else with TensorFlow or with NumPy.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodetect.coreml.interpreter import Interpreter
from tests.coreml.interpreter.evaluation import FORMULA, TENSORFLOW, covers, evaluated

ct = pytest.importorskip("coremltools")
tf = pytest.importorskip("tensorflow")

from coremltools.converters.mil import Builder as mb  # noqa: E402, N813  # the name that its documentation gives it

RNG = np.random.default_rng(7)
X = RNG.uniform(-2, 2, (1, 4, 6, 6)).astype(np.float32)
P = RNG.uniform(0.1, 0.9, (1, 4, 6, 6)).astype(np.float32)
WEIGHT = RNG.normal(size=(6, 4, 3, 3)).astype(np.float32)
CHANNELS = RNG.uniform(0.5, 1.5, 4).astype(np.float32)
MATRIX = RNG.normal(size=(5, 6)).astype(np.float32)
Build = Callable[[Any], Any]

OF_X = (
    "abs",
    "atan",
    "ceil",
    "cos",
    "cosh",
    "erf",
    "exp",
    "exp2",
    "floor",
    "relu",
    "relu6",
    "round",
    "sigmoid",
    "sign",
)
OF_X += ("sin", "sinh", "softplus", "softsign", "square", "tan", "tanh", "gelu", "softmax", "identity")
OF_X += ("reduce_argmax", "reduce_argmin", "reduce_l1_norm", "reduce_l2_norm", "reduce_log_sum_exp", "reduce_max")
OF_X += ("reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "reduce_sum_square")
OF_X += ("argsort", "band_part", "cumsum", "flatten2d", "l2_norm", "reverse", "squeeze", "topk")
OF_P = ("acos", "asin", "atanh", "inverse", "log", "reduce_log_sum", "rsqrt", "sqrt")
BINARY = ("add", "equal", "floor_div", "greater", "greater_equal", "less", "less_equal", "maximum", "minimum", "mod")
BINARY += ("mul", "not_equal", "real_div", "sub")

VALUED: dict[str, Build] = {
    **{kind: lambda x, kind=kind: getattr(mb, kind)(x=x) for kind in (*OF_X, *OF_P)},
    **{kind: lambda x, kind=kind: getattr(mb, kind)(x=x, y=np.float32(0.75)) for kind in BINARY},
    "cast": lambda x: mb.cast(x=x, dtype="int32"),
    "clamped_relu": lambda x: mb.clamped_relu(x=x, alpha=0.3, beta=1.0),
    "clip": lambda x: mb.clip(x=x, alpha=-0.5, beta=0.5),
    "concat": lambda x: mb.concat(values=[x, x], axis=-1),
    "einsum": lambda x: mb.einsum(values=(x, X.transpose(0, 3, 2, 1)), equation="nchw,nwhu->nchu"),
    "elu": lambda x: mb.elu(x=x, alpha=0.5),
    "expand_dims": lambda x: mb.expand_dims(x=x, axes=[-1]),
    "fill_like": lambda x: mb.fill_like(ref_tensor=x, value=2.0),
    "gather": lambda x: mb.gather(x=x, indices=[0, 0]),
    "gather_along_axis": lambda x: mb.gather_along_axis(x=x, indices=np.zeros((2, 4, 6, 6), np.int32)),
    "layer_norm": lambda x: mb.layer_norm(x=x, axes=[-1, 1]),
    "leaky_relu": lambda x: mb.leaky_relu(x=x, alpha=0.1),
    "linear": lambda x: mb.linear(x=x, weight=MATRIX),
    "linear_activation": lambda x: mb.linear_activation(x=x, alpha=2.0, beta=0.5),
    "logical_and": lambda x: mb.logical_and(x=mb.greater(x=x, y=0.0), y=np.array([True])),
    "logical_not": lambda x: mb.logical_not(x=mb.greater(x=x, y=0.0)),
    "logical_or": lambda x: mb.logical_or(x=mb.greater(x=x, y=0.0), y=np.array([False])),
    "logical_xor": lambda x: mb.logical_xor(x=mb.greater(x=x, y=0.0), y=np.array([True])),
    "matmul": lambda x: mb.matmul(x=x, y=MATRIX, transpose_y=True),
    "pad": lambda x: mb.pad(x=x, pad=[1, 2, 0, 3]),
    "pow": lambda x: mb.pow(x=mb.abs(x=x), y=1.5),
    "prelu": lambda x: mb.prelu(x=x, alpha=CHANNELS),
    "reshape": lambda x: mb.reshape(x=x, shape=[1, 0, -1]),
    "scaled_tanh": lambda x: mb.scaled_tanh(x=x, alpha=2.0, beta=0.5),
    "select": lambda x: mb.select(cond=mb.greater(x=x, y=0.0), a=x, b=np.float32(-1)),
    "shape": lambda x: mb.shape(x=x),
    "sigmoid_hard": lambda x: mb.sigmoid_hard(x=x, alpha=0.3, beta=0.4),
    "slice_by_index": lambda x: mb.slice_by_index(x=x, begin=[0, 1, 0, -2], end=[1, 3, 6, 6]),
    "slice_by_size": lambda x: mb.slice_by_size(x=x, begin=[0, 1, 2, 0], size=[1, 2, -1, 3]),
    "softplus_parametric": lambda x: mb.softplus_parametric(x=x, alpha=CHANNELS, beta=CHANNELS),
    "split": lambda x: mb.split(x=x, num_splits=2, axis=1),
    "stack": lambda x: mb.stack(values=[x, x], axis=1),
    "threshold": lambda x: mb.threshold(x=x, alpha=0.1),
    "thresholded_relu": lambda x: mb.thresholded_relu(x=x, alpha=0.2),
    "tile": lambda x: mb.tile(x=x, reps=[1, 1, 2, 3]),
    "transpose": lambda x: mb.transpose(x=x, perm=[0, -1, 1, 2]),
}


def last(x: np.ndarray) -> np.ndarray:
    return np.moveaxis(x, 1, -1)


def first(x: Any) -> np.ndarray:
    return np.moveaxis(np.asarray(x), -1, 1)


def resized(**how: bool) -> np.ndarray:
    return first(tf.raw_ops.ResizeBilinear(images=last(X), size=(9, 4), **how))


CORNERS = {"align_corners": True}
# kind -> how it is built, and what TensorFlow or NumPy says
OTHERS: dict[str, tuple[Build, Callable[[], Any]]] = {
    "avg_pool": (
        lambda x: mb.avg_pool(x=x, kernel_sizes=[2, 3], pad_type="valid"),
        lambda: first(tf.nn.avg_pool2d(last(X), (2, 3), 1, "VALID")),
    ),
    "batch_norm": (
        lambda x: mb.batch_norm(x=x, mean=CHANNELS, variance=CHANNELS),
        lambda: first(tf.nn.batch_normalization(last(X), CHANNELS, CHANNELS, None, None, 1e-5)),
    ),
    "conv": (
        lambda x: mb.conv(x=x, weight=WEIGHT, pad_type="same", strides=[2, 2]),
        lambda: first(tf.nn.conv2d(last(X), WEIGHT.transpose(2, 3, 1, 0), 2, "SAME")),
    ),
    "conv_transpose": (
        lambda x: mb.conv_transpose(x=x, weight=WEIGHT.transpose(1, 0, 2, 3)),
        lambda: first(tf.nn.conv2d_transpose(last(X), WEIGHT.transpose(2, 3, 0, 1), (1, 8, 8, 6), 1, "VALID")),
    ),
    "crop": (lambda x: mb.crop(x=x, crop_height=[1, 2], crop_width=[0, 3]), lambda: X[..., 1:4, :3]),
    "depth_to_space": (
        lambda x: mb.depth_to_space(x=x, block_size=2),
        lambda: first(tf.nn.depth_to_space(last(X), 2)),
    ),
    "fill": (lambda x: mb.add(x=mb.fill(shape=[6]), y=x), lambda: X),
    "gather_nd": (lambda x: mb.gather_nd(x=x, indices=[[0, 1], [0, 3]]), lambda: X[0, [1, 3]]),
    "instance_norm": (
        lambda x: mb.instance_norm(x=x),
        lambda: (X - X.mean((2, 3), keepdims=True)) / np.sqrt(X.var((2, 3), keepdims=True) + 1e-5),
    ),
    "l2_pool": (
        lambda x: mb.l2_pool(x=x, kernel_sizes=[2, 2], pad_type="valid", strides=[2, 2]),
        lambda: 2 * np.sqrt(first(tf.nn.avg_pool2d(last(X) ** 2, 2, 2, "VALID"))),
    ),
    "local_response_norm": (
        lambda x: mb.local_response_norm(x=x, size=3),
        lambda: first(tf.nn.local_response_normalization(last(X), 1, 1.0, 1e-4 / 3, 0.75)),
    ),
    "max_pool": (
        lambda x: mb.max_pool(x=x, kernel_sizes=[3, 3], pad_type="same", strides=[2, 2]),
        lambda: first(tf.nn.max_pool2d(last(X), 3, 2, "SAME")),
    ),
    "one_hot": (
        lambda x: mb.one_hot(indices=mb.cast(x=x, dtype="int32"), one_hot_vector_size=2),
        lambda: tf.one_hot(X.astype(np.int32), 2, dtype=tf.int32),
    ),
    "pixel_shuffle": (
        lambda x: mb.pixel_shuffle(x=x, upscale_factor=2),
        lambda: X.reshape(1, 1, 2, 2, 6, 6).transpose(0, 1, 4, 2, 5, 3).reshape(1, 1, 12, 12),
    ),
    "pixel_unshuffle": (
        lambda x: mb.pixel_unshuffle(x=x, downscale_factor=np.uint32(2)),
        lambda: X.reshape(1, 4, 3, 2, 3, 2).transpose(0, 1, 3, 5, 2, 4).reshape(1, 16, 3, 3),
    ),
    "range_1d": (
        lambda x: mb.mul(x=mb.range_1d(start=0.0, end=6.0, step=1.0), y=x),
        lambda: X * np.arange(6, dtype=np.float32),
    ),
    "resize": (
        lambda x: mb.resize(x=x, shape=[9, 4], resized_dims=np.uint32(2)),
        resized,
    ),
    "resize_bilinear": (
        lambda x: mb.resize_bilinear(x=x, target_size_height=9, target_size_width=4),
        resized,
    ),
    "resize_nearest_neighbor": (
        lambda x: mb.resize_nearest_neighbor(x=x, target_size_height=9, target_size_width=4),
        lambda: first(tf.image.resize(last(X), (9, 4), "nearest")),
    ),
    "silu": (lambda x: mb.silu(x=x), lambda: tf.nn.silu(X)),
    "space_to_depth": (
        lambda x: mb.space_to_depth(x=x, block_size=2),
        lambda: first(tf.nn.space_to_depth(last(X), 2)),
    ),
    "upsample_bilinear": (
        lambda x: mb.upsample_bilinear(x=x, scale_factor_height=2, scale_factor_width=3),
        lambda: first(tf.raw_ops.ResizeBilinear(images=last(X), size=(12, 18), align_corners=True)),
    ),
    "upsample_nearest_neighbor": (
        lambda x: mb.upsample_nearest_neighbor(x=x, scale_factor_height=2, scale_factor_width=3),
        lambda: X.repeat(2, 2).repeat(3, 3),
    ),
}

BY_NUMPY = {"crop", "fill", "gather_nd", "instance_norm", "l2_pool", "pixel_shuffle", "pixel_unshuffle", "range_1d"}
BY_NUMPY |= {"upsample_nearest_neighbor"}


def saved(build: Callable[[Any, Any], Any], folder: Path, **how: Any) -> Interpreter:
    """Return the interpreter of a package whose outputs are what `build` makes of x and p, all of shape of X."""
    specs = [mb.TensorSpec(shape=X.shape), mb.TensorSpec(shape=X.shape)]
    program = mb.program(input_specs=specs, opset_version=ct.target.iOS17)(build)
    model = ct.convert(
        program,
        convert_to="mlprogram",
        pass_pipeline=ct.PassPipeline.EMPTY,
        minimum_deployment_target=ct.target.iOS17,
        skip_model_load=True,
        **how,
    )
    model.save(str(folder / "saved.mlpackage"))
    return Interpreter(folder / "saved.mlpackage", threads=1)


def parts(built: Any) -> list[Any]:
    return list(built) if isinstance(built, list | tuple) else [built]


def results(builds: dict[str, Build], folder: Path) -> dict[str, list[np.ndarray]]:
    """Return what the interpreter gives of a saved program with all these operations, by kind."""
    names: dict[str, list[str]] = {}

    def build(x: Any, p: Any) -> tuple[Any, ...]:
        outputs = []
        for kind, one in builds.items():
            made = parts(one(p if kind in OF_P else x))
            names[kind] = [f"{kind}_{at}_of" for at in range(len(made))]
            for name, value in zip(names[kind], made, strict=True):
                floats = mb.cast(x=value, dtype="int32") if value.dtype is ct.converters.mil.mil.types.bool else value
                outputs.append(mb.identity(x=floats, name=name))
        return tuple(outputs)

    interpreter = saved(build, folder)
    evaluated(*(operation.kind for operation in interpreter.program.operations))
    inputs = dict(zip((value.name for value in interpreter.program.inputs), (X, P), strict=True))
    found = interpreter.run(inputs)
    stepwise = Interpreter(folder / "saved.mlpackage", precision="fp16", threads=1).run(inputs)
    for name, value in stepwise.items():  # the program declares no float16: nothing is rounded
        np.testing.assert_allclose(value, found[name], rtol=1e-5, atol=1e-6, err_msg=name)
    return {kind: [found[name] for name in own] for kind, own in names.items()}


def valued() -> dict[str, list[np.ndarray]]:
    """Return coremltools' own values of the same operations on constants."""
    values: dict[str, list[np.ndarray]] = {}

    def build(x: Any, p: Any) -> Any:
        for kind, one in VALUED.items():
            made = parts(one(mb.const(val=(P if kind in OF_P else X).copy())))  # some write into it
            values[kind] = [np.asarray(value.val) for value in made]
        return mb.identity(x=x)

    mb.program(input_specs=[mb.TensorSpec(shape=X.shape)] * 2, opset_version=ct.target.iOS17)(build)
    return values


@covers(*VALUED, against=FORMULA)
def test_a_saved_operation_gives_what_coremltools_says_of_constants(tmp_path: Path) -> None:
    found, expected = results(VALUED, tmp_path), valued()
    for kind, wanted in expected.items():
        for result, want in zip(found[kind], wanted, strict=True):
            plain = want.astype(np.int32) if want.dtype == bool else want
            assert plain.dtype != object, kind
            assert result.shape == plain.shape, kind
            np.testing.assert_allclose(result, plain, rtol=2e-5, atol=5e-6, err_msg=kind)


@covers(*BY_NUMPY, against=FORMULA)
@covers(*(OTHERS.keys() - BY_NUMPY), against=TENSORFLOW)
def test_a_saved_operation_gives_what_tensorflow_or_numpy_gives(tmp_path: Path) -> None:
    found = results({kind: build for kind, (build, _) in OTHERS.items()}, tmp_path)
    for kind, (_, expected) in OTHERS.items():
        want = np.asarray(expected())
        assert found[kind][0].shape == want.shape, kind
        np.testing.assert_allclose(found[kind][0], want, rtol=1e-4, atol=1e-5, err_msg=kind)


@covers("classify", against=FORMULA)
def test_a_classifier_gives_each_rows_label_and_probabilities(tmp_path: Path) -> None:
    labels = ["Kite", "Heron", "Crane", "Stork"]
    interpreter = saved(
        lambda x, p: mb.softmax(x=mb.add(x=mb.reduce_mean(x=x, axes=[2, 3]), y=mb.reduce_mean(x=p, axes=[2, 3]))),
        tmp_path,
        classifier_config=ct.ClassifierConfig(labels),
    )
    evaluated(*(operation.kind for operation in interpreter.program.operations))
    x, p = np.concatenate([X, -X, X[:, ::-1]]), np.concatenate([P, P, -P])
    names = [value.name for value in interpreter.program.inputs]
    label, probabilities = interpreter.program.outputs
    found = interpreter.run(dict(zip(names, (x, p), strict=True)))
    want = tf.nn.softmax((x + p).mean((2, 3))).numpy()
    np.testing.assert_allclose(found[probabilities], want, rtol=1e-5)
    assert found[label].tolist() == [labels[at] for at in want.argmax(1)]
