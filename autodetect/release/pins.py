"""Pins: releases that somebody wants kept, however old they get."""

from datetime import datetime

from pydantic import AwareDatetime

from autodetect.errors import UsageError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.records import Record
from autodetect.release.kept import pinned_releases
from autodetect.release.layout import pin_key
from autodetect.release.manifest import decode, encode, load_manifest, utc
from autodetect.release.under_way import announced


class Pin(Record):
    """Who wants a release kept, and why."""

    by: str
    reason: str
    created: AwareDatetime


def pin(store: ObjectStore, release_id: str, now: datetime, *, by: str, reason: str) -> Pin:
    """Keep a release from being collected; pinned again, it has the newer words.

    Args:
        store: the release store.
        release_id: a release that is there.
        now: the time of the pin.
        by: who wants it kept.
        reason: why.

    Raises:
        UsageError: the release is not there, or was collected.
        CorruptError: its manifest is damaged.
        DependencyDownError: the store is being tidied, or does not answer.
    """
    made = Pin(by=by, reason=reason, created=utc(now))
    with announced(store, now):
        try:
            load_manifest(store, release_id)
        except ObjectMissingError as error:
            raise UsageError(
                f"{store.url} does not hold the release {release_id}: it was collected, or never was there",
                "see `autodetect release list`",
            ) from error
        store.put(pin_key(release_id), encode(made))
    return made


def unpin(store: ObjectStore, release_id: str) -> bool:
    """Let a release go when its time has come; return whether it was pinned."""
    was_pinned = store.exists(pin_key(release_id))
    store.delete(pin_key(release_id))
    return was_pinned


def pins(store: ObjectStore) -> dict[str, Pin]:
    """Return the pins by release id.

    Raises:
        CorruptError: a pin is damaged, or named like no release.
    """
    found = {}
    for release_id in sorted(pinned_releases(store)):
        key = pin_key(release_id)
        found[release_id] = decode(Pin, store.get(key), f"{store.url}/{key}")
    return found
