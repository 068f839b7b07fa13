"""The layer between a visitor and the sandbox that serves faults in place of, or around, what would be answered."""

from collections import Counter
from collections.abc import Iterable, Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from crawlers.sandbox.faults.disturbances import DISTURBANCES
from crawlers.sandbox.faults.kinds import Fault, address_of, side_of


class FaultLayer:
    """Picks the faults of each request. Where several answer it, the first on the command line does.

    Args:
        faults: what may go wrong.
        seed: decides which addresses are hit.

    Attributes:
        served: how often each fault was served, by name.
    """

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self.served: Counter[str] = Counter()
        self._seed = seed
        self._rules = [_Rule(fault) for fault in faults]

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by `app` and the faults that pick it."""
        url, side = address_of(scope), side_of(scope["path"])
        picked = [rule for rule in self._rules if rule.picks(url, side, self._seed)]
        await self._behind(picked, url, app)(scope, receive, send)

    def _behind(self, rules: Sequence["_Rule"], url: str, app: ASGIApp) -> ASGIApp:
        """The app with these faults before it, the first one outermost."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            for position, rule in enumerate(rules, start=1):
                if rule.hits(url):
                    self.served[rule.fault.name] += 1
                    behind = self._behind(rules[position:], url, app)
                    disturbed = DISTURBANCES[rule.fault.name](rule.fault, Request(scope), behind)
                    return await disturbed(scope, receive, send)
            return await app(scope, receive, send)

        return serve


class _Rule:
    """A fault and what it has done so far."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._seen = 0
        self._hits: Counter[str] = Counter()

    def picks(self, url: str, side: str, seed: int) -> bool:
        """Whether a request is one that the fault is after; every request of its side counts."""
        if side not in self.fault.sides:
            return False
        self._seen += 1
        return self._seen > self.fault.after and self.fault.aims_at(url, seed)

    def hits(self, url: str) -> bool:
        """Whether this address is to be hit once more; if so, that is noted."""
        if self.fault.times and self._hits[url] >= self.fault.times:
            return False
        self._hits[url] += 1
        return True
