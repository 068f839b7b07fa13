"""Offers near a place: the price file answers as a look at every offer does."""

import math
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.errors import UsageError
from autodetect.prices.radius import KM_PER_MILE
from autodetect.prices.sqlite.lookup import opened
from autodetect.prices.sqlite.near import NearFact, near
from tests.prices.sqlite.test_cells import by_vectors
from tests.prices.stocked import AUDI, F150, FORD, offer, stock

MODELS = (FORD, AUDI, F150)
TAMPA = (27.9614, -82.4597)

degrees_north = st.floats(-90, 90).map(lambda value: round(value, 4)) | st.sampled_from([-90.0, 0.0, 89.9, 90.0])
degrees_east = st.floats(-180, 180).map(lambda value: round(value, 4)) | st.sampled_from([-180.0, 179.9, 180.0])
positions = st.tuples(degrees_north, degrees_east) | st.tuples(st.floats(27, 29), st.floats(-83, -82))


@st.composite
def markets(draw):
    """Some offers, of which many share a place or a price, and some have none."""
    spots = draw(st.lists(positions, min_size=1, max_size=12))
    rows = []
    for i in range(draw(st.integers(0, 40))):
        place = draw(st.sampled_from([*spots, (None, None)]))
        facts = {
            "make_model_id": draw(st.sampled_from(MODELS)),
            "price": draw(st.integers(10_000, 10_000_000)) / 100,
            "currency": draw(st.sampled_from(["USD", "USD", "CAD", "EUR"])),
            "source": draw(st.sampled_from(["shop", "market"])),
        }
        if place[0] is not None:
            facts |= {"place_precision": draw(st.sampled_from(["code", "area"]))}
        else:
            facts |= {"postal_code": draw(st.sampled_from([None, "10115"]))}
        rows.append(offer(i, *place, **facts))
    return rows


def looked_at(rows, latitude, longitude, radius_km, make_model_id):
    """What a look at every offer finds: figures, and the distances of those within, nearest first."""
    mine = [row for row in rows if make_model_id in {None, row["make_model_id"]}]
    placed = [row for row in mine if row["latitude"] is not None]
    distances = {row["item_id"]: by_vectors(latitude, longitude, row["latitude"], row["longitude"]) for row in placed}
    inside = [row for row in placed if distances[row["item_id"]] <= radius_km]
    found = {"unplaced": len(mine) - len(placed), "by_area": sum(r["place_precision"] == "area" for r in inside)}
    counts = Counter(row["currency"] for row in inside)
    if counts:
        currency = min(counts, key=lambda each: (-counts[each], each))
        prices = [row["price"] for row in inside if row["currency"] == currency]
        found |= {"count": len(prices), "currency": currency, "lowest": min(prices), "highest": max(prices)}
        found |= {"average": math.fsum(prices) / len(prices), "others": len(inside) - len(prices)}
    return found, distances, inside


@given(
    markets(), positions, st.floats(1, 20_100) | st.floats(1, 300), st.sampled_from([None, *MODELS]), st.integers(0, 9)
)
@settings(deadline=None, max_examples=150)
def test_near_is_what_a_look_at_every_offer_finds(tmp_path_factory, rows, place, radius_km, model, limit):
    found, distances, inside = looked_at(rows, *place, radius_km, model)
    if any(abs(km - radius_km) < 1e-3 for km in distances.values()):
        return  # on the very edge the two formulas may differ by a rounding
    path = stock(tmp_path_factory.getbasetemp() / "near.sqlite", rows)
    fact = near(path, latitude=place[0], longitude=place[1], radius_km=radius_km, make_model_id=model, limit=limit)
    told = fact.model_dump(include=set(found))
    assert told.pop("average", None) == pytest.approx(found.pop("average", None), abs=0.0051)
    assert told == found
    if not inside:
        assert fact == NearFact(unplaced=found["unplaced"])
    nearest = sorted(distances[row["item_id"]] for row in inside)[:limit]
    assert [each.km for each in fact.nearest] == pytest.approx(nearest, abs=2e-3)
    by_id = {row["item_id"]: row for row in inside}
    for each in fact.nearest:
        row = by_id.pop(each.item_id)
        assert (each.price, each.currency, each.source) == (row["price"], row["currency"], row["source"])
        assert (each.latitude, each.longitude) == (row["latitude"], row["longitude"])
        assert each.precision == row["place_precision"]
        assert each.km == pytest.approx(distances[each.item_id], abs=2e-3)
        assert each.miles * KM_PER_MILE == pytest.approx(each.km, abs=2e-3)


