"""Claim: publishing, every object read back in full, is at least 90 % as quick as a bare upload of the same files."""

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from uuid import uuid4

from autodetect.lake.objects import LocalStore, ObjectStore, S3Options, S3Store
from autodetect.records import Verdict
from autodetect.release.layout import media_type
from autodetect.release.manifest import Backbone, DataWindow, ReleaseFacts
from autodetect.release.publish import publish
from autodetect.release.signing import PrivateKey
from autodetect.release.upload import ReleaseFile
from benchmarks.grid import Grid
from benchmarks.rounds import Case, timed
from benchmarks.table import Row
from tests.servers.ceph import CephServer, ceph_unavailable

# Bytes of a release whose model is InceptionV3's; random, as compressed files look.
SIZES = {
    "AutoDetect.mlpackage.zip": 90_000_000,
    "champion.keras": 20_000_000,
    "autodetect.sqlite": 20_000_000,
    "offers.parquet": 18_000_000,
    "prices.parquet": 1_500_000,
    "history.parquet": 400_000,
    "classes.json": 60_000,
    "metrics.json": 20_000,
    "card.md": 5_000,
}
MEGABYTES = sum(SIZES.values()) / 1e6
GOAL = 0.90
ROUNDS = 5
NIGHT = date(2026, 3, 1)
COLUMNS = ("store", "published (min to max)", "bare (min to max)", "MB/s published, bare", "published / bare speed")

Work = Callable[[], object]


def run(rounds: int = ROUNDS) -> Grid:
    """Publish into empty stores and do the bare thing, in turns, on every kind of store that is to be had here."""
    with tempfile.TemporaryDirectory(prefix="publish-") as name:
        folder = Path(name)
        files = list(_files(folder / "files"))
        absent = ceph_unavailable()
        pairs = {} if absent else {"Ceph RGW, bare: boto3 upload_file": _on_ceph(folder / "ceph", files, rounds)}
        pairs["folder, bare: shutil.copy and fsync"] = _in_folder(folder, files, rounds)
        speeds = {store: _speeds(published, bare) for store, (published, bare) in pairs.items()}
        lines = [_line(store, *rows, speeds[store]) for store, rows in pairs.items()]
    first, ratios = next(iter(speeds.items()))
    verdict = "kept" if median(ratios) >= GOAL else "NOT kept"
    return Grid(
        name="publish",
        claim=f"Publishing, with every object read back in full and its SHA-256 compared, runs at {median(ratios):.0%}"
        f" of the speed of a bare upload of the same files ({first.partition(',')[0]}).",
        columns=COLUMNS,
        lines=lines,
        notes=(
            f"goal at least {GOAL:.0%}: {verdict}",
            f"{len(SIZES)} files of {MEGABYTES:.0f} MB, one of {max(SIZES.values()) / 1e6:.0f} MB, into empty stores",
            "published: hashed, looked for, sent (SHA-256 on every request), read back; manifest, signature, commit",
            "bare: one file after another by the default settings of its library, nothing looked for or read back",
            f"{rounds} rounds in turns; the last column is the median of each round's own ratio (min to max)",
            "server and clients share the machine's processors",
            *([f"no Ceph: {absent}"] if absent else []),
        ),
        packages=("boto3", "s3transfer"),
    )


def _on_ceph(folder: Path, files: Sequence[ReleaseFile], rounds: int) -> tuple[Row, Row]:
    with _ceph(folder) as server:
        client, bucket = server.client(), f"publish-{uuid4().hex}"
        client.create_bucket(Bucket=bucket)
        stores = [S3Store(bucket, f"ours-{n}", S3Options(endpoint_url=server.endpoint)) for n in range(rounds + 1)]
        for store in stores:
            assert list(store.list()) == []  # connected: a process does that once
        prefixes = iter([f"bare-{n}" for n in range(rounds + 1)])

        def bare() -> None:
            prefix = next(prefixes)
            for file in files:
                client.upload_file(str(file.path), bucket, f"{prefix}/{file.name}")

        return _pair(stores, files, bare, rounds)


def _in_folder(folder: Path, files: Sequence[ReleaseFile], rounds: int) -> tuple[Row, Row]:
    stores = [LocalStore(folder / f"ours-{n}") for n in range(rounds + 1)]
    targets = iter([folder / f"bare-{n}" for n in range(rounds + 1)])

    def bare() -> None:
        target = next(targets)
        target.mkdir()
        for file in files:
            shutil.copy(file.path, target / file.name)
            with (target / file.name).open("rb") as copied:
                os.fsync(copied.fileno())

    return _pair(stores, files, bare, rounds)


def _pair(stores: Sequence[ObjectStore], files: Sequence[ReleaseFile], bare: Work, rounds: int) -> tuple[Row, Row]:
    empty = iter(stores)
    cases = (
        Case("published", "ours", lambda: _publish(next(empty), files)),
        Case("bare", "peer", bare),
    )
    published, sent = timed(cases, rounds=rounds)
    return published, sent


def _publish(store: ObjectStore, files: Sequence[ReleaseFile]) -> None:
    facts = ReleaseFacts(
        channel="demo",
        night=NIGHT,
        verdict=Verdict.PUBLISHED,
        source="sandbox",
        data_window=DataWindow(first=NIGHT, last=NIGHT),
        code_version="benchmark",
        backbone=Backbone(digest="b" * 64, weights="random", note="benchmark"),
        class_map_digest="c" * 64,
        metrics={},
    )
    done = publish(store, files, facts, datetime.now(UTC), key=PrivateKey(bytes(32), "demo"))
    assert len(done.uploaded) == len(files)


def _files(folder: Path) -> Iterator[ReleaseFile]:
    folder.mkdir()
    for seed, (name, size) in enumerate(SIZES.items()):
        (folder / name).write_bytes(random.Random(seed).randbytes(size))
        yield ReleaseFile(name, folder / name, media_type(name))


@contextmanager
def _ceph(folder: Path) -> Iterator[CephServer]:
    server = CephServer(folder).start()
    before = {name: os.environ.get(name) for name in server.aws_variables()}
    os.environ.update(server.aws_variables())
    try:
        yield server
    finally:
        server.stop()
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({} if value is None else {name: value})


def _speeds(published: Row, bare: Row) -> list[float]:
    return [theirs / ours for ours, theirs in zip(published.seconds, bare.seconds, strict=True)]


def _line(store: str, published: Row, bare: Row, speeds: Sequence[float]) -> tuple[str, ...]:
    def times(row: Row) -> str:
        return f"{row.median:.2f} s ({min(row.seconds):.2f} to {max(row.seconds):.2f})"

    return (
        store,
        times(published),
        times(bare),
        f"{MEGABYTES / published.median:.0f}, {MEGABYTES / bare.median:.0f}",
        f"{median(speeds):.2f} ({min(speeds):.2f} to {max(speeds):.2f})",
    )


if __name__ == "__main__":
    print(run().as_text())
