"""Claim: a million listings become price tables and files in a small multiple of one bare pandas groupby-quantile."""

import os
import tempfile
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.children import answer_of
from benchmarks.invented_market import MODELS, SOLD
from benchmarks.table import Row, Table

LISTINGS = 1_000_000
ROUNDS = 3
MOST_TIMES = 4.0
MOST_MIB = 3072
CHANGED = 0.02
MOST_SHARE = 0.2


def run() -> Table:
    """Make the files of a market, then of the same market with 2 % other listings: over the old files, and apart."""
    listings = int(os.environ.get("PRICE_TABLES_LISTINGS", LISTINGS))
    with tempfile.TemporaryDirectory(prefix="price-tables-") as folder:
        request = {"rows": listings, "rounds": ROUNDS, "folder": f"{folder}/nights"}
        full = answer_of("one_price_night", request)
        after = answer_of("one_price_night", request | {"changed": CHANGED})
        apart = answer_of("one_price_night", request | {"changed": CHANGED, "rounds": 1, "folder": f"{folder}/apart"})
    rows = (
        Row(f"ours: {listings:,} listings to price table, offers and three files", "ours", _whole(full)),
        Row(f"ours, a night on which {CHANGED:.0%} of them changed", "limit", _whole(after)),
        Row("bare pandas groupby-quantile by basis, make and model", "peer", tuple(full["bare"])),
        Row("the same by year band, and by state, too: the groups that we publish", "peer", tuple(full["published"])),
    )
    times, published = rows[0].median / rows[2].median, rows[0].median / rows[3].median
    share = rows[1].median / rows[0].median
    same = after["digests"] == apart["digests"] != full["digests"]
    return Table(
        name="price_tables",
        claim=f"From {listings:,} listings to price tables and SQLite takes {times:.1f} times a bare pandas "
        f"groupby-quantile over the same rows, {published:.1f} times one by the groups that we publish.",
        rows=rows,
        notes=(
            (
                f"goal at most {MOST_TIMES:.0f} times: {_kept(times <= MOST_TIMES)} against the bare one, "
                f"{_kept(published <= MOST_TIMES)} against the groups that we publish"
            ),
            (
                f"goal at most {MOST_MIB:,} MiB: peak {full['peak_mib']:,.0f} MiB of the whole process, "
                f"{full['rows_mib']:,.0f} of it before the first step: {_kept(full['peak_mib'] <= MOST_MIB)}"
            ),
            (
                f"goal at most {MOST_SHARE:.0%} for the night with {CHANGED:.0%} changed: {share:.0%}, "
                f"{_kept(share <= MOST_SHARE)}; its files, written over those of the night before, are "
                f"{'the same bytes as' if same else 'NOT those'} written afresh"
            ),
            "by step: " + "; ".join(f"{name} {seconds:.2f} s" for name, seconds in _steps(full).items()),
            _sizes(full),
            f"invented listings of {MODELS} models, {SOLD:.0%} sold; values are given: `valuation` measures them",
        ),
        packages=("pandas", "pyarrow", "numpy"),
    )


def _whole(answer: dict[str, Any]) -> tuple[float, ...]:
    return tuple(sum(steps.values()) for steps in answer["steps"])


def _steps(answer: dict[str, Any]) -> dict[str, float]:
    rounds: Sequence[dict[str, float]] = answer["steps"]
    return {name: median(steps[name] for steps in rounds) for name in rounds[0]}


def _sizes(answer: dict[str, Any]) -> str:
    offers = answer["offers"]
    each = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in answer["bytes"].items())
    thousand = answer["bytes"]["autodetect.sqlite"] / offers
    return f"{offers:,} offers, {answer['price_rows']:,} price rows: {each}; SQLite {thousand:.0f} KB per 1,000 offers"


def _kept(kept: bool) -> str:
    return "kept" if kept else "NOT kept"


if __name__ == "__main__":
    print(run().as_text())
