"""What the lake says of vehicles, beside what they look like: who offers them, and since when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from autodetect.dataset.training_set import Read
from autodetect.lake.schemas import LISTINGS, VEHICLES

_LISTING = ["source", "item_id"]


@dataclass(frozen=True)
class Cars:
    """Vehicle -> the seller (salted hash, empty where unknown) of its newest listing, and -> the night it first came.

    `sellers` and `first_seen` name the same vehicles; of listings that came the same night the last by key counts.
    """

    sellers: Mapping[str, str]
    first_seen: Mapping[str, date]

    def ages(self, night: date) -> dict[str, int]:
        """Return vehicle -> days from its first night to this one."""
        return {vehicle: (night - first).days for vehicle, first in self.first_seen.items()}


def read_cars(read: Read) -> Cars:
    """Return what tonight's tables say of all vehicles."""
    listings = read(LISTINGS, columns=[*_LISTING, "seller_hash", "first_seen"]).to_pandas()
    members = read(VEHICLES, columns=[*_LISTING, "vehicle_id"]).to_pandas()
    known = members.merge(listings, on=_LISTING).sort_values(["first_seen", *_LISTING])
    by_vehicle = known.groupby("vehicle_id")
    sellers = by_vehicle["seller_hash"].last().fillna("")
    first = by_vehicle["first_seen"].first().dropna()
    return Cars(sellers.to_dict(), first.to_dict())
