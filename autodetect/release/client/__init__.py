"""What a phone does to get a release: ask what is new, believe only what is signed, fetch what is missing, switch.

`docs/client.md` is the same protocol for whoever writes it in another language.
"""

from autodetect.release.client.errors import OlderReleaseError
from autodetect.release.client.opening import open_source
from autodetect.release.client.source import Source
from autodetect.release.client.synced import SyncedRelease
from autodetect.release.client.syncing import current, sync

__all__ = ["OlderReleaseError", "Source", "SyncedRelease", "current", "open_source", "sync"]
