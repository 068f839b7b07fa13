"""The kernel library's operations, imported at the first use: `opset.relu(x)` is OpenVINO's ReLU."""

from functools import cache
from typing import Any

from autodetect.openvino_library import load_openvino


@cache
def _opset() -> Any:
    load_openvino()
    from openvino import opset15

    return opset15


def __getattr__(name: str) -> Any:
    """Return an operation of opset 15; average pooling of opset 16 crashes the process (OpenVINO 2026.4)."""
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(_opset(), name)
