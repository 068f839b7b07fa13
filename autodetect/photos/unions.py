"""Union-find over hashable names: connected components in near-linear time (Tarjan 1975)."""

from collections.abc import Iterable
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
