"""The generated marketplace's `sold.csv`: sales of the last three years with their natural dirt."""

import random

from crawlers.sandbox.making.dirt import JUNK_MILEAGES, JUNK_PRICES, JUNK_YEARS, count
from crawlers.sandbox.making.models import TradedModel
from crawlers.sandbox.making.vehicles import make_vehicle

SALES_A_MODEL = 60
YEARS_BACK = 3
SOLD_TO_ASKED = 0.9  # what a car fetches, as a share of what was asked
JUNK_SHARE = 0.01  # each of junk price, mileage and year
MASKED_ZIP_SHARE = 0.08
EMPTY_FIELD_SHARE = 0.10
MISSPELT_SHARE = 0.06
OTHER_SHARE = 0.02  # whose seller chose the model 'Other'


def make_sales(models: tuple[TradedModel, ...], *, last_year: int, rng: random.Random) -> list[dict[str, str]]:
    """Rows of `sold.csv`, about `SALES_A_MODEL` for each model.

    Args:
        models: the models that are traded.
        last_year: the latest year of sale.
        rng: their randomness.
    """
    rows = []
    for model in models:
        for _ in range(SALES_A_MODEL + rng.randint(-6, 6)):
            sold = last_year - rng.choices(range(YEARS_BACK), (2, 3, 2))[0]
            vehicle = make_vehicle(model, 0, late_by=0, nights=1, last_year=sold, rng=rng)
            rows.append({
                "ID": "",
                "pricesold": str(round(vehicle.price * SOLD_TO_ASKED * rng.lognormvariate(0, 0.08), -1)).split(".")[0],
                "yearsold": str(sold),
                "zipcode": vehicle.zipcode,
                "Mileage": str(vehicle.mileage),
                "Make": model.make,
                "Model": model.model,
                "Year": str(vehicle.year),
                "Trim": vehicle.trim,
                "Engine": model.engine,
                "BodyType": model.body_type,
                "NumCylinders": str(model.cylinders),
                "DriveType": model.drive_type,
            })  # fmt: skip
            if rng.random() < MISSPELT_SHARE:
                rows[-1]["Make"], rows[-1]["Model"] = rng.choice(model.misspelt)
    _spread_dirt(rows, rng)
    rng.shuffle(rows)
    for number, row in enumerate(rows, start=rng.randint(10_000, 90_000)):
        row["ID"] = str(number)
    return rows


def _spread_dirt(rows: list[dict[str, str]], rng: random.Random) -> None:
    for column, values in (("pricesold", JUNK_PRICES), ("Mileage", JUNK_MILEAGES), ("Year", JUNK_YEARS)):
        for i, row in enumerate(rng.sample(rows, count(JUNK_SHARE, len(rows)))):
            row[column] = values[i % len(values)]
    for row in rng.sample(rows, count(MASKED_ZIP_SHARE, len(rows))):
        row["zipcode"] = f"{row['zipcode'][:3]}**"
    for row in rng.sample(rows, count(EMPTY_FIELD_SHARE, len(rows))):
        row[rng.choice(("zipcode", "Trim", "Engine", "BodyType", "DriveType"))] = ""
    for row in rng.sample(rows, count(OTHER_SHARE, len(rows))):
        row["Model"] = "Other"
