"""The operations of MIL, by family; importing this package registers them all."""

from autodetect.coreml.interpreter.operations import (
    activation,
    classification,
    convolution,
    elementwise,
    filling,
    indexing,
    joining,
    linear,
    normalisation,
    pooling,
    reduction,
    resizing,
    shaping,
    slicing,
)

__all__ = [
    "activation",
    "classification",
    "convolution",
    "elementwise",
    "filling",
    "indexing",
    "joining",
    "linear",
    "normalisation",
    "pooling",
    "reduction",
    "resizing",
    "shaping",
    "slicing",
]
