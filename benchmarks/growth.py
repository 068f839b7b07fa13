"""Claim: growing by a fifth of the classes is within a point of training from scratch, at a fifth of its time.

Made-up embeddings (`benchmarks.synthetic_embeddings`). Both train both heads, dense and linear, on all photos of all
classes and choose on validation; one starts from the heads of the old classes.
`python -m benchmarks.growth PHOTOS SEEDS` measures a smaller case.
"""

import math
import sys
import time
from statistics import mean, stdev

from autodetect.classifier.rivals import Lineup, train_rivals, winner
from autodetect.sections import ClassifierSettings
from benchmarks.head import top1
from benchmarks.synthetic_embeddings import as_examples, class_sizes, embeddings, world
from benchmarks.table import Row, Table

PHOTOS, DIM, OLD, ALL = 20_000, 2048, 100, 120
VALIDATION, TEST = 3_000, 10_000
SEEDS = 5
SHARE, POINTS = 0.2, 0.01
# Two-sided 95 % of Student's t, by degrees of freedom.
_T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}


def run(photos: int = PHOTOS, seeds: int = SEEDS) -> Table:
    """Grow and train from scratch, once for each seed (of world, photos and weights)."""
    measured = [_once(photos, seed) for seed in range(seeds)]
    grown_s, scratch_s = (tuple(each[i] for each in measured) for i in (0, 1))
    lost = [each[3] - each[2] for each in measured]
    half = _T[seeds - 1] * stdev(lost) / math.sqrt(seeds) if seeds > 1 else math.nan
    low, high = mean(lost) - half, mean(lost) + half
    rows = [Row("grown from the old classes' heads", "ours", grown_s), Row("trained from scratch", "peer", scratch_s)]
    return Table(
        name="growth",
        claim=f"Growing from {OLD} to {ALL} classes stays within a point of training from scratch on everything, and "
        f"takes at most {SHARE:.0%} of its time.",
        rows=rows,
        goal_s=SHARE * rows[1].median,
        notes=(
            f"{photos:,} training photos x {DIM}, {TEST:,} test vectors, {seeds} seeds",
            f"top-1 {mean(each[2] for each in measured):.2%} grown, {mean(each[3] for each in measured):.2%} scratch",
            f"lost by growing: {100 * mean(lost):+.2f} points (95 % interval {100 * low:+.2f} to {100 * high:+.2f}), "
            + ("kept" if high <= POINTS else "NOT kept"),
        ),
        packages=("keras", "numpy"),
    )


def _once(photos: int, seed: int) -> tuple[float, float, float, float]:
    """Return seconds grown and from scratch, then top-1 grown and from scratch."""
    place = world(ALL, DIM, seed)
    fit, validation, test = (
        embeddings(place, class_sizes(count, ALL, 0.0), 10 * seed + i)
        for i, count in enumerate((photos, VALIDATION, TEST))
    )
    everything, checked = as_examples(*fit), as_examples(*validation)
    settings, old = ClassifierSettings(), tuple(range(OLD))
    before = train_rivals(everything.only(old), checked.only(old), Lineup(), settings=settings, seed=seed)

    def timed(lineup: Lineup) -> tuple[float, float]:
        started = time.perf_counter()
        best = winner(train_rivals(everything, checked, lineup, settings=settings, seed=seed + 1))
        return time.perf_counter() - started, top1(best, test)

    grown_s, grown = timed(Lineup(old, {rival.standing.kind: rival.model for rival in before}))
    scratch_s, scratch = timed(Lineup())
    return grown_s, scratch_s, grown, scratch


if __name__ == "__main__":
    print(run(*(int(argument) for argument in sys.argv[1:3])).as_text())
