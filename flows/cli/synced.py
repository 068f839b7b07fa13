"""Bringing the published release in before a command answers from it."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from autodetect.records import canonical_digest
from autodetect.release.client import Source, SyncedRelease, open_source
from autodetect.release.signing import PublicKey

if TYPE_CHECKING:
    from autodetect.settings import Settings


class Fetch(Protocol):
    """Brings what a command needs of the newest release into a cache folder."""

    def __call__(self, source: Source, cache: Path, *, trusted: PublicKey, now: datetime) -> SyncedRelease:
        """Return the release."""
        ...


def synced(settings: "Settings", fetch: Fetch, *, folder: Path | None = None) -> SyncedRelease:
    """Fetch from the store of the settings, believing their key; what is to be told goes to stderr.

    Args:
        settings: name the store and the key.
        fetch: what to bring.
        folder: the cache folder; by default one of the store and the key, below the work folder.
    """
    from autodetect.lake.lake import s3_options
    from autodetect.release.keys import trusted_key

    trusted = trusted_key(settings)
    cache = folder or Path(settings.work) / "releases" / canonical_digest([settings.store, trusted.key_id])[:12]
    release = fetch(open_source(settings.store, s3_options(settings)), cache, trusted=trusted, now=datetime.now(UTC))
    for warning in release.warnings:
        print(f"autodetect: WARNING: {warning}", file=sys.stderr)
    return release
