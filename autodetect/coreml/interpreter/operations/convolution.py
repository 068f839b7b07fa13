"""Convolution and its transpose."""

from autodetect.coreml.interpreter.operations import opset, rows, tensors
from autodetect.coreml.interpreter.operations.windows import windows
from autodetect.coreml.interpreter.registry import Arguments, Node, operation


@operation("conv", reference="iOS15.conv.conv", rows_apart=rows.of("x"))
def conv(given: Arguments) -> Node:
    """`x` (n, C_in, *d) convolved with weight (C_out, C_in / groups, *k), plus bias (0); 1 to 3 spatial axes.

    Defaults: strides 1, dilations 1, groups 1, pad_type valid, pad 0.
    """
    weight = given.tensor("weight")
    shape = tensors.lengths(weight)
    over, groups = windows(given, shape[2:]), given.integer("groups", 1)
    strides, begin, end, dilations = list(over.strides), list(over.begin), list(over.end), list(over.dilations)
    if groups == 1:
        result = opset.convolution(given.tensor("x"), weight, strides, begin, end, dilations)
    else:
        grouped = tensors.reshaped(weight, (groups, shape[0] // groups, *shape[1:]))
        result = opset.group_convolution(given.tensor("x"), grouped, strides, begin, end, dilations)
    return _biased(given, result)


@operation("conv_transpose", reference="iOS15.conv.conv_transpose", rows_apart=rows.of("x"))
def conv_transpose(given: Arguments) -> Node:
    """The transpose of convolution: x (n, C_in, *d), weight (C_in, C_out / groups, *k), plus bias (0).

    Defaults: strides 1, dilations 1, groups 1, pad_type valid, pad 0, output_shape as the padding implies; `same`
    gives d * stride. Where output_shape is given, `same` shares the padding that it implies among both ends, the odd
    element behind, and the others cut or extend the far end.

    Limits: pad_type valid, same or custom; an output_shape that reaches beyond the padded result by less than a stride.
    """
    x, weight = given.tensor("x"), given.tensor("weight")
    shape, spatial, groups = tensors.lengths(weight), tensors.lengths(x)[2:], given.integer("groups", 1)
    ones, kind = (1,) * len(spatial), given.text("pad_type", "valid")
    if kind not in {"valid", "same", "custom"}:
        raise given.refuse(f"pad_type {kind!r}")
    strides, dilations = given.integers("strides", ones), given.integers("dilations", ones)
    pad = given.integers("pad", (0, 0) * len(spatial)) if kind == "custom" else (0, 0) * len(spatial)
    wanted = given.integers("output_shape")[2:] if given.has("output_shape") else (None,) * len(spatial)
    begin, end, beyond = [], [], []
    for at, (length, stride) in enumerate(zip(spatial, strides, strict=True)):
        full = (length - 1) * stride + (shape[2 + at] - 1) * dilations[at] + 1
        before, target = pad[2 * at], wanted[at]
        if kind == "same":
            target = length * stride if target is None else target
            before = max(0, full - target) // 2
        elif target is None:
            target = full - before - pad[2 * at + 1]
        begin.append(before)
        end.append(max(0, full - before - target))
        beyond.append(max(0, target + before - full))
    how = {
        "strides": list(strides),
        "dilations": list(dilations),
        "pads_begin": begin,
        "pads_end": end,
        "output_padding": beyond,
    }
    if groups == 1:
        return _biased(given, opset.convolution_backprop_data(x, weight, **how))
    grouped = tensors.reshaped(weight, (groups, shape[0] // groups, *shape[1:]))
    return _biased(given, opset.group_convolution_backprop_data(x, grouped, **how))


def _biased(given: Arguments, result: Node) -> Node:
    if not given.has("bias"):
        return result
    return opset.add(result, tensors.per_channel(given.tensor("bias"), given.rank("x")))