@given(markets(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=30)
def test_the_order_of_rows_never_matters(tmp_path_factory, rows, shuffler):
    folder = tmp_path_factory.getbasetemp()
    asked = {"latitude": 28.0, "longitude": -82.5, "radius_km": 5000.0, "limit": 7}
    first = near(stock(folder / "sorted.sqlite", rows), **asked)
    shuffler.shuffle(rows)
    assert near(stock(folder / "shuffled.sqlite", rows), **asked) == first


def test_offers_of_one_distance_come_cheapest_first_then_by_source_and_item(tmp_path):
    prices = {"c": 9_000.0, "b": 8_000.0, "a": 9_000.0, "d": 7_000.0}
    rows = [offer(name, *TAMPA, price=price) for name, price in prices.items()]
    rows += [offer("e", TAMPA[0] + 0.01, TAMPA[1], price=100.0), offer("z", *TAMPA, price=9_000.0, source="market")]
    path = stock(tmp_path / "f.sqlite", random.Random(1).sample(rows, len(rows)))
    fact = near(path, latitude=TAMPA[0], longitude=TAMPA[1], radius_km=5, limit=10)
    assert [each.item_id for each in fact.nearest] == ["d", "b", "z", "a", "c", "e"]


def test_a_radius_crosses_the_date_line_and_the_poles(tmp_path):
    rows = [offer("east", 52.0, 179.9), offer("west", 52.0, -179.9), offer("far", 52.0, 170.0)]
    rows += [offer("pole", 90.0, 0.0), offer("beyond", 89.9, 180.0), offer("before", 89.9, 0.0)]
    path = stock(tmp_path / "f.sqlite", rows)
    for longitude in (179.9, 180.0, -180.0, -179.9):
        fact = near(path, latitude=52.0, longitude=longitude, radius_km=20)
        assert {each.item_id for each in fact.nearest} == {"east", "west"}
    fact = near(path, latitude=89.9, longitude=0.0, radius_km=23)
    assert [each.item_id for each in fact.nearest] == ["before", "pole", "beyond"]
    assert near(path, latitude=-90.0, longitude=0.0, radius_km=20_016).count == len(rows)


def test_an_offer_carries_what_a_buyer_needs(tmp_path):
    facts = {
        "title": "2015 Mustang GT",
        "year": 2015,
        "trim": "GT",
        "mileage": 60_000,
        "price": 19_000.0,
        "value": 21_000.0,
        "value_low": 18_000.0,
        "value_high": 24_000.0,
        "rating": "good",
        "first_price": 20_000.0,
    }
    rows = [offer("15", *TAMPA, url="https://shop.example/itm/15", **facts)]
    rows += [offer("16", *TAMPA, url="https://shop.example/itm/16", price=90_000.0)]
    rows += [offer("17", *TAMPA, url="https://elsewhere.example/car", price=90_001.0), offer("18", *TAMPA, price=9e5)]
    found = near(stock(tmp_path / "f.sqlite", rows), latitude=28, longitude=-82.5, radius_km=80).nearest
    assert found[0].model_dump(include=set(facts)) == facts
    urls = ["https://shop.example/itm/15", "https://shop.example/itm/16", "https://elsewhere.example/car", None]
    assert [each.url for each in found] == urls
    assert found[1].first_price == 90_000.0


def test_a_model_that_nobody_offers_is_nowhere_near(tmp_path):
    path = stock(tmp_path / "f.sqlite", [offer(1, *TAMPA), offer(2)])
    asked = {"latitude": TAMPA[0], "longitude": TAMPA[1], "radius_km": 80}
    assert near(path, **asked, make_model_id=AUDI) == near(path, **asked, make_model_id="no/such") == NearFact()
    with opened(path) as database:
        assert near(database, **asked, make_model_id=FORD).count == 1
    assert near(stock(tmp_path / "empty.sqlite"), **asked) == NearFact()


@pytest.mark.parametrize(
    "wrong",
    [
        {"latitude": 91.0},
        {"longitude": -181.0},
        {"latitude": math.nan},
        {"radius_km": 0.0},
        {"radius_km": -1.0},
        {"radius_km": math.nan},
        {"radius_km": math.inf},
    ],
    ids=str,
)
def test_no_place_and_no_radius_are_told(tmp_path, wrong):
    path = stock(tmp_path / "f.sqlite")
    with pytest.raises(UsageError, match=str(next(iter(wrong.values())))):
        near(path, **({"latitude": 1.0, "longitude": 1.0, "radius_km": 1.0} | wrong))


def test_a_client_needs_no_data_frames(tmp_path):
    path: Path = stock(tmp_path / "f.sqlite", [offer(1, *TAMPA)])
    code = (
        "import sys, pathlib\n"
        "from autodetect.prices.sqlite.near import near\n"
        "from autodetect.prices.places import parse_place\n"
        "from autodetect.prices.radius import parse_radius\n"
        "at = parse_place('33602')\n"
        f"fact = near(pathlib.Path({str(path)!r}), latitude=at.latitude, longitude=at.longitude, radius_km=80)\n"
        "print(fact.count, [name for name in ('pandas', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 []"
