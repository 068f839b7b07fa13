"""The doctor's look at an installation: each finding in one line. Reads only."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from autodetect.classifier.finetune.due import unfinished as unfinished_finetune
from autodetect.errors import AutoDetectError
from autodetect.lake.inspection import inspect
from autodetect.lake.lake import lake_exists, open_lake
from autodetect.lake.receipts import END
from autodetect.records import Record, Verdict
from autodetect.settings import SETTINGS_FILE, Settings
from crawlers.quota import cost_in_words
from flows.sources import check_source, must_be_drawn

PACKAGES = (
    "prefect scrapy tensorflow-cpu tensorflow keras coremltools great-expectations pandas pyarrow deltalake pillow "
    "imagehash boto3"
)
LEAST_FREE_GB = 5.0


class Finding(Record):
    """One line: what was looked at, how it is, in words."""

    what: str
    state: Literal["good", "note", "bad"]
    words: str
    exit_code: int = 0


def examine(settings: Settings) -> list[Finding]:
    """Return the findings, in the order in which a person would mend them."""
    findings = [*_settings(settings), *_packages(), _disk(settings)]
    looks = {"source": _source, "crawl": _cost, "lake": _lake, "signing key": _signing, "store": _store}
    for what, look in looks.items():
        findings += _guarded(what, look, settings)
    return findings


def _guarded(what: str, look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(look(settings))
    except AutoDetectError as error:
        words = str(error).replace("\n  ", " ")
        found.append(Finding(what=what, state="bad", words=words, exit_code=error.exit_code))
    return found


def _settings(settings: Settings) -> Iterator[Finding]:
    file = Path(os.environ.get("AUTODETECT_SETTINGS_FILE", SETTINGS_FILE))
    words = f"{file}" if file.is_file() else f"no {file}: defaults and AUTODETECT_* variables"
    yield Finding(what="settings", state="good", words=words)
    yield Finding(
        what="night",
        state="good",
        words=f"source {settings.source}, channel {settings.channel}, time zone {settings.timezone}",
    )
    api = os.environ.get("PREFECT_API_URL", "")
    yield Finding(what="Prefect", state="good", words=api or "no PREFECT_API_URL: each run starts a server of its own")


def _packages() -> Iterator[Finding]:
    found = {}
    for name in PACKAGES.split():
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    missing = [n for n in PACKAGES.split() if n not in found and not n.startswith("tensorflow")]
    if not any(name.startswith("tensorflow") for name in found):
        missing.append("tensorflow")
    if missing:
        yield Finding(what="packages", state="bad", words=f"not installed: {', '.join(missing)}; run `make setup`")
    yield Finding(what="packages", state="good", words=", ".join(f"{name} {found[name]}" for name in found))


def _disk(settings: Settings) -> Finding:
    place = Path(settings.work).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 1e9
    state: Literal["good", "bad"] = "good" if free >= LEAST_FREE_GB else "bad"
    return Finding(what="disk", state=state, words=f"{free:.0f} GB free at {place}; a night wants {LEAST_FREE_GB:.0f}")


def _source(settings: Settings) -> Iterator[Finding]:
    check_source(settings)
    if must_be_drawn(settings):
        words = f"{settings.sandbox.marketplace} will be drawn by the first night"
        yield Finding(what="source", state="note", words=words)
    elif settings.source == "sandbox":
        yield Finding(what="source", state="good", words=f"sandbox over {settings.sandbox.marketplace}")
    else:
        place = {
            "ebay-api": settings.ebay.base_url,
            "ebay-pages": settings.ebay.web_url,
            "folder": settings.folder.path,
        }
        words = f"{place[settings.source]} under '{settings.permission}'"
        yield Finding(what="source", state="good", words=words)


def _cost(settings: Settings) -> Iterator[Finding]:
    if settings.source == "folder":
        return
    receipts = open_lake(settings).receipts.all() if lake_exists(settings) else []
    last = next((receipt for receipt in reversed(receipts) if receipt.stage == "crawl"), None)
    yield Finding(what="crawl", state="note", words=f"the next night: {cost_in_words(last, settings.crawl)}")


def _lake(settings: Settings) -> Iterator[Finding]:
    if not lake_exists(settings):
        yield Finding(what="lake", state="note", words=f"none at {settings.lake} yet; the first night makes it")
        return
    lake = open_lake(settings)
    state = inspect(lake)
    rows = {table.name: table.rows for table in state.tables}
    yield Finding(
        what="lake",
        state="good",
        words=f"{settings.lake}: {rows['listings']:,} listings, {rows['photos']:,} photos, {rows['nights']:,} receipts",
    )
    for problem in state.problems:
        yield Finding(what="lake", state="note" if "no receipt names" in problem else "bad", words=problem)
    ends = [receipt for receipt in lake.receipts.all() if receipt.stage == END and receipt.kind == "nightly"]
    good = [receipt.night for receipt in ends if receipt.facts["verdict"] != Verdict.HELD]
    words = "no night has been published yet"
    if good:
        days = (settings.tonight(datetime.now(UTC)) - max(good)).days
        words = f"the last good night is {max(good)}" + (f", {days} days ago" if days > 0 else "")
    unfinished = lake.receipts.unfinished_night()
    yield Finding(what="nights", state="good" if good else "note", words=f"{len(ends)} ended; {words}")
    if unfinished:
        yield Finding(what="nights", state="note", words=f"{unfinished} is unfinished; the next run goes on with it")
    if begun := unfinished_finetune(lake.receipts):
        words = f"one on the photos of {begun.night} is unfinished; `autodetect finetune` goes on with it"
        yield Finding(what="fine-tune", state="note", words=words)


def _signing(settings: Settings) -> Iterator[Finding]:
    from autodetect.release.history import newest
    from autodetect.release.keys import key_place, signing_key
    from autodetect.release.publish import refuse_demo_key
    from autodetect.release.stage import open_store

    place = key_place(settings)
    if settings.channel == "demo" and not settings.release.key and not os.path.lexists(place):
        yield Finding(what="signing key", state="note", words=f"none at {place} yet; the first night makes a demo key")
        return
    key = signing_key(settings, make=False).public
    refuse_demo_key(settings.channel, key)
    yield Finding(what="signing key", state="good", words=f"{key.key_id}, a {key.purpose} key ({place})")
    entry = newest(open_store(settings, probe=False))
    if entry is not None and not entry.hands_on_to(key):
        words = f"{key.key_id} is not the key that {settings.store} is in the hands of: nights cannot publish there"
        yield Finding(what="signing key", state="bad", words=f"{words}; use that one, or rotate to this one")


def _store(settings: Settings) -> Iterator[Finding]:
    from autodetect.release.history import entries
    from autodetect.release.keys import trusted_if_any
    from autodetect.release.stage import open_store
    from autodetect.release.trust import key_in_force

    store = open_store(settings, probe=False)
    history = entries(store)
    if not history:
        yield Finding(what="store", state="note", words=f"no release at {settings.store} yet")
        return
    entry = history[-1]
    what = f"release {entry.release_id[:12]}, number {entry.sequence}, of {entry.created:%Y-%m-%d %H:%M}"
    yield Finding(what="store", state="good", words=f"{settings.store}: {what}")
    until = f"{entry.expires:%Y-%m-%d}"
    if entry.expired(datetime.now(UTC)):
        words = f"its newest entry expired on {until}: nothing newer was published, and phones are warning"
        yield Finding(what="store", state="note", words=words)
    else:
        yield Finding(what="store", state="good", words=f"phones take it for the newest until {until}")
    if trusted := trusted_if_any(settings):
        key = key_in_force(entry, lambda number: history[number - 1], trusted, store.url)
        yield Finding(what="store", state="good", words=f"signed by {key.key_id}, which phones trust")
    else:
        signers = " and ".join(each.key_id for each in entry.signatures) or "nobody"
        words = f"signed, it says, by {signers}; there is no key to judge that by (release.trusted_key)"
        yield Finding(what="store", state="note", words=words)
