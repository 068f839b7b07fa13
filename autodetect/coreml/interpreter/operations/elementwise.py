"""Operations on one, two or three tensors, element by element."""

import numpy as np

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation

ONE = "iOS15.elementwise_unary"
TWO = "iOS15.elementwise_binary"
WHOLE = "\n\nLimits: integers are exact up to 2^24."


def _one(kind: str, name: str, meaning: str) -> None:
    """Register an operation on x that the kernel library knows as `name`."""

    def build(given: Arguments) -> Node:
        return getattr(opset, name)(given.tensor("x"))

    build.__doc__ = meaning
    operation(kind, reference=f"{ONE}.{kind}", rows_apart=rows.single)(build)


def _two(kind: str, name: str, meaning: str) -> None:
    """Register an operation on x and y, broadcast as NumPy does, that the kernel library knows as `name`."""

    def build(given: Arguments) -> Node:
        return getattr(opset, name)(given.tensor("x"), given.tensor("y"))

    build.__doc__ = meaning
    operation(kind, reference=f"{TWO}.{kind}", rows_apart=rows.elementwise)(build)


_one("abs", "abs", "|x|.")
_one("acos", "acos", "arc cosine of x.")
_one("asin", "asin", "arc sine of x.")
_one("atan", "atan", "arc tangent of x.")
_one("atanh", "atanh", "inverse hyperbolic tangent of x.")
_one("ceil", "ceiling", "smallest integer not below x.")
_one("cos", "cos", "cosine of x.")
_one("cosh", "cosh", "hyperbolic cosine of x.")
_one("erf", "erf", "Gauss error function of x.")
_one("exp", "exp", "e^x.")
_one("floor", "floor", "largest integer not above x.")
_one("logical_not", "logical_not", "not x.")
_one("sign", "sign", "-1, 0 or 1.")
_one("sin", "sin", "sine of x.")
_one("sinh", "sinh", "hyperbolic sine of x.")
_one("sqrt", "sqrt", "square root of x.")
_one("tan", "tan", "tangent of x.")
_one("tanh", "tanh", "hyperbolic tangent of x.")
_two("add", "add", "x + y.")
_two("equal", "equal", "x == y." + WHOLE)
_two("greater", "greater", "x > y." + WHOLE)
_two("greater_equal", "greater_equal", "x >= y." + WHOLE)
_two("less", "less", "x < y." + WHOLE)
_two("less_equal", "less_equal", "x <= y." + WHOLE)
_two("logical_and", "logical_and", "x and y.")
_two("logical_or", "logical_or", "x or y.")
_two("logical_xor", "logical_xor", "x or y, not both.")
_two("maximum", "maximum", "the larger of x and y.")
_two("minimum", "minimum", "the smaller of x and y.")
_two("mod", "floor_mod", "x - y * floor(x / y): the remainder with the sign of y." + WHOLE)
_two("mul", "multiply", "x * y.")
_two("not_equal", "not_equal", "x != y." + WHOLE)
_two("pow", "power", "x^y." + WHOLE)
_two("sub", "subtract", "x - y.")


@operation("real_div", reference=f"{TWO}.real_div", rows_apart=rows.elementwise)
def real_div(given: Arguments) -> Node:
    """`x` / y.

    Limits: floats; the reference does not say how a quotient of integers is rounded.
    """
    if not tensors.is_float(given.tensor("x")):
        raise given.refuse("a quotient of integers")
    return opset.divide(given.tensor("x"), given.tensor("y"))


@operation("floor_div", reference=f"{TWO}.floor_div", rows_apart=rows.elementwise)
def floor_div(given: Arguments) -> Node:
    """floor(x / y).

    Limits: integers are exact up to 2^24.
    """
    x, y = given.tensor("x"), given.tensor("y")
    if tensors.is_float(x):
        return opset.floor(opset.divide(x, y))
    return opset.divide(opset.subtract(x, opset.floor_mod(x, y)), y)  # exact: y divides what is left


@operation("select", reference="iOS15.control_flow.select", rows_apart=rows.elementwise)
def select(given: Arguments) -> Node:
    """`a` where cond holds, else b; all three broadcast.

    Limits: a and b given.
    """
    if not (given.has("a") and given.has("b")):
        raise given.refuse("it has no a and b to select from")
    return opset.select(given.tensor("cond"), given.tensor("a"), given.tensor("b"))


