"""Claim: a warm night's heads take at most half the time of a converged logistic regression, and are as often right.

Made-up embeddings (`benchmarks.synthetic_embeddings`), 2 % of the photos new tonight. Ours is both heads, dense and
linear, trained from yesterday's and chosen between on validation. `python -m benchmarks.head PHOTOS CLASSES` measures a
smaller case.
"""

import sys
import time
import warnings
from importlib.util import find_spec

from autodetect.classifier.rivals import Lineup, Rival, train_rivals, winner
from autodetect.sections import ClassifierSettings
from benchmarks.synthetic_embeddings import Floats, Ints, as_examples, class_sizes, embeddings, world
from benchmarks.table import Row, Table

PHOTOS, DIM, CLASSES = 50_000, 2048, 300
VALIDATION, TEST = 5_000, 10_000
NEW_SHARE, TAIL = 0.02, 0.5
STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3)  # C of the logistic regression
TUNED_ON = 10_000  # photos on which C is tuned
POINTS = 0.005
SEED = 1


def run(photos: int = PHOTOS, classes: int = CLASSES) -> Table:
    """Train yesterday's heads cold, tonight's warm, and scikit-learn's on tonight's photos."""
    place = world(classes, DIM, SEED)
    sizes = [class_sizes(count, classes, TAIL) for count in (photos, VALIDATION, TEST)]
    fit, validation, test = (embeddings(place, size, SEED + i) for i, size in enumerate(sizes, start=1))
    yesterday = round(len(fit[0]) * (1 - NEW_SHARE))
    settings = ClassifierSettings()
    started = time.perf_counter()
    before = train_rivals(
        as_examples(fit[0][:yesterday], fit[1][:yesterday]),
        as_examples(*validation),
        Lineup(),
        settings=settings,
        seed=SEED,
    )
    cold_s = time.perf_counter() - started
    lineup = Lineup(tuple(range(classes)), {rival.standing.kind: rival.model for rival in before})
    tonight, checked = as_examples(*fit), as_examples(*validation)
    started = time.perf_counter()
    after = train_rivals(tonight, checked, lineup, settings=settings, seed=SEED + 1)
    chosen = winner(after)
    warm_s = time.perf_counter() - started
    ours, cold = top1(chosen, test), top1(winner(before), test)
    rows = [Row(f"both heads from yesterday's ({chosen.standing.kind} chosen)", "ours", (warm_s,))]
    notes = [
        f"{len(fit[0]):,} training photos x {DIM}, {classes} classes, {len(test[0]):,} test vectors",
        f"top-1 {ours:.2%} warm; cold {cold:.2%} ({cold_s:.0f} s for both heads, without tonight's photos)",
        "warm, each head: " + ", ".join(f"{rival.standing.kind} {top1(rival, test):.2%}" for rival in after),
    ]
    goal, packages = None, ["keras", "numpy"]
    if find_spec("sklearn"):
        packages.append("scikit-learn")
        strength, tuning_s, fit_s, theirs, steps = _regression(fit, validation, test)
        rows.append(Row("scikit-learn LogisticRegression, one fit", "peer", (fit_s,)))
        goal, word = fit_s / 2, "kept" if ours - theirs >= -POINTS else "NOT kept"
        notes += [
            f"scikit-learn: top-1 {theirs:.2%} at C = {strength:g}, converged in {steps} steps, standardised float32",
            f"its C was tuned on validation with {min(TUNED_ON, len(fit[0])):,} of the photos: {tuning_s:.0f} s extra",
            f"ours - theirs: {100 * (ours - theirs):+.2f} points, -0.5 allowed: {word}",
        ]
    else:
        notes.append("scikit-learn is not installed: not compared")
    return Table(
        name="head",
        claim="A warm night's heads take at most half the time of a converged logistic regression on the same photos, "
        "and lose at most half a point to it.",
        rows=rows,
        goal_s=goal,
        notes=notes,
        packages=packages,
    )


def top1(rival: Rival, test: tuple[Floats, Ints]) -> float:
    """Return the share of test photos that a head names right."""
    answers = rival.model.predict(test[0], batch_size=1024, verbose=0)
    return float((answers.argmax(axis=1) == test[1]).mean())


def _regression(
    fit: tuple[Floats, Ints], validation: tuple[Floats, Ints], test: tuple[Floats, Ints]
) -> tuple[float, float, float, float, int]:
    """Return C, seconds of tuning, seconds of one converged fit, its top-1 and its steps."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, deviation = fit[0].mean(axis=0), fit[0].std(axis=0) + 1e-6

    def standard(x: Floats) -> Floats:
        return (x - mean) / deviation

    def score(strength: float) -> float:
        part = LogisticRegression(C=strength, max_iter=1000).fit(few, fit[1][:TUNED_ON])
        return float(part.score(known, validation[1]))

    started = time.perf_counter()
    few, known = standard(fit[0][:TUNED_ON]), standard(validation[0])
    strength = max(STRENGTHS, key=score)
    tuning_s = time.perf_counter() - started
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        started = time.perf_counter()
        model = LogisticRegression(C=strength, max_iter=2000).fit(standard(fit[0]), fit[1])
        fit_s = time.perf_counter() - started
    return strength, tuning_s, fit_s, float(model.score(standard(test[0]), test[1])), int(model.n_iter_.max())


if __name__ == "__main__":
    print(run(*(int(argument) for argument in sys.argv[1:3])).as_text())
