"""Xcode's own Core ML compiler, where there is one: what it says of a package."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from autodetect.records import Record

_SECONDS = 600
_MOST_TOLD = 2000  # characters of what it prints


class CompilerWords(Record):
    """What the compiler said; `passed` is None where there is no compiler."""

    passed: bool | None
    words: str


def compiler_words(package: Path) -> CompilerWords:
    """Compile the package as Xcode would, `xcrun coremlcompiler compile`; the result is thrown away."""
    xcrun = shutil.which("xcrun")
    if xcrun is None:
        return CompilerWords(passed=None, words="not compiled: there is no xcrun on this machine")
    with tempfile.TemporaryDirectory(prefix="autodetect-coremlc-") as folder:
        command = [xcrun, "coremlcompiler", "compile", str(package), folder]
        try:
            done = subprocess.run(  # noqa: S603  # Xcode's own program, by the path that was found
                command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return CompilerWords(passed=False, words=f"xcrun coremlcompiler did not run: {error}")
        said = " ".join(f"{done.stdout} {done.stderr}".replace(folder, "").split())[:_MOST_TOLD]
        compiled = done.returncode == 0 and any(Path(folder).iterdir())
    if compiled:
        return CompilerWords(passed=True, words=f"compiled by xcrun coremlcompiler{': ' if said else ''}{said}")
    return CompilerWords(
        passed=False, words=f"xcrun coremlcompiler refused it (exit {done.returncode}): {said or 'it said nothing'}"
    )
