"""Union-find over hashable names: connected components in near-linear time (Tarjan 1975), also with a limit to size."""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

Name = TypeVar("Name")


class Unions(Generic[Name]):
    """Disjoint groups of names that grow by joining."""

    def __init__(self) -> None:
        self._parent: dict[Name, Name] = {}

    def find(self, name: Name) -> Name:
        """Return the representative of the name's group; an unknown name is a group of its own."""
        parent = self._parent.setdefault(name, name)
        root = name
        while parent != root:
            root, parent = parent, self._parent[parent]
        while self._parent[name] != root:
            self._parent[name], name = root, self._parent[name]
        return root

    def join(self, a: Name, b: Name) -> None:
        """Put two names into one group."""
        self._parent[self.find(a)] = self.find(b)

    def groups(self, names: Iterable[Name]) -> list[list[Name]]:
        """Return the groups that the names form, in the order of first mention."""
        found: dict[Name, list[Name]] = {}
        for name in names:
            found.setdefault(self.find(name), []).append(name)
        return list(found.values())


def cut_at(ties: Iterable[tuple[str, Iterable[Name]]], weights: Mapping[Name, int], limit: int) -> list[str]:
    """Return the ties to drop so that no group weighs more than `limit`: the weakest first, and no more than it takes.

    A group that is too heavy loses its weakest tie, then the next, until it falls apart; each part that is still too
    heavy goes on losing. That is the same as joining from the strongest tie on and dropping every one that makes a
    group too heavy, or that joins one which would have been: each tie is looked at once.

    Args:
        ties: (name of the tie, what it joins), the strongest first.
        weights: of what is joined; 1 where it is not named. What is too heavy alone is joined to nothing.
        limit: the most that a group may weigh.
    """
    whole: Unions[Name] = Unions()  # what all ties so far join
    kept: Unions[Name] = Unions()  # what only the kept ones do
    weight: dict[Name, int] = {}
    dropped: list[str] = []
    for tie, members in ties:
        names = list(members)
        roots = {whole.find(name) for name in names}
        total = sum(weight.get(root, weights.get(root, 1)) for root in roots)
        apart = {kept.find(name) for name in names}
        if total > limit:
            if len(apart) > 1:
                dropped.append(tie)
        else:
            for name in names[1:]:
                kept.join(name, names[0])
        for name in names[1:]:
            whole.join(name, names[0])
        weight[whole.find(names[0])] = total
    return dropped
