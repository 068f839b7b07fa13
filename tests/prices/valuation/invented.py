"""Invented sales of cars whose true worth is known, described as sellers do: with gaps."""

from datetime import date

import numpy as np
import pandas as pd

from autodetect.sections import ValuationSettings

TODAY = date(2026, 3, 14)
SETTINGS = ValuationSettings()
MODELS = {
    "ford/mustang": ("Ford", 30_000),
    "ford/focus": ("Ford", 15_000),
    "audi/tt": ("Audi", 40_000),
    "kia/rio": ("Kia", 10_000),
    "kia/soul": ("Kia", 14_000),
}
FACTS = ("year", "mileage", "trim", "engine", "body_type", "drive_type", "cylinders", "region")


def sales(count: int, *, seed: int = 0, noise: float = 0.3, gaps: float = 0.1) -> pd.DataFrame:
    """Return a sale frame: a car loses 8 % a year and 30 % with 100,000 miles; a GT is worth a quarter more."""
    rng = np.random.default_rng(seed)
    ids = rng.choice(list(MODELS), count, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    age, miles = rng.integers(0, 24, count), np.round(rng.uniform(1, 180_000, count))
    trim = rng.choice(["GT Premium", "SE", "base model"], count)
    worth = np.array([MODELS[each][1] for each in ids]) * 0.92**age * 0.7 ** (miles / 100_000)
    worth = np.where(trim == "GT Premium", worth * 1.25, worth)
    frame = pd.DataFrame(
        {
            "make_model_id": ids,
            "make": [MODELS[each][0] for each in ids],
            "model": [each.partition("/")[2] for each in ids],
            "year": TODAY.year - age.astype(float),
            "mileage": miles,
            "trim": trim,
            "engine": rng.choice(["2.0L 4-cyl. Turbo", "V8 5.0", "2,0 TDI"], count),
            "body_type": rng.choice(["Coupe", "4dr Sedan"], count),
            "cylinders": rng.choice([4.0, 8.0], count),
            "drive_type": rng.choice(["RWD", "4 X 4", "unknown"], count),
            "title": "",
            "region": rng.choice(["336", "100", "T6J"], count),
            "state": None,
            "source": "shop",
            "item_id": [f"i{number:06}" for number in range(count)],
            "vehicle_id": None,
            "seller_hash": "s",
            "price": np.round(worth * np.exp(noise * rng.standard_normal(count)), 2),
            "currency": "USD",
            "sold_on": pd.Timestamp(TODAY) - pd.to_timedelta(rng.integers(0, 700, count), unit="D"),
            "sold_precision": "day",
            "basis": "sold",
        }
    )
    for fact in FACTS:
        frame[fact] = frame[fact].where(rng.random(count) >= gaps)
    return frame
