"""What changed between two releases, as `release diff` says it."""

from collections.abc import Iterable, Iterator, Sequence

from autodetect.release.diff import MetricChange, PriceMove, ReleaseDiff
from flows.cli.output import aligned

MOST_SHOWN = 15  # price moves and models; --json has all
DASH = "-"


def as_text(diff: ReleaseDiff) -> str:
    """Return the changes in words; parts in which nothing changed are left out."""
    old, new = diff.before, diff.after
    parts = [
        ("", aligned([("", old.release_id[:16], new.release_id[:16]), *_sides(diff)])),
        ("metrics", _metrics(diff.metrics)),
        ("classes added", _listed(diff.classes_added)),
        ("classes lost", _listed(diff.classes_lost)),
        ("prices that moved", _moves(diff.moves)),
        ("prices gained", _listed([f"{_name(each)}: {_money(each.after, each)}" for each in diff.prices_gained])),
        ("prices lost", _listed([f"{_name(each)}: {_money(each.before, each)}" for each in diff.prices_lost])),
        ("files (bytes)", aligned(_files(diff), (1, 2, 3))),
        ("packages (bytes unzipped)", aligned(_packages(diff), (1, 2))),
        ("warnings new", list(diff.warnings_new)),
        ("warnings gone", list(diff.warnings_gone)),
    ]
    return "\n".join(line for title, lines in parts if lines for line in _part(title, lines))


def _part(title: str, lines: Iterable[str]) -> Iterator[str]:
    if title:
        yield ""
        yield title
    yield from (f"  {line}".rstrip() for line in lines)


def _sides(diff: ReleaseDiff) -> Iterator[tuple[str, ...]]:
    for name in ("night", "verdict", "channel"):
        yield name, str(getattr(diff.before, name)), str(getattr(diff.after, name))
    yield "backbone", *(f"{each.backbone.weights} {each.backbone.digest[:12]}" for each in (diff.before, diff.after))


def _metrics(changes: Sequence[MetricChange]) -> list[str]:
    head = [("", "before", "after", "difference")] if changes else []
    return aligned([*head, *map(_metric, changes)], (1, 2, 3))


def _metric(change: MetricChange) -> tuple[str, ...]:
    difference = change.difference
    figures = (DASH if each is None else f"{each:,.4f}" for each in (change.before, change.after))
    return change.name, *figures, DASH if difference is None else f"{difference:+,.4f}" if difference else "same"


def _moves(moves: Sequence[PriceMove]) -> list[str]:
    rows = [
        (_name(each), _money(each.before, each), _money(each.after, each), f"{each.relative:+.1%}")
        for each in moves[:MOST_SHOWN]
    ]
    return [*aligned(rows, (1, 2, 3)), *_rest(len(moves))]


def _files(diff: ReleaseDiff) -> list[tuple[str, ...]]:
    rows = []
    for each in diff.files:
        how = "new" if each.before is None else "gone" if each.after is None else f"{each.after - each.before:+,}"
        sizes = (DASH if size is None else f"{size:,}" for size in (each.before, each.after))
        rows.append((each.name, *sizes, how))
    same = f"{diff.unchanged_bytes:,}" if diff.unchanged_files else ""
    if same:
        rows.append((f"{diff.unchanged_files} unchanged", same, same, "same"))
    return [*rows, ("a client fetches", "", f"{diff.fetched_bytes:,}", "")]


def _packages(diff: ReleaseDiff) -> Iterator[tuple[str, ...]]:
    for each in diff.packages:
        sizes = (DASH if size is None else f"{size:,}" for size in (each.before, each.after))
        words = {(False, True): "now recommended", (True, False): "no longer recommended"}
        yield each.name, *sizes, words.get((each.recommended_before, each.recommended_after), "")


def _listed(texts: Sequence[str]) -> list[str]:
    return [*texts[:MOST_SHOWN], *_rest(len(texts))]


def _rest(count: int) -> list[str]:
    return [f"and {count - MOST_SHOWN:,} more (--json has all)"] if count > MOST_SHOWN else []


def _name(move: PriceMove) -> str:
    named = f"{move.make} {move.model}".strip() or move.make_model_id
    return f"{named} ({move.basis})"


def _money(amount: float | None, move: PriceMove) -> str:
    return DASH if amount is None else f"{amount:,.0f} {move.currency}"
