"""What a rule and a suite are, and the shapes most rules have; `suites/` holds those of each table.

Effects, by what they touch. A row: `refused` (it is left out), `nulled` (one value is set to null), `noted` (kept, and
told). A table: `warned` (told in summary, report and receipt; nothing stops). The night: `held` (it must not be
published).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

Effect = Literal["refused", "nulled", "noted", "warned", "held"]
OF_ROWS: frozenset[Effect] = frozenset({"refused", "nulled", "noted"})

ROWS_FOR_A_SHARE = 50
SHA256 = r"^[0-9a-f]{64}$"
CURRENCY = r"^[A-Z]{3}$"  # ISO 4217
COUNTRY = r"^[A-Z]{2}$"  # ISO 3166-1
MAKE_MODEL_ID = r"^[^\s/]+/[^\s/]+$"


@dataclass(frozen=True)
class Rule:
    """A named rule: `expectation` is the class name in `great_expectations.expectations`, with its arguments.

    Fewer rows than `min_rows` are not judged: a share of three rows says nothing.
    """

    name: str
    effect: Effect
    expectation: str
    arguments: dict[str, Any] = field(default_factory=dict)
    min_rows: int = 0

    @property
    def column(self) -> str | None:
        """Return the column that the rule judges, if it is about one."""
        return self.arguments.get("column")


@dataclass(frozen=True)
class Suite:
    """The rules of one table and the columns that name a row of it (none: the frame is a row of aggregates)."""

    table: str
    key: tuple[str, ...]
    rules: tuple[Rule, ...]


Judged = tuple[Suite, pd.DataFrame]  # a suite beside the frame it judges


def unique(name: str, columns: Sequence[str], effect: Effect = "held") -> Rule:
    """Return the rule that no two rows agree in `columns`."""
    if len(columns) == 1:
        return Rule(name, effect, "ExpectColumnValuesToBeUnique", {"column": columns[0]})
    return Rule(name, effect, "ExpectCompoundColumnsToBeUnique", {"column_list": list(columns)})


def one_of(name: str, effect: Effect, column: str, values: Sequence[Any]) -> Rule:
    """Return the rule that every value that is not null is one of `values`."""
    return Rule(name, effect, "ExpectColumnValuesToBeInSet", {"column": column, "value_set": list(values)})


def holds(name: str, effect: Effect, column: str) -> Rule:
    """Return the rule that a column of booleans is true wherever it is not null."""
    return one_of(name, effect, column, [True])


def between(name: str, effect: Effect, column: str, low: float | None, high: float | None = None) -> Rule:
    """Return the rule that every value that is not null lies from `low` to `high` (None: no bound), both allowed."""
    bounds = {"column": column, "min_value": low, "max_value": high}
    return Rule(name, effect, "ExpectColumnValuesToBeBetween", bounds)


def matches(name: str, effect: Effect, column: str, regex: str) -> Rule:
    """Return the rule that every text that is not null matches `regex`."""
    return Rule(name, effect, "ExpectColumnValuesToMatchRegex", {"column": column, "regex": regex})


def present(name: str, effect: Effect, column: str) -> Rule:
    """Return the rule that no value is null."""
    return Rule(name, effect, "ExpectColumnValuesToNotBeNull", {"column": column})


def at_least(name: str, effect: Effect, column: str, bigger: str) -> Rule:
    """Return the rule that `bigger` is not below `column` in any row that has both."""
    columns = {"column_A": bigger, "column_B": column, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
    return Rule(name, effect, "ExpectColumnPairValuesAToBeGreaterThanB", columns)


def mostly_present(name: str, effect: Effect, column: str, share: float) -> Rule:
    """Return the rule that at least `share` of the values are not null, of as many rows as a share needs."""
    arguments = {"column": column, "min_value": share}
    expectation = "ExpectColumnProportionOfNonNullValuesToBeBetween"
    return Rule(name, effect, expectation, arguments, ROWS_FOR_A_SHARE)
