"""One sync, step by step; whatever fails, what was in force stays so."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from autodetect.errors import DependencyDownError
from autodetect.release.client.belief import Believed, believe, check_fit, check_follows
from autodetect.release.client.cache import Cache
from autodetect.release.client.fetching import (
    MAX_BYTES,
    check_room,
    check_size,
    fetch,
    missing_files,
    total_size,
    wanted_names,
)
from autodetect.release.client.polling import poll, read_entry
from autodetect.release.client.source import Source, read
from autodetect.release.client.synced import SyncedRelease, described
from autodetect.release.history import HistoryEntry
from autodetect.release.signing import PublicKey


def sync(
    source: Source,
    folder: Path,
    wanted: Collection[str] | None = None,
    *,
    trusted: PublicKey,
    now: datetime,
    optional: Collection[str] = (),
    channel: str | None = None,
    app_version: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> SyncedRelease:
    """Bring the newest release into `folder` and return it; files that are there already are not fetched again.

    Args:
        source: the release store.
        folder: the cache folder; several processes may share one.
        wanted: names of the files to fetch; None fetches all.
        trusted: the store's first key, or one that a rotation brought in.
        now: the time, for what has expired.
        optional: names of files to fetch where the release has them.
        channel: the channel that the release must be of; None: that of the first sync.
        app_version: the version of the app that asks; None: any release is fit.
        max_bytes: the most that the wanted files may come to.

    Raises:
        DependencyDownError: the store does not answer, or the disk is full, and no release was fetched before.
        OlderReleaseError: the store's history ends before what was seen here, or differs from it.
        ForgedError: a signature is missing or wrong, or is one of a key that is not trusted.
        CorruptError: something in the store is not what its digest says.
        UsageError: the store holds no release, the release has no file of a wanted name, is too large, or is not for
            this app; the folder belongs to something else or to another key.
    """
    cache = Cache(folder)
    with cache.alone():
        held, warnings = cache.held(trusted)
        etag = cache.etag(source.url, held.entry) if held else ""
        try:
            polled = poll(source, held.entry if held else None, etag, now)
            release = held if held and polled.entry == held.entry else _believed(source, polled.entry, held, trusted)
            check_fit(release.manifest, app_version=app_version, channel=channel)
            names = wanted_names(release.manifest, wanted, optional)
            check_size([described(release.manifest, name) for name in names], max_bytes)
            missing = missing_files(folder, release.manifest, names)
            before = cache.previous(trusted) if release is held else held
            cache.sweep([each for each in (release, held, before) if each])
            check_room(folder, missing.values())  # after the sweep: what goes may be the room that is needed
            for name, each in missing.items():
                fetch(source, folder, name, each)
            if release is not held or warnings:  # what was damaged is written again
                cache.keep(release)
                cache.switch(release, held, trusted)
        except DependencyDownError as error:
            if held is None or missing_files(folder, held.manifest, wanted_names(held.manifest, wanted, optional)):
                raise
            said = f"{error.what}; this is the last release that was fetched"
            return _synced(folder, held, now, offline=True, warnings=(*warnings, said))
        cache.trust(trusted)
        cache.remember(source.url, polled.etag, release.entry)
        if polled.warning:
            warnings = (*warnings, polled.warning)
        size = total_size(missing.values())
        return _synced(folder, release, now, fetched=tuple(missing), fetched_bytes=size, warnings=warnings)


def current(folder: Path) -> SyncedRelease | None:
    """Return the release in force in a cache folder without asking any store; None if there is none.

    It is believed by the key by which it was synced; whether it has expired is not looked at.
    """
    cache = Cache(folder)
    trusted = cache.trusted()
    held, warnings = cache.held(trusted) if trusted else (None, ())
    return None if held is None else SyncedRelease(folder, held.manifest, held.entry, warnings=warnings)


def _believed(source: Source, entry: HistoryEntry, held: Believed | None, trusted: PublicKey) -> Believed:
    """Return the release that an entry puts into force, believed by the key of the one held; `trusted` begins."""
    known = {rotation.sequence: rotation for rotation in held.rotations} if held else {}
    release = believe(
        entry,
        rotation=lambda sequence: known.get(sequence) or read_entry(source, sequence),
        read=lambda key, limit: read(source, key, limit),
        trusted=held.key if held else trusted,
        place=source.url,
    )
    if held:
        check_follows(release, held, source.url)
    return release


def _synced(
    folder: Path,
    release: Believed,
    now: datetime,
    *,
    warnings: tuple[str, ...],
    offline: bool = False,
    fetched: tuple[str, ...] = (),
    fetched_bytes: int = 0,
) -> SyncedRelease:
    expired = release.entry.expired(now)
    if expired:
        said = (
            f"entry {release.entry.sequence} expired on {release.entry.expires:%Y-%m-%d}: nothing was published since,"
            " or the store is kept from telling"
        )
        warnings = (*warnings, said)
    return SyncedRelease(folder, release.manifest, release.entry, fetched, fetched_bytes, offline, expired, warnings)
