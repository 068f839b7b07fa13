"""The price stage: tonight's price and offer tables, as rows of the lake and as the files that a release carries."""

import json
import logging
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.coreml.outputs import Output
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import CLASSES, LISTINGS, MAKE_MODELS, OFFERS, PRICES, VEHICLES, Table
from autodetect.lake.tables import upsert_all
from autodetect.prices.files import write_price_files
from autodetect.prices.offers import offers_table
from autodetect.prices.table import price_table
from autodetect.records import Receipt, StageRun
from autodetect.settings import Settings
from autodetect.validation.check import check
from autodetect.validation.stages import priced

log = logging.getLogger(__name__)


def price(settings: Settings, lake: Lake, run: StageRun, *, work: Path, docs: Path) -> Receipt:
    """Compute prices and offers of every make and model; a model needs no class to have a price.

    Args:
        settings: `prices`.
        lake: reads `listings`, `vehicles`, `make_models`; writes `prices`, `offers` and three artifacts.
        run: the export receipt of tonight names the class map of the released model, which the files carry.
        work: local scratch folder.
        docs: the folder of tonight's Data Docs, which gain the suites of both tables.
    """

    def read(table: Table) -> pa.Table:
        return lake.tables.read(table, version=run.versions.get(table.name, 0))

    make_models = read(MAKE_MODELS)
    listed = read(LISTINGS)
    listings = listed.to_pandas()
    vehicles = read(VEHICLES).select(["source", "item_id", "vehicle_id"]).to_pandas()
    listings = listings.merge(vehicles, on=["source", "item_id"], how="left", validate="one_to_one")
    made = price_table(listings, make_models.to_pandas(), night=run.night, settings=settings.prices)
    offers = offers_table(listings, night=run.night, settings=settings.prices)
    written = {PRICES: made.rows, OFFERS: offers}
    outcome = check(
        priced(written, known={MAKE_MODELS: make_models, LISTINGS: listed}, settings=settings.prices),
        docs=docs,
        run_name=run.night.isoformat(),
    )
    export = run.inputs["export"]
    files = write_price_files(
        work / "prices",
        night=run.night,
        prices=made.rows,
        offers=offers,
        make_models=make_models,
        classes=_classes(lake, export.files["classes"]),
        class_map_digest=export.facts["class_map_digest"],
    )
    versions, outputs = upsert_all(lake.tables, written)
    figures = made.rows.filter(pc.is_valid(made.rows["median"]))
    by_basis = Counter(figures["basis"].to_pylist())
    log.info("price: %d models with a sold price, %d with an asking price", by_basis["sold"], by_basis["asking"])
    return run.receipt(
        "price",
        versions=versions,
        outputs=outputs,
        files={
            "prices.parquet": lake.artifacts.put_file(files.prices),
            "offers.parquet": lake.artifacts.put_file(files.offers),
            "autodetect.sqlite": lake.artifacts.put_file(files.sqlite),
        },
        counts={
            "models": len(set(made.rows["make_model_id"].to_pylist())),
            "prices_sold": by_basis["sold"],
            "prices_asking": by_basis["asking"],
            "offers": offers.num_rows,
            "rules_judged": outcome.rules,
        },
        facts={
            "funnel": {basis: dict(counts) for basis, counts in made.funnel.items()},
            "held": outcome.held,
            "warned": outcome.warned,
        },
        run={"validation_seconds": outcome.seconds},
    )


def _classes(lake: Lake, digest: str) -> pa.Table:
    """Return the classes of a released class map.

    The file is read rather than the `classes` table: the released model may be that of an earlier night, whose map
    keeps the labels that its package has.
    """
    entries = [Output.model_validate(entry) for entry in json.loads(lake.artifacts.read(digest))]
    names = ("class_id", "make_model_id", "label")
    return pa.Table.from_pylist(
        [entry.model_dump(include=set(names)) for entry in entries],
        schema=pa.schema([CLASSES.schema.field(name) for name in names]),
    )
