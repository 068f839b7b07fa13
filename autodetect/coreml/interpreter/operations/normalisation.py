"""Normalisation by stored or by measured mean and variance."""

import numpy as np

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation

HERE = "iOS15.normalization"


@operation("batch_norm", reference=f"{HERE}.batch_norm", rows_apart=rows.of("x"))
def batch_norm(given: Arguments) -> Node:
    """`gamma` (1) * (x - mean) / sqrt(variance + epsilon) + beta (0), per channel of x (n, C, *d); epsilon 1e-5."""
    x, mean, variance = given.tensor("x"), given.tensor("mean"), given.tensor("variance")
    shape = tensors.lengths(mean)
    gamma = given.tensor("gamma") if given.has("gamma") else opset.constant(np.ones(shape, np.float32))
    beta = given.tensor("beta") if given.has("beta") else opset.constant(np.zeros(shape, np.float32))
    return opset.batch_norm_inference(x, gamma, beta, mean, variance, tensors.epsilon(given, 1e-5))


@operation("instance_norm", reference=f"{HERE}.instance_norm", rows_apart=rows.of("x"))
def instance_norm(given: Arguments) -> Node:
    """`gamma` (1) * (x - mean) / sqrt(variance + epsilon) + beta (0), measured per row and channel; epsilon 1e-5."""
    rank = given.rank("x")
    normal = _standard(given, tuple(range(2, rank)))
    if given.has("gamma"):
        normal = opset.multiply(normal, tensors.per_channel(given.tensor("gamma"), rank))
    return opset.add(normal, tensors.per_channel(given.tensor("beta"), rank)) if given.has("beta") else normal


def _layer_apart(given: Arguments) -> bool:
    """Apart unless the leading axis is among the axes, as it is where none are given."""
    return not rows.moving(given) or (rows.of("x")(given) and 0 not in _axes(given))


def _axes(given: Arguments) -> tuple[int, ...]:
    return tensors.axes(given, tuple(range(given.rank("x"))))


@operation("layer_norm", reference=f"{HERE}.layer_norm", rows_apart=_layer_apart)
def layer_norm(given: Arguments) -> Node:
    """`gamma` (1) * (x - mean) / sqrt(variance + epsilon) + beta (0), measured along axes (all); epsilon 1e-5.

    gamma and beta have the lengths of x along these axes.
    """
    along, shape = _axes(given), tensors.lengths(given.tensor("x"))
    fit = tuple(length if place in along else 1 for place, length in enumerate(shape))
    normal = _standard(given, along)
    if given.has("gamma"):
        normal = opset.multiply(normal, tensors.reshaped(given.tensor("gamma"), fit))
    return opset.add(normal, tensors.reshaped(given.tensor("beta"), fit)) if given.has("beta") else normal


@operation("l2_norm", reference=f"{HERE}.l2_norm", rows_apart=rows.trailing(3))
def l2_norm(given: Arguments) -> Node:
    """`x` / sqrt(sum of x^2 along the last three axes + epsilon); epsilon 1e-6."""
    x, rank = given.tensor("x"), given.rank("x")
    if rank < 3:
        raise given.refuse("x has fewer than three axes")
    squares = opset.reduce_sum(opset.multiply(x, x), tensors.integers(range(rank - 3, rank)), keep_dims=True)
    return opset.divide(x, opset.sqrt(opset.add(squares, tensors.like(x, tensors.epsilon(given, 1e-6)))))


@operation("local_response_norm", reference=f"{HERE}.local_response_norm", rows_apart=rows.of("x"))
def local_response_norm(given: Arguments) -> Node:
    """`x` / (k + alpha / size * sum of x^2 over `size` channels around)^beta; alpha 1e-4, beta 0.75, k 1.

    Limits: an odd size; the reference does not say to which side an even one leans.
    """
    size = given.integer("size")
    if size % 2 == 0:
        raise given.refuse(f"size is {size}, which is even")
    alpha, beta, k = (given.number(name, value) for name, value in (("alpha", 1e-4), ("beta", 0.75), ("k", 1.0)))
    return opset.lrn(given.tensor("x"), tensors.integers([1]), alpha, beta, k, size)


def _standard(given: Arguments, along: tuple[int, ...]) -> Node:
    return opset.mvn(
        given.tensor("x"),
        tensors.integers(along),
        normalize_variance=True,
        eps=tensors.epsilon(given, 1e-5),
        eps_mode="inside_sqrt",
    )
