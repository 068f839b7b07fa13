"""A release of invented prices: Mustangs and Focuses that lose a tenth of their worth a year, and offers in Tampa."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from autodetect.classifier.champion import class_map_digest
from autodetect.lake.objects import LocalStore
from autodetect.lake.schemas import LISTINGS, OFFERS
from autodetect.prices.files import SALES, write_price_files
from autodetect.prices.judged.sales import sale_frame
from autodetect.prices.judged.shipped_sales import shipped_sales
from autodetect.prices.table.comparables import judge
from autodetect.prices.table.price_table import price_table
from autodetect.prices.valuation.fit import fit
from autodetect.release.layout import media_type
from autodetect.release.publish import publish
from autodetect.release.upload import ReleaseFile
from autodetect.sections import PriceSettings, ValuationSettings
from tests.release.sample import CLASSES, KEY, NOW, facts

NIGHT = date(2026, 3, 14)
MUSTANG, FOCUS = "ford/mustang", "ford/focus"
MODELS = pd.DataFrame(
    {"make_model_id": [MUSTANG, FOCUS], "make": ["Ford", "Ford"], "model": ["Mustang", "Focus"]},
)
NEW = {MUSTANG: 40_000.0, FOCUS: 20_000.0}
TAMPA = {"postal_code": "33602", "region": "336", "country": "US", "latitude": 27.95, "longitude": -82.46}


def listings() -> pd.DataFrame:
    """Return 600 sales: prices fall by a tenth a year and with every mile, and differ a little at random."""
    rng = np.random.default_rng(7)
    rows = []
    for n in range(600):
        model = MUSTANG if n % 3 else FOCUS
        year, mileage = int(rng.integers(2000, 2026)), int(rng.integers(5_000, 150_000))
        worth = NEW[model] * 0.9 ** (2026 - year) * 0.85 ** (mileage / 50_000) * np.exp(0.15 * rng.normal())
        row = {"source": "shop", "item_id": f"{n:04}", "make_model_id": model, "currency": "USD", "status": "sold"}
        row |= {"sold_price": round(worth), "sold_on": date(2026, 1 + n % 3, 1), "sold_precision": "day"}
        row |= {"year": year, "mileage": mileage, "body_type": "Coupe", "seller_hash": f"seller {n % 50}"}
        rows.append(row | {"region": f"{n % 8}36"})
    frame = pa.Table.from_pylist(rows, schema=LISTINGS.schema).to_pandas()
    return frame.assign(vehicle_id=[f"v{n}" for n in range(600)], state="US-FL")


def offers() -> pa.Table:
    """Return seven Mustangs on offer in Tampa, and one nowhere."""
    common = {"night": NIGHT, "source": "shop", "make_model_id": MUSTANG, "currency": "USD", "rating": "good"}
    rows: list[dict[str, Any]] = [
        common | TAMPA | {"item_id": f"o{n}", "price": 15_000.0 + 1_000 * n, "title": f"Mustang {n}"} for n in range(7)
    ]
    rows = [row | {"place_precision": "code", "url": f"https://shop/{row['item_id']}"} for row in rows]
    return pa.Table.from_pylist([*rows, common | {"item_id": "lost", "price": 9_000.0}], schema=OFFERS.schema)


@cache
def _made() -> dict[str, Any]:
    frame, settings = listings(), PriceSettings()
    sales = sale_frame(judge(frame, MODELS["make_model_id"], "sold", night=NIGHT, settings=settings), MODELS)
    shipped = shipped_sales(sales, settings.sales_per_model)
    return {
        "prices": price_table(frame, MODELS, night=NIGHT, settings=settings).rows,
        "sales": pa.Table.from_pandas(shipped, schema=SALES, preserve_index=False),
        "valuation": fit(sales, as_of=NIGHT, settings=ValuationSettings(), seed=0).tables(),
    }


def publish_prices(store: LocalStore, folder: Path, *, valued: bool = True) -> None:
    """Publish the price files; without a valuation where it is not `valued`."""
    made = _made() | ({} if valued else {"valuation": None})
    files = write_price_files(
        folder,
        night=NIGHT,
        offers=offers(),
        make_models=pa.Table.from_pandas(MODELS),
        classes=pa.table({"class_id": [7], "make_model_id": [MUSTANG], "label": ["Ford Mustang"]}),
        class_map_digest=class_map_digest(CLASSES),
        **made,
    )
    released = [ReleaseFile(path.name, path, media_type(path.name)) for _, path in files]
    publish(store, released, facts(night=NIGHT, warnings=()), NOW, key=KEY)
