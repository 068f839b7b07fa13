"""Which night it is, and how a night begins and ends."""

import secrets
from datetime import date, datetime, timedelta

from autodetect.errors import UsageError
from autodetect.lake.lake import Lake
from autodetect.lake.receipts import BEGIN, END, ReceiptBook
from autodetect.records import Receipt, RunKind, Verdict, night_seed
from autodetect.settings import Settings

SALT_KEY = "seller-salt"
MOST_AHEAD = timedelta(days=366)  # sandbox nights run ahead of the calendar; a night of 2062 would supersede all others


def resolve_night(book: ReceiptBook, settings: Settings, asked: date | None, now: datetime) -> date:
    """Return the logical date of this run.

    `asked`, else the unfinished night, else for the sandbox the last night plus one, else today in
    `settings.timezone`.

    Raises:
        UsageError: `asked` is so far ahead that it must be a typing error.
    """
    if asked is not None:
        if asked > settings.tonight(now) + MOST_AHEAD:
            raise UsageError(f"the night of {asked} lies more than a year ahead", "check the year of --night")
        return asked
    unfinished = book.unfinished_night()
    if unfinished is not None:
        return unfinished
    finished = book.finished_nights()
    if settings.source == "sandbox" and finished:
        return max(finished) + timedelta(days=1)
    return settings.tonight(now)


def superseded(book: ReceiptBook, night: date) -> str:
    """Return why a night needs nothing done, '' when it does: it was published, or a later night was begun."""
    receipts = [receipt for receipt in book.all() if receipt.kind == "nightly"]
    later = max((r.night for r in receipts if r.night > night), default=None)
    if later is not None:
        return f"the night of {later} has begun; {night} is superseded"
    ended = [r for r in receipts if r.night == night and r.stage == END]
    if ended and ended[-1].facts["verdict"] != Verdict.HELD:
        return f"the night of {night} is done ({ended[-1].facts['verdict']})"
    return ""


def begin(settings: Settings, lake: Lake, night: date, kind: RunKind, run_id: str) -> Receipt:
    """Return the receipt that fixes what the night is, before the first request: seed, source, sandbox night index.

    A night that was begun keeps what was fixed then.

    Raises:
        UsageError: the sandbox is asked for another night index than the one fixed.
    """
    book = lake.receipts
    found = book.of_night(night, kind).get(BEGIN)
    index = settings.sandbox.night_index
    if found is not None:
        if settings.source == "sandbox" and index not in (None, found.facts["night_index"]):
            raise UsageError(
                f"the night of {night} was begun with sandbox night index {found.facts['night_index']}, not {index}",
                "leave sandbox.night_index out, or name another --night",
            )
        return found
    if settings.source == "sandbox":
        done = [n for n, verdict in book.finished_nights().items() if n < night and verdict != Verdict.HELD]
        index = index or len(done) + 1
    return Receipt(
        night=night,
        kind=kind,
        stage=BEGIN,
        run_id=run_id,
        facts={
            "source": settings.source,
            "channel": settings.channel,
            "permission": settings.permission,
            "night_index": index if settings.source == "sandbox" else None,
            "seed": night_seed(settings.seed, night),
            "seller_salt": _seller_salt(lake, settings),
        },
    )


def end(night: date, kind: RunKind, run_id: str, verdict: Verdict, reason: str, **facts: object) -> Receipt:
    """Return the receipt that closes a night."""
    return Receipt(
        night=night, kind=kind, stage=END, run_id=run_id, facts={"verdict": verdict.value, "reason": reason, **facts}
    )


def _seller_salt(lake: Lake, settings: Settings) -> str:
    """Return the lake's salt for seller names: random once for a real source, fixed for the sandbox's invented ones."""
    if settings.source == "sandbox":
        return "sandbox"
    lake.objects.put_if_absent(SALT_KEY, secrets.token_hex(16).encode())
    return lake.objects.get(SALT_KEY).decode()
