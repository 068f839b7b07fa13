"""Claim: judging every table of a night takes less than a tenth of a night that brought more than 1,000 new rows."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from autodetect.lake.schemas import TABLES, Table
from autodetect.records import Receipt
from autodetect.settings import Settings
from autodetect.validation.check import check
from autodetect.validation.docs import open_context
from autodetect.validation.drift import drift_suite
from autodetect.validation.profile import night_profiles
from autodetect.validation.rule import Judged
from autodetect.validation.stages import crawled, curated, priced, trained
from autodetect.validation.suites.listings import listing_suite
from autodetect.validation.suites.photos import photo_suite
from benchmarks.rounds import Case, timed
from benchmarks.table import Table as Result

LISTINGS = 2_700  # of a first recorded night
MODELS = 100
NIGHT = date(2026, 11, 2)
ROUNDS = 3
GOAL = 0.1
STAGES = 3  # that judge, each in a process of its own: curate, train, price
RECORDED_NIGHT_S = 150.0  # crawl to report, of the recorded night with 1,092 new listings and 1,073 new photos, 2 cores


def run() -> Result:
    """Judge one night's tables: all suites in one context, beside a checkpoint each, as is usual."""
    suites = tables(LISTINGS)
    rules = sum(len(suite.rules) for suite, _ in suites)
    imported = imports()
    with tempfile.TemporaryDirectory() as folder:
        rows = timed(
            (
                Case("all suites, pages built once", "ours", in_turn(suites, Path(folder, "ours"), check_all)),
                Case("a checkpoint for each suite", "peer", in_turn(suites, Path(folder, "peer"), check_each)),
            ),
            rounds=ROUNDS,
        )
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        check_all(suites, Path(folder))
    judging = time.process_time() - started
    share = (judging + STAGES * imported) / RECORDED_NIGHT_S
    verdict = "kept" if share < GOAL else "NOT kept"
    return Result(
        name="validation",
        claim=f"Judging all tables of a night of {LISTINGS:,} new listings takes less than a tenth of the night.",
        rows=rows,
        notes=(
            f"{len(suites)} suites, {rules} rules; every listing with a photo, an embedding and a vehicle",
            f"CPU seconds (a busy machine adds none): {judging:.1f} to judge and {STAGES} x {imported:.1f} to import",
            f"together {share:.1%} of a recorded night of {RECORDED_NIGHT_S:.0f} s: {verdict}",
            "what a night really took stands in its receipts, run.validation_seconds",
        ),
        packages=("great-expectations", "pandas", "pyarrow"),
    )


def imports() -> float:
    """Return the CPU seconds that importing Great Expectations adds in a fresh process that has pandas."""
    program = (
        "import time, pandas, pyarrow; t = time.process_time(); from autodetect.validation.docs import open_context"
    )
    program += "; import sys; from pathlib import Path; open_context(Path(sys.argv[1])); print(time.process_time() - t)"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True)
    return float(done.stdout)


def in_turn(
    suites: Sequence[Judged], docs: Path, judge: Callable[[Sequence[Judged], Path], object]
) -> Callable[[], None]:
    """Return the work of a round: judge into a folder that no other round wrote to."""

    def work() -> None:
        judge(suites, docs / str(time.monotonic_ns()))

    return work


def check_all(suites: Sequence[Judged], docs: Path) -> None:
    """Do as the stages do."""
    outcome = check(suites, docs=docs, run_name=NIGHT.isoformat())
    assert outcome.findings == (), [finding.words for finding in outcome.findings]


def check_each(suites: Sequence[Judged], docs: Path) -> None:
    """Judge each suite in a checkpoint of its own that updates the Data Docs."""
    gx, context = open_context(docs)
    source = context.data_sources.add_pandas("lake")
    for suite, frame in suites:
        made = gx.ExpectationSuite(name=suite.table)
        for rule in suite.rules:
            made.add_expectation(getattr(gx.expectations, rule.expectation)(**rule.arguments))
        batch = source.add_dataframe_asset(suite.table).add_batch_definition_whole_dataframe("night")
        definition = gx.ValidationDefinition(name=suite.table, data=batch, suite=context.suites.add(made))
        context.validation_definitions.add(definition)
        checkpoint = gx.Checkpoint(
            name=suite.table,
            validation_definitions=[definition],
            actions=[gx.checkpoint.UpdateDataDocsAction(name="docs", site_names=["night"])],
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": list(suite.key)},
        )
        context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})


