"""What a store's history and a release say, in lines and columns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flows.cli.output import aligned

# Told in lines of their own.
_APART = frozenset(
    (
        *("release_id", "entries", "pin", "permission", "licences", "data_window", "backbone", "parity"),
        *("metrics", "champion_metrics", "packages", "warnings", "objects"),
    )
)


def history_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the entries of a history, a line each, under a head."""
    head = ("no.", "release", "action", "night", "verdict", "expires", "signed by", "")
    return aligned([head, *map(_entry, rows)], (0,)) if rows else []


def _entry(row: Mapping[str, Any]) -> tuple[str, ...]:
    notes = [word for word in ("pinned", "collected", "damaged") if row[word]]
    if said := who_and_why(row):
        notes.append(said)
    return (
        str(row["sequence"]),
        row["release_id"][:16],
        row["action"],
        row["night"] or "-",
        row["verdict"] or "-",
        row["expires"][:10],
        " and ".join(row["signed_by"]) or "nobody",
        ", ".join(notes),
    )


def who_and_why(row: Mapping[str, Any]) -> str:
    """Return `by A. Smith: it names Fords Audis`, or what is known of it."""
    by = f"by {row['by']}" if row["by"] else ""
    return ": ".join(part for part in (by, row["reason"]) if part)


def release_lines(told: Mapping[str, Any]) -> list[str]:
    """Return a release's manifest, the entries that name it and its pin, a fact on each line."""
    return aligned(_facts(told))


def _facts(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "release", told["release_id"]
    for row in told["entries"]:
        until = f"expires {row['expires'][:10]}"
        words = who_and_why(row)
        signed = f"signed by {' and '.join(row['signed_by']) or 'nobody'}"
        yield f"entry {row['sequence']}", ", ".join(part for part in (row["action"], until, signed, words) if part)
    if told["pin"]:
        yield "pinned", who_and_why(told["pin"])
    yield from ((name, str(value or "-")) for name, value in told.items() if name not in _APART)
    yield "permission", told["permission"] or "none named"
    yield from (("licence", licence) for licence in told["licences"])
    if window := told["data_window"]:
        yield "data", f"{window['first']} to {window['last']}"
    yield "backbone", f"{told['backbone']['weights']} {told['backbone']['digest'][:12]}"
    yield from _metrics(told["metrics"], told["champion_metrics"])
    yield "parity", told["parity"] or "not shown"
    names = ("name", "size", "recommended")
    packages = [
        (name, f"{size:,}", "recommended" if chosen else "")
        for name, size, chosen in ([each[name] for name in names] for each in told["packages"])
    ]
    yield from (("package", line) for line in aligned(packages, (1,)))
    yield from (("warning", warning) for warning in told["warnings"])
    objects = [(name, f"{each['size']:,}", each["sha256"][:16]) for name, each in told["objects"].items()]
    yield from (("object", line) for line in aligned(objects, (1,)))


def _metrics(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Yield the model's figures, beside those of the model that it displaced."""
    if not ours:
        return
    head = [("", "this model", "the one before")] if theirs else []
    rows = [
        (name, f"{figure:,.4f}", *([f"{theirs[name]:,.4f}" if name in theirs else "-"] if theirs else []))
        for name, figure in ours.items()
    ]
    yield from (("metrics", line) for line in aligned([*head, *rows], (1, 2)))
