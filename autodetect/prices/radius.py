"""How far 'near' is, as a person types it: '50mi', '80 km'."""

import math
import re
from typing import Literal

from autodetect.errors import UsageError
from autodetect.records import Record

KM_PER_MILE = 1.609344
_TYPED = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(km|kilomet(?:er|re)s?|mi|miles?)", re.IGNORECASE)


class Radius(Record):
    """A distance from a place, in the unit it was asked for."""

    amount: float
    unit: Literal["km", "mi"]

    @property
    def km(self) -> float:
        """Return the distance in kilometres."""
        return self.amount * (KM_PER_MILE if self.unit == "mi" else 1)

    @property
    def words(self) -> str:
        """Return it as it is told: '50 miles', '80 km'."""
        return f"{self.amount:g} {'km' if self.unit == 'km' else 'mile' if self.amount == 1 else 'miles'}"


DEFAULT_RADIUS = Radius(amount=50, unit="mi")


def parse_radius(text: str) -> Radius:
    """Return the radius that a person typed, above 0, with its unit.

    Raises:
        UsageError: it is none.
    """
    match = _TYPED.fullmatch(text.strip())
    if not match or not 0 < float(match[1]) < math.inf:
        raise UsageError(f"{text!r} is no distance", "name a number above 0 and its unit: 50mi or 80km")
    return Radius(amount=float(match[1]), unit="km" if match[2].lower().startswith("k") else "mi")
