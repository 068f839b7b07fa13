"""Every order in which a few parties can take their steps on one store, and every moment at which each can be killed.

A party is a function of a store; its steps are its calls to it. The walk goes on from each state once: what is in the
store, and what each party was answered, decide all that can follow.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autodetect.errors import AutoDetectError
from autodetect.lake.objects import ObjectMissingError, ObjectStore


class Memory(ObjectStore):
    """A store that shows what was written before."""

    url = "memory"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def chunks(self, key: str) -> Iterator[bytes]:
        if key not in self.objects:
            raise ObjectMissingError(key)
        yield self.objects[key]

    def put(self, key: str, data: bytes) -> None:
        self.objects[key] = data

    def put_file(self, key: str, path: Path) -> None:
        self.objects[key] = path.read_bytes()

    def put_if_absent(self, key: str, data: bytes) -> bool:
        return self.objects.setdefault(key, data) is data

    def size(self, key: str) -> int:
        return len(b"".join(self.chunks(key)))

    def list(self, prefix: str = "") -> Iterator[str]:
        yield from sorted(key for key in self.objects if key.startswith(prefix))

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)


class KilledError(BaseException):
    """The party is dead: nothing it still wants to do happens."""


@dataclass(frozen=True)
class Role:
    """What a party does. A late one begins when those before it have ended or are dead, and is never killed."""

    name: str
    act: Callable[[ObjectStore], None]
    late: bool = False


class Party(Memory):
    """A role being played, in a thread that waits before each step; the store it sees is the common one."""

    def __init__(self, role: Role, memory: Memory) -> None:
        self.role, self.memory = role, memory
        self.seen: list[str] = []
        self.over = self.killed = self.refused = False
        self._ready, self._go = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._play, name=role.name)
        self._thread.start()
        self._ready.acquire()

    def step(self) -> None:
        self._go.release()
        self._ready.acquire()

    def kill(self) -> None:
        if not self.over:
            self.killed = True
            self.step()
        self._thread.join()

    def chunks(self, key: str) -> Iterator[bytes]:
        yield self._taking(lambda: self.memory.get(key))

    def put(self, key: str, data: bytes) -> None:
        self._taking(lambda: self.memory.put(key, data))

    def put_if_absent(self, key: str, data: bytes) -> bool:
        return self._taking(lambda: self.memory.put_if_absent(key, data))

    def size(self, key: str) -> int:
        return self._taking(lambda: self.memory.size(key))

    def list(self, prefix: str = "") -> Iterator[str]:
        yield from self._taking(lambda: [*self.memory.list(prefix)])

    def delete(self, key: str) -> None:
        self._taking(lambda: self.memory.delete(key))

    def _taking(self, step: Callable[[], Any]) -> Any:
        if not self.killed:
            self._ready.release()
            self._go.acquire()
        if self.killed:
            raise KilledError
        try:
            answer = step()
        except ObjectMissingError:
            self.seen.append("missing")
            raise
        self.seen.append(repr(answer))
        return answer

    def _play(self) -> None:
        try:
            self.role.act(self)
        except KilledError:
            pass
        except AutoDetectError:
            self.refused = True
        finally:
            self.over = True
            self._ready.release()


@dataclass
class Walk:
    """What a walk through all orders came across: how many states, and how those who lived can end."""

    states: int = 0
    ends: set[tuple[str, str]] = field(default_factory=set)


def walk(
    roles: Sequence[Role], start: dict[str, bytes], check: Callable[[dict[str, bytes]], None], *, kills: bool = True
) -> Walk:
    """Take every order, with and without `kills`; `check` raises where a store must never look like this."""
    seen, found, schedules = set(), Walk(), [()]
    while schedules:
        schedule: tuple[tuple[str, int], ...] = schedules.pop()
        memory = Memory()
        memory.objects.update(start)
        parties = [Party(role, memory) for role in roles]
        try:
            for verb, number in schedule:
                getattr(parties[number], verb)()
            while True:
                check(memory.objects)
                state = (frozenset(memory.objects.items()), *(None if p.over else tuple(p.seen) for p in parties))
                if state in seen:
                    break
                seen.add(state)
                ended = [party for party in parties if party.over and not party.killed]
                found.ends |= {(party.role.name, "refused" if party.refused else "done") for party in ended}
                choices = list(_choices(parties, kills=kills))
                if not choices:
                    break
                schedules += [(*schedule, choice) for choice in choices[1:]]
                schedule = (*schedule, choices[0])
                getattr(parties[choices[0][1]], choices[0][0])()
        finally:
            for party in parties:
                party.kill()
    found.states = len(seen)
    return found


def _choices(parties: Sequence[Party], *, kills: bool) -> Iterator[tuple[str, int]]:
    running = [number for number, party in enumerate(parties) if not party.over]
    early = [number for number in running if not parties[number].role.late]
    for number in early or running[:1]:
        yield "step", number
    for number in early if kills else ():
        yield "kill", number
