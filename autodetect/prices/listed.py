"""Listings as prices are made of them: the lake's `listings`, with the vehicle and the place of each."""

from collections.abc import Mapping

import pandas as pd

from autodetect.lake.lake import Lake
from autodetect.lake.schemas import LISTINGS, VEHICLES
from autodetect.prices.places import located


def listed(lake: Lake, versions: Mapping[str, int]) -> pd.DataFrame:
    """Return the columns of `listings`, vehicle_id, and where each is as `places.located` tells it.

    Args:
        lake: reads `listings` and `vehicles`.
        versions: the versions to read, by table name.
    """
    listings = lake.tables.read(LISTINGS, version=versions.get(LISTINGS.name, 0)).to_pandas()
    key = ["source", "item_id"]
    vehicles = lake.tables.read(VEHICLES, version=versions.get(VEHICLES.name, 0), columns=[*key, "vehicle_id"])
    listings = listings.merge(vehicles.to_pandas(), on=key, how="left", validate="one_to_one")
    return listings.join(located(listings["postal_code"], listings["country"]))
