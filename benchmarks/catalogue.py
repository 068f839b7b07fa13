"""Claim: deciding what a million listings' makes and models name takes little more than looking each pair up."""

import csv
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from rapidfuzz import fuzz, process

from autodetect.catalog.identify import Identity, identify
from autodetect.catalog.names import catalogue
from autodetect.catalog.words import says_other
from benchmarks.rounds import Case, timed
from benchmarks.table import Table
from crawlers.sandbox.making.models import MODELS

RECORDED = Path(__file__).parents[2] / "shared" / "marketplace" / "sold.csv"
LISTINGS = 1_000_000
ROUNDS = 3
GOAL_S = 5.0
PEER_NAMES = 200  # names that the peer compares with the whole catalogue; scaled up to the claim's million
WORST = 50

Pair = tuple[str, str]


def run() -> Table:
    """Decide a million pairs, as often as sellers write them; the peer has no cache and knows no rules."""
    written = pairs()
    million = list(islice(cycle(written), LISTINGS))
    known = dict.fromkeys(written, "")
    names = [f"{name.make} {name.model}" for name in catalogue()]

    def ours() -> None:
        for make, model in million:
            identify(make, model)

    def bare() -> None:
        for pair in million:
            known[pair]

    def peer() -> None:
        for make, model in written[:PEER_NAMES]:
            process.extractOne(f"{make} {model}", names, scorer=fuzz.ratio)

    share, unmatched = coverage(written)
    return Table(
        name="catalogue",
        claim=f"A million listings are named in seconds; {share:.1%} of the pairs that name a model lead to one.",
        rows=timed(
            (
                Case(f"identify, {LISTINGS:,} listings", "ours", ours),
                Case(f"rapidfuzz over all names, {PEER_NAMES} listings", "peer", peer),
                Case(f"a dict that knows every pair, {LISTINGS:,} listings", "limit", bare),
            ),
            rounds=ROUNDS,
        ),
        goal_s=GOAL_S,
        notes=(
            f"{len(set(written)):,} different pairs, repeated as sellers write them",
            f"the peer does {PEER_NAMES} listings only: one for one it takes {LISTINGS // PEER_NAMES:,} times as long",
            f"pairs without a model of the catalogue: {len(unmatched):,} different ones",
        ),
        packages=("rapidfuzz",),
    )


def pairs() -> list[Pair]:
    """Return makes and models as sellers wrote them: recorded ones where they are, else the sandbox's."""
    if not RECORDED.is_file():
        return [pair for model in MODELS for pair in ((model.make, model.model), *model.misspelt)]
    with RECORDED.open(encoding="utf-8", newline="") as file:
        return [(row["Make"], row["Model"]) for row in csv.DictReader(file)]


def coverage(written: Sequence[Pair]) -> tuple[float, Counter[Pair]]:
    """Return the share of listings that name a model and lead to one of the catalogue, and those that lead to none."""
    named = [(make, model) for make, model in written if _names_a_model(make, model)]
    unmatched = Counter(pair for pair in named if not _decided(pair).matched)
    return 1 - unmatched.total() / len(named), unmatched


def _names_a_model(make: str, model: str) -> bool:
    return all(text.strip() and not says_other(text) for text in (make, model))


def _decided(pair: Pair) -> Identity:
    return identify(*pair)


if __name__ == "__main__":
    print(run().as_text())
    share, unmatched = coverage(pairs())
    print(f"\ncovered: {share:.2%}; the {WORST} commonest that are not:")
    for (make, model), count in unmatched.most_common(WORST):
        print(f"{count:>5}  {make} / {model}  ({identify(make, model).reason})")
