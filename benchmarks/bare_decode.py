"""One process that does nothing but decode JPEGs at an eighth, for `benchmarks.hashing` to start several of."""

import json
import sys
import time
from pathlib import Path

import simplejpeg


def bare(data: bytes) -> object:
    """Decode a JPEG at an eighth of its side, in grey: the least that anyone who wants to see it must do."""
    return simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1, min_factor=8)


def main() -> None:
    """Answer how long so many looks at these files took, seconds."""
    request = json.load(sys.stdin)
    photos = [Path(path).read_bytes() for path in request["files"]]
    for data in photos:
        bare(data)
    started = time.perf_counter()
    for number in range(request["looks"]):
        bare(photos[number % len(photos)])
    json.dump({"seconds": time.perf_counter() - started}, sys.stdout)


if __name__ == "__main__":
    main()
