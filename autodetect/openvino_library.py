"""OpenVINO as a library of kernels: imported in one place, without its telemetry."""

import os
import sys
from typing import Any

from autodetect.errors import UsageError

TELEMETRY = "openvino_telemetry"


def load_openvino(remedy: str = "install openvino") -> Any:
    """Return the `openvino` module, its telemetry shut off: it would send usage to a third party.

    It goes without its telemetry package where that cannot be imported.

    Args:
        remedy: what a person should do where it is missing.

    Raises:
        UsageError: OpenVINO cannot be imported.
    """
    sys.modules.setdefault(TELEMETRY, None)  # type: ignore[arg-type]  # None: importing it raises ImportError
    try:
        import openvino  # type: ignore[import-untyped]
        import openvino.opset13  # type: ignore[import-untyped]
        import openvino.opset15  # type: ignore[import-untyped]
        import openvino.properties.hint  # type: ignore[import-untyped]
    except ImportError as error:
        raise UsageError(f"OpenVINO cannot be imported: {error}", remedy) from error
    return openvino


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
