"""What docs/interpreter.md says of each operation is what the interpreter holds and what the tests evaluate."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autodetect.coreml.interpreter import known
from autodetect.coreml.interpreter.operations.coverage import BY_FORMULA, tables
from autodetect.coreml.interpreter.registry import REFERENCE
from tests.coreml.interpreter.evaluation import COVERED, FORMULA

DOCUMENT = Path(__file__).parents[3] / "docs" / "interpreter.md"
TESTS = ("activation", "convolution", "elementwise", "indexing", "pooling", "products", "resizing", "saved", "shaping")


def covered() -> dict[str, set[str]]:
    """Return what each kind is tested against, as the tests of operations note it."""
    pytest.importorskip("tensorflow")
    for name in TESTS:
        importlib.import_module(f"tests.coreml.interpreter.test_operations_{name}")
    return COVERED


def test_every_test_of_operations_is_counted() -> None:
    found = {path.stem.removeprefix("test_operations_") for path in Path(__file__).parent.glob("test_operations_*.py")}
    assert found - {"coverage"} == set(TESTS)


def test_every_operation_is_tested() -> None:
    assert set(covered()) == set(known())


def test_the_tables_say_what_each_operation_is_tested_against() -> None:
    assert {kind for kind, against in covered().items() if against == {FORMULA}} == BY_FORMULA


def test_the_document_names_the_operations_that_there_are() -> None:
    text = DOCUMENT.read_text().partition("\n## Operations\n")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(known())
    assert tables() in text, "write it anew: python -m autodetect.coreml.interpreter"


def test_the_tables_are_printed() -> None:
    command = [sys.executable, "-m", "autodetect.coreml.interpreter"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=DOCUMENT.parents[1])
    assert printed.stdout == tables()


@pytest.mark.parametrize("kind", sorted(known()))
def test_every_reference_is_a_definition_of_coremltools(kind: str) -> None:
    pytest.importorskip("coremltools")
    module, _, name = known()[kind].reference.rpartition(".")
    assert name == kind
    assert getattr(importlib.import_module(f"{REFERENCE}.{module}"), name).__module__.endswith(module)
