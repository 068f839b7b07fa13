"""Where a release store keeps what, and what kind of file each name is."""

from pathlib import PurePosixPath

OBJECTS = "objects/sha256/"
MANIFESTS = "manifests/"
PINS = "pins/"
COLLECTED = "collected/"
PUBLISHING = "publishing/"
COLLECTING = "collecting/"
HISTORY = "history/"
LATEST = "latest.json"
RECORDS = (HISTORY, PINS, COLLECTED, PUBLISHING, COLLECTING)  # beside objects and manifests; never garbage

MEDIA_TYPES = {
    ".json": "application/json",
    ".keras": "application/vnd.keras",
    ".md": "text/markdown; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".sqlite": "application/vnd.sqlite3",
    ".zip": "application/zip",
}


def object_key(digest: str) -> str:
    """Return where the file with this SHA-256 is."""
    return f"{OBJECTS}{digest}"


def manifest_key(release_id: str) -> str:
    """Return where the manifest with this id is."""
    return f"{MANIFESTS}{release_id}.json"


def signatures_key(release_id: str) -> str:
    """Return where the signatures of the manifest with this id are."""
    return f"{MANIFESTS}{release_id}.sig"


def pin_key(release_id: str) -> str:
    """Return where the pin of the release with this id is."""
    return f"{PINS}{release_id}.json"


def collected_key(release_id: str) -> str:
    """Return where it is noted that the release with this id was collected."""
    return f"{COLLECTED}{release_id}.json"


def history_key(sequence: int) -> str:
    """Return where the history's entry of this number is."""
    return f"{HISTORY}{sequence}.json"


def media_type(name: str) -> str:
    """Return the media type for a file's name; unknown endings are plain bytes."""
    return MEDIA_TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
