"""Errors: both halves of a message reach the person, also across processes."""

import pickle

import pytest

from autodetect import errors
from autodetect.errors import AutoDetectError
from autodetect.lake.objects import ObjectMissingError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AutoDetectError)]
EXIT_CODES = {
    "AutoDetectError": 1,
    "UsageError": 2,
    "HeldError": 3,
    "DependencyDownError": 4,
    "LeaseHeldError": 5,
    "StageFailedError": 1,
    "CorruptError": 1,
}


def test_each_kind_has_the_exit_code_that_the_command_line_promises() -> None:
    assert {kind.__name__: kind.exit_code for kind in KINDS} == EXIT_CODES


@pytest.mark.parametrize("kind", [*KINDS, ObjectMissingError])
@pytest.mark.parametrize("remedy", ["do this", ""])
def test_an_error_survives_pickling_with_both_halves(kind: type[AutoDetectError], remedy: str) -> None:
    copy = pickle.loads(pickle.dumps(kind("what happened", remedy)))
    assert type(copy) is kind
    assert (copy.what, copy.remedy) == ("what happened", remedy)
    assert str(copy) == ("what happened\n  -> do this" if remedy else "what happened")