@operation("square", reference=f"{ONE}.square", rows_apart=rows.single)
def square(given: Arguments) -> Node:
    """`x` * x."""
    return opset.multiply(given.tensor("x"), given.tensor("x"))


@operation("exp2", reference=f"{ONE}.exp2", rows_apart=rows.single)
def exp2(given: Arguments) -> Node:
    """2^x; of integers an integer, 0 where x is below 0."""
    x = given.tensor("x")
    if tensors.is_float(x):
        return opset.power(tensors.like(x, 2), x)
    power = opset.power(opset.constant(np.float32(2)), opset.convert(x, "f32"))
    return opset.convert(opset.round(power), "i32")


@operation("round", reference=f"{ONE}.round", rows_apart=rows.single)
def round_(given: Arguments) -> Node:
    """The nearest integer; of two equally near ones the even one."""
    return opset.round(given.tensor("x"), "half_to_even")


@operation("inverse", reference=f"{ONE}.inverse", rows_apart=rows.single)
def inverse(given: Arguments) -> Node:
    """1 / (x + epsilon); epsilon 1e-4."""
    x = given.tensor("x")
    return opset.divide(tensors.like(x, 1), opset.add(x, tensors.like(x, tensors.epsilon(given, 1e-4))))


@operation("rsqrt", reference=f"{ONE}.rsqrt", rows_apart=rows.single)
def rsqrt(given: Arguments) -> Node:
    """1 / sqrt(x + epsilon); epsilon 1e-12."""
    x = given.tensor("x")
    root = opset.sqrt(opset.add(x, tensors.like(x, tensors.epsilon(given, 1e-12))))
    return opset.divide(tensors.like(x, 1), root)


@operation("log", reference=f"{ONE}.log", rows_apart=rows.single)
def log(given: Arguments) -> Node:
    """ln(x + epsilon); epsilon 1e-45."""
    x, small = given.tensor("x"), tensors.epsilon(given, 1e-45)
    if small == 0:
        return opset.log(x)
    if small >= np.finfo(np.float32).tiny:
        return opset.log(opset.add(x, tensors.like(x, small)))
    # The kernels take numbers below the smallest normal one for 0; such an epsilon matters at 0 alone.
    return opset.select(opset.equal(x, tensors.like(x, 0)), tensors.like(x, float(np.log(small))), opset.log(x))


@operation("clip", reference=f"{ONE}.clip", rows_apart=rows.single)
def clip(given: Arguments) -> Node:
    """min(max(x, alpha), beta)."""
    low, high, x = given.number("alpha"), given.number("beta"), given.tensor("x")
    if low <= high:
        return opset.clamp(x, low, high)
    return opset.minimum(opset.maximum(x, tensors.like(x, low)), tensors.like(x, high))


@operation("threshold", reference=f"{ONE}.threshold", rows_apart=rows.single)
def threshold(given: Arguments) -> Node:
    """max(x, alpha)."""
    x = given.tensor("x")
    return opset.maximum(x, tensors.like(x, given.number("alpha")))


@operation("cast", reference=f"{ONE}.cast", rows_apart=rows.single)
def cast(given: Arguments) -> Node:
    """`x` as `dtype`; a float loses its fraction to become an integer, and is true unless it is 0.

    Limits: every integer is held as int32: beyond the range of a narrower one the result is not defined.
    """
    x, dtype = given.tensor("x"), given.text("dtype")
    if dtype in {"fp16", "fp32"}:
        return x if tensors.is_float(x) else opset.convert(x, "f32")
    if dtype == "bool":
        return x if tensors.is_truth(x) else opset.not_equal(x, tensors.like(x, 0))
    if dtype not in {"int8", "uint8", "int16", "uint16", "int32"}:
        raise given.refuse(f"dtype {dtype!r}")
    return opset.convert(x, "i32")


@operation("identity", reference="iOS15.tensor_operation.identity", rows_apart=rows.single)
def identity(given: Arguments) -> Node:
    """`x` itself."""
    return given.tensor("x")
