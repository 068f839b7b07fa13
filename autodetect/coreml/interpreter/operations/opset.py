"""The kernel library's operations, imported at the first use: `opset.relu(x)` is OpenVINO's ReLU."""

from typing import Any

from autodetect.openvino_library import load_openvino


def __getattr__(name: str) -> Any:
    """Return an operation of opset 15; average pooling of opset 16 crashes the process (OpenVINO 2026.4)."""
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(load_openvino().opset15, name)
