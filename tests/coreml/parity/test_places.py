"""Layers and operations are paired by where they stand in the network, whatever their order and their contents."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.coreml.parity.places import MismatchError, Place, matched


def alike(layer, operation):
    raise AssertionError(f"contents were asked for: {layer}, {operation}")


@st.composite
def networks(draw):
    """A network in which every place has a shape of its own or another predecessor than those of its shape."""
    places = []
    for number in range(draw(st.integers(1, 12))):
        count = draw(st.integers(0, min(number, 3)))
        sources = (
            tuple(sorted(draw(st.sets(st.integers(0, number - 1), min_size=count, max_size=count)))) if count else ()
        )
        if draw(st.booleans()) and len(sources) > 1:
            sources = (frozenset((source,) for source in sources),)
        places.append(Place(f"layer{number}", (draw(st.integers(1, 3)), 2), sources))
    return places


def renumbered(source, new):
    if isinstance(source, frozenset):
        return frozenset(renumbered(each, new) for each in source)
    if isinstance(source, tuple):
        return tuple(renumbered(each, new) for each in source)
    return new[source]


@given(network=networks(), seed=st.integers(0, 1000))
def test_a_network_matches_itself_in_any_order(network, seed):
    new = list(range(len(network)))
    random.Random(seed).shuffle(new)
    shuffled = [None] * len(network)
    for number, place in enumerate(network):
        shuffled[new[number]] = Place(f"op{number}", place.shape, renumbered(place.sources, new))
    found = matched(network, shuffled, lambda layer, operation: 0.0 if new[layer] == operation else 1.0)
    back = dict(enumerate(found))
    for number, place in enumerate(network):
        other = shuffled[found[number]]
        assert other.shape == place.shape
        assert renumbered(place.sources, back) == other.sources


def chain(*shapes):
    return [Place(f"layer{i}", shape, (i - 1,) if i else ()) for i, shape in enumerate(shapes)]


def test_places_in_a_chain_need_no_look_at_contents():
    layers = chain((8, 8), (8, 8), (8, 8))
    operations = [Place("last", (8, 8), (2,)), Place("first", (8, 8), ()), Place("middle", (8, 8), (1,))]
    assert matched(layers, operations, alike) == (1, 2, 0)


def test_order_in_a_concatenation_tells_branches_apart_and_in_a_sum_contents_do():
    branches = [Place("a", (4, 3), ()), Place("b", (4, 3), ())]
    ordered = [*branches, Place("c", (2, 8), (0, 1))]
    swapped = [*branches, Place("c", (2, 8), (1, 0))]
    assert matched(ordered, swapped, alike) == (1, 0, 2)
    unordered = [*branches, Place("c", (2, 8), (frozenset({(0,), (1,)}),))]
    asked = lambda layer, operation: float(layer == operation)  # noqa: E731
    assert matched(unordered, unordered, asked) == (1, 0, 2)


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        (chain((8, 3), (8, 8)), r"nothing in the place of the layer layer2 \(kernel 4 x 8\)"),
        (chain((8, 3), (8, 8), (4, 8), (5, 4)), r"no layer stands in .* operation layer3 \(kernel 5 x 4\)"),
        (chain((8, 3), (8, 8), (4, 9)), r"nothing in the place of the layer layer2"),
        ([*chain((8, 3), (8, 8)), Place("layer2", (4, 8), (0,))], "nothing in the place of the layer"),
    ],
)
def test_networks_that_differ_are_refused_by_name(operations, words):
    with pytest.raises(MismatchError, match=words):
        matched(chain((8, 3), (8, 8), (4, 8)), operations, alike)
