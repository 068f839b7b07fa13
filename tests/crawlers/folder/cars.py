"""Writes folders of cars: small photos with bytes of their own, and tables."""

import csv
import io
from functools import cache
from pathlib import Path

from PIL import Image


@cache
def photo_bytes(number: int) -> bytes:
    """A JPEG that no other number gives."""
    image = Image.new("RGB", (16, 16), (number % 256, number // 256 % 256, 90))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", comment=str(number))
    return buffer.getvalue()


def write_photos(folder: Path, *names: str) -> Path:
    """Put a photo under each name; return the folder."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo_bytes(number))
    return folder


def write_table(folder: Path, *rows: dict[str, str]) -> Path:
    """Write listings.csv with the columns of all rows, `make` and `model` among them; return the folder."""
    columns = list(dict.fromkeys(["make", "model", *(name for row in rows for name in row)]))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "listings.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return folder
