"""Digests of what a result depends on besides its inputs: code, the settings it reads, the packages it stands on."""

import hashlib
from collections.abc import Iterable
from functools import cache, reduce
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from operator import getitem
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


@cache
def dependencies_digest(distribution: str = "autodetect") -> str:
    """Return the SHA-256 (hex) over the names and versions of all installed packages that a package needs.

    Followed are requirements of requirements, and of extras those that somebody asks for: what is installed for
    development or beside it does not count. Empty where the package itself runs without being installed.
    """
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return ""
    found: dict[str, str] = {}
    _follow(Requirement(distribution), found, set())
    del found[canonicalize_name(distribution)]  # its version is told apart, and may be that of a checkout
    return canonical_digest(found)


def _follow(wanted: Requirement, found: dict[str, str], done: set[tuple[str, str]]) -> None:
    """Add a package and what it needs to `found`; one that is not installed is left out, for nothing here uses it."""
    name = canonicalize_name(wanted.name)
    extras = {("", name), *((extra, name) for extra in wanted.extras)} - done
    done |= extras
    try:
        installed = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return
    found[name] = installed.version
    for needed in map(Requirement, installed.requires or ()):
        if any(needed.marker is None or needed.marker.evaluate({"extra": extra}) for extra, _ in extras):
            _follow(needed, found, done)


def _files(folder: Traversable, prefix: str) -> Iterable[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(entry, name)
        elif not entry.name.endswith((".pyc", ".so")):
            yield name, entry.read_bytes()
