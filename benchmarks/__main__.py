"""Run every benchmark, print its table, and rewrite docs/benchmarks.md: `python -m benchmarks`."""

import pkgutil
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import benchmarks
from benchmarks.table import Table, machine

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Made by `make bench`; do not edit. Each section is one script: `python -m benchmarks.<name>`. `ours / this` above 1
means that the other is quicker. A limit does less than any program of this kind must.
"""


def main() -> None:
    """Run all, then write the page in one step: a benchmark that fails leaves the old page."""
    tables = []
    for name in names():
        table: Table = import_module(f"benchmarks.{name}").run()
        print(f"{table.as_text()}\n")
        tables.append(table)
    made = f"Taken on {datetime.now(UTC):%Y-%m-%d} on {machine()}."
    PAGE.write_text("\n".join([HEAD, made, "", *(f"{table.as_markdown()}\n" for table in tables)]), "utf-8")
    print(f"wrote {PAGE}")


def names() -> list[str]:
    """Return the modules of this package that define `run`, sorted."""
    found = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__")
    return [name for name in found if hasattr(import_module(f"benchmarks.{name}"), "run")]


if __name__ == "__main__":
    main()
