"""Rows of inputs cut into requests, and what comes out of requests put together again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Rows:
    """Inputs for `count` rows.

    `inputs` are arrays in the types that graphs compute in; those named in `by_rows` have rows for their leading axis,
    the others are the same for all rows.
    """

    count: int
    inputs: Mapping[str, Array]
    by_rows: frozenset[str]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each input for one row."""
        return {
            name: (1, *array.shape[1:]) if name in self.by_rows else array.shape for name, array in self.inputs.items()
        }

    def part(self, at: slice, length: int, names: Iterable[str]) -> list[Array]:
        """Return inputs for exactly `length` rows: those `at`, filled up with copies of the last one."""
        return [_filled(self.inputs[name][at], length) if name in self.by_rows else self.inputs[name] for name in names]


class Joined:
    """What requests give, put together for `count` rows.

    A value whose leading axis is 1 for one row grows along it; one that has no such axis gets a new one, unless there
    is one row alone.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._found: dict[str, Array] = {}
        self._grown: set[str] = set()

    def keep(self, name: str, data: Array, at: slice, *, by_rows: bool) -> None:
        """Keep what a request gave.

        Args:
            name: of the value.
            data: one element per row of the request where `by_rows`, else what all its rows share.
            at: the rows of the request; it may have evaluated more.
            by_rows: whether the leading axis of `data` is the rows.
        """
        if not by_rows and (not data.ndim or len(data) != 1):
            self._grown.add(name)
            data = data[None]
        found = self._found.setdefault(name, np.empty((self._count, *data.shape[1:]), data.dtype))
        part = found[at]
        part[:] = data[: len(part)] if by_rows else data

    def value(self, name: str) -> Array:
        """Return a value, all rows of it."""
        found = self._found[name]
        return found[0] if name in self._grown and self._count == 1 else found


def _filled(rows: Array, length: int) -> Array:
    """Return exactly `length` rows, the last one repeated."""
    if len(rows) == length:
        return rows
    return np.concatenate([rows, np.repeat(rows[-1:], length - len(rows), axis=0)])
