"""The rules of `classes`: each is broken by one row, and not by one that just keeps it."""

from pathlib import Path
from typing import Any

import pytest

from autodetect.lake.schemas import CLASSES, MAKE_MODELS
from autodetect.validation.suites.classes import classes
from tests.validation.judging import failed, judged, table

MODELS = ("a/a", "b/b", "c/c")
SOUND: list[dict[str, Any]] = [
    {"class_id": i, "make_model_id": model, "label": model.upper(), "status": "active"}
    for i, model in enumerate(MODELS)
]


def broken(docs: Path, *changes: dict[str, Any], known: list[dict[str, Any]] | None = None) -> dict[str, list[str]]:
    """The rules that rows break; each change is made to the sound row of its number."""
    rows = [row | change for row, change in zip(SOUND, [*changes, {}, {}, {}], strict=False)]
    models = table(MAKE_MODELS, *({"make_model_id": model} for model in MODELS))
    suite = classes(table(CLASSES, *rows), make_models=models, known=table(CLASSES, *(known or SOUND[:2])))
    outcome = judged(suite, docs=docs)
    assert {finding.rule.effect for finding in outcome.findings} <= {"held"}
    return failed(outcome)


RETIRED = {"status": "retired"}


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ([{}], {}),
        ([RETIRED | {"went_to": 1}, RETIRED | {"went_to": 2}, {"came_from": 0}], {}),
        ([RETIRED], {}),
        ([{"status": "asleep"}], {"class.status_unknown": ["0"]}),
        ([{"went_to": 1}], {"class.gone_but_active": ["0"]}),
        ([RETIRED | {"went_to": 9}], {"class.went_to_unknown": ["0"]}),
        ([RETIRED | {"went_to": 0}], {"class.went_to_unknown": ["0"], "class.goes_in_circles": ["0"]}),
        (
            [RETIRED | {"went_to": 1}, RETIRED | {"went_to": 0}, RETIRED | {"went_to": 0}],
            {"class.goes_in_circles": ["0", "1", "2"]},
        ),
        ([{}, {"came_from": 2}], {"class.came_from_unknown": ["1"]}),
        ([{}, {}, {"came_from": 2}], {"class.came_from_unknown": ["2"]}),
        ([{"class_id": 7}, {"came_from": 0}], {"class.came_from_unknown": ["1"]}),
        ([{"make_model_id": "d/d"}], {"class.make_model_unknown": ["0"], "class.id_reused": ["0"]}),
    ],
)
def test_each_rule_is_broken_by_its_row(tmp_path: Path, changes: list[dict[str, Any]], rules: dict[str, Any]) -> None:
    assert broken(tmp_path, *changes) == rules


def test_an_id_never_stands_for_another_model(tmp_path: Path) -> None:
    swapped = [{"make_model_id": "b/b"}, {"make_model_id": "a/a"}]
    assert broken(tmp_path, *swapped) == {"class.id_reused": ["0", "1"]}
    assert broken(tmp_path, {}, {}, {"make_model_id": "b/b"})["classes.make_models_repeat"] == ["1", "2"]
