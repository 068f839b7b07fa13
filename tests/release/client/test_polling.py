"""What a client asks a web server for, request by request."""

from pathlib import Path

import pytest

from autodetect.errors import UsageError
from autodetect.lake.objects import LocalStore
from autodetect.release.client.http_source import HttpSource
from autodetect.release.history import entries
from autodetect.release.layout import LATEST, history_key, manifest_key, object_key, signatures_key
from tests.release.client.asking import LATER, SOON, synced
from tests.release.sample import CONTENT, KEY, NOW, commit, publish_night
from tests.servers.web import WebServer


def test_an_unchanged_release_costs_one_conditional_request(
    store: LocalStore, web: WebServer, source: HttpSource, cache: Path, tmp_path: Path
) -> None:
    publish_night(store, tmp_path, 1)
    synced(source, cache)
    web.requests.clear()
    again = synced(HttpSource(web.url), cache)
    (request,) = web.requests
    assert (request.path, request.status, request.sent) == ("/releases/latest.json", 304, 0)
    assert "If-None-Match" in request.headers
    assert (again.fetched, again.fetched_bytes, again.offline, again.warnings) == ((), 0, False, ())


def test_without_etags_an_unchanged_release_still_costs_one_request(
    store: LocalStore, web: WebServer, source: HttpSource, cache: Path, tmp_path: Path
) -> None:
    web.etags = False
    publish_night(store, tmp_path, 1)
    synced(source, cache)
    web.requests.clear()
    synced(source, cache)
    assert web.paths() == [LATEST]


def test_a_first_sync_and_a_night_of_prices_ask_for_what_is_missing_alone(
    store: LocalStore, web: WebServer, source: HttpSource, cache: Path, tmp_path: Path
) -> None:
    first = publish_night(store, tmp_path, 1)
    found = synced(source, cache)
    assert found.fetched_bytes == sum(map(len, CONTENT.values()))
    objects = [object_key(found.manifest.objects[name].sha256) for name in sorted(CONTENT)]
    described = [manifest_key(first.release_id), signatures_key(first.release_id)]
    assert web.paths() == [LATEST, history_key(1), history_key(2), *described, *objects]
    second = publish_night(store, tmp_path, 2, card_md=b"# Second\n")
    found = synced(source, cache)
    described = [manifest_key(second.release_id), signatures_key(second.release_id)]
    changed = object_key(found.manifest.objects["card.md"].sha256)
    assert web.paths() == [LATEST, history_key(2), history_key(3), *described, changed]
    assert (found.fetched, found.fetched_bytes) == (("card.md",), len(b"# Second\n"))


def test_a_rollback_fetches_no_file(
    store: LocalStore, web: WebServer, source: HttpSource, cache: Path, tmp_path: Path
) -> None:
    first = publish_night(store, tmp_path, 1)
    publish_night(store, tmp_path, 2, card_md=b"# Second\n")
    synced(source, cache)
    commit(store, first.release_id, "rollback", NOW, key=KEY)
    found = synced(source, cache)
    assert (found.sequence, found.release_id, found.fetched) == (3, first.release_id, ("card.md",))
    commit(store, entries(store)[1].release_id, "rollback", NOW, key=KEY)
    web.requests.clear()
    assert synced(source, cache).fetched == ()
    assert not any(path.startswith("objects/") for path in web.paths())


def test_a_hint_that_lags_is_looked_behind_once_the_entry_is_old(
    store: LocalStore, web: WebServer, source: HttpSource, cache: Path, tmp_path: Path
) -> None:
    publish_night(store, tmp_path, 1)
    synced(source, cache)
    old = store.get(LATEST)
    publish_night(store, tmp_path, 2)
    store.put(LATEST, old)
    assert synced(source, cache, now=SOON).sequence == 1
    web.requests.clear()
    assert synced(source, cache, now=LATER).sequence == 2
    assert web.paths()[:3] == [LATEST, history_key(2), history_key(3)]
    assert synced(source, cache, now=LATER).sequence == 2
    assert web.paths() == [LATEST, history_key(3)]


@pytest.mark.parametrize(
    "hint", [b"", b"\xff", b" " * 70_000, b'{"release_id":"' + b"0" * 64 + b'","sequence":99}', None]
)
def test_a_hint_that_is_missing_lies_or_is_garbage_costs_requests_and_nothing_else(
    store: LocalStore, source: HttpSource, cache: Path, tmp_path: Path, hint: bytes | None
) -> None:
    for night in (1, 2):
        publish_night(store, tmp_path, night)
    if hint is None:
        store.delete(LATEST)
    else:
        store.put(LATEST, hint)
    assert synced(source, cache).sequence == 2
    publish_night(store, tmp_path, 3)
    if hint is None:
        store.delete(LATEST)
    else:
        store.put(LATEST, hint)
    assert synced(source, cache, now=LATER).sequence == 3


def test_an_empty_server_holds_no_release(source: HttpSource, cache: Path) -> None:
    with pytest.raises(UsageError, match="holds no release"):
        synced(source, cache)


def test_an_etag_of_another_address_or_entry_is_not_used(
    store: LocalStore, web: WebServer, source: HttpSource, cache: Path, tmp_path: Path
) -> None:
    publish_night(store, tmp_path, 1)
    synced(store, cache)
    synced(source, cache)
    assert "If-None-Match" not in web.requests[-1].headers
    publish_night(store, tmp_path, 2)
    synced(store, cache)
    synced(source, cache)
    assert "If-None-Match" not in web.requests[-1].headers
