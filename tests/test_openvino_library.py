import builtins
import subprocess
import sys

import pytest

from autodetect.errors import UsageError
from autodetect.openvino_library import load_openvino

LOADED = """
import sys
from autodetect.openvino_library import load_openvino
openvino = load_openvino()
openvino.opset15.relu(openvino.opset15.constant([1.0]))
print(sorted(name for name, module in sys.modules.items() if name.startswith("openvino_telemetry") and module))
"""


def test_it_comes_without_its_telemetry() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_library_that_is_missing_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    there = builtins.__import__

    def missing(name: str, *arguments, **settings):
        if name.partition(".")[0] == "openvino":
            raise ImportError("no kernels here")
        return there(name, *arguments, **settings)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UsageError, match="OpenVINO cannot be imported: no kernels here\n  -> go without"):
        load_openvino("go without")
