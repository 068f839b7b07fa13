"""The end of a classifier."""

from autodetect.coreml.interpreter.operations import rows
from autodetect.coreml.interpreter.registry import Arguments, Node, operation


@operation("classify", reference="iOS15.classify.classify", rows_apart=rows.of("probabilities"))
def classify(given: Arguments) -> list[Node]:
    """The label of the largest probability, and every label's probability.

    Both results are the probabilities, in order of the labels, which the program holds: a graph has no texts.
    """
    return [given.tensor("probabilities")] * len(given.operation.outputs)
