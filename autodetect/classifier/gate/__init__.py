"""The promotion gate: may tonight's challenger replace the published model, and with which classes?

Pure functions over what models answered for the same test vehicles; nothing here reads the lake, a model or a clock.
`decide` asks every question and returns one `GateVerdict`; the modules beside it hold one question each.
"""

from autodetect.classifier.gate.answers import Answers, class_groups
from autodetect.classifier.gate.decision import decide
from autodetect.classifier.gate.override import override
from autodetect.classifier.gate.precision import judge_precision
from autodetect.classifier.gate.recent import best_recent
from autodetect.classifier.gate.verdict import (
    ClassDrop,
    Comparison,
    GateVerdict,
    NewClass,
    Override,
    Part,
)

__all__ = [
    "Answers",
    "ClassDrop",
    "Comparison",
    "GateVerdict",
    "NewClass",
    "Override",
    "Part",
    "best_recent",
    "class_groups",
    "decide",
    "judge_precision",
    "override",
]
