"""A night's profile: what its rows look like in a few hundred numbers, kept in a receipt for later nights to compare.

Bins are fixed, so that nights compare bin by bin. Shares and quantiles are rounded to four digits, as receipts are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from autodetect.records import Receipt, Record, Verdict
from autodetect.validation.check import Finding, Key

COMMONEST = 20  # values of a category that are counted apart; the others are one
OTHER = "other"
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Profiled:
    """What is profiled of a frame: numbers by their inner bin edges, categories, and columns whose gaps count."""

    numbers: Mapping[str, tuple[float, ...]]
    categories: tuple[str, ...]
    gaps: tuple[str, ...]


_YEARS = (1980, 1995, 2000, 2005, 2010, 2013, 2016, 2019, 2022)
_MILES = (10_000, 30_000, 60_000, 90_000, 120_000, 150_000, 200_000)
_PRICES = (1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 50_000, 100_000)
PROFILED = {
    "listings": Profiled(
        {"asking_price": _PRICES, "year": _YEARS, "mileage": _MILES},
        ("make", "currency"),
        ("asking_price", "year", "mileage", "make_model_id", "postal_code", "vin", "body_type"),
    ),
    "sales": Profiled(
        {"sold_price": _PRICES, "year": _YEARS, "mileage": _MILES},
        ("make", "currency"),
        ("sold_price", "year", "mileage", "make_model_id", "postal_code"),
    ),
    "photos": Profiled({"short_side": (100, 200, 300, 450, 600, 800, 1_200, 1_600)}, (), ("short_side", "contrast")),
}


class Profile(Record):
    """What a table's rows of one night look like.

    `refused` is the share of rows that were refused or lost a value; `nulls` the share of missing values by column;
    `quantiles` those of `QUANTILES` for each number; `shares` by column, then by bin or value; `known` how many values
    of a column the shares are of.
    """

    table: str
    night: date
    rows: int
    refused: float
    nulls: dict[str, float] = Field(default_factory=dict)
    quantiles: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    shares: dict[str, dict[str, float]] = Field(default_factory=dict)
    known: dict[str, int] = Field(default_factory=dict)


def night_profiles(
    facts: pd.DataFrame, photos: pd.DataFrame, findings: Iterable[Finding], *, night: date
) -> list[Profile]:
    """Return the profiles of what curation judges tonight, by table: offers, photos and sales.

    Args:
        facts: the frame of cleaned sightings (`kind`, and the columns of `PROFILED`), before findings are applied.
        photos: the frame of examined photos.
        findings: what `check` found in both; rows that were refused or lost a value are counted once.
        night: tonight.
    """
    refused: dict[str, set[Key]] = {name: set() for name in PROFILED}
    for finding in findings:
        if finding.rule.effect in {"refused", "nulled"}:
            for key, _ in finding.rows:
                table = "photos" if finding.table == "photos" else _table_of(key)
                refused.setdefault(table, set()).add(key)
    kinds = facts["kind"] if "kind" in facts.columns else pd.Series(dtype="object")
    parts = {
        "listings": facts[(kinds == "asking").to_numpy()],
        "photos": photos,
        "sales": facts[(kinds == "sold").to_numpy()],
    }
    return [profile(name, parts[name], night=night, refused=len(refused[name])) for name in sorted(parts)]


def profile(table: str, frame: pd.DataFrame, *, night: date, refused: int = 0) -> Profile:
    """Return the profile of a frame; a column that the frame lacks is not profiled.

    Args:
        table: a name in `PROFILED`.
        frame: tonight's rows; `make` is taken from `make_model_id`.
        night: tonight.
        refused: how many of the rows were refused or lost a value.
    """
    wanted, rows = PROFILED[table], len(frame)
    if "make_model_id" in frame.columns:
        frame = frame.assign(make=frame["make_model_id"].map(lambda text: text.partition("/")[0], na_action="ignore"))
    numbers = {
        name: pd.to_numeric(frame[name]).dropna().to_numpy(dtype="float64")
        for name in wanted.numbers
        if name in frame.columns
    }
    categories = {name: frame[name].dropna() for name in wanted.categories if name in frame.columns}
    return Profile(
        table=table,
        night=night,
        rows=rows,
        refused=_rounded(refused / rows) if rows else 0.0,
        nulls={name: _rounded(frame[name].isna().mean()) for name in wanted.gaps if rows and name in frame.columns},
        quantiles={name: _quantiles(values) for name, values in numbers.items() if len(values)},
        shares={
            **{name: _binned(values, wanted.numbers[name]) for name, values in numbers.items() if len(values)},
            **{name: _commonest(values) for name, values in categories.items() if len(values)},
        },
        known={name: len(values) for name, values in {**numbers, **categories}.items()},
    )


def good_profiles(receipts: Iterable[Receipt], *, before: date) -> list[Profile]:
    """Return the profiles that the curate receipts of good nights hold: those that ended without being held.

    Args:
        receipts: all receipts of the lake, oldest first (`ReceiptBook.all()`).
        before: tonight.
    """
    told: dict[date, list[Any]] = {}
    good: set[date] = set()
    for receipt in receipts:
        if receipt.night < before and receipt.stage == "curate":
            told[receipt.night] = receipt.facts.get("profiles", [])
        elif receipt.stage == "end" and receipt.facts["verdict"] != Verdict.HELD:
            good.add(receipt.night)
    return [Profile.model_validate(each) for night in sorted(told) if night in good for each in told[night]]


def bin_names(edges: tuple[float, ...]) -> list[str]:
    """Return a name for each bin: 'below 1000', '1000 to 2000', ..., 'from 100000'."""
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g}", *inner, f"from {edges[-1]:g}"]


def _table_of(key: Key) -> str:
    """Return what a sighting (source, item_id, sighting) counts to; imports have no profile."""
    sighting = key[-1]
    return {"asking": "listings", "import": "imports"}.get(sighting, "sales")


def _binned(values: np.ndarray, edges: tuple[float, ...]) -> dict[str, float]:
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return {name: _rounded(count / len(values)) for name, count in zip(bin_names(edges), counts, strict=True)}


def _commonest(values: pd.Series) -> dict[str, float]:
    counts = sorted(values.value_counts().items(), key=lambda pair: (-pair[1], pair[0]))
    shares = {str(value): _rounded(count / len(values)) for value, count in counts[:COMMONEST]}
    rest = sum(count for _, count in counts[COMMONEST:])
    return shares | ({OTHER: _rounded(rest / len(values))} if rest else {})


def _quantiles(values: np.ndarray) -> tuple[float, ...]:
    return tuple(_rounded(value) for value in np.quantile(values, QUANTILES))


def _rounded(value: float) -> float:
    return round(float(value), 4)
