"""The gate's verdict: every figure and every reason, ready for a receipt. Older receipts read as well."""

from autodetect.records import Record


class Part(Record):
    """One question of the gate. `passed` is None where it could not be asked; only False refuses the challenger."""

    name: str
    passed: bool | None
    words: str


class Comparison(Record):
    """The challenger against one other model, on the same `n` vehicles of classes that both know.

    `ours` and `theirs` are top-1 shares, `difference` is ours minus theirs, and `lower_bound` its one-sided 95 % bound;
    at worst it may be -`margin`. `smallest_drop` is the true drop that would have been refused four times in five.
    """

    n: int
    gained: int
    lost: int
    ours: float
    theirs: float
    difference: float
    lower_bound: float
    margin: float
    smallest_drop: float
    underpowered: bool


class ClassDrop(Record):
    """A class, or small classes taken together, that lost at least the points that may block.

    `drop` is a share of its `n` vehicles; `p_value` is that of the exact paired test, `adjusted_p` after Holm.
    """

    name: str
    class_ids: tuple[int, ...]
    n: int
    gained: int
    lost: int
    drop: float
    p_value: float
    adjusted_p: float
    blocks: bool


class NewClass(Record):
    """A class that only the challenger knows: top-3 recall on `n` vehicles, with its one-sided 95 % bounds."""

    class_id: int
    name: str
    n: int
    top3: float
    lower: float
    upper: float
    withheld: bool


class Override(Record):
    """Who published a refused model, and why."""

    by: str
    reason: str


class GateVerdict(Record):
    """The gate's decision and the figures behind it.

    Top-1 figures, `difference` (challenger minus champion), its one-sided 95 % `lower_bound` and the `margin` are
    shares 0..1 over the `n` vehicles compared. `discordant` counts vehicles that exactly one of the two got right.
    `underpowered` says that the margin had to be wider than the settings ask for, `smallest_drop` which true drop would
    have been refused four times in five. Without a champion, `lower_bound` is the Wilson bound of the challenger's
    top-1 and `margin` is 0.

    `parts` are all questions with their answers in words; `recent` is the comparison with the best release of the last
    90 days; `nll_rise` is in nats per vehicle; `excluded` counts test vehicles that a model was trained on. `withheld`
    are the ids of new classes that the model must not answer when it is published.
    """

    promoted: bool
    words: str
    n: int
    champion_top1: float | None = None
    challenger_top1: float | None = None
    discordant: int = 0
    difference: float | None = None
    margin: float = 0.0
    lower_bound: float | None = None
    underpowered: bool = False
    smallest_drop: float | None = None
    excluded: int = 0
    parts: tuple[Part, ...] = ()
    recent: Comparison | None = None
    classes_judged: int = 0
    class_drops: tuple[ClassDrop, ...] = ()
    nll_rise: float | None = None
    new_classes: tuple[NewClass, ...] = ()
    withheld: tuple[int, ...] = ()
    overridden: Override | None = None
