"""Promotion: a release of one store, say of candidates, is published in another, say for production."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from autodetect.errors import UsageError
from autodetect.lake.objects import ObjectStore
from autodetect.release.card import channel_row
from autodetect.release.files import fetched
from autodetect.release.history import VALID_FOR, entries, newest
from autodetect.release.manifest import Manifest, ReleaseFacts
from autodetect.release.publish import Published, publish, refuse_demo_key, refuse_unfit
from autodetect.release.signing import PrivateKey, PublicKey
from autodetect.release.upload import ReleaseFile
from autodetect.release.vouched import vouched_manifest

CARD = "card.md"


def promoted_facts(
    store: ObjectStore, release_id: str, target: ObjectStore, *, channel: str, trusted: PublicKey, key: PublicKey
) -> tuple[Manifest, ReleaseFacts]:
    """Return the manifest of a release, and what it will say of itself in another store. Writes nothing.

    Args:
        store: the store that holds it.
        release_id: its whole id.
        target: the store where it goes.
        channel: that of the target store.
        trusted: the key that clients of `store` trust.
        key: signs in the target store.

    Raises:
        UsageError: there is no such release, or the target is of another channel or source, or is the same store.
        ForgedError: the release, or the target's newest entry, is signed by another key.
        CorruptError: manifest or history are damaged.
    """
    if store.url == target.url:
        raise UsageError(f"{target.url} is the store that holds the release", "name another one")
    refuse_demo_key(channel, key)
    manifest = vouched_manifest(store, entries(store), release_id, trusted)
    told = {name: getattr(manifest, name) for name in ReleaseFacts.model_fields}
    facts = ReleaseFacts(**told | {"channel": channel})
    if before := newest(target):
        refuse_unfit(target, before, facts, key)
    return manifest, facts


def promote(
    store: ObjectStore,
    release_id: str,
    target: ObjectStore,
    now: datetime,
    *,
    channel: str,
    trusted: PublicKey,
    key: PrivateKey,
    work: Path,
    by: str,
    reason: str,
    valid_for: timedelta = VALID_FOR,
) -> Published:
    """Publish a release of one store in another; its files are the same bytes, but for the channel on its card.

    Interrupted, it is run again; a release that is in force there already is not published twice.

    Args:
        store: the store that holds it.
        release_id: its whole id.
        target: the store to publish in.
        now: the creation time of the new manifest.
        channel: that of the target store.
        trusted: the key that clients of `store` trust.
        key: signs in the target store.
        work: an empty local folder with room for the release.
        by: who decided so.
        reason: why.
        valid_for: how long a client may take it for the newest.

    Raises:
        UsageError: there is no such release, the target is of another channel or source, or is the same store.
        ForgedError: the release, or the target's newest entry, is signed by another key.
        CorruptError: a file of the release is missing or damaged.
        DependencyDownError: a store does not answer, or the target is being tidied.
    """
    manifest, facts = promoted_facts(store, release_id, target, channel=channel, trusted=trusted, key=key.public)
    files = list(_fetched(store, manifest, facts, work))
    return publish(target, files, facts, now, key=key, valid_for=valid_for, by=by, reason=reason)


def _fetched(store: ObjectStore, manifest: Manifest, facts: ReleaseFacts, work: Path) -> Iterator[ReleaseFile]:
    """Bring the release's files into a local folder, each compared with its digest."""
    for name, wanted in manifest.objects.items():
        path = fetched(store, manifest, name, work)
        if name == CARD:
            path.write_bytes(path.read_bytes().replace(channel_row(manifest).encode(), channel_row(facts).encode()))
        yield ReleaseFile(name, path, wanted.media_type)
