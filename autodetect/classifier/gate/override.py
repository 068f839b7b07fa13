"""A person publishes what the gate refused."""

from autodetect.classifier.gate.verdict import GateVerdict, Override
from autodetect.errors import UsageError


def override(verdict: GateVerdict, reason: str, by: str) -> GateVerdict:
    """Return the verdict turned into a promotion, with the gate's own words kept; withheld classes stay withheld.

    Args:
        verdict: the gate's.
        reason: why the model is published all the same, one line.
        by: who says so.

    Raises:
        UsageError: the gate did not refuse this model, or reason or name are missing.
    """
    reason, by = " ".join(reason.split()), " ".join(by.split())
    if verdict.promoted:
        raise UsageError("the gate did not refuse this model, so there is nothing to override", "leave the reason out")
    if not reason or not by:
        missing = "reason" if not reason else "name of who decides"
        raise UsageError(f"a refused model is published only with a {missing}", f"give the {missing}; it is kept")
    words = f"promoted by {by} against the gate: {reason}; the gate said: {verdict.words}"
    return verdict.model_copy(update={"promoted": True, "words": words, "overridden": Override(by=by, reason=reason)})
