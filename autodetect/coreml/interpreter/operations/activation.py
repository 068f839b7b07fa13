"""Activations."""

import numpy as np

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation

HERE = "iOS15.activation"


@operation("relu", reference=f"{HERE}.relu", rows_apart=rows.single)
def relu(given: Arguments) -> Node:
    """max(x, 0)."""
    return opset.relu(given.tensor("x"))


@operation("relu6", reference=f"{HERE}.relu6", rows_apart=rows.single)
def relu6(given: Arguments) -> Node:
    """min(max(x, 0), 6)."""
    return opset.clamp(given.tensor("x"), 0, 6)


@operation("clamped_relu", reference=f"{HERE}.clamped_relu", rows_apart=rows.single)
def clamped_relu(given: Arguments) -> Node:
    """min(x, beta) where x is at least 0, else min(alpha * x, beta)."""
    x = given.tensor("x")
    return opset.minimum(_leaky(x, given.number("alpha")), tensors.like(x, given.number("beta")))


@operation("leaky_relu", reference=f"{HERE}.leaky_relu", rows_apart=rows.single)
def leaky_relu(given: Arguments) -> Node:
    """`x` where it is at least 0, else alpha * x."""
    return _leaky(given.tensor("x"), given.number("alpha"))


@operation("prelu", reference=f"{HERE}.prelu", rows_apart=rows.of("x"))
def prelu(given: Arguments) -> Node:
    """`x` (n, C, *d) where it is above 0, else alpha[channel] * x."""
    return opset.prelu(given.tensor("x"), _channels(given, "alpha"))


@operation("thresholded_relu", reference=f"{HERE}.thresholded_relu", rows_apart=rows.single)
def thresholded_relu(given: Arguments) -> Node:
    """`x` where it is at least alpha, else 0."""
    x = given.tensor("x")
    return opset.select(opset.greater_equal(x, tensors.like(x, given.number("alpha"))), x, tensors.like(x, 0))


@operation("elu", reference=f"{HERE}.elu", rows_apart=rows.single)
def elu(given: Arguments) -> Node:
    """`x` where it is above 0, else alpha * (e^x - 1)."""
    return opset.elu(given.tensor("x"), given.number("alpha"))


@operation("gelu", reference=f"{HERE}.gelu", rows_apart=rows.single)
def gelu(given: Arguments) -> Node:
    """`x` times the normal distribution function of x, by `mode` EXACT (the default) or an approximation of it.

    TANH_APPROXIMATION: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))); SIGMOID_APPROXIMATION: x *
    sigmoid(1.702 x).
    """
    x, mode = given.tensor("x"), given.text("mode", "EXACT")
    if mode == "SIGMOID_APPROXIMATION":
        return opset.swish(x, opset.constant(np.float32(1.702)))
    if mode not in {"EXACT", "TANH_APPROXIMATION"}:
        raise given.refuse(f"mode {mode!r}")
    return opset.gelu(x, "erf" if mode == "EXACT" else "tanh")


@operation("linear_activation", reference=f"{HERE}.linear_activation", rows_apart=rows.single)
def linear_activation(given: Arguments) -> Node:
    """`alpha` * x + beta."""
    x = given.tensor("x")
    scaled = opset.multiply(x, tensors.like(x, given.number("alpha")))
    return opset.add(scaled, tensors.like(x, given.number("beta")))


@operation("scaled_tanh", reference=f"{HERE}.scaled_tanh", rows_apart=rows.single)
def scaled_tanh(given: Arguments) -> Node:
    """`alpha` * tanh(beta * x)."""
    x = given.tensor("x")
    inner = opset.tanh(opset.multiply(x, tensors.like(x, given.number("beta"))))
    return opset.multiply(inner, tensors.like(x, given.number("alpha")))


@operation("sigmoid", reference=f"{HERE}.sigmoid", rows_apart=rows.single)
def sigmoid(given: Arguments) -> Node:
    """1 / (1 + e^-x)."""
    return opset.sigmoid(given.tensor("x"))


@operation("sigmoid_hard", reference=f"{HERE}.sigmoid_hard", rows_apart=rows.single)
def sigmoid_hard(given: Arguments) -> Node:
    """min(max(alpha * x + beta, 0), 1)."""
    return opset.clamp(linear_activation(given), 0, 1)


@operation("silu", reference=f"{HERE}.silu", rows_apart=rows.single)
def silu(given: Arguments) -> Node:
    """`x` * sigmoid(x)."""
    return opset.swish(given.tensor("x"))


@operation("softplus", reference=f"{HERE}.softplus", rows_apart=rows.single)
def softplus(given: Arguments) -> Node:
    """ln(1 + e^x)."""
    return _softplus(given.tensor("x"))


@operation("softplus_parametric", reference=f"{HERE}.softplus_parametric", rows_apart=rows.of("x"))
def softplus_parametric(given: Arguments) -> Node:
    """alpha[channel] * ln(1 + e^(beta[channel] * x)), x (n, C, *d)."""
    inner = _softplus(opset.multiply(given.tensor("x"), _channels(given, "beta")))
    return opset.multiply(inner, _channels(given, "alpha"))


@operation("softsign", reference=f"{HERE}.softsign", rows_apart=rows.single)
def softsign(given: Arguments) -> Node:
    """`x` / (1 + |x|)."""
    return opset.softsign(given.tensor("x"))


@operation("softmax", reference=f"{HERE}.softmax", rows_apart=rows.along(-1))
def softmax(given: Arguments) -> Node:
    """e^x over its sum along axis (-1)."""
    return opset.softmax(given.tensor("x"), tensors.axis(given, -1))


def _softplus(x: Node) -> Node:
    """Return ln(1 + e^x) as max(x, 0) - ln(sigmoid(|x|)): the kernel of that name is off by 4e-6 far below 0."""
    return opset.subtract(opset.relu(x), opset.log(opset.sigmoid(opset.abs(x))))


def _leaky(x: Node, alpha: float) -> Node:
    return opset.prelu(x, tensors.like(x, alpha))


def _channels(given: Arguments, name: str) -> Node:
    return tensors.per_channel(given.tensor(name), given.rank("x"))
