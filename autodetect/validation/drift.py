"""Tonight's profile beside the good nights before it: how far the rows have drifted, judged as a row of measures.

The population stability index of a column is sum((a - e) * ln(a / e)) over its bins, a tonight's share and e the one
expected. It is customary to take less than 0.1 for no change and more than 0.25 for a major one (Siddiqi, Credit Risk
Scorecards, 2006). Samples of one and the same population give an index too: (1/n + 1/m) times a chi-squared of bins - 1
degrees (Yurdakul and Naranjo, Journal of Risk Model Validation 14(4), 2020). So the level is never below what chance
explains.
"""

import math
from collections.abc import Sequence
from statistics import median

import pandas as pd

from autodetect.sections import ValidationSettings
from autodetect.validation.profile import OTHER, Profile
from autodetect.validation.rule import Judged, Rule, Suite, between

CHANCE_DEVIATIONS = 3.0  # standard deviations above its mean that chance may reach, one night in a thousand
MEDIAN_EFFICIENCY = 2 / math.pi  # of a median beside a mean, for normal values: so much fewer rows it is worth


def drift_suite(tonight: Profile, earlier: Sequence[Profile], settings: ValidationSettings) -> Judged:
    """Return the suite of drift and its frame: one row, a column for each measure.

    A night with fewer than `drift_min_rows` rows is not judged (the suite has no rules), nor is one that has no good
    night of as many before it.

    Args:
        tonight: the profile of a table tonight.
        earlier: profiles of all good nights (`profile.good_profiles`), of any table and in any order; of this table the
            newest `drift_nights` count, and the first night's number of rows never does.
        settings: how far is too far.
    """
    found = [each for each in earlier if each.table == tonight.table and each.night < tonight.night]
    found.sort(key=lambda each: each.night)
    nights = found[-settings.drift_nights :]
    measures: dict[str, float] = {}
    rules: list[Rule] = []
    usual_nights = found[1:][-settings.drift_nights :]  # the first night of a lake takes in all that there is
    if usual_nights:
        usual = median(each.rows for each in usual_nights)
        if max(usual, tonight.rows) >= settings.drift_min_rows:
            measures["rows"] = round(tonight.rows / usual, 4) if usual else float(tonight.rows)
            factor = settings.drift_rows_factor
            rules.append(_told(tonight, "rows", 1 / factor, factor))
    large = [each for each in nights if each.rows >= settings.drift_min_rows]
    if large and tonight.rows >= settings.drift_min_rows:
        _compare_gaps(tonight, large, settings, measures, rules)
        _compare_shares(tonight, large, settings, measures, rules)
    frame = pd.DataFrame([{"night": tonight.night.isoformat(), "nights_before": len(nights), **measures}])
    return Suite(f"drift_{tonight.table}", (), tuple(rules)), frame


def psi(actual: dict[str, float], expected: dict[str, float], *, rows: float, expected_rows: float) -> float:
    """Return the population stability index of two sets of shares; an empty bin counts as half a row."""
    total = 0.0
    for name in sorted({*actual, *expected}):
        a = max(actual.get(name, 0.0), 0.5 / rows)
        e = max(expected.get(name, 0.0), 0.5 / expected_rows)
        total += (a - e) * math.log(a / e)
    return round(total, 4)


def by_chance(bins: int, *, rows: float, expected_rows: float) -> float:
    """Return the index that two samples of one population hardly ever exceed."""
    degrees = max(bins - 1, 1)
    return (1 / rows + 1 / expected_rows) * (degrees + CHANCE_DEVIATIONS * math.sqrt(2 * degrees))


def _compare_gaps(
    tonight: Profile,
    nights: Sequence[Profile],
    settings: ValidationSettings,
    measures: dict[str, float],
    rules: list[Rule],
) -> None:
    """Add by how much the shares of missing values and of refused rows have grown or shrunk."""
    shares = {f"{name}_missing": share for name, share in tonight.nulls.items()} | {"refused": tonight.refused}
    for name, share in sorted(shares.items()):
        before = [
            each.refused if name == "refused" else each.nulls[name.removesuffix("_missing")]
            for each in nights
            if name == "refused" or name.removesuffix("_missing") in each.nulls
        ]
        if before:
            measures[name] = round(share - median(before), 4)
            rules.append(_told(tonight, name, -settings.drift_share_change, settings.drift_share_change))


def _compare_shares(
    tonight: Profile,
    nights: Sequence[Profile],
    settings: ValidationSettings,
    measures: dict[str, float],
    rules: list[Rule],
) -> None:
    """Add the population stability index of every column whose shares both tonight and earlier nights tell."""
    for name, shares in sorted(tonight.shares.items()):
        before = [each for each in nights if each.known.get(name, 0) >= settings.drift_min_rows]
        rows = tonight.known[name]
        if not before or rows < settings.drift_min_rows:
            continue
        actual, expected = _aligned(shares, [each.shares[name] for each in before])
        expected_rows = MEDIAN_EFFICIENCY * sum(each.known[name] for each in before)
        measures[f"{name}_psi"] = psi(actual, expected, rows=rows, expected_rows=expected_rows)
        chance = by_chance(len(expected), rows=rows, expected_rows=expected_rows)
        rules.append(_told(tonight, f"{name}_psi", None, round(max(settings.drift_psi_warned, chance), 4)))
        if settings.drift_psi_held is not None:
            limit = round(max(settings.drift_psi_held, chance), 4)
            rules.append(between(f"drift.{tonight.table}_{name}_changed", "held", f"{name}_psi", None, limit))


def _aligned(
    shares: dict[str, float], earlier: Sequence[dict[str, float]]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return tonight's shares and the median of earlier ones over the same names, which both sum to 1.

    A value that was not among the commonest in some night may have been among the others there: only values that most
    earlier nights tell stand alone, the rest are others.
    """
    alone = {
        name
        for name in {name for each in earlier for name in each} - {OTHER}
        if 2 * sum(name in each for each in earlier) > len(earlier)
    }
    folded = [_folded(each, alone) for each in (shares, *earlier)]
    names = sorted({name for each in folded for name in each})
    usual = {name: median(each.get(name, 0.0) for each in folded[1:]) for name in names}
    total = sum(usual.values()) or 1.0
    return folded[0], {name: share / total for name, share in usual.items()}


def _folded(shares: dict[str, float], alone: set[str]) -> dict[str, float]:
    kept = {name: share for name, share in shares.items() if name in alone}
    return kept | {OTHER: max(0.0, 1.0 - sum(kept.values()))}


def _told(tonight: Profile, column: str, low: float | None, high: float) -> Rule:
    return between(f"drift.{tonight.table}_{column}", "warned", column, low, high)
