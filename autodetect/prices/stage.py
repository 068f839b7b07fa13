"""The price stage: tonight's prices, values and offers, as rows of the lake and as the files that a release carries."""

import json
import logging
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.coreml.outputs import Output
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import ASKING_PRICES, CLASSES, LISTINGS, MAKE_MODELS, OFFERS, PRICES, Table
from autodetect.lake.tables import table_digest
from autodetect.prices.curves import valuation_curves
from autodetect.prices.files import PriceFiles, write_price_files
from autodetect.prices.history import HEADLINE, changed_prices, listing_histories, model_history
from autodetect.prices.judged.rating import RATINGS
from autodetect.prices.judged.shipped_sales import shipped_sales
from autodetect.prices.judged.watch import ERROR
from autodetect.prices.listed import listed
from autodetect.prices.offers import advertised, offers_table, with_histories
from autodetect.prices.table.price_table import PriceTable, price_table
from autodetect.prices.valued import Valued, valued
from autodetect.records import Receipt, StageRun, canonical_json
from autodetect.settings import Settings
from autodetect.validation.check import check
from autodetect.validation.stages import priced

CURVES = "valuation_curves"  # of the receipt's files: for the report, not for the release

log = logging.getLogger(__name__)


def price(settings: Settings, lake: Lake, run: StageRun, *, work: Path, docs: Path) -> Receipt:
    """Compute prices and offers of every make and model (a model needs no class to have a price) and value the offers.

    Args:
        settings: `prices`, `valuation`, `seed`.
        lake: reads `listings`, `vehicles`, `make_models`, `asking_prices` and earlier `prices`; writes `prices`,
            `offers`, `asking_prices` and artifacts.
        run: the export receipt of tonight names the class map of the released model, which the files carry.
        work: local scratch folder.
        docs: the folder of tonight's Data Docs, which gain the suites of the tables.
    """

    def read(table: Table, **wanted: Any) -> pa.Table:
        return lake.tables.read(table, version=run.versions.get(table.name, 0), **wanted)

    make_models = read(MAKE_MODELS)
    names = make_models.to_pandas()
    listings = listed(lake, run.versions)
    made = price_table(listings, names, night=run.night, settings=settings.prices)
    worth = valued(made.judged, names, night=run.night, earlier=lake.receipts.all(), settings=settings)
    offered = advertised(made.judged["asking"])
    values = worth.offered(offered, names, max_interval_ratio=settings.valuation.max_interval_ratio)
    known = read(ASKING_PRICES, where=_before(run))
    offers, changed = _offers(offered, values, known, run.night)
    written = {PRICES: made.rows, OFFERS: offers, ASKING_PRICES: changed}
    outcome = check(
        priced(
            written,
            known={MAKE_MODELS: make_models, LISTINGS: read(LISTINGS, columns=["source", "item_id", "status"])},
            settings=settings.prices,
        ),
        docs=docs,
        run_name=run.night.isoformat(),
    )
    export = run.inputs["export"]
    headlines = (pc.field("year_band") == "") & (pc.field("region") == "")
    history = read(PRICES, where=_before(run) & headlines, columns=list(HEADLINE))
    files = write_price_files(
        work / "prices",
        night=run.night,
        prices=made.rows,
        offers=offers,
        sales=_sales(worth, settings),
        history=model_history(pa.concat_tables([history, made.rows.select(HEADLINE)]), settings.prices.history_nights),
        valuation=worth.model.tables() if worth.model else {},
        make_models=make_models,
        classes=_classes(lake, export.files["classes"]),
        class_map_digest=export.facts["class_map_digest"],
    )
    return run.receipt(
        "price",
        versions=_write(lake, written, run.night),
        outputs={table.name: table_digest(table, rows) for table, rows in written.items()},
        files=_keep(lake, files, worth, run),
        counts=_counts(made, offers, worth, rules=outcome.rules),
        facts={
            "funnel": {basis: dict(counts) for basis, counts in made.funnel.items()},
            "valuation": {
                "basis": worth.cars.basis,
                "priced_cars": len(worth.cars.frame),
                "words": worth.cars.words,
                "terms": len(worth.model.terms) if worth.model else 0,
            },
            "evaluation": worth.evaluation.model_dump(mode="json"),
            "error": worth.error.model_dump(mode="json", exclude={"record"}),
            ERROR: worth.error.record.model_dump(mode="json") if worth.error.record else None,
            "held": [*outcome.held, *worth.error.held],
            "held_words": [worth.error.words] if worth.error.held else [],
            "warned": [*outcome.warned, *worth.error.warned],
        },
        run={"validation_seconds": outcome.seconds},
    )


def _sales(worth: Valued, settings: Settings) -> pa.Table:
    """Return the sales that the release carries; asking prices are there as offers."""
    frame = worth.cars.frame if worth.cars.basis == "sold" else worth.cars.frame.iloc[:0]
    return pa.Table.from_pandas(shipped_sales(frame, settings.prices.sales_per_model), preserve_index=False)


def _before(run: StageRun) -> pc.Expression:
    return pc.field("night") < run.night


def _offers(offered: pd.DataFrame, values: pd.DataFrame, known: pa.Table, night: date) -> tuple[pa.Table, pa.Table]:
    """Return tonight's offers, and the rows of `asking_prices` that they add to the `known` ones."""
    offers = offers_table(offered, values, night=night)
    changed = changed_prices(offers, known)
    return with_histories(offers, listing_histories(pa.concat_tables([known, changed]))), changed


def _write(lake: Lake, written: Mapping[Table, pa.Table], night: date) -> dict[str, int]:
    """Replace the night's rows; return the versions that hold them."""
    only = f"night = '{night.isoformat()}'"
    return {table.name: lake.tables.replace(table, rows, only) for table, rows in written.items()}


def _keep(lake: Lake, files: PriceFiles, worth: Valued, run: StageRun) -> dict[str, str]:
    """Keep the release's files and the curves that the report draws; return their digests by name."""
    kept = {path.name: lake.artifacts.put_file(path) for path in (files.prices, files.offers, files.sqlite)}
    if worth.model is not None:
        curves = valuation_curves(worth.model, worth.cars.frame, as_of=run.night)
        kept[CURVES] = lake.artifacts.put(canonical_json(curves.model_dump(mode="json")))
    return kept


def _counts(made: PriceTable, offers: pa.Table, worth: Valued, *, rules: int) -> dict[str, int]:
    headlines = made.rows.filter(pc.and_(pc.equal(made.rows["year_band"], ""), pc.equal(made.rows["region"], "")))
    by_basis = Counter(headlines.filter(pc.is_valid(headlines["median"]))["basis"].to_pylist())
    ratings = Counter(offers["rating"].to_pylist())
    log.info(
        "price: %d models with a sold price, %d with an asking price; %s",
        by_basis["sold"],
        by_basis["asking"],
        worth.error.words,
    )
    return {
        "models": pc.count_distinct(made.rows["make_model_id"]).as_py(),
        "prices_sold": by_basis["sold"],
        "prices_asking": by_basis["asking"],
        "price_rows": made.rows.num_rows,
        "offers": offers.num_rows,
        "offers_placed": offers.num_rows - offers["latitude"].null_count,
        "offers_valued": offers.num_rows - offers["value"].null_count,
        **{f"offers_{rating.replace(' ', '_')}": ratings[rating] for rating in RATINGS},
        "rules_judged": rules,
    }


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
