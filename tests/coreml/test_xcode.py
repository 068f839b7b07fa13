"""Xcode's compiler is asked where there is one; what it says is kept."""

from pathlib import Path

import pytest

from autodetect.coreml.xcode import compiler_words


@pytest.fixture
def xcrun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a program called xcrun on the PATH, and nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(lines: str) -> None:
        path = tmp_path / "xcrun"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)

    return put


def test_without_xcode_nothing_is_claimed(xcrun, tmp_path):
    found = compiler_words(tmp_path / "A.mlpackage")
    assert found.passed is None
    assert "no xcrun" in found.words


def test_a_package_that_compiles_has_passed(xcrun, tmp_path):
    xcrun('[ "$1 $2" = "coremlcompiler compile" ] || exit 9\necho "$4/A.mlmodelc/$3"\n/bin/mkdir "$4/A.mlmodelc"')
    found = compiler_words(tmp_path / "A.mlpackage")
    assert found.passed is True
    assert found.words == f"compiled by xcrun coremlcompiler: /A.mlmodelc/{tmp_path}/A.mlpackage"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('echo "error: unsupported opset" >&2; exit 1', "(exit 1): error: unsupported opset"),
        ("exit 1", "(exit 1): it said nothing"),
        ("exit 0", "(exit 0): it said nothing"),  # and wrote nothing
    ],
)
def test_a_package_that_does_not_compile_has_failed_with_the_compilers_words(xcrun, tmp_path, lines, words):
    xcrun(lines)
    found = compiler_words(tmp_path / "A.mlpackage")
    assert found.passed is False
    assert found.words.endswith(words)


def test_a_compiler_that_does_not_start_has_failed(xcrun, tmp_path):
    xcrun("")
    (tmp_path / "xcrun").write_text("#!/nowhere/sh\n")
    found = compiler_words(tmp_path / "A.mlpackage")
    assert found.passed is False
    assert "did not run" in found.words
