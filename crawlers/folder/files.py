"""Walk a folder once: which photos it holds, and what is skipped or refused. No file is opened."""

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from autodetect.errors import UsageError
from autodetect.records import Refusal

TABLE = "listings.csv"
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".bmp", ".tif", ".tiff"})
LAYOUT = "make/model/photo.jpg, make_model/photo.jpg, or a listings.csv with its photos under photos/"


@dataclass
class FolderFiles:
    """What lies in a folder.

    Args:
        root: the folder, without links.
        photos: by label path (relative, '/' between names, Unicode NFC: equal on every machine) the path as the disk
            spells it, relative to `root`.
        has_table: whether there is a `listings.csv`.
        outside: label paths of links that lead out of the folder.
        skipped: how many files and folders were passed over, by reason or suffix.
        refusals: what was there and cannot be used.
    """

    root: Path
    photos: dict[str, str] = field(default_factory=dict)
    has_table: bool = False
    outside: set[str] = field(default_factory=set)
    skipped: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)


def refused(key: str, rule: str, value: str = "") -> Refusal:
    """Return the refusal of something in a folder; `key` says where, from the folder on."""
    return Refusal(table="import", key=key, rule=f"import.{rule}", value=value[:200])


def as_text(name: str) -> str:
    """Return a file's name as text that can be printed and stored; bytes that are no UTF-8 are spelt out."""
    return name.encode("utf-8", "backslashreplace").decode()


def walk(folder: Path) -> FolderFiles:
    """Look at every name below a folder, in the order of their code points.

    Raises:
        UsageError: there is no such folder, or it may not be read.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", f"name a folder that holds {LAYOUT}")
    files = FolderFiles(folder.resolve())
    try:
        found = _entries(files.root)
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be read: {error.strerror}", "give this user access") from error
    waiting = [("", found)]
    while waiting:
        above, entries = waiting.pop()
        for entry in entries:
            path = f"{above}{entry.name}"
            try:
                if _is_folder(files, path, entry):
                    waiting.append((f"{path}/", _entries(files.root / path)))
            except OSError as error:
                files.refusals.append(refused(_label(path), "unreadable", error.strerror or type(error).__name__))
    files.photos = dict(sorted(files.photos.items()))
    return files


def _is_folder(files: FolderFiles, path: str, entry: "os.DirEntry[str]") -> bool:
    """Note what an entry is; return whether it is a folder to go into."""
    suffix = PurePosixPath(entry.name).suffix.lower()
    link = entry.is_symlink()
    if entry.name.startswith("."):
        files.skipped["hidden"] += 1
    elif not _is_text(entry.name):
        files.refusals.append(refused(_label(path), "name_unreadable", "the name is not UTF-8"))
    elif entry.is_dir() or suffix in SUFFIXES or path == TABLE:
        if link and not (files.root / path).resolve().is_relative_to(files.root):
            files.outside.add(_label(path))
            files.refusals.append(refused(_label(path), "photo_outside_folder", "a link that leads out of the folder"))
        elif entry.is_dir():
            if not link:
                return True
            files.skipped["links to folders"] += 1
        elif not entry.is_file():
            files.refusals.append(refused(_label(path), "unreadable", "not a file"))
        elif path == TABLE:
            files.has_table = True
        else:
            _add_photo(files, path)
    else:
        files.skipped[suffix or "no suffix"] += 1
    return False


def _add_photo(files: FolderFiles, path: str) -> None:
    label = _label(path)
    if label in files.photos:
        files.refusals.append(refused(label, "duplicate_item", "another file has the same name in Unicode"))
    else:
        files.photos[label] = path


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _label(path: str) -> str:
    return unicodedata.normalize("NFC", as_text(path))
