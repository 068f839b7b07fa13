"""Groups are the connected components, in whatever order names are joined."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.photos.unions import Unions, cut_at

NAMES = st.integers(0, 15)


def components(names: list[int], pairs: list[tuple[int, int]]) -> set[frozenset[int]]:
    """Connected components by flooding."""
    found = set()
    for name in names:
        reached, edge = {name}, {name}
        while edge:
            edge = {b for pair in pairs for a, b in (pair, pair[::-1]) if a in edge} - reached
            reached |= edge
        found.add(frozenset(reached & set(names)))
    return found


@settings(deadline=None, max_examples=300)
@given(st.lists(NAMES, unique=True), st.lists(st.tuples(NAMES, NAMES), max_size=20), st.randoms())
def test_groups_are_the_connected_components(names: list[int], pairs: list[tuple[int, int]], rng: object) -> None:
    unions: Unions[int] = Unions()
    for a, b in pairs:
        unions.join(a, b)
    groups = unions.groups(names)
    assert {frozenset(group) for group in groups} == components(names, pairs)
    assert [group[0] for group in groups] == sorted((group[0] for group in groups), key=names.index)
    assert all(group == sorted(group, key=names.index) for group in groups)
    again: Unions[int] = Unions()
    rng.shuffle(pairs)
    for a, b in pairs:
        again.join(b, a)
    assert again.groups(names) == groups


def test_a_name_never_joined_is_a_group_of_its_own() -> None:
    unions: Unions[str] = Unions()
    unions.join("a", "b")
    assert unions.find("c") == "c"
    assert unions.groups(["c", "b", "a"]) == [["c"], ["b", "a"]]
    assert unions.groups([]) == []


def test_a_long_chain_is_one_group() -> None:
    unions: Unions[int] = Unions()
    for n in range(50_000):
        unions.join(n, n + 1)
    assert len(unions.groups(range(50_001))) == 1


def fallen_apart(ties: list[tuple[str, list[int]]], weights: dict[int, int], limit: int) -> set[frozenset[int]]:
    """The groups that remain: from one that is too heavy the weakest tie is dropped until it falls apart."""
    names = {name for _, members in ties for name in members}

    def parts(members: frozenset[int], inside: list[tuple[str, list[int]]]) -> set[frozenset[int]]:
        pairs = [(a, b) for _, tied in inside for a, b in pairwise(tied)]
        return components(sorted(members), pairs)

    done: set[frozenset[int]] = set()
    open_groups = [(group, ties) for group in parts(frozenset(names), ties)]
    while open_groups:
        group, left = open_groups.pop()
        left = [tie for tie in left if set(tie[1]) <= group]
        if sum(weights.get(name, 1) for name in group) <= limit or len(group) == 1:
            done.add(group)
            continue
        while len(found := parts(group, left)) == 1:
            left = left[:-1]
        open_groups += [(part, left) for part in found]
    return done


TIED = st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=4, unique=True), max_size=12)


@settings(deadline=None, max_examples=300)
@given(TIED, st.dictionaries(st.integers(0, 9), st.integers(1, 4)), st.integers(2, 8))
def test_a_heavy_group_loses_its_weakest_ties_until_it_falls_apart(
    tied: list[list[int]], weights: dict[int, int], limit: int
) -> None:
    ties = [(f"tie {n}", members) for n, members in enumerate(tied)]
    dropped = cut_at(ties, weights, limit)
    names = {name for members in tied for name in members}
    pairs = [(a, b) for name, tie in ties if name not in dropped for a, b in pairwise(tie)]
    groups = components(sorted(names), pairs)
    assert groups == fallen_apart(ties, weights, limit)
    assert all(sum(weights.get(name, 1) for name in group) <= limit for group in groups if len(group) > 1)
    assert all(any(not set(tie) <= group for group in groups if set(tie) & group) for n, tie in ties if n in dropped)


def test_nothing_is_dropped_below_the_limit() -> None:
    assert cut_at([("a", [1, 2]), ("b", [2, 3])], {}, 3) == []
    assert cut_at([("a", [1, 2]), ("b", [2, 3])], {}, 2) == ["b"]
    assert cut_at([("a", [1, 2])], {1: 7}, 5) == ["a"]
