"""Run benchmarks, print their tables, and rewrite their sections of docs/benchmarks.md.

`python -m benchmarks` runs all; `python -m benchmarks hashing cleaning` some: the other sections stay as they are.
"""

import pkgutil
import re
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import benchmarks
from benchmarks.grid import Grid
from benchmarks.table import Table, machine

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Made by `make bench`; do not edit. Each section is one script: `python -m benchmarks.<name>`; `python -m benchmarks
<name> ...` runs some and rewrites their sections. `ours / this` above 1 means that the other is quicker. A limit does
less than any program of this kind must.
"""


def main(wanted: list[str]) -> None:
    """Run what is wanted (nothing: all), then write the page in one step: one that fails leaves the old page."""
    known = names()
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}")
    made: dict[str, str] = {}
    for name in wanted or known:
        table: Table | Grid = import_module(f"benchmarks.{name}").run()
        print(f"{table.as_text()}\n")
        made[name] = f"{table.as_markdown()}\n- taken on {datetime.now(UTC):%Y-%m-%d} on {machine()}\n"
    sections = {name: text for name, text in _sections().items() if name in known} | made
    PAGE.write_text("\n".join([HEAD, *(sections[name] for name in sorted(sections))]), "utf-8")
    print(f"wrote {PAGE}")


def names() -> list[str]:
    """Return the modules of this package that define `run`, sorted."""
    found = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__")
    return [name for name in found if hasattr(import_module(f"benchmarks.{name}"), "run")]


def _sections() -> dict[str, str]:
    """Return the page's sections by name, each from its heading to the next."""
    text = PAGE.read_text("utf-8") if PAGE.is_file() else ""
    found = re.finditer(r"^## (\S+)\n(?:(?!## ).*\n?)*", text, re.MULTILINE)
    return {section[1]: f"{section[0].rstrip()}\n" for section in found}


if __name__ == "__main__":
    main(sys.argv[1:])
