"""Claim: cleaning a million listings takes at most four times a bare pandas pass over the same columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from autodetect.catalog.model_years import FIRST_YEAR, SIGNS
from autodetect.catalog.names import catalogue, spellings
from autodetect.dataset.cleaning import cleaned
from autodetect.lake.schemas import SIGHTINGS
from benchmarks.children import answer_of
from benchmarks.rounds import Case, timed
from benchmarks.table import Table

LISTINGS = 1_000_000
FEWER = 250_000
ROUNDS = 3
MOST_TIMES = 4.0
SEED = 20_261_122
BLOCK = 20_000
BARE = ["price", "currency", "mileage", "year", "postal_code", "make", "model", "title"]
# What sellers write in place of a sound value, as often as `DIRTY` says.
DIRTY = 0.05
DIRT = {
    "price": ("", "0", "1", "12.5k", "$15K obo", "call for price", "12.345,00", "123456789", "US $9,500.00"),
    "mileage": ("", "999999", "1234567890", "98k", "123,000 km", "TMU", "1", "approx. 80,000 miles", "unknown"),
    "year": ("", "20050000", "05", "67", "1967/68", "2012 (62 plate)", "0"),
    "postal_code": ("", "T6J ***", "M5V 3L9", "2139", "33602-1234", "*****", "SW1A 1AA"),
}
EMPTY_PAIRS = 0.01  # listings of which only the title names the car
MISSPELT_PAIRS = 0.06
MASKED_CODES = 0.29  # as in the recorded sales
GROUPED = 0.3  # numbers with commas, where a source shows them so
WITH_VIN, WRONG_VINS = 0.5, 0.02


def run() -> Table:
    """Clean the same million rows by either way, and compare peak memory with a quarter of them."""
    table = sightings(LISTINGS)
    rows = timed(
        (
            Case(f"cleaned, {LISTINGS:,} listings", "ours", lambda: cleaned(table)),
            Case(
                "bare pandas pass: numbers, ZIP codes, distinct pairs; no rule, no catalogue",
                "peer",
                lambda: bare(table),
            ),
        ),
        rounds=ROUNDS,
    )
    ratio = rows[0].median / rows[1].median
    small, large = (answer_of("one_cleaning", {"rows": count}) for count in (FEWER, LISTINGS))
    return Table(
        name="cleaning",
        claim=f"Cleaning a million listings takes {ratio:.1f} times a bare pandas pass over the same columns.",
        rows=rows,
        notes=(
            f"goal at most {MOST_TIMES:.0f} times the pass: {'kept' if ratio <= MOST_TIMES else 'NOT kept'}",
            _memory(small, large),
            _made_of(large),
        ),
        packages=("pandas", "pyarrow"),
    )


def _memory(small: dict[str, Any], large: dict[str, Any]) -> str:
    per_row = [answer["grown_mib"] * 2**20 / answer["rows"] for answer in (small, large)]
    return (
        f"peak memory beyond the rows that are read: {per_row[0]:.0f} bytes a row at {FEWER:,} rows, {per_row[1]:.0f} "
        f"at {LISTINGS:,}, each in a process of its own; the frame that comes out takes {large['facts']:.0f}"
    )


def _made_of(large: dict[str, Any]) -> str:
    return (
        f"synthetic rows: {DIRTY:.0%} of each field's values dirty, {MISSPELT_PAIRS:.0%} of the names spelt otherwise, "
        f"{EMPTY_PAIRS:.0%} named by the title alone; {large['rules']:,} corrections, {large['decisions']:,} different "
        "decisions of the catalogue"
    )


def bare(table: pa.Table) -> pd.DataFrame:
    """Do the least that anybody does who reads such columns with pandas, from the same Arrow table."""
    frame = table.select(BARE).to_pandas()
    for name in ("price", "mileage", "year"):
        plain = frame[name].str.replace(r"[$,]", "", regex=True)
        frame[name] = pd.to_numeric(plain, errors="coerce")
    code = frame["postal_code"].str.strip().str.upper()
    frame["postal_code"] = code.where(code.str.match(r"^(?:\d{5}(?:-\d{4})?|\d{3}\*\*)$"))
    for name in ("make", "model"):
        frame[name] = frame[name].str.strip().str.lower()
    frame[["make", "model"]].drop_duplicates()
    frame["title"] = frame["title"].str.strip()
    frame["currency"] = frame["currency"].where(frame["currency"].str.match("^[A-Z]{3}$"))
    return frame


def sightings(count: int) -> pa.Table:
    """Return rows of `sightings` in the catalogue's makes and models, popular ones often, with dirt.

    They are made in blocks, so that making them takes less memory than cleaning them.
    """
    starts = range(0, count, BLOCK)
    return pa.concat_tables([_block(start, min(BLOCK, count - start)) for start in starts])


def _block(first: int, count: int) -> pa.Table:
    rng = np.random.default_rng([SEED, first])
    names = catalogue()
    misspelt = [
        (make, spelling) for make, spelling, name in spellings() if spelling != name.model and "#" not in spelling
    ]
    pairs = [(name.make, name.model) for name in names] + misspelt
    weights = np.random.default_rng(SEED).permutation(1 / np.arange(1, len(names) + 1))
    popular = rng.choice(len(names), count, p=weights / weights.sum())
    chosen = np.where(rng.random(count) < MISSPELT_PAIRS, len(names) + rng.integers(0, len(misspelt), count), popular)
    years = rng.integers(1960, 2024, count)
    shown = rng.integers(0, 5, count)
    trims = ("", " GT", " LT 4WD", " one owner", " - LOW MILES")
    titles = [
        f"{year} {pairs[at][0]} {pairs[at][1]}{trims[t]}" for year, at, t in zip(years, chosen, shown, strict=True)
    ]
    unnamed = rng.random(count) < EMPTY_PAIRS
    written = {
        "item_id": [str(150_000_000_000 + first + number) for number in range(count)],
        "title": titles,
        "make": ["" if empty else pairs[at][0] for at, empty in zip(chosen, unnamed, strict=True)],
        "model": ["" if empty else pairs[at][1] for at, empty in zip(chosen, unnamed, strict=True)],
        "price": _dirtied("price", _numbers(rng, rng.integers(500, 90_000, count), "{}.00"), rng),
        "mileage": _dirtied("mileage", _numbers(rng, rng.integers(10, 250_000, count), "{}"), rng),
        "year": _dirtied("year", years.astype(str), rng),
        "postal_code": _dirtied("postal_code", _codes(rng, count), rng),
        "vin": _vins(years, rng),
        "cylinders": rng.choice(["4", "6", "8", ""], count),
    }
    same = {
        "source": "ebay-api",
        "kind": "asking",
        "currency": "USD",
        "country": "US",
        "trim": "GT",
        "mileage_unit": "mi",
    }
    columns = []
    for field in SIGHTINGS.schema:
        if field.name in written:
            columns.append(pa.array(written[field.name], pa.string()))
        elif pa.types.is_string(field.type):
            columns.append(pa.repeat(pa.scalar(same.get(field.name, "")), count))
        elif pa.types.is_date(field.type):
            columns.append(pa.repeat(pa.scalar(20_000, pa.int32()).cast(pa.date32()), count))
        else:
            columns.append(pa.nulls(count, field.type))
    return pa.Table.from_arrays(columns, schema=SIGHTINGS.schema)


def _numbers(rng: np.random.Generator, numbers: NDArray[Any], plain: str) -> NDArray[Any]:
    grouped = rng.random(len(numbers)) < GROUPED
    form = plain.replace("{}", "{:,}")
    shown = [(form if commas else plain).format(number) for number, commas in zip(numbers, grouped, strict=True)]
    return np.array(shown, dtype=object)


def _codes(rng: np.random.Generator, count: int) -> NDArray[Any]:
    masked = rng.random(count) < MASKED_CODES
    codes = [f"{number:05}" for number in rng.integers(1001, 99_000, count)]
    return np.array([f"{code[:3]}**" if mask else code for code, mask in zip(codes, masked, strict=True)], dtype=object)


def _vins(years: NDArray[Any], rng: np.random.Generator) -> list[str]:
    """Return VINs of half of the cars since 1981, few of which tell another year than the seller does."""
    signs = np.array([*SIGNS], dtype="U1")
    drawn = rng.choice(signs, (len(years), 17))
    wrong = rng.random(len(years)) < WRONG_VINS
    drawn[:, 9] = np.where(wrong, drawn[:, 9], signs[(years - FIRST_YEAR) % len(signs)])
    told = (years > FIRST_YEAR) & (rng.random(len(years)) < WITH_VIN)
    return np.where(told, drawn.view("U17").ravel(), "").tolist()


def _dirtied(name: str, sound: Sequence[str] | NDArray[Any], rng: np.random.Generator) -> list[str]:
    values = np.array(sound, dtype=object)
    dirty = np.flatnonzero(rng.random(len(values)) < DIRTY)
    values[dirty] = rng.choice(np.array(DIRT[name], dtype=object), len(dirty))
    return values.tolist()


if __name__ == "__main__":
    print(run().as_text())
