"""Offers near a place as a person reads them."""

from autodetect.prices.radius import DEFAULT_RADIUS, Radius
from autodetect.prices.sqlite.near import NearFact, near
from flows.cli.near_words import money, near_lines
from tests.prices.stocked import offer, stock


def test_offers_are_counted_priced_and_the_nearest_named(tmp_path):
    facts = {"year": 2015, "trim": "GT", "mileage": 60_000, "rating": "good", "url": "https://shop.example/1"}
    rows = [offer(1, 27.9, -82.4, price=19_000.0, **facts), offer(2, 28.0, -82.4, price=19_694.0, rating="no rating")]
    rows += [offer(3, 28.1, -82.4, price=5_000.0, currency="EUR", place_precision="area", title="A Mustang"), offer(4)]
    path = stock(tmp_path / "f.sqlite", rows)
    fact = near(path, latitude=27.9, longitude=-82.4, radius_km=80)
    counted, *nearest = near_lines(fact, DEFAULT_RADIUS)
    assert counted.split("; ") == [
        "2 offers within 50 miles, average price $19,347",
        "1 in other currencies",
        "of 1 only the area is known",
        "1 more without a known place",
    ]
    assert nearest == [
        "     0 mi     $19,000  2015 GT, 60,000 miles, good price, https://shop.example/1",
        "     7 mi     $19,694  2",
        "   ~14 mi   5,000 EUR  A Mustang",
    ]
    assert list(near_lines(fact, Radius(amount=80, unit="km")))[-1] == "   ~22 km   5,000 EUR  A Mustang"


def test_no_offer_and_one_offer_are_told():
    assert list(near_lines(NearFact(), Radius(amount=1, unit="mi"))) == ["no offers within 1 mile"]
    one = NearFact(count=1, currency="CAD", average=9_999.5)
    assert list(near_lines(one, DEFAULT_RADIUS)) == ["1 offer within 50 miles, average price 10,000 CAD"]


def test_only_us_dollars_have_a_sign():
    assert (money(19_347.4, "USD"), money(19_347.4, "EUR")) == ("$19,347", "19,347 EUR")
