"""Nights of the price stage alone, on listings that a test invents."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

from autodetect.lake.lake import open_lake
from autodetect.lake.receipts import END
from autodetect.lake.schemas import LISTINGS, MAKE_MODELS, VEHICLES
from autodetect.lake.tables import rows_of, upsert_all
from autodetect.prices.stage import price
from autodetect.records import Receipt, StageRun, Verdict, canonical_json
from autodetect.settings import Settings

Row = dict[str, Any]
CARS = {"ford/focus": ("Ford", "Focus", 20_000), "kia/rio": ("Kia", "Rio", 9_000), "audi/tt": ("Audi", "TT", 40_000)}


class PricedNights:
    """A lake in which curation and export are made up, and the price stage is real."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.settings = Settings(lake=str(folder / "lake"), work=str(folder / "work"), **settings)
        self.lake = open_lake(self.settings, create=True)
        names = ({"make_model_id": id_, "make": car[0], "model": car[1], "night": None} for id_, car in CARS.items())
        upsert_all(self.lake.tables, {MAKE_MODELS: rows_of(MAKE_MODELS, names)})

    def run(self, night: date, listings: Iterable[Row], *, verdict: Verdict = Verdict.PUBLISHED) -> Receipt:
        """Price a night whose listings are these and those of the nights before; it ends with `verdict`."""
        rows = [{"source": "sandbox", "night": night, "currency": "USD", **row} for row in listings]
        vehicles = ({**row, "vehicle_id": f"v{row['item_id']}", "split": "train", "burned": False} for row in rows)
        written = {LISTINGS: rows_of(LISTINGS, rows), VEHICLES: rows_of(VEHICLES, vehicles)}
        versions, _ = upsert_all(self.lake.tables, written)
        versions[MAKE_MODELS.name] = self.lake.tables.version(MAKE_MODELS)
        # The released model may be older than the tables: its class map says what it answers, and by which labels.
        entry = {
            "output": 0,
            "class_id": 7,
            "make_model_id": "ford/focus",
            "label": "Ford Focus (old)",
            "answers": True,
        }
        files = {"classes": self.lake.artifacts.put(canonical_json([entry]))}
        facts = {"class_map_digest": "c" * 64}
        inputs = {
            "curate": Receipt(night=night, stage="curate", run_id="r", versions=versions),
            "export": Receipt(night=night, stage="export", run_id="r", files=files, facts=facts),
        }
        now = datetime(night.year, night.month, night.day, tzinfo=UTC)
        earlier = self.lake.receipts.before(night)
        run = StageRun(night=night, run_id="r", now=now, inputs=inputs, earlier=earlier)
        receipt = price(self.settings, self.lake, run, work=self.folder / "work", docs=self.folder / "docs")
        self.lake.receipts.commit(receipt, now)
        self.lake.receipts.commit(run.receipt(END, facts={"verdict": verdict}), now)
        return receipt

    def sqlite(self, receipt: Receipt) -> Path:
        """The SQLite file that the night made."""
        return self.lake.artifacts.fetch(receipt.files["autodetect.sqlite"], self.folder / f"{receipt.night}.sqlite")


def sales(count: int, night: date, *, seed: int = 0, first: int = 0, nonsense: bool = False) -> list[Row]:
    """Sales of the last year in which a car loses a tenth a year; `nonsense` ones ask anything for any car."""
    rng = Random(f"{seed}/{first}")
    rows = []
    for number in range(first, first + count):
        id_, age = rng.choice(sorted(CARS)), rng.randrange(15)
        worth = rng.uniform(500, 60_000) if nonsense else CARS[id_][2] * 0.9**age * rng.lognormvariate(0, 0.15)
        rows.append({
            "item_id": f"sale-{number:05}", "make_model_id": id_, "status": "sold", "sold_price": round(worth, 2),
            "sold_on": date.fromordinal(night.toordinal() - rng.randrange(1, 300)), "sold_precision": "day",
            "year": night.year - age, "mileage": 11_000 * age + 500, "seller_hash": f"s{rng.randrange(50)}",
        })  # fmt: skip
    return rows


def offer(item_id: str, price: float, night: date, **facts: Any) -> Row:
    """A Focus of ten years that is up tonight in Tampa."""
    row = {"item_id": item_id, "make_model_id": "ford/focus", "status": "active", "asking_price": price, "missed": 0}
    row |= {"first_seen": night, "last_seen": night, "year": night.year - 10, "mileage": 110_000}
    return row | {"postal_code": "33602", "region": "336", "country": "US"} | facts
