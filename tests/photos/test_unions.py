"""Groups are the connected components, in whatever order names are joined."""

from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.photos.unions import Unions

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
