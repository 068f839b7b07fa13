"""Misspelt names: the closest known one, within a bound, and never across different figures."""

from collections.abc import Collection, Iterable
from functools import cache

from autodetect.catalog.makes import make_names, text_key
from autodetect.catalog.names import MOST_RUNS, Name, figures_of, joined, may_end, names_under, runs_of

# The ratio is 100 times (1 - edits / signs of both), an edit being a sign too many or too few; a wrong sign is two.
# 83 admits one wrong sign in six or more ('Tocoma'), or two that were swapped; 90 one sign too many or too few in five.
ENOUGH, SURE = 83.0, 90.0
SHORTEST = 5  # signs; below it a single edit makes another word


def closest_model(make: str, text: str, *, enough: float = ENOUGH) -> tuple[Name, float] | None:
    """Return the model of a make that a text starts with, but for a slip of spelling, and the score (to 100).

    Figures are never guessed: '320' is no '328', a 'Mark III' no 'Mark VIII', a 'G-Class' no 'GLC-Class'.
    None when two models are equally close, or none reaches `enough`.
    """
    runs, names = runs_of(text), names_under(make)
    known = names.spelt
    best: tuple[float, set[Name]] = (0.0, set())
    for count in range(min(len(runs), MOST_RUNS), 0, -1):
        signs, figures = joined(runs[:count]), figures_of(runs[:count])
        if len(signs) < SHORTEST or not may_end(runs, count):
            continue
        score, found = _closest(signs, names.alike.get(figures, ()), enough)
        if score > best[0]:
            best = score, {known[each] for each in found}
    return (next(iter(best[1])), best[0]) if len(best[1]) == 1 else None


def closest_make(text: str) -> tuple[str, float] | None:
    """Return the make that a text names but for a slip of spelling, and the score (83 to 100); None without."""
    signs = text_key(text).replace("-", "")
    score, found = _closest(signs, _make_signs(), ENOUGH) if len(signs) >= SHORTEST else (0.0, ())
    makes = {_make_signs()[each] for each in found}
    return (makes.pop(), score) if len(makes) == 1 else None


def _closest(signs: str, known: Collection[str], enough: float) -> tuple[float, Iterable[str]]:
    """Return the best score and the known names that reach it; 0 and none below the bound."""
    from rapidfuzz import fuzz

    best, found = enough, list[str]()
    for each in known:
        if len(each) < SHORTEST:
            continue
        score = fuzz.ratio(signs, each, score_cutoff=best)
        if score > best:
            best, found = score, [each]
        elif score == best:
            found.append(each)
    return (best, found) if found else (0.0, ())


@cache
def _make_signs() -> dict[str, str]:
    return {text_key(make).replace("-", ""): make for make in make_names()}
