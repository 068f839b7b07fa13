"""Run suites over tonight's tables with Great Expectations, name every row that fails, and add to the Data Docs.

How a stage uses it, once or more often in a night; every call adds its suites to the same Data Docs:

    outcome = check([(suite, frame), ...], docs=docs, run_name=night.isoformat())
    outcome.findings   # the rules that failed, with the rows that broke them; `of_rows` are those that quarantine
    outcome.held       # rule names: the night must not be published
    outcome.warned     # sentences for summary, report and receipt: nothing stops
    outcome.seconds    # what it took, the import of Great Expectations included: for the receipt's `run`

Suites and their frames come from `validation.stages` (every table a stage reads or writes), `suites.listings` and
`suites.photos` (the frames that curation judges row by row) and `validation.drift` (tonight beside the nights before).
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodetect.validation.docs import build_docs, forget, forget_suite, open_context, run_id
from autodetect.validation.index_page import write_index
from autodetect.validation.rule import OF_ROWS, Judged, Rule, Suite

log = logging.getLogger(__name__)
MOST_NAMED = 3  # rows that a warning names; the Data Docs name all
MOST_SHOWN = 80  # signs of a stranger's text in a warning

Key = tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """A rule that failed: `rows` are the keys (tuples of the suite's key columns) with the value that broke it.

    `words` say what was observed, for people.
    """

    table: str
    rule: Rule
    rows: tuple[tuple[Key, str], ...] = ()
    words: str = ""


@dataclass(frozen=True)
class Outcome:
    """What the suites found, how many rules were judged, where the Data Docs begin, and the seconds it took."""

    findings: tuple[Finding, ...]
    rules: int
    docs: Path
    seconds: float = 0.0

    @property
    def of_rows(self) -> tuple[Finding, ...]:
        """Return the findings that touch rows: refused, nulled, noted."""
        return tuple(finding for finding in self.findings if finding.rule.effect in OF_ROWS)

    @property
    def held(self) -> list[str]:
        """Return the names of the rules for which the night must not be published."""
        return [finding.rule.name for finding in self.findings if finding.rule.effect == "held"]

    @property
    def warned(self) -> list[str]:
        """Return what a person is told, in sentences: the tables that look odd, and why the night is held if it is."""
        return [finding.words for finding in self.findings if finding.rule.effect in {"warned", "held"}]


def check(tables: Iterable[Judged], *, docs: Path, run_name: str) -> Outcome:
    """Validate data frames by their suites.

    Every suite gets its page in the Data Docs, a frame without rows too; a suite none of whose rules can be judged
    loses the page that an earlier run of this night made.

    Args:
        tables: each suite with the frame it judges; the frame has the suite's key columns.
        docs: the folder of the night's Data Docs; what other stages and earlier calls wrote there stays.
        run_name: the night, ISO.

    Raises:
        RuntimeError: Great Expectations could not judge a rule: a column is gone, or of a type that it cannot compare.
    """
    started = time.perf_counter()
    gx, context = open_context(docs)
    source = context.data_sources.add_pandas("lake")
    findings: list[Finding] = []
    rules = 0
    suites: set[str] = set()
    for suite, frame in tables:
        judged = [rule for rule in suite.rules if len(frame) >= rule.min_rows] if len(frame.columns) else []
        if not judged:
            forget(context, suite.table, run_name)
            continue
        rules += len(judged)
        suites.add(suite.table)
        forget_suite(context, suite.table)
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(
                name=suite.table,
                data=source.add_dataframe_asset(suite.table).add_batch_definition_whole_dataframe(run_name),
                suite=context.suites.add(_suite(gx, suite, judged)),
            )
        )
        result = definition.run(
            batch_parameters={"dataframe": frame}, run_id=run_id(gx, run_name), result_format=_format(suite)
        )
        findings.extend(_findings(suite, judged, result.results))
    build_docs(context, suites)
    index = write_index(docs, gx.__version__)
    return Outcome(tuple(findings), rules, index, round(time.perf_counter() - started, 3))


def _format(suite: Suite) -> dict[str, Any]:
    wanted: dict[str, Any] = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
    return wanted | ({"unexpected_index_column_names": list(suite.key)} if suite.key else {})


def _suite(gx: Any, suite: Suite, rules: Iterable[Rule]) -> Any:
    made = gx.ExpectationSuite(name=suite.table)
    severities = {"held": "critical", "warned": "warning"}
    for rule in rules:
        expectation = getattr(gx.expectations, rule.expectation)
        made.add_expectation(
            expectation(
                **rule.arguments,
                severity=severities.get(rule.effect, "info"),
                notes=f"{rule.name}: {rule.effect}",
                meta={"rule": rule.name, "effect": rule.effect},
            )
        )
    return made


def _findings(suite: Suite, rules: Iterable[Rule], results: Iterable[Any]) -> Iterator[Finding]:
    by_name = {rule.name: rule for rule in rules}
    for result in results:
        if result.success:
            continue
        rule = by_name[result.expectation_config.meta["rule"]]
        if failure := _failure(result.exception_info):
            raise RuntimeError(f"{rule.name} could not be judged: {failure}")
        unexpected = (result.result.get("unexpected_index_list") or ()) if suite.key else ()
        rows = tuple(sorted((tuple(_text(row[name]) for name in suite.key), _value(rule, row)) for row in unexpected))
        yield Finding(suite.table, rule, rows, _words(suite, rule, rows, result.result))


def _value(rule: Rule, row: Mapping[str, Any]) -> str:
    return "" if rule.column is None else str(row.get(rule.column, ""))


def _text(value: Any) -> str:
    """Return a part of a key; a time without hours is the date that it was in the table."""
    return str(value).removesuffix(" 00:00:00")


def _words(suite: Suite, rule: Rule, rows: tuple[tuple[Key, str], ...], result: Mapping[str, Any]) -> str:
    """Return what was found in one sentence, e.g. `listings: price_repeats: 3 rows, first a/1 (12.0)`."""
    if rows:
        first = [(_shown("/".join(key)), _shown(value)) for key, value in rows[:MOST_NAMED]]
        named = ", ".join(f"{key} ({value})" if value else key for key, value in first)
        return f"{suite.table}: {rule.name}: {len(rows):,} {'row' if len(rows) == 1 else 'rows'}, first {named}"
    observed = result.get("observed_value", (result.get("partial_unexpected_list") or ["another value"])[0])
    bounds = [
        f"{word} {rule.arguments[name]:g}"
        for word, name in (("at least", "min_value"), ("at most", "max_value"))
        if rule.arguments.get(name) is not None
    ]
    shown = f"{observed:.3g}" if isinstance(observed, float) else str(observed)
    return f"{suite.table}: {rule.name}: {shown}" + (f", expected {' and '.join(bounds)}" if bounds else "")


def _shown(text: str) -> str:
    """Return a stranger's text on one short line, without signs that a terminal would obey."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in text)
    return plain if len(plain) <= MOST_SHOWN else f"{plain[: MOST_SHOWN - 1]}…"


def _failure(exception_info: Mapping[str, Any]) -> str:
    """Return why GX could not judge; '' when it could. It tells of one failure, or of one for each metric by name."""
    told = [exception_info, *(value for value in exception_info.values() if isinstance(value, Mapping))]
    return "; ".join(str(each.get("exception_message")) for each in told if each.get("raised_exception"))
