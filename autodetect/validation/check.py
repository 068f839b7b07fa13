"""Run the suites over tonight's tables, name every row that fails, and write the Data Docs."""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autodetect.validation.rules import Rule, Suite

SITE = "night"


@dataclass(frozen=True)
class Finding:
    """A rule that failed: `keys` are the rows (tuples of the suite's key columns) with the value that broke it."""

    table: str
    rule: Rule
    rows: tuple[tuple[tuple[str, ...], str], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What the suites found, how many rules were judged, and where the Data Docs begin."""

    findings: tuple[Finding, ...]
    rules: int
    docs: Path

    @property
    def held(self) -> list[str]:
        """Return the names of the rules for which the night must not be published."""
        return [finding.rule.name for finding in self.findings if finding.rule.effect == "held"]


def check(tables: Iterable[tuple[Suite, pd.DataFrame]], *, docs: Path, run_name: str) -> Outcome:
    """Validate data frames by their suites.

    Args:
        tables: each suite with the frame it judges; the frame has the suite's key columns.
        docs: the folder that receives the Data Docs.
        run_name: the name of this validation in the docs.
    """
    gx = _great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    context.delete_data_docs_site("local_site")
    context.add_data_docs_site(site_name=SITE, site_config=_site(docs))
    source = context.data_sources.add_pandas("lake")
    findings: list[Finding] = []
    rules = 0
    for suite, frame in tables:
        judged = [rule for rule in suite.rules if len(frame) >= rule.min_rows]
        if not judged:
            continue
        rules += len(judged)
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(
                name=suite.table,
                data=source.add_dataframe_asset(suite.table).add_batch_definition_whole_dataframe(run_name),
                suite=context.suites.add(_suite(gx, suite, judged)),
            )
        )
        checkpoint = gx.Checkpoint(
            name=suite.table,
            validation_definitions=[definition],
            actions=[gx.checkpoint.UpdateDataDocsAction(name="docs", site_names=[SITE])],
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": list(suite.key)},
        )
        result = context.checkpoints.add(checkpoint).run(
            batch_parameters={"dataframe": frame}, run_id=gx.RunIdentifier(run_name=run_name)
        )
        for validation in result.run_results.values():
            findings.extend(_findings(suite, judged, validation.results))
    return Outcome(tuple(findings), rules, docs / "index.html")


def _great_expectations() -> Any:
    """Import GX with its telemetry off; it decides at import time."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx

    return gx


def _suite(gx: Any, suite: Suite, rules: Iterable[Rule]) -> Any:
    made = gx.ExpectationSuite(name=suite.table)
    for rule in rules:
        expectation = getattr(gx.expectations, rule.expectation)
        made.add_expectation(expectation(**rule.arguments, meta={"rule": rule.name, "effect": rule.effect}))
    return made


def _findings(suite: Suite, rules: Iterable[Rule], results: Iterable[Any]) -> Iterable[Finding]:
    by_name = {rule.name: rule for rule in rules}
    for result in results:
        if result.success:
            continue
        rule = by_name[result.expectation_config.meta["rule"]]
        if failure := _failure(result.exception_info):
            raise RuntimeError(f"{rule.name} could not be judged: {failure}")
        unexpected = result.result.get("unexpected_index_list") or ()
        rows = [
            (tuple(str(row[name]) for name in suite.key), "" if rule.column is None else str(row.get(rule.column, "")))
            for row in unexpected
        ]
        yield Finding(suite.table, rule, tuple(sorted(rows)))


def _failure(exception_info: Mapping[str, Any]) -> str:
    """Return why GX could not judge; '' when it could. It tells of one failure, or of one for each metric by name."""
    told = [exception_info, *(value for value in exception_info.values() if isinstance(value, Mapping))]
    return "; ".join(str(each.get("exception_message")) for each in told if each.get("raised_exception"))


def _site(folder: Path) -> dict[str, Any]:
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    return {"class_name": "SiteBuilder", "site_index_builder": index, "store_backend": store}
