"""Which operation of a package is which layer of Keras: by its place in the network.

Names do not tell (the converter keeps some and invents others), and neither may contents: of two weights that changed
places each would be found where it does not belong. What stays is what is connected with what. Both networks are
reduced to what holds a kernel; every such place is coloured by its kernel's shape, then again and again by the colours
of what feeds it and of what reads it (colour refinement: Weisfeiler, Leman: A reduction of a graph to a canonical form,
1968). Places of one colour that are left over are interchangeable, and only these are told apart by their contents.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Source = Any  # the number of a place, or a frozenset of sources whose order does not matter


@dataclass(frozen=True)
class Place:
    """A layer or an operation that holds a kernel.

    Attributes:
        name: what it is called.
        shape: of the kernel as Core ML stores it, outputs first.
        sources: the places (by their number) whose results it reads, in order; none where it reads the network's input.
    """

    name: str
    shape: tuple[int, ...]
    sources: tuple[Source, ...]


class MismatchError(Exception):
    """The two networks are not the same; the message names layers."""


def matched(
    layers: Sequence[Place], operations: Sequence[Place], difference: Callable[[int, int], float]
) -> tuple[int, ...]:
    """Return for each layer the number of its operation, one to one.

    Args:
        layers: of Keras.
        operations: of the package.
        difference: of a layer (by number) and an operation: how far their contents are apart; decides among those that
            could change places without changing the network.

    Raises:
        MismatchError: a layer has no operation in its place, or an operation no layer.
    """
    shared: dict[Hashable, int] = {}
    ours: Sequence[Hashable] = [place.shape for place in layers]
    theirs: Sequence[Hashable] = [place.shape for place in operations]
    classes = 0
    while True:
        _check(layers, ours, operations, theirs)
        if len(set(ours)) == classes:
            break
        classes = len(set(ours))
        ours, theirs = (
            [shared.setdefault(colour, len(shared)) for colour in _refined(places, colours)]
            for places, colours in ((layers, ours), (operations, theirs))
        )
    candidates = defaultdict(list)
    for number, colour in enumerate(theirs):
        candidates[colour].append(number)
    found = [0] * len(layers)
    for colour, numbers in candidates.items():
        members = [number for number, own in enumerate(ours) if own == colour]
        for layer, operation in zip(members, _nearest(members, numbers, difference), strict=True):
            found[layer] = operation
    return tuple(found)


def _refined(places: Sequence[Place], colours: Sequence[Hashable]) -> Iterator[Hashable]:
    """Yield for each place its colour with those of what it reads, in order, and of what reads it, and where."""
    readers: dict[int, list[Any]] = defaultdict(list)
    for place, colour in zip(places, colours, strict=True):
        for position, source in enumerate(place.sources):
            for number in _numbers(source):
                readers[number].append((colour, position))
    for number, (place, colour) in enumerate(zip(places, colours, strict=True)):
        read = tuple(_coloured(source, colours) for source in place.sources)
        yield (colour, read, frozenset(Counter(readers[number]).items()))


def _numbers(source: Source) -> Iterator[int]:
    if isinstance(source, frozenset | tuple):
        for each in source:
            yield from _numbers(each)
    else:
        yield source


def _coloured(source: Source, colours: Sequence[Hashable]) -> Hashable:
    if isinstance(source, frozenset):
        return frozenset(Counter(_coloured(each, colours) for each in source).items())
    if isinstance(source, tuple):
        return tuple(_coloured(each, colours) for each in source)
    return colours[source]


def _check(
    layers: Sequence[Place], ours: Sequence[Hashable], operations: Sequence[Place], theirs: Sequence[Hashable]
) -> None:
    """Refuse two networks that hold different numbers of places of a colour."""
    wanted, there = Counter(ours), Counter(theirs)
    if wanted == there:
        return
    absent = [place for place, colour in zip(layers, ours, strict=True) if wanted[colour] > there[colour]]
    surplus = [place for place, colour in zip(operations, theirs, strict=True) if there[colour] > wanted[colour]]
    if absent:
        raise MismatchError(f"the package has nothing in the place of the layer {_listed(absent)}")
    raise MismatchError(f"no layer stands in the place of the package's operation {_listed(surplus)}")


def _listed(places: Sequence[Place]) -> str:
    shown = [f"{place.name} (kernel {' x '.join(map(str, place.shape))})" for place in places[:3]]
    return ", ".join(shown) + (f" and {len(places) - 3} more" if len(places) > 3 else "")


def _nearest(
    layers: Sequence[int], operations: Sequence[int], difference: Callable[[int, int], float]
) -> Sequence[int]:
    """Return the operations in the order of the layers that they resemble most, all taken together."""
    if len(layers) == 1:
        return operations
    from scipy.optimize import linear_sum_assignment

    costs = np.array([[difference(layer, operation) for operation in operations] for layer in layers])
    _, chosen = linear_sum_assignment(np.nan_to_num(costs, nan=np.finfo(float).max / len(costs)))
    return [operations[index] for index in chosen]
