"""What a linter does not see: how heavy the command line's import is, and which hosts the repository names."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "tensorflow",
    "keras",
    "prefect",
    "great_expectations",
    "coremltools",
    "pandas",
    "pyarrow",
    "deltalake",
    "boto3",
}
HEAVY |= {"scrapy", "twisted", "matplotlib", "PIL", "numpy", "imagehash", "uvicorn"}
# Split, so that this file does not name them either.
REGISTRIES = [
    "py" + "pi.org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "index.crates" + ".io",
    "proxy.gol" + "ang.org",
    "rub" + "ygems.org",
    "conda.ana" + "conda.org",
]


@pytest.mark.parametrize("module", ["flows.cli", "flows.cli.app"])
def test_the_command_line_starts_without_what_only_stages_need(module: str) -> None:
    script = f"import json, sys, {module}; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "typer" in loaded or module == "flows.cli"
    assert loaded & HEAVY == set()


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's own configuration."""
    named = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in tracked_files()
        for host in REGISTRIES
        if host in path.read_text("utf-8", errors="replace").lower()
    ]
    assert named == []


def test_no_file_in_the_repository_is_large() -> None:
    """Weights, photos and data are made or fetched, never checked in."""
    assert [path.name for path in tracked_files() if path.stat().st_size > 1_000_000] == []
