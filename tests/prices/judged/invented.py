"""Invented sales, and a valuation simple enough to be checked by hand: the middle price of a model's age band."""

from datetime import date

import numpy as np
import pandas as pd

from autodetect.prices.judged.sales import CAR_COLUMNS
from autodetect.sections import ValuationSettings

TODAY = date(2026, 3, 14)
SETTINGS = ValuationSettings(min_sales=100)
MODELS = {
    "ford/mustang": ("Ford", "Mustang", 20_000),
    "audi/tt": ("Audi", "TT", 12_000),
    "kia/rio": ("Kia", "Rio", 5_000),
}


def sales(count: int = 400, *, seed: int = 0, noise: float = 0.2, precision: str = "day") -> pd.DataFrame:
    """Return a sale frame in which a car loses a tenth a year, but for noise."""
    rng = np.random.default_rng(seed)
    ids = rng.choice(list(MODELS), count)
    age = rng.integers(0, 15, count)
    new = np.array([MODELS[each][2] for each in ids], float)
    days = pd.Timestamp(TODAY) - pd.to_timedelta(rng.integers(0, 1000, count), unit="D")
    begins = {"day": days, "year": days.to_period("Y").to_timestamp(), "month": days.to_period("M").to_timestamp()}
    return pd.DataFrame(
        {
            **dict.fromkeys(CAR_COLUMNS),
            "make_model_id": ids,
            "make": [MODELS[each][0] for each in ids],
            "model": [MODELS[each][1] for each in ids],
            "year": TODAY.year - age.astype(float),
            "mileage": age * 12_000.0,
            "source": "shop",
            "item_id": [f"i{number:05}" for number in range(count)],
            "vehicle_id": [f"v{number:05}" for number in range(count)],
            "seller_hash": "s",
            "price": np.round(new * 0.9**age * np.exp(noise * rng.standard_normal(count)), 2),
            "currency": "USD",
            "sold_on": begins[precision],
            "sold_precision": precision,
            "basis": "sold",
        }
    )


class MiddleOfBand:
    """A valuation: the middle price of the same model and five years of age; its interval is a quarter to either side.

    `asked` are the cars that it was asked about, `trained` the sales that it was made from.
    """

    def __init__(self, sales: pd.DataFrame, as_of: date) -> None:
        self.trained, self.as_of, self.asked = sales, as_of, sales.iloc[:0]
        self._bands = sales["price"].groupby([sales["make_model_id"], sales["year"] // 5]).median()

    def value(self, cars: pd.DataFrame) -> pd.DataFrame:
        self.asked = cars
        keys = pd.MultiIndex.from_arrays([cars["make_model_id"], cars["year"] // 5])
        value = self._bands.reindex(keys).to_numpy(float)
        return pd.DataFrame({"value": value, "low": value / 1.25, "high": value * 1.25}, index=cars.index)


class Fits:
    """Fits valuations, and remembers them."""

    def __init__(self) -> None:
        self.made: list[MiddleOfBand] = []

    def __call__(self, sales: pd.DataFrame, *, as_of: date, settings: ValuationSettings, seed: int) -> MiddleOfBand:
        self.made.append(MiddleOfBand(sales, as_of))
        return self.made[-1]
