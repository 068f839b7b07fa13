"""What only some sellers say of a generated vehicle: fuel, transmission, title, condition, city, the mileage's unit.

A few advertise no car at all, but its parts or a deposit on it.

Drawn from randomness of its own, so that it changes nothing else of a marketplace.
"""

import random

from crawlers.sandbox.making.models import PLACES
from crawlers.sandbox.making.vehicles import Vehicle

Shares = dict[str, float]  # of the vehicles; '' is the seller who does not say
SAYS_FUEL: Shares = {"says": 0.8, "": 0.2}
TRANSMISSIONS: Shares = {"Automatic": 0.68, "Manual": 0.17, "": 0.15}
TITLES: Shares = {"Clean": 0.82, "Rebuilt, Rebuildable & Reconstructed": 0.05, "Salvage": 0.04, "": 0.09}
CONDITIONS: Shares = {"Used": 0.96, "Certified pre-owned": 0.04}
SAYS_PLACE: Shares = {"says": 0.85, "": 0.15}
MILEAGE_UNITS: Shares = {"": 0.87, "mi": 0.12, "km": 0.01}
ADVERTISED: Shares = {"car": 0.97, "parts": 0.02, "deposit": 0.01}
PARTS_PRICE_SHARE = 0.1  # of what the car would cost
DEPOSIT = "500"
BIDS: Shares = {"0": 0.35, "1": 0.2, "4": 0.2, "11": 0.15, "27": 0.1}


def particulars(vehicle: Vehicle, buying_option: str, rng: random.Random) -> dict[str, str]:
    """Columns of `listings.csv` besides those that every listing fills.

    Args:
        vehicle: what is offered.
        buying_option: how; only auctions have bids.
        rng: randomness that nothing else draws from.
    """
    fuel, place = _draw(SAYS_FUEL, rng), _draw(SAYS_PLACE, rng)
    city, state = PLACES[vehicle.zipcode] if place else ("", "")
    drawn = {
        "fuel_type": vehicle.model.fuel_type if fuel else "",
        "transmission": _draw(TRANSMISSIONS, rng),
        "title_status": _draw(TITLES, rng),
        "condition": _draw(CONDITIONS, rng),
        "city": city,
        "state": state,
        "mileage_unit": _draw(MILEAGE_UNITS, rng),
        "bids": _draw(BIDS, rng),
    }
    return (drawn if buying_option == "AUCTION" else drawn | {"bids": ""}) | _no_car(vehicle, rng)


def _no_car(vehicle: Vehicle, rng: random.Random) -> dict[str, str]:
    """The title and price of an advertisement for something else than the whole car; nothing for a car."""
    name = f"{vehicle.year} {vehicle.model.make} {vehicle.model.model}"
    match _draw(ADVERTISED, rng):
        case "parts":
            price = str(round(vehicle.price * PARTS_PRICE_SHARE))
            return {"title": f"{name} for parts only", "price": price, "condition": "For parts or not working"}
        case "deposit":
            return {"title": f"{name} deposit, balance due at pickup", "price": DEPOSIT}
        case _:
            return {}


def _draw(shares: Shares, rng: random.Random) -> str:
    return rng.choices(list(shares), list(shares.values()))[0]
