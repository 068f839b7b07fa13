"""A sync as the tests make it: by the sample's key, an hour after the sample was published."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from autodetect.release.client import SyncedRelease, sync
from tests.release.sample import KEY, NOW

SOON = NOW + timedelta(hours=1)
LATER = NOW + timedelta(hours=37)  # the hint may lag by then


def synced(source: Any, folder: Path, wanted: list[str] | None = None, **options: Any) -> SyncedRelease:
    return sync(source, folder, wanted, **{"trusted": KEY.public, "now": SOON} | options)