def tables(count: int) -> list[Judged]:
    """Return all suites of a night with `count` new listings, each beside rows that break none."""
    rng = np.random.default_rng(0)
    made = {each: _rows(each, count, rng) for each in TABLES.values()}
    by_name = {each.name: each for each in made}
    empty = {each: each.schema.empty_table() for each in made}
    night = {name: made[by_name[name]] for name in TABLES}
    settings = Settings()
    written = {by_name[name]: night[name] for name in ("listings", "make_models", "photos", "embeddings", "vehicles")}
    facts = night["listings"].to_pandas().assign(sighting="asking", kind="asking", postal_code="10001")
    facts["any_price"] = facts["asking_price"]
    for name in ("price", "year", "mileage"):
        facts[f"{name}_unreadable"] = False
    photos = pd.DataFrame({"sha256": night["photos"]["sha256"].to_pandas(), "short_side": 240.0, "contrast": 50.0})
    photos["defect"] = pd.Series([None] * count, dtype="object")
    profiles = night_profiles(facts, photos, [], night=NIGHT)
    before = [each.model_copy(update={"night": date(2026, 11, 1)}) for each in profiles]
    return [
        *crawled(made, night=NIGHT),
        (listing_suite(NIGHT), facts),
        (photo_suite(settings), photos),
        *curated(written, read=made, known=empty, refusals=[], night=NIGHT, settings=settings),
        *(pair for each in profiles if (pair := drift_suite(each, before, settings.validation))[0].rules),
        *trained(
            {by_name[name]: night[name] for name in ("classes", "snapshots")},
            known={**made, by_name["classes"]: empty[by_name["classes"]]},
        ),
        *priced({by_name[name]: night[name] for name in ("prices", "offers")}, known=made, settings=settings.prices),
    ]


def _rows(table: Table, count: int, rng: np.random.Generator) -> pa.Table:
    """Return made-up rows: one for each listing, or for each model where a table is about models."""
    of_models = {"make_models", "classes", "prices"}
    number = {"slices": 1, "nights": 1, "quarantine": 30}.get(table.name, MODELS if table.name in of_models else count)
    return pa.Table.from_pylist([_row(table, n, rng) for n in range(number)], schema=table.schema)


def _row(table: Table, n: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return everything that some table may ask of row `n`; each takes its own columns."""
    model = f"make/model-{n % MODELS}"
    receipt = Receipt(night=NIGHT, stage="crawl", run_id="r")
    every: dict[str, Any] = {
        "source": "sandbox",
        "item_id": str(n),
        "kind": "asking",
        "observed_on": NIGHT,
        "precision": "day",
        "night": NIGHT,
        "mileage_unit": "mi",
        "vin": "",
        "permission": "",
        "slice": "all",
        "state": "done",
        "announced": 1,
        "found": 1,
        "position": 0,
        "sha256": f"{n:064x}",
        "copy_group": f"{n:064x}",
        "verdict": "ok",
        "bytes": 9_000,
        "width": 340,
        "height": 240,
        "phash": n,
        "thumbnail": b"t",
        "make_model_id": model,
        "make": "Make",
        "model": str(n),
        "year": 2012,
        "mileage": int(rng.integers(0, 200_000)),
        "country": "US",
        "postal_code": "10001",
        "asking_price": float(rng.integers(500, 90_000)),
        "price": 9_000.0,
        "currency": "USD",
        "status": "active",
        "first_seen": NIGHT,
        "last_seen": NIGHT,
        "missed": 0,
        "vehicle_id": f"v{n}",
        "split": "train",
        "burned": False,
        "tied_by": "alone",
        "snapshot_id": "s",
        "class_id": n % MODELS,
        "label": model,
        "basis": "sold",
        "count": 9,
        **dict.fromkeys(("low", "q1", "median", "q3", "high", "mean"), 9_000.0),
        "window_start": NIGHT,
        "window_end": NIGHT,
        "table": "crawl.page",
        "key": str(n),
        "rule": "crawl.timeout",
        "effect": "refused",
        "stage": "crawl",
        "run_id": "r",
        "digest": f"{n:064x}",
        **dict.fromkeys(("backbone", "preprocessing", "engine", "view"), "x"),
    }
    if table.name == "embeddings":
        every["vector"] = rng.normal(size=2_048).astype(np.float16).tobytes()
    if table.name == "nights":
        finished = datetime(2026, 11, 2, tzinfo=UTC)
        every |= {"receipt": receipt.model_dump_json(), "digest": receipt.digest, "finished_at": finished}
    columns = [name for name in table.schema.names if name in every]
    text = {field.name for field in table.schema if field.type == pa.string()}
    return {name: str(every[name]) if name in text else every[name] for name in columns}


if __name__ == "__main__":
    print(run().as_text())
