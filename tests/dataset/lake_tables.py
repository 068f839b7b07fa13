"""A lake in memory, for what reads many tables: cars come, change their names and go, night after night."""

from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from autodetect.dataset.training_set import TrainingSet, choose_training_set
from autodetect.lake.schemas import (
    CLASSES,
    LISTING_PHOTOS,
    LISTINGS,
    MAKE_MODELS,
    PHOTOS,
    SNAPSHOTS,
    TABLES,
    VEHICLES,
    Table,
)
from autodetect.lake.tables import rows_of
from autodetect.photos.vehicles import SPLIT_BLOCK
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)
MODELS = {"edsel/ranger": "unlisted"}


class Tables:
    """A lake in memory: rows by table, `night` after night, and a person's file of `answers`."""

    def __init__(self, answers: Path | None = None) -> None:
        self.answers = answers
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        self.before: str | None = None
        self.night = NIGHT

    def add_cars(self, model: str, count: int, *, photos: int = 2, sellers: int = 1) -> None:
        known = sum(row["item_id"].startswith(f"{model}#") for row in self.rows[LISTINGS.name])
        for number in range(known, known + count):
            item_id = f"{model}#{number:03d}"
            key = {"source": "sandbox", "item_id": item_id}
            listing = {"status": "active", "make_model_id": model, "catalog_reason": MODELS.get(model, "exact")}
            self.rows[LISTINGS.name].append({**key, **listing, "seller_hash": f"s{number % sellers}"})
            split = SPLIT_BLOCK[number % len(SPLIT_BLOCK)]
            self.rows[VEHICLES.name].append({**key, "vehicle_id": f"v {item_id}", "split": split, "burned": False})
            for position in range(photos):
                sha256 = f"{item_id} {position}"
                self.rows[LISTING_PHOTOS.name].append({**key, "position": position, "sha256": sha256})
                self.rows[PHOTOS.name].append({"sha256": sha256, "verdict": "ok", "copy_group": sha256})
        if model not in {row["make_model_id"] for row in self.rows[MAKE_MODELS.name]}:
            self._name(model)

    def change(self, table: Table, **values: Any) -> dict[str, Any]:
        """Change the first row whose `item_id` or `sha256` is `of`."""
        wanted = values.pop("of")
        (row, *_) = (row for row in self.rows[table.name] if wanted in (row.get("item_id"), row.get("sha256")))
        row |= values
        return row

    def read(self, table: Table, *, columns: list[str] | None = None, where: Any = None) -> pa.Table:
        rows = rows_of(table, self.rows[table.name])
        return (rows if where is None else rows.filter(where)).select(columns or table.schema.names)

    def choose(self, **dataset: Any) -> TrainingSet:
        """Choose tonight's training set, keep it, and let the next night begin."""
        settings = Settings(dataset=dataset, catalog={"answers": str(self.answers or "catalog.toml")})
        chosen = choose_training_set(self.read, settings, night=self.night, before=self.before)
        changed = {row["class_id"] for row in chosen.changed}
        kept = [row for row in self.rows[CLASSES.name] if row["class_id"] not in changed]
        self.rows[CLASSES.name] = [*kept, *chosen.changed]
        if chosen.shot.snapshot_id not in {row["snapshot_id"] for row in self.rows[SNAPSHOTS.name]}:
            self.rows[SNAPSHOTS.name] += chosen.shot.rows.to_pylist()
        self.before, self.night = chosen.shot.snapshot_id, self.night + timedelta(1)
        return chosen

    def models(self) -> dict[str, str]:
        """Item id -> make_model_id, of the listings that have one."""
        return {row["item_id"]: row["make_model_id"] for row in self.rows[LISTINGS.name] if row["make_model_id"]}

    def rename(self, items: Collection[str], model: str | None) -> None:
        """Let the catalogue decide that these listings show another model, or none."""
        for row in self.rows[LISTINGS.name]:
            if row["item_id"] in items:
                row["make_model_id"] = model
        if model and model not in {row["make_model_id"] for row in self.rows[MAKE_MODELS.name]}:
            self._name(model)

    def of(self, model: str) -> list[str]:
        """Item ids of a model."""
        return sorted(item for item, its in self.models().items() if its == model)

    def _name(self, model: str) -> None:
        make, name = model.split("/")
        self.rows[MAKE_MODELS.name].append({"make_model_id": model, "make": make.title(), "model": name.title()})
