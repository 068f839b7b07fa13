"""Claim: among a million offers, those near a place are counted, averaged and the nearest named in under 5 ms.

The offers are invented: at ZIP codes where they really are, most of them in cities, of 500 models of which few are
common. Every question opens the file as a release carries it, and is asked for the model and around the place of an
offer drawn at random (so common models and cities are asked for most). Beside it a full scan of the same file, its
distances computed by SQLite itself. `python -m benchmarks.near OFFERS QUESTIONS` measures a smaller case.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import zipcodes

from autodetect.lake.schemas import OFFERS, PRICES
from autodetect.prices.history import MODEL_HISTORY
from autodetect.prices.judged.shipped_sales import SHIPPED
from autodetect.prices.radius import KM_PER_MILE
from autodetect.prices.sqlite.cells import EARTH_KM
from autodetect.prices.sqlite.database import write_database
from autodetect.prices.sqlite.lookup import opened
from autodetect.prices.sqlite.near import NearFact, near
from benchmarks.grid import Grid

SIZE, MODELS, QUESTIONS, SCANS = 1_000_000, 500, 200, 10
GOAL_MS = 5.0
NIGHT = date(2026, 3, 14)
COLUMNS = ("offers of", "within", "offers found", "median", "95 % within", "full scan", "scan / ours")
_SALES = {"sold_on": pa.date32(), "price": pa.float64(), "year": pa.int16(), "mileage": pa.int32()}
# Distances are computed outside: the SQLite that TensorFlow brings along, and that may be the one in use, has no sine.
_SCAN = "SELECT place, currency, count(*), sum(price) FROM offers o WHERE {car} GROUP BY place, currency"
_PLACES = "SELECT place, latitude, longitude FROM places WHERE latitude IS NOT NULL ORDER BY place"
# A plus before the column keeps SQLite from using the key: that would be no full scan.
_ONE_MODEL = "+o.make_model = (SELECT make_model FROM make_models WHERE make_model_id = :make_model_id)"

Floats = npt.NDArray[np.float64]
Question = tuple[float, float, str | None]
Answer = TypeVar("Answer")


def run(size: int = SIZE, questions: int = QUESTIONS) -> Grid:
    """Write the file once, then ask."""
    random = np.random.default_rng(0)
    offers = invented(size, random)
    placed = offers.filter(offers["latitude"].is_valid())
    asked = placed.take(pa.array(random.choice(len(placed), questions, replace=False)))
    rows = asked.select(["latitude", "longitude", "make_model_id"]).to_pylist()
    by_model = [(row["latitude"], row["longitude"], row["make_model_id"]) for row in rows]
    everything = [(latitude, longitude, None) for latitude, longitude, _ in by_model]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "autodetect.sqlite"
        _write(path, offers)
        megabytes = path.stat().st_size / 1e6
        cases = [(what, miles) for what in (by_model, everything) for miles in (50, 200)]
        measured = [_measured(path, what, miles) for what, miles in cases]
    ours_ms = measured[0][3]
    verdict = "kept" if float(ours_ms.split()[0]) <= GOAL_MS else "NOT kept"
    return Grid(
        name="near",
        claim=f"Among a million offers, those of a model within 50 miles of a place are told in under {GOAL_MS:g} ms.",
        columns=COLUMNS,
        lines=measured,
        notes=(
            f"goal {GOAL_MS:g} ms, ours {ours_ms}: {verdict}",
            f"{size:,} offers of {MODELS} models, a file of {megabytes:.0f} MB; {questions} questions of each kind",
            "ours opens the file, tells count, average, lowest, highest, and the 10 nearest offers with their facts",
            f"the scan is asked {min(SCANS, questions)} of them, on an open file, and tells the same counts",
        ),
        packages=("zipcodes",),
    )


def invented(size: int, random: np.random.Generator) -> pa.Table:
    """Return offers of the `offers` schema; a twentieth of them say nothing of where they are."""
    codes = [code for code in zipcodes.list_all() if code["active"] and float(code["lat"])]
    cities = Counter((code["city"], code["state"]) for code in codes)
    weights = random.pareto(1.5, len(codes)) + 0.1
    weights *= [cities[code["city"], code["state"]] for code in codes]
    at = random.choice(len(codes), size, p=weights / weights.sum())
    nowhere = random.random(size) < 0.05
    ranks = 1 / np.arange(1, MODELS + 1)
    models = random.choice(MODELS, size, p=ranks / ranks.sum())
    price = np.round(random.lognormal(9.6, 0.6, size))
    text, number = pa.string(), pa.float64()
    columns = {
        "night": pa.array(np.full(size, np.datetime64(NIGHT))),
        "source": pa.array(["ebay-api"]).take(pa.array(np.zeros(size, np.int64))),
        "item_id": pa.array(150_000_000_000 + 7 * np.arange(size)).cast(text),
        "make_model_id": pa.array([f"make-{i // 10}/model-{i}" for i in range(MODELS)]).take(pa.array(models)),
        "title": pa.array([f"20{i % 26:02d} Make Model, one owner" for i in range(size)]),
        "price": pa.array(price),
        "currency": pa.array(["USD", "CAD"]).take(pa.array((random.random(size) < 0.02).astype(np.int64))),
        "postal_code": pa.array(np.array([code["zip_code"] for code in codes], object)[at], text, mask=nowhere),
        "latitude": pa.array(np.array([float(code["lat"]) for code in codes])[at], number, mask=nowhere),
        "longitude": pa.array(np.array([float(code["long"]) for code in codes])[at], number, mask=nowhere),
        "place_precision": pa.array(np.full(size, "code", object), text, mask=nowhere),
        "value": pa.array(price * 1.02),
        "value_low": pa.array(price * 0.7),
        "value_high": pa.array(price * 1.5),
        "rating": pa.array(["fair"]).take(pa.array(np.zeros(size, np.int64))),
        "first_price": pa.array(price),
    }
    arrays = [columns.get(field.name, pa.nulls(size, field.type)) for field in OFFERS.schema]
    return pa.Table.from_arrays(arrays, schema=OFFERS.schema)


def _write(path: Path, offers: pa.Table) -> None:
    ids = sorted(set(offers["make_model_id"].unique().to_pylist()))
    makes, models = zip(*(each.split("/") for each in ids), strict=True)
    names = pa.table({"make_model_id": ids, "make": makes, "model": models})
    labels = pa.table({"class_id": range(len(ids)), "make_model_id": ids, "label": ids})
    write_database(
        path,
        make_models=names,
        classes=labels,
        prices=PRICES.schema.empty_table(),
        offers=offers,
        sales=pa.schema([(name, _SALES.get(name, pa.string())) for name in SHIPPED]).empty_table(),
        history=MODEL_HISTORY.empty_table(),
        valuation={},
        meta={"night": NIGHT.isoformat()},
    )


def _measured(path: Path, questions: Sequence[Question], miles: int) -> tuple[str, ...]:
    """Return the line of one kind of question."""
    radius_km = miles * KM_PER_MILE

    def ask(question: Question) -> NearFact:
        latitude, longitude, model = question
        return near(path, latitude=latitude, longitude=longitude, radius_km=radius_km, make_model_id=model)

    facts, ours = _timed(ask, questions)
    with opened(path) as database:
        number, latitudes, longitudes = np.array(database.execute(_PLACES).fetchall(), np.float64).T

        def scan(question: Question) -> dict[str, int]:
            latitude, longitude, model = question
            query = _SCAN.format(car="1" if model is None else _ONE_MODEL)
            asked = {"make_model_id": model} if model else {}
            close = set(number[distances_km(latitude, longitude, latitudes, longitudes) <= radius_km].tolist())
            counts: Counter[str] = Counter()
            for place, currency, count, _ in database.execute(query, asked):
                if place in close:
                    counts[currency] += count
            return counts

        scanned, scans = _timed(scan, questions[:SCANS])
    for fact, counts in zip(facts, scanned, strict=False):
        if (fact.count, fact.count + fact.others) != (counts[fact.currency], sum(counts.values())):
            raise RuntimeError(f"the scan finds {counts}, near {fact}")
    return (
        "one model" if questions[0][2] else "all models",
        f"{miles} miles",
        f"{median(fact.count + fact.others for fact in facts):,.0f}",
        f"{1000 * median(ours):.1f} ms",
        f"{1000 * quantiles(ours, n=20)[-1]:.1f} ms",
        f"{1000 * median(scans):.0f} ms",
        f"{median(scans) / median(ours):.0f}",
    )


def distances_km(latitude: float, longitude: float, latitudes: Floats, longitudes: Floats) -> Floats:
    """Return great circle distances, by the haversine formula, from a point to points in degrees."""
    here, there = np.radians((latitude, longitude)), np.radians((latitudes, longitudes))
    half = np.sin((there[0] - here[0]) / 2) ** 2
    half += np.cos(here[0]) * np.cos(there[0]) * np.sin((there[1] - here[1]) / 2) ** 2
    found: Floats = 2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(half, 1)))
    return found


def _timed(work: Callable[[Question], Answer], questions: Sequence[Question]) -> tuple[list[Answer], list[float]]:
    """Return answers and seconds; a first question, to warm the file's cache, is not counted."""
    work(questions[-1])
    answers, seconds = [], []
    for question in questions:
        started = time.perf_counter()
        answers.append(work(question))
        seconds.append(time.perf_counter() - started)
    return answers, seconds


if __name__ == "__main__":
    print(run(*(int(argument) for argument in sys.argv[1:3])).as_text())
