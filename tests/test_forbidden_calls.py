"""No line of the program reads a file in a way that could run what is inside it, or write where the file says."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("autodetect", "crawlers", "flows", "benchmarks")
OWN_DATABASES = {"crawlers/ledger.py", "benchmarks/sqlite_file.py"}  # made and written by the program itself

# What runs or unpacks whatever it is given.
MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve", "tarfile", "torch", "xml", "yaml"}
BUILTINS = {"__import__", "compile", "eval", "exec"}
METHODS = {"enable_unsafe_deserialization", "extractall", "read_pickle", "unpack_archive", "unsafe_load"}
# What may be called with these words alone.
REQUIRED = {
    "numpy.load": ("allow_pickle", False),
    "np.load": ("allow_pickle", False),
    "np.lib.format.read_array": ("allow_pickle", False),
    "keras.saving.load_model": ("safe_mode", True),
    "keras.models.load_model": ("safe_mode", True),
    "sqlite3.connect": ("uri", True),
}
NEVER = {"allow_pickle": True, "safe_mode": False, "shell": True}
READ_ONLY = "?mode=ro&immutable=1"


def forbidden(source: str, name: str = "") -> Iterator[str]:
    """What the source does that it must not, with the line."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported = [each.name for each in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"{node.lineno}: import {each}" for each in imported if each.split(".")[0] in MODULES)
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {each.arg: getattr(each.value, "value", None) for each in node.keywords}
            if called in BUILTINS or called.split(".")[-1] in METHODS:
                yield f"{node.lineno}: {called}"
            if called in REQUIRED and name not in OWN_DATABASES:
                word, value = REQUIRED[called]
                if given.get(word) is not value:
                    yield f"{node.lineno}: {called} without {word}={value}"
            yield from (f"{node.lineno}: {each}={value}" for each, value in NEVER.items() if given.get(each) is value)
    if "sqlite3.connect" in source and READ_ONLY not in source and name not in OWN_DATABASES:
        yield f"sqlite3.connect without {READ_ONLY}"


@pytest.mark.parametrize("part", PARTS)
def test_no_module_reads_a_file_in_an_unsafe_way(part: str) -> None:
    modules = sorted((ROOT / part).rglob("*.py"))
    assert modules
    named = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in modules}
    assert {name: found for name, text in named.items() if (found := list(forbidden(text, name)))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from yaml import load",
        "import xml.etree.ElementTree as ET",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "eval(text)",
        "exec(text)",
        "archive.extractall(folder)",
        "shutil.unpack_archive(path)",
        "keras.saving.load_model(path)",
        "keras.models.load_model(path, safe_mode=False)",
        "keras.config.enable_unsafe_deserialization()",
        "sqlite3.connect(path)",
        "sqlite3.connect(f'file:{path}', uri=True)",
        "subprocess.run(line, shell=True)",
    ],
)
def test_an_unsafe_way_is_seen(line: str) -> None:
    assert list(forbidden(line))
