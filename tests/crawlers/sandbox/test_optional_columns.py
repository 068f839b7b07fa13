"""What only some sellers say: how a generated marketplace draws it, and how the API serves it."""

import csv
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from autodetect.catalog.vin import read_vin
from crawlers.sandbox.making.models import MODELS, PLACES
from crawlers.sandbox.making.particulars import particulars
from crawlers.sandbox.making.vehicles import make_vehicle, make_vin
from crawlers.sandbox.marketplace import OPTIONAL_COLUMNS
from crawlers.sandbox.process import sandbox_process

NEWER = ("bids", "condition", "fuel_type", "transmission", "title_status", "city", "state", "mileage_unit")
FULL = {
    "item_id": "600000000001", "buying_option": "FIXED_PRICE BEST_OFFER", "condition": "Certified pre-owned",
    "fuel_type": "Diesel", "transmission": "Manual", "title_status": "Clean", "city": "Tampa", "state": "Florida",
    "mileage_unit": "mi",
}  # fmt: skip
AUCTION = {"item_id": "600000000002", "buying_option": "AUCTION", "bids": "7", "mileage": "98000", "mileage_unit": "km"}
PLAIN = {"item_id": "600000000003", "mileage": "about 90000", "mileage_unit": "furlong"}
Connect = Callable[[str], AbstractContextManager[httpx.Client]]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "listings.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_facts_that_a_seed_gave_before_stay_the_same(generated: Path) -> None:
    """Lakes hold nights of generated marketplaces; one generated anew must tell the same story."""
    older = [{name: value for name, value in row.items() if name not in NEWER} for row in rows(generated)]
    digest = hashlib.sha256(json.dumps(older, sort_keys=True).encode()).hexdigest()
    assert digest == "48ad5c0322ee248d29712ad0a5345facf412c03553858efc52cab00c9cafec84"


def test_a_generated_marketplace_fills_every_optional_column(generated: Path) -> None:
    listings = rows(generated)
    assert set(OPTIONAL_COLUMNS) <= set(listings[0])
    for column in ("condition", "fuel_type", "transmission", "title_status", "city", "state"):
        assert len([row for row in listings if row[column]]) > len(listings) / 2, column
    assert len([row for row in listings if not row["mileage_unit"]]) > len(listings) / 2


def test_only_auctions_have_bids_and_cities_are_where_the_zip_code_is(generated: Path) -> None:
    for row in rows(generated):
        assert row["bids"].isdecimal() == (row["buying_option"] == "AUCTION")
        if row["city"] and row["zipcode"] in PLACES:
            assert (row["city"], row["state"]) == PLACES[row["zipcode"]]


def test_particulars_come_in_the_shares_of_a_real_market() -> None:
    rng = random.Random(5)
    drawn = []
    for number in range(2000):
        vehicle = make_vehicle(MODELS[5], number, late_by=0, nights=1, last_year=2026, rng=rng)
        drawn.append(particulars(vehicle, "AUCTION", rng))
    counts = {column: Counter(facts[column] for facts in drawn) for column in NEWER}
    assert counts["fuel_type"].keys() == {"Hybrid", ""}
    assert 0.1 < counts["transmission"]["Manual"] / 2000 < 0.25
    assert 0.75 < counts["title_status"]["Clean"] / 2000 < 0.9
    assert 0 < counts["mileage_unit"]["km"] < counts["mileage_unit"]["mi"] < 400
    assert counts["bids"]["0"] > 0


@pytest.mark.parametrize("seed", range(50))
def test_a_made_up_vin_holds_and_follows_from_the_randomness(seed: int) -> None:
    vin = make_vin(random.Random(seed), 2012)
    assert read_vin(vin) == vin
    assert make_vin(random.Random(seed), 2012) == vin


def test_the_api_serves_what_the_columns_say(
    tmp_path: Path, make_marketplace: Callable[..., Path], connect: Connect
) -> None:
    folder = make_marketplace(tmp_path / "m", [FULL, AUCTION, PLAIN])
    with sandbox_process(folder, 1) as url, connect(url) as api:
        full, auction, plain = (
            api.get(f"/buy/browse/v1/item/v1|{row['item_id']}|0").json() for row in (FULL, AUCTION, PLAIN)
        )
    assert full["buyingOptions"] == ["FIXED_PRICE", "BEST_OFFER"]
    assert full["condition"] == "Certified pre-owned"
    assert full["itemLocation"] == {
        "city": "Tampa", "stateOrProvince": "Florida", "postalCode": "10001", "country": "US",
    }  # fmt: skip
    aspects = {aspect["name"]: aspect["value"] for aspect in full["localizedAspects"]}
    assert (aspects["Mileage"], aspects["Fuel Type"]) == ("61,000 miles", "Diesel")
    assert (aspects["Transmission"], aspects["Vehicle Title"]) == ("Manual", "Clean")
    assert "bidCount" not in full
    assert (auction["bidCount"], auction["buyingOptions"]) == (7, ["AUCTION"])
    assert {"type": "STRING", "name": "Mileage", "value": "98,000 km"} in auction["localizedAspects"]
    assert (plain["condition"], plain["conditionId"], plain["buyingOptions"]) == ("Used", "3000", ["FIXED_PRICE"])
    assert {"type": "STRING", "name": "Mileage", "value": "about 90000"} in plain["localizedAspects"]
    assert plain["itemLocation"] == {"postalCode": "10001", "country": "US"}
