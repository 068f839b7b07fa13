import numpy as np
import pytest

from autodetect.classifier.gate import GateVerdict, decide, override
from autodetect.errors import UsageError
from tests.classifier.gate.answered import ASKED, answers

OLD = np.arange(300) % 10 < 8
REFUSED = decide(answers(OLD & (np.arange(300) > 90)), answers(OLD), **ASKED)


def test_a_person_publishes_what_was_refused_and_the_gates_words_stay():
    verdict = override(REFUSED, "the test photos of\n that night were mislabelled", "Ada")
    assert verdict.promoted
    assert verdict.words == (
        "promoted by Ada against the gate: the test photos of that night were mislabelled; "
        f"the gate said: {REFUSED.words}"
    )
    assert (verdict.overridden.by, verdict.overridden.reason) == (
        "Ada",
        "the test photos of that night were mislabelled",
    )
    assert (verdict.parts, verdict.difference) == (REFUSED.parts, REFUSED.difference)
    assert GateVerdict.model_validate_json(verdict.model_dump_json()) == verdict
    assert not REFUSED.promoted


@pytest.mark.parametrize(
    ("reason", "by", "told"), [("", "Ada", "reason"), (" \n", "Ada", "reason"), ("so", "", "name")]
)
def test_nobody_overrides_without_a_name_and_a_reason(reason, by, told):
    with pytest.raises(UsageError, match=told):
        override(REFUSED, reason, by)


def test_what_was_not_refused_cannot_be_overridden():
    passed = decide(answers(OLD), answers(OLD), **ASKED)
    for verdict in (passed, override(REFUSED, "so be it", "Ada")):
        with pytest.raises(UsageError, match="nothing to override"):
            override(verdict, "because", "Ada")
