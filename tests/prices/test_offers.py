"""What may be shown as on offer."""

import pytest

from autodetect.lake.schemas import OFFERS


def test_an_offer_keeps_the_facts_that_a_buyer_sees(market):
    facts = {"title": "1967 Mustang", "year": 1967, "mileage": 88_000, "postal_code": "48173", "country": "US"}
    [row] = market.offers([market.asking(1, 19_999.999, url="https://example.org/1", **facts)]).to_pylist()
    assert row == facts | {
        "night": market.night,
        "source": "shop",
        "item_id": "1",
        "make_model_id": market.ford,
        "price": 20_000.0,
        "currency": "USD",
        "url": "https://example.org/1",
    }


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "missing"},
        {"status": "ended"},
        {"status": "sold"},
        {"status": "imported"},
        {"status": None},
        {"make_model_id": None},
        {"asking_price": None},
        {"asking_price": 99.0},
        {"asking_price": 3e7},
        {"asking_price": float("nan")},
        {"asking_price": float("inf")},
    ],
)
def test_what_is_no_offer_is_left_out(market, facts):
    rows = [market.asking("good", 10_000), market.asking("bad", 10_000, **facts)]
    assert market.offers(rows)["item_id"].to_pylist() == ["good"]


def test_offers_are_sorted_by_key_and_unknown_facts_are_null(market):
    rows = [market.asking(i, 10_000) for i in ("3", "1", "2")]
    found = market.offers(rows)
    assert found["item_id"].to_pylist() == ["1", "2", "3"]
    assert found["year"].null_count == 3
    assert found.schema.equals(OFFERS.schema)


def test_no_listings_give_no_offers(market):
    assert market.offers([]).num_rows == 0
