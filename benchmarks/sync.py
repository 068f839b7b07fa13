"""Claim: asking for news costs a client one request, a night of prices its bytes, and a first sync the download alone.

A real web server in a process of its own counts requests and bytes of bodies. The release is as large as one of 468
classes; its bytes are random, because nothing here depends on what they say.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from autodetect.lake.objects import LocalStore
from autodetect.records import Verdict
from autodetect.release.client import open_source, sync
from autodetect.release.history import entries, manifest_of
from autodetect.release.layout import history_key, manifest_key, object_key, signatures_key
from autodetect.release.manifest import Backbone, ReleaseFacts
from autodetect.release.publish import publish
from autodetect.release.signing import PrivateKey
from autodetect.release.upload import ReleaseFile
from benchmarks.file_server import Answer, FileServer, serving
from benchmarks.grid import Grid

KEY = PrivateKey.generate("demo")
NIGHT = date(2026, 11, 1)
SIZES = {
    "AutoDetect.mlpackage.zip": 46_000_000,
    "AutoDetect-int8.mlpackage.zip": 23_000_000,
    "AutoDetect-palette6.mlpackage.zip": 18_000_000,
    "champion.keras": 4_500_000,
    "autodetect.sqlite": 8_000_000,
    "prices.parquet": 300_000,
    "offers.parquet": 2_000_000,
    "classes.json": 60_000,
    "metrics.json": 2_000,
    "card.md": 4_000,
}
NIGHTLY = ("autodetect.sqlite", "prices.parquet", "offers.parquet", "card.md")
ROUNDS = 7
CHUNK_BYTES = 1 << 20
COLUMNS = ("what", "requests", "bytes", "the least there is", "ratio (least to most)", "goal")


def run(rounds: int = ROUNDS) -> Grid:
    """Sync for the first time, again, and after a night of prices; count, and time the first against bare GETs."""
    with tempfile.TemporaryDirectory(prefix="sync-") as name:
        folder = Path(name)
        store = LocalStore(folder / "store")
        _publish(store, folder, 0, SIZES)
        with serving(store.root, folder / "log") as server:
            first, (ours, checked, bare) = _first(server, folder, rounds)
            _sync(server, folder)  # timing left no cache
            again = _counted(server, folder)
            _publish(store, folder, 1, {name: SIZES[name] for name in NIGHTLY})
            floor = _floor(store)
            nightly = _counted(server, folder)
    return Grid(
        name="sync",
        claim="Nothing new costs a client one conditional request, a night of prices its own bytes.",
        columns=COLUMNS,
        lines=(
            ("nothing new", str(len(again)), _bytes(again), "1 request, answered 304", _are_304(again), "1 request"),
            (
                "a night of prices",
                str(len(nightly)),
                _bytes(nightly),
                f"{floor:,} (files, manifest, signatures, entry)",
                f"{sum(each.sent for each in nightly) / floor:.6f}",
                "1",
            ),
            *(
                (
                    "a first sync",
                    str(len(first)),
                    _bytes(first),
                    f"{median(seconds):.2f} s for bare GETs, {done}; ours {median(ours):.2f} s",
                    f"{_ratio(seconds, ours)} of their speed",
                    "none",
                )
                for done, seconds in (("each file hashed and synced to disk", checked), ("nothing checked", bare))
            ),
        ),
        notes=(
            "what a night costs beside the least there is, is the hint: `latest.json`",
            f"first sync: {rounds} rounds in turns with GETs of the same files over one connection, written to disk",
            "bytes are those of bodies; one machine, no TLS: no network hides what disk and processor take",
        ),
        packages=("cryptography",),
    )


def _first(
    server: FileServer, folder: Path, rounds: int
) -> tuple[list[Answer], tuple[list[float], list[float], list[float]]]:
    """Return the answers of a first sync, and seconds of ours, of checked and of bare GETs but for a first round."""
    seconds: tuple[list[float], list[float], list[float]] = ([], [], [])
    counted: list[Answer] = []
    for number in range(rounds + 1):
        server.answers()
        took = [_timed(folder, lambda: _sync(server, folder))]
        counted = server.answers()
        paths = [answer.path for answer in counted]
        gets = [partial(_get, server, paths, folder / "bare", check=check) for check in (True, False)]
        took += [_timed(folder, get) for get in gets]
        if number:
            for found, each in zip(seconds, took, strict=True):
                found.append(each)
    return counted, seconds


def _timed(folder: Path, work: Callable[[], object]) -> float:
    for name in ("cache", "bare"):
        shutil.rmtree(folder / name, ignore_errors=True)
    os.sync()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _counted(server: FileServer, folder: Path) -> list[Answer]:
    server.answers()
    _sync(server, folder)
    return server.answers()


def _sync(server: FileServer, folder: Path) -> None:
    now = datetime(NIGHT.year, NIGHT.month, NIGHT.day, 6, tzinfo=UTC)
    sync(open_source(server.url), folder / "cache", trusted=KEY.public, now=now)


def _get(server: FileServer, paths: list[str], folder: Path, *, check: bool) -> None:
    folder.mkdir()
    connection = HTTPConnection(urlsplit(server.url).netloc)
    for number, path in enumerate(paths):
        connection.request("GET", path)
        answer, digest = connection.getresponse(), hashlib.sha256()
        with (folder / str(number)).open("wb") as file:
            while chunk := answer.read(CHUNK_BYTES):
                file.write(chunk)
                if check:
                    digest.update(chunk)
            if check:
                file.flush()
                os.fsync(file.fileno())
    connection.close()


def _publish(store: LocalStore, folder: Path, number: int, changed: dict[str, int]) -> None:
    """Publish the release with new bytes in these files."""
    made = folder / "files"
    made.mkdir(exist_ok=True)
    for name, size in changed.items():
        (made / name).write_bytes(os.urandom(size))
    facts = ReleaseFacts(
        channel="demo",
        night=NIGHT + timedelta(days=number),
        verdict=Verdict.PRICES_ONLY if number else Verdict.PUBLISHED,
        source="sandbox",
        code_version="0",
        backbone=Backbone(digest="b" * 64, weights="random"),
        class_map_digest="c" * 64,
    )
    files = [ReleaseFile(name, made / name, "application/octet-stream") for name in SIZES]
    publish(store, files, facts, datetime(2026, 11, 1 + number, tzinfo=UTC), key=KEY)


def _floor(store: LocalStore) -> int:
    """Return the bytes of what the newest release has and the one before had not."""
    before, newest = (manifest_of(store, entry) for entry in entries(store))
    entry = entries(store)[-1]
    keys = [history_key(entry.sequence), manifest_key(entry.release_id), signatures_key(entry.release_id)]
    known = set(before.objects.values())
    keys += [object_key(each.sha256) for each in newest.objects.values() if each not in known]
    return sum(store.size(key) for key in keys)


def _bytes(answers: list[Answer]) -> str:
    return f"{sum(each.sent for each in answers):,}"


def _ratio(others: list[float], ours: list[float]) -> str:
    found = [other / own for other, own in zip(others, ours, strict=True)]
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def _are_304(answers: list[Answer]) -> str:
    return "1" if [each.status for each in answers] == [304] else f"NOT kept: {len(answers)}"


if __name__ == "__main__":
    print(run().as_text())
