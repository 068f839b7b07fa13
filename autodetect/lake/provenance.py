"""Digests of what a result depends on besides its inputs: the code of some rooms and the settings they read."""

import hashlib
from collections.abc import Iterable
from functools import reduce
from importlib import resources
from importlib.resources.abc import Traversable
from operator import getitem
from pathlib import Path

from autodetect.records import canonical_digest
from autodetect.settings import Settings


def code_digest(packages: Iterable[str]) -> str:
    """Return the SHA-256 (hex) over all source and data files of the packages, by name."""
    total = hashlib.sha256()
    for package in sorted(packages):
        for name, content in sorted(_files(resources.files(package), package)):
            total.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def settings_digest(settings: Settings, names: Iterable[str]) -> str:
    """Return the digest of the settings named: top-level ones, whole sections, or one of a section (`photos.min_side`).

    A file of a person's answers counts by what it says, wherever it lies; a missing one like an empty one.
    """
    values = settings.model_dump(mode="json")
    answers = Path(settings.catalog.answers)
    content = answers.read_bytes() if answers.is_file() else b""
    values["catalog"]["answers"] = hashlib.sha256(content).hexdigest()
    return canonical_digest({name: reduce(getitem, name.split("."), values) for name in sorted(names)})


def _files(folder: Traversable, prefix: str) -> Iterable[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(entry, name)
        elif not entry.name.endswith((".pyc", ".so")):
            yield name, entry.read_bytes()
