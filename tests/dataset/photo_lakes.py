"""Small lakes with real photos and a tiny pinned backbone, and what a shard of them is."""

from pathlib import Path

from autodetect.embeddings.pin import pinned
from autodetect.lake.lake import Lake, open_lake
from autodetect.settings import Settings
from tests.dataset.test_photo_intake import picture

TINY = {
    "backbone.architecture": "tiny",
    "backbone.weights": "random",
    "backbone.input_size": 96,
    "backbone.batch_size": 4,
    "backbone.engine": "keras",
}


def tiny_settings(folder: Path, **values: object) -> Settings:
    """Settings of a lake in `folder` with a tiny backbone; `values` by their dotted names, dots written as `__`."""
    given = {name.replace("__", "."): value for name, value in values.items()}
    return Settings(lake=str(folder / "lake")).with_values({**TINY, **given})


def lake_of_photos(settings: Settings, work: Path, count: int) -> tuple[Lake, list[str]]:
    """A new lake that has pinned its backbone and keeps `count` photos; their digests, ascending."""
    lake = open_lake(settings, create=True)
    pinned(lake.objects, settings.backbone, work)
    return lake, sorted(lake.photos.put(picture(seed)) for seed in range(count))


def shards_of(lake: Lake) -> list[str]:
    """The keys of all shards: they name the bytes."""
    return list(lake.objects.list("embeddings/shards/"))
