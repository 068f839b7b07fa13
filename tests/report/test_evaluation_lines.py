"""An evaluation in words: every part that is there is told, none that is not."""

import numpy as np

from autodetect.classifier.evaluation import evaluate
from autodetect.classifier.unknowns import Scored, Unknowns, judge_unknowns
from autodetect.report.evaluation_lines import evaluation_lines

PROBABILITIES = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.7, 0.2, 0.1], [0.2, 0.2, 0.6]])
ARGUMENTS = (PROBABILITIES, np.array([0, 1, 1, 2]), list("wxyz"), ("Audi A4", "BMW 3-Series", "Fiat 500"))


def test_every_part_is_told_in_figures():
    scores = {"max_probability": Scored(np.array([0.9] * 9 + [0.3]), np.array([0.1] * 9 + [0.5]))}
    full = evaluate(*ARGUMENTS, groups=[(0, 1)], ages=[1, 90, 90, 90], unknowns=judge_unknowns(scores, scores))
    lines = dict(evaluation_lines(full))
    assert lines["by vehicle"].startswith("top-1 75.0% (30.1% to 95.4%), top-3 100.0%, top-5 100.0%; 83.3%, ")
    assert lines["honesty by photo"].endswith("nats, temperature 1.00")
    assert "worth 2.8 equally frequent classes" in lines["serving prior"]
    assert lines["lookalikes"] == "1 of 1 mistakes name a lookalike; counted as right, top-1 would be 100.0%"
    assert lines["recent vehicles"].startswith("top-1 100.0% of 1 first seen less than 28 days ago, 66.7% of 3 others")
    assert lines["by age"] == "0 to 6 days 100% of 1, 28 to 90 days 67% of 3"
    assert lines["weakest classes"] == "BMW 3-Series (50% of 2, taken for Audi A4)"
    assert lines["unknown cars"].startswith("10.0% of 10 unknown test cases are answered")
    assert "AUROC 0.990 (" in lines["unknown cars"]
    assert lines["unknown cars"].endswith(", 10.0% false answers at 95% known recall")


def test_what_was_not_measured_is_not_told():
    lines = dict(evaluation_lines(evaluate(*ARGUMENTS, ages=[1, 1, 1, 1])))
    assert not {"lookalikes", "recent vehicles", "by age", "unknown cars"} & lines.keys()
    unjudged = Unknowns(score="max_probability", words="not judged: 9 known and 0 unknown", most_answered=0.2)
    assert dict(evaluation_lines(evaluate(*ARGUMENTS, unknowns=unjudged)))["unknown cars"] == unjudged.words


def test_an_evaluation_of_an_earlier_version_has_nothing_more_to_tell():
    new = {"by_photo": None, "by_vehicle": None, "prior": None, "worst": ()}
    assert list(evaluation_lines(evaluate(*ARGUMENTS).model_copy(update=new))) == []
