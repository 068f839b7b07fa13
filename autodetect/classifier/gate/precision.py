"""May photos be embedded in less than full precision? The gate judges by full precision either way."""

import numpy as np
import numpy.typing as npt

from autodetect.classifier.gate.verdict import Part
from autodetect.classifier.gate.wording import percent
from autodetect.embeddings.engines import may_adopt

NAME = "precision"


def judge_precision(
    exact: npt.NDArray[np.floating], rounded: npt.NDArray[np.floating], truth: npt.NDArray[np.integer]
) -> Part:
    """Return whether the challenger answers validation photos alike on embeddings of less precision.

    Args:
        exact: its answers on embeddings in full precision, float (n, classes).
        rounded: its answers on those that it was trained on, of the same photos.
        truth: the right output of each, integer (n,).
    """
    ours, theirs = exact.argmax(axis=1), rounded.argmax(axis=1)
    top1, other, alike = (float(np.mean(each)) for each in (ours == truth, theirs == truth, ours == theirs))
    words = (
        f"in less than full precision {percent(other)} of {len(truth)} validation photos are named rightly, in full "
        f"{percent(top1)}; {percent(alike)} of the answers agree"
    )
    if may_adopt(top1, other, alike):
        return Part(name=NAME, passed=True, words=words)
    return Part(name=NAME, passed=False, words=f"{words}: set backbone.engine to openvino")
