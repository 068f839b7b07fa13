"""Claim: a photo is decoded, judged and hashed in little more time than the quickest decode of its JPEG takes.

Ours is what the nightly stage calls, bytes -> `Examined`. The limit is that decode alone, an eighth of the side and
grey. Photos have the size and weight that marketplaces serve; they are drawn, from a seed.
"""

import io
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import imagehash
import numpy as np
from PIL import Image

from autodetect.lake.blobs import BlobStore
from autodetect.lake.objects import LocalStore
from autodetect.photos.examine import examine_all
from benchmarks.bare_decode import bare
from benchmarks.children import answer_of
from benchmarks.rounds import Case, timed
from benchmarks.table import Table

WIDTH, HEIGHT, QUALITY = 1600, 1200, 75
LAYERS = ((4, 60), (16, 40), (64, 20), (200, 16), (800, 6))  # patches across, grey levels of their spread
DIFFERENT = 24  # photos, looked at again and again
LOOKS = 96  # a round
ROUNDS = 7
MANY = 2_000  # looks by one process and by two
MANY_ROUNDS = 3
MAX_PIXELS, MIN_SIDE = 60_000_000, 64
LIMIT, IMAGEHASH, IMAGEDEDUP, TWO = "the bare decode's", "imagehash's", "imagededup's", "one process's"
GOALS = {LIMIT: 0.85, IMAGEHASH: 4.0, IMAGEDEDUP: 10.0, TWO: 1.9}  # our rate, or that of two processes, over this


def run() -> Table:
    """Measure one core's rate beside each peer, then two processes beside one on many photos."""
    with TemporaryDirectory() as folder:
        store = BlobStore(LocalStore(Path(folder)), "photos")
        digests = [store.put(drawn(seed)) for seed in range(DIFFERENT)]
        photos = [store.read(sha256) for sha256 in digests]
        files = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
        rows = timed(_cases(digests, photos, files), rounds=ROUNDS)
        weight = median(len(data) for data in photos)
        several = _several(store, digests, files)
    ours = rows[0]
    beside = [(LIMIT, rows[1]), (IMAGEHASH, rows[2]), *((IMAGEDEDUP, row) for row in rows[3:])]
    return Table(
        name="hashing",
        claim="A photo's facts, verdict and hashes cost little more than the quickest decode of its JPEG.",
        rows=rows,
        notes=(
            f"{LOOKS} looks a round at {DIFFERENT} drawn JPEGs of {WIDTH}x{HEIGHT}, {weight / 1000:.0f} KB",
            f"one process needs {ours.median / LOOKS * 1000:.2f} ms a photo",
            *(_judged(f"our rate / {name}", row.median / ours.median, GOALS[name]) for name, row in beside),
            *(() if len(rows) > 3 else ("imagededup is not installed here",)),
            *several,
        ),
        packages=("simplejpeg", "pillow", "numpy", "imagehash", *(("imagededup",) if len(rows) > 3 else ())),
    )


def drawn(seed: int) -> bytes:
    """Return a JPEG with a photograph's spectrum: noise of every size, the coarser the stronger."""
    random = np.random.default_rng(seed)
    picture = np.full((HEIGHT, WIDTH, 3), 128, dtype=np.float32)
    for across, spread in LAYERS:
        patches = random.normal(0, spread, (3, across * HEIGHT // WIDTH, across)).astype(np.float32)
        for i in range(3):
            picture[..., i] += Image.fromarray(patches[i]).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    target = io.BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(target, "JPEG", quality=QUALITY)
    return target.getvalue()


def _cases(digests: Sequence[str], photos: Sequence[bytes], files: Sequence[Path]) -> list[Case]:
    """Return ours, the limit, imagehash and, where it is installed, imagededup; each looks at as many photos."""
    known = dict(zip(digests, photos, strict=True))

    def each(look: Callable[[bytes], object]) -> Callable[[], None]:
        def work() -> None:
            for data in islice(cycle(photos), LOOKS):
                look(data)

        return work

    cases = [
        Case(
            "autodetect.photos.examine, bytes -> Examined",
            "ours",
            lambda: _examine(known.__getitem__, list(islice(cycle(digests), LOOKS)), processes=1),
        ),
        Case("simplejpeg, an eighth, grey, nothing else", "limit", each(bare)),
        Case("imagehash.phash on a full decode", "peer", each(_imagehash)),
    ]
    if find_spec("imagededup"):
        from imagededup.methods import PHash

        encoder = PHash(verbose=False)

        def encode() -> None:
            for path in islice(cycle(files), LOOKS):
                encoder.encode_image(image_file=path)

        cases.append(Case("imagededup PHash.encode_image on the file", "peer", encode))
    return cases


def _imagehash(data: bytes) -> object:
    return imagehash.phash(Image.open(io.BytesIO(data)))


def _examine(read: Callable[[str], bytes], digests: Sequence[str], *, processes: int) -> tuple[float, float]:
    """Return seconds until the first photo was examined, and until all were."""
    started = time.perf_counter()
    seen = examine_all(digests, read, processes=processes, max_pixels=MAX_PIXELS, min_side=MIN_SIDE)
    assert next(seen).hashes, "a photo was refused"
    first = time.perf_counter() - started
    assert sum(photo.hashes is not None for photo in seen) == len(digests) - 1, "a photo was refused"
    return first, time.perf_counter() - started


def _several(store: BlobStore, digests: Sequence[str], files: Sequence[Path]) -> list[str]:
    """Return what two processes reach beside one, reading from a lake's folder, start-up counted and not counted."""
    many = list(islice(cycle(digests), MANY))
    one, two, starts, apart = [], [], [], []
    for _ in range(MANY_ROUNDS):
        one.append(_examine(store.read, many, processes=1)[1])
        start, whole = _examine(store.read, many, processes=2)
        starts.append(start)
        two.append(whole)
        apart.append(2 * _bare_seconds(files, 1) / _bare_seconds(files, 2))
    ratio = median(one) / median(two)
    steady = median(one) / (median(two) - median(starts))
    return [
        _judged(f"two processes' rate / {TWO}, on {MANY:,} photos read from a lake's folder", ratio, GOALS[TWO]),
        f"of their {median(two):.1f} s, {median(starts):.2f} s pass until the first answer: without them {steady:.2f}",
        f"two bare decoders at once reach {median(apart):.2f} times the rate of one: what this machine gives",
    ]


def _bare_seconds(files: Sequence[Path], processes: int) -> float:
    """Return how long each of so many bare decoders at once takes over a quarter of the photos, seconds."""
    request = {"files": [str(path) for path in files], "looks": MANY // 4}
    with ThreadPoolExecutor(processes) as pool:
        answers = list(pool.map(lambda _: answer_of("bare_decode", request), range(processes)))
    return max(float(answer["seconds"]) for answer in answers)


def _judged(what: str, ratio: float, goal: float) -> str:
    return f"{what}: {ratio:.2f}, goal {goal:g}: {'kept' if ratio >= goal else 'NOT kept'}"


if __name__ == "__main__":
    print(run().as_text())
