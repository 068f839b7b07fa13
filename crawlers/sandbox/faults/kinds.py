"""The faults that a sandbox can be told to serve, `NAME[:key=value,key=value]`, and which requests each one hits.

Which requests are hit follows from a digest of (seed, fault, path and query), never from the clock or the order of
arrival; only `after` counts requests.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autodetect.errors import UsageError

SIDES = ("api", "web", "photos", "token", "robots")
ALL = ("api", "web", "photos")
_PREFIXES = {
    "/buy/": "api",
    "/b/": "web",
    "/sch/": "web",
    "/itm/": "web",
    "/images/": "photos",
    "/thumbs/": "photos",
    "/identity/": "token",
    "/robots.txt": "robots",
}
LOOP_KEY = "_loop"  # the query that a redirect loop counts in; no part of an address
_LOOPED = re.compile(rf"[?&]{LOOP_KEY}=\d+$")
_USUAL = (("every", 1), ("after", 0))
_BOUNDS = {"every": (1, 10**9), "status": (400, 599)}

Value = str | int | float


@dataclass(frozen=True)
class Kind:
    """What a fault is, and the values of its keys where none are given.

    Args:
        says: what it does, in a line.
        on: whom it hits: one or more of `SIDES`, or all.
        every: it hits one address in so many.
        after: it hits requests after so many were made of its side.
        times: how often the same address is hit before it answers properly; 0 is always.
        after_as: what `after` is called for this fault.
        keys: further keys; a default's type is what its value must be; a tuple lists the choices, the default first.
    """

    says: str
    on: str
    every: int = 1
    after: int = 0
    times: int = 1
    after_as: str = "after"
    keys: Mapping[str, Value | tuple[str, ...]] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, Value | tuple[str, ...]]:
        """All keys with the value that holds where none is given."""
        return {"on": self.on, "every": self.every, self.after_as: self.after, "times": self.times, **self.keys}


KINDS: dict[str, Kind] = {
    "quota": Kind("the day's calls are spent: 429 with error 10001 after so many", "api",
                  after=5000, times=0, after_as="calls"),
    "rate": Kind("429 with Retry-After, in seconds or as a date", "all",
                 keys={"retry_after": 1, "as": ("seconds", "date")}),
    "errors": Kind("bursts of server errors", "all", keys={"status": 503}),
    "slow": Kind("answers that take their time", "all", keys={"seconds": 1.0}),
    "captcha": Kind("302 to the page of a captcha, which is HTTP 200", "web", times=0),
    "interruption": Kind("HTTP 200 and 'Pardon Our Interruption...' instead of the page", "web", times=0),
    "forbidden": Kind("403 from then on", "all", times=0),
    "storm": Kind("429 without Retry-After from then on", "all", times=0),
    "truncated": Kind("bodies that stop half way", "all"),
    "loop": Kind("302 to the same page with another query, without end", "web", times=0),
    "gone": Kind("404 for photos", "photos", times=0),
    "html-photo": Kind("HTTP 200 and an HTML error page instead of a photo", "photos", times=0),
    "bomb": Kind("a tiny PNG that declares 50,000 x 50,000 pixels instead of a photo", "photos", times=0),
    "redirect-photo": Kind("302 of a photo to another host", "photos", times=0,
                           keys={"to": "http://localhost:9/photo.jpg"}),
    "markup": Kind("pages and answers in which price and item specifics are no longer found", "web", times=0),
    "robots": Kind("robots.txt as eBay's, or one that forbids none or all", "robots", times=0,
                   keys={"rules": ("ebay", "none", "all")}),
    "ignored-filter": Kind("aspect and price filters are silently ignored", "api|web", times=0),
    "no-date": Kind("sales without the date of sale", "api|web", times=0),
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One fault as it was asked for; `keys` holds the values of the kind's further keys."""

    name: str
    sides: frozenset[str]
    every: int
    after: int
    times: int
    keys: Mapping[str, Value]

    def aims_at(self, url: str, seed: int) -> bool:
        """Whether this address (path and query) is among the one in `every`."""
        digest = hashlib.sha256(f"{seed} {self.name} {url}".encode()).digest()
        return int.from_bytes(digest[:8]) % self.every == 0


def side_of(path: str) -> str:
    """The side that a path belongs to: one of `SIDES`, or empty where no fault reaches."""
    return next((side for prefix, side in _PREFIXES.items() if path.startswith(prefix)), "")


def address_of(scope: Mapping[str, Any]) -> str:
    """The path and query of an ASGI request, as they came, by which faults know it."""
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return _LOOPED.sub("", f"{path}?{query}" if query else path)


def help_lines() -> list[str]:
    """What all faults take, then one line for each: what it does, and the values that hold where none are given."""
    all_take = (
        f"all take on={'|'.join(SIDES)}|all, every=N (one address in N), after=N (from the request after N on) and "
        "times=K (how often the same address is hit before it answers properly; 0: always)"
    )
    return [all_take, *(f"{name}: {kind.says} ({_example(kind)})" for name, kind in KINDS.items())]


def _example(kind: Kind) -> str:
    values = {key: "|".join(value) if isinstance(value, tuple) else value for key, value in kind.defaults.items()}
    return ",".join(f"{key}={value}" for key, value in values.items() if (key, value) not in _USUAL)


def parse_fault(text: str) -> Fault:
    """Read `NAME[:key=value,key=value]`.

    Raises:
        UsageError: there is no such fault or key, or a value is not what the key takes.
    """
    name, _, rest = text.partition(":")
    kind = KINDS.get(name.strip())
    if kind is None:
        raise UsageError(f"fault {text!r}: there is no fault {name!r}", f"choose from: {', '.join(KINDS)}")
    defaults = kind.defaults
    values: dict[str, Value] = {key: default[0] if isinstance(default, tuple) else default
                                for key, default in defaults.items()}  # fmt: skip
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in defaults:
            raise UsageError(f"fault {text!r}: {name} has no key {key!r}", f"its keys: {', '.join(defaults)}")
        values[key] = _value(text, key, value, defaults[key])
    return Fault(
        name=name.strip(),
        sides=_sides(text, str(values["on"])),
        every=int(values["every"]),
        after=int(values[kind.after_as]),
        times=int(values["times"]),
        keys={key: values[key] for key in kind.keys},
    )


def _value(text: str, key: str, value: str, default: Value | tuple[str, ...]) -> Value:
    if isinstance(default, tuple):
        if value not in default:
            raise UsageError(f"fault {text!r}: {key} cannot be {value!r}", f"choose from: {', '.join(default)}")
        return value
    if isinstance(default, str):
        return value
    low, high = _BOUNDS.get(key, (0, 10**9))
    try:
        number = type(default)(value)
    except ValueError:
        number = -1
    if not low <= number <= high:
        kind = "whole number" if isinstance(default, int) else "number"
        raise UsageError(f"fault {text!r}: {key} is {value!r}", f"give a {kind} from {low} to {high}")
    return number


def _sides(text: str, value: str) -> frozenset[str]:
    """The sides that `api`, `api|web` or `all` names."""
    named = [side for name in value.split("|") for side in (ALL if name == "all" else (name,))]
    unknown = sorted(set(named) - set(SIDES))
    if unknown:
        raise UsageError(f"fault {text!r}: there is no side {unknown[0]!r}", f"choose from: {', '.join(SIDES)}, all")
    return frozenset(named)
