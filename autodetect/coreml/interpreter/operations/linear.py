"""Products of matrices."""

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.registry import Arguments, Node, operation


@operation("linear", reference="iOS15.linear.linear", rows_apart=rows.trailing(1))
def linear(given: Arguments) -> Node:
    """`x` (*d, D_in) times weight (D_out, D_in) transposed, plus bias (0).

    Limits: floats.
    """
    product = opset.matmul(_floats(given, "x"), given.tensor("weight"), transpose_a=False, transpose_b=True)
    return opset.add(product, given.tensor("bias")) if given.has("bias") else product


def _matmul_apart(given: Arguments) -> bool:
    """Apart where rows are no rows or columns of a product, but for those of a matrix x times a constant."""
    moving = rows.moving(given)
    if not moving:
        return True
    ranks = {name: given.rank(name) for name in ("x", "y")}
    if moving == {"x"} and ranks["x"] == 2:
        return ranks["y"] <= 2 and not given.flag("transpose_x", False)
    batched = all(ranks[name] >= 3 and ranks[name] == max(ranks.values()) for name in moving)
    return batched and rows.declared_apart(given)


@operation("matmul", reference="iOS15.linear.matmul", rows_apart=_matmul_apart)
def matmul(given: Arguments) -> Node:
    """The product of x (*d, m, k) and y (*d, k, n) with NumPy's rules for vectors and broadcasting.

    Defaults: transpose_x false, transpose_y false; a vector is never transposed.

    Limits: floats.
    """
    flips = [given.flag(f"transpose_{name}", False) and given.rank(name) > 1 for name in ("x", "y")]
    return opset.matmul(_floats(given, "x"), _floats(given, "y"), *flips)


def _einsum_apart(given: Arguments) -> bool:
    """Apart where the leading axis is that of the batch."""
    return not rows.moving(given) or (rows.declared_apart(given) and len(given.operation.outputs[0].type.shape) == 4)


@operation("einsum", reference="iOS15.linear.einsum", rows_apart=_einsum_apart)
def einsum(given: Arguments) -> Node:
    """The product of matrices on axes -3 and -1, such as nchw,nwhu->nchu or chw,whr->chr; the others broadcast.

    Limits: the two equations that the reference allows, in any letters.
    """
    x, y = given.tensors("values")
    letters: dict[str, str] = {}
    plain = "".join(letters.setdefault(c, chr(97 + len(letters))) if c.isalpha() else c for c in given.text("equation"))
    if plain not in {"abcd,adce->abce", "abc,cbd->abd"}:
        raise given.refuse(f"equation {given.text('equation')!r}")
    swap = [0, 2, 1, 3] if plain.startswith("abcd") else [1, 0, 2]
    if len(swap) == 3:  # x (c, h, w) and y (w, h, r) become (h, c, w) and (h, w, r)
        product = opset.matmul(_moved(x, swap), _moved(y, swap), transpose_a=False, transpose_b=False)
        return _moved(product, swap)
    product = opset.matmul(_moved(x, swap), _moved(y, swap), transpose_a=False, transpose_b=False)
    return _moved(product, swap)


def _moved(node: Node, order: list[int]) -> Node:
    return opset.transpose(node, tensors.integers(order))


def _floats(given: Arguments, name: str) -> Node:
    node = given.tensor(name)
    if not tensors.is_float(node):
        raise given.refuse("a product of integers")
    return node
