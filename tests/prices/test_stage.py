"""The price stage, night after night: judged before it is written, valued, remembered, and held where it went wrong."""

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from autodetect.lake.schemas import ASKING_PRICES, OFFERS
from autodetect.lake.verdict import hold_reason
from autodetect.prices.sqlite.lookup import history_of, meta_of, price_of
from autodetect.prices.stage import CURVES
from tests.prices.priced_nights import PricedNights, offer, sales

NIGHT = date(2026, 11, 1)
NIGHTS = [NIGHT + timedelta(days=days) for days in range(5)]


def test_tables_are_judged_and_the_files_carry_the_class_map_of_the_released_model(tmp_path: Path) -> None:
    nights = PricedNights(tmp_path)
    # Nobody writes a country so, but nothing before this stage refuses it: the offer is told, and goes out.
    receipt = nights.run(NIGHT, [offer(str(number), 9_000.0, NIGHT, country="U.S.") for number in range(6)])
    assert receipt.counts["offers"] == 6
    assert receipt.counts["rules_judged"] > 20
    assert receipt.facts["held"] == []
    (told,) = receipt.facts["warned"]
    assert told.startswith("offers: offer.country_malformed: 6 rows, first 2026-11-01/sandbox/0 (U.S.), 2026-11-01/")
    assert receipt.run["validation_seconds"] > 0
    with closing(sqlite3.connect(nights.sqlite(receipt))) as database:
        [(class_id, _, label)] = database.execute("SELECT * FROM classes")
        assert (class_id, label) == (7, "Ford Focus (old)")
    assert meta_of(nights.sqlite(receipt))["class_map_digest"] == "c" * 64
    assert "offer.country_malformed" in (tmp_path / "docs" / "index.html").read_text("utf-8")


def test_too_few_sales_are_priced_and_not_valued(tmp_path: Path) -> None:
    nights = PricedNights(tmp_path)
    receipt = nights.run(NIGHT, [*sales(60, NIGHT), offer("1", 9_000.0, NIGHT)])
    assert receipt.counts["prices_sold"] == 3
    assert receipt.counts["offers_valued"] == 0
    assert receipt.counts["offers_no_rating"] == 1
    assert "fewer than the 200 that a valuation needs" in receipt.facts["valuation"]["words"]
    assert CURVES not in receipt.files
    assert price_of(nights.sqlite(receipt), "ford/focus").median > 0  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> PricedNights:
    """Four nights as they should be, in which one offer gets cheaper, and a fifth that brings nonsense."""
    nights = PricedNights(tmp_path_factory.mktemp("five"), valuation={"max_error_rise": 0.5})
    for number, night in enumerate(NIGHTS[:4]):
        fresh = sales(400 if number == 0 else 20, NIGHT, first=1_000 * number)
        asked = [offer("steady", 7_000.0, night), offer("falls", 9_000.0 - 500 * number, night)]
        junk = [
            offer("parts", 700.0, night, title="Ford Focus for parts only"),
            offer("bid", 900.0, night, buying_options="AUCTION", bids=3),
            offer("wreck", 3_000.0, night, title_status="Salvage"),
        ]
        nights.run(night, [*fresh, *asked, *junk])
    nights.run(NIGHTS[4], sales(400, NIGHT, first=9_000, nonsense=True))
    return nights


def test_offers_are_valued_rated_and_placed(five: PricedNights) -> None:
    receipt = five.lake.receipts.of_night(NIGHTS[3])["price"]
    rows = five.lake.tables.read(OFFERS, version=receipt.versions["offers"]).to_pylist()
    tonight = {row["item_id"]: row for row in rows if row["night"] == NIGHTS[3]}
    steady, falls = tonight["steady"], tonight["falls"]
    assert steady["value"] == falls["value"]
    assert steady["value_low"] < steady["value"] < steady["value_high"]
    assert 20_000 * 0.9**10 * 0.85 < steady["value"] < 20_000 * 0.9**10 * 1.15
    assert (steady["latitude"], steady["place_precision"]) == (pytest.approx(27.96, abs=0.01), "code")
    assert (steady["first_price"], steady["changed_on"]) == (7_000.0, None)
    assert (falls["price"], falls["first_price"], falls["changed_on"]) == (7_500.0, 9_000.0, NIGHTS[3])


def test_what_is_no_offer_of_a_whole_car_at_a_price_is_not_counted_as_one(five: PricedNights) -> None:
    receipt = five.lake.receipts.of_night(NIGHTS[3])["price"]
    rows = five.lake.tables.read(OFFERS, version=receipt.versions["offers"]).to_pylist()
    tonight = {row["item_id"]: row["rating"] for row in rows if row["night"] == NIGHTS[3]}
    assert set(tonight) == {"steady", "falls", "wreck"}
    assert tonight["wreck"] == "no rating"  # values are of cars with a clean title


def test_a_price_is_remembered_once_for_as_long_as_it_stays(five: PricedNights) -> None:
    rows = five.lake.tables.read(ASKING_PRICES).to_pylist()
    kept = sorted((row["item_id"], row["night"], row["price"]) for row in rows if row["item_id"] != "wreck")
    falls = [("falls", night, 9_000.0 - 500 * number) for number, night in enumerate(NIGHTS[:4])]
    assert kept == [*falls, ("steady", NIGHTS[0], 7_000.0)]


def test_the_release_carries_the_medians_of_the_nights(five: PricedNights) -> None:
    receipt = five.lake.receipts.of_night(NIGHTS[3])["price"]
    told = [each for each in history_of(five.sqlite(receipt), "ford/focus") if each.basis == "sold"]
    assert [each.night for each in told] == NIGHTS[:4]
    assert [each.count for each in told] == sorted(each.count for each in told)


def test_a_night_whose_error_jumps_is_held_with_the_figures(five: PricedNights) -> None:
    good, bad = (five.lake.receipts.of_night(night)["price"] for night in NIGHTS[3:])
    assert good.facts["held"] == []
    assert bad.facts["held"] == ["valuation.error_jumped"]
    reason = hold_reason({"price": bad}, 0.9)
    assert "validation held the night: valuation.error_jumped" in reason
    assert 'valuation.accepted = ["2026-11-05"]' in reason


def test_the_same_night_again_gives_the_same(tmp_path: Path) -> None:
    nights = PricedNights(tmp_path)
    nights.run(NIGHTS[0], [*sales(250, NIGHT), offer("falls", 9_000.0, NIGHTS[0])])
    once, again = (nights.run(NIGHTS[1], [offer("falls", 8_000.0, NIGHTS[1])]) for _ in range(2))
    assert again.files == once.files
    assert again.digest == once.digest
    rows = nights.lake.tables.read(OFFERS).to_pylist()
    assert sorted((row["night"], row["price"]) for row in rows) == [(NIGHTS[0], 9_000.0), (NIGHTS[1], 8_000.0)]
