"""Each junk rule refuses what it names, and only that."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from autodetect.prices.table.comparables import RULES
from autodetect.prices.table.outliers import modified_z


def junk_rows(market):
    """Return one listing per rule that only that rule refuses."""
    day = timedelta(days=1)
    bid = {"buying_options": "AUCTION"}
    return {
        "no_make_model": [market.sold("j", 10_000, make_model_id="unheard-of")],
        "price_missing": [market.sold("j", None)],
        "currency_missing": [market.sold("j", 10_000, currency=None)],
        "other_currency": [market.sold("j", 10_000, currency="EUR")],
        "price_placeholder": [market.sold("j", 1)],
        "deposit": [market.sold("j", 500, title="1967 Mustang, deposit")],
        "parts_only": [market.sold("j", 9_000, title="1967 Mustang for parts only")],
        "salvage": [market.sold("j", 9_000, title_status="Salvage")],
        "auction_unbid": [market.sold("j", 9_000, bids=0, **bid)],
        "auction_running": [market.asking("j", 9_000, bids=3, **bid), market.asking("k", 9_000)],
        "price_below_minimum": [market.sold("j", 99.99)],
        "price_above_maximum": [market.sold("j", 20_000_000.01)],
        "date_missing": [market.sold("j", 10_000, sold_on=None)],
        "outside_window": [market.sold("j", 10_000, sold_on=market.night - 10 * day - 1095 * day)],
        "relist": [
            market.asking("j", 10_000, vehicle_id="v1", first_seen=market.night - 9 * day),
            market.asking("k", 10_000, vehicle_id="v1"),
        ],
        "outlier": [market.sold("j", 900_000)],
    }


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_refuses_what_it_names(market, rule):
    sound = [market.sold(i, 10_000 + 500 * i) for i in range(9)]
    table = market.priced(sound + junk_rows(market)[rule])
    refused = table.verdicts[table.verdicts["rule"] != ""]
    assert [(row.item_id, row.rule) for row in refused.itertuples()] == [("j", rule)]
    basis = "asking" if rule in {"relist", "auction_running"} else "sold"
    assert table.funnel[basis][rule] == 1
    assert sum(table.funnel[basis][name] for name in RULES) == 1


@pytest.mark.parametrize("price", [0.0, -5.0, float("inf"), float("nan")])
def test_no_setting_lets_an_impossible_price_in(market, price):
    row = market.price([market.sold(1, price)], min_price=0, min_comparables=1)
    assert (row["count"], row["median"]) == (0, None)


def test_gifts_are_never_comparables_even_where_they_are_the_majority(market):
    table = market.priced([market.sold(i, 0) for i in range(9)] + [market.sold("s", 10_000)], min_price=0)
    assert (table.funnel["sold"]["price_placeholder"], table.funnel["sold"]["used"]) == (9, 1)


def test_the_bounds_themselves_are_believable(market):
    rows = [market.sold(1, 100.0), market.sold(2, 20_000_000.0)]
    assert market.priced(rows, mad_cutoff=1e9).funnel["sold"]["used"] == 2


def test_the_window_ends_at_the_newest_sale_and_holds_its_first_day(market):
    newest = market.night - timedelta(days=40)
    rows = [market.sold(1, 10_000, sold_on=newest), market.sold(2, 10_000, sold_on=newest - timedelta(days=29))]
    rows += [market.sold(3, 10_000, sold_on=newest - timedelta(days=30))]
    row = market.price(rows, window_days=30, min_comparables=1)
    assert (row["window_start"], row["window_end"]) == (newest - timedelta(days=29), newest)
    assert row["count"] == 2


def test_a_sale_dated_after_the_night_does_not_move_the_window(market):
    rows = [market.sold(i, 10_000) for i in range(5)] + [market.sold("typo", 10_000, sold_on=date(9999, 12, 31))]
    row = market.price(rows)
    assert (row["count"], row["window_end"]) == (5, market.night - timedelta(days=10))


def test_a_junk_sale_does_not_move_the_window(market):
    rows = [market.sold(i, 10_000) for i in range(5)] + [market.sold("free", 1, sold_on=market.night)]
    assert market.price(rows)["window_end"] == market.night - timedelta(days=10)


def test_an_offer_first_seen_after_the_night_does_not_count(market):
    tomorrow = market.night + timedelta(days=1)
    rows = [market.asking(1, 10_000, first_seen=tomorrow, last_seen=tomorrow), market.asking(2, 10_000)]
    assert market.priced(rows).funnel["asking"]["outside_window"] == 1


def test_a_relist_without_a_price_does_not_hide_the_listing_it_repeats(market):
    rows = [
        market.asking("old", 9_000, vehicle_id="v", first_seen=market.night - timedelta(days=9)),
        market.asking("new", None, vehicle_id="v"),
    ]
    assert market.price(rows, basis="asking", min_comparables=1)["median"] == 9_000


def test_the_newest_asking_listing_of_a_vehicle_counts(market):
    rows = [
        market.asking("b", 9_000, vehicle_id="v", first_seen=market.night - timedelta(days=9)),
        market.asking("a", 8_000, vehicle_id="v", first_seen=market.night - timedelta(days=2)),
    ]
    assert market.price(rows, basis="asking", min_comparables=1)["median"] == 8_000


def test_a_vehicle_that_sold_twice_counts_once_by_its_newest_sale(market):
    rows = [market.sold(i, price, vehicle_id="v", sold_on=market.night - timedelta(days=9 - i)) for i, price in
            enumerate([9_000, 8_000, 7_000])]  # fmt: skip
    assert market.price(rows, min_comparables=1)["median"] == 7_000
    assert market.priced(rows).funnel["sold"]["relist"] == 2


def test_one_vehicle_under_two_models_is_a_comparable_of_each(market):
    rows = [market.sold(1, 9_000, vehicle_id="v"), market.sold(2, 9_000, vehicle_id="v", make_model_id=market.audi)]
    assert market.priced(rows).funnel["sold"]["used"] == 2


def test_a_sale_of_a_year_is_in_the_window_with_its_last_day(market):
    year = {"sold_precision": "year"}
    newest = date(2026, 1, 1)
    rows = [market.sold(1, 9_000, sold_on=newest), market.sold(2, 9_000, sold_on=date(2025, 1, 1), **year)]
    rows += [market.sold(3, 9_000, sold_on=date(2024, 1, 1), **year), market.sold(4, 9_000, sold_on=date(2025, 1, 1))]
    table = market.priced(rows, window_days=30)
    assert [row.item_id for row in table.verdicts.itertuples() if row.rule == ""] == ["1", "2"]
    used = table.judged["sold"].used.set_index("item_id")
    assert used.loc["2", ["begins", "ends"]].tolist() == [pd.Timestamp(2025, 1, 1), pd.Timestamp(2025, 12, 31)]
    assert used["precision"].to_dict() == {"1": "day", "2": "year"}


def test_a_bid_is_no_asking_price_but_what_an_auction_sold_for_is_one(market):
    auction = {"buying_options": "AUCTION", "bids": 4}
    rows = [market.sold(1, 9_000, **auction), market.asking(2, 9_000, **auction), market.asking(3, 9_000, bids=None)]
    rows += [market.asking(4, 9_000, buying_options="AUCTION|FIXED_PRICE", bids=0), market.sold(5, 9_000, bids=0)]
    rows += [market.sold(6, 9_000, buying_options="AUCTION", bids=None)]  # nobody says how many bids there were
    funnel = market.priced(rows).funnel
    assert (funnel["sold"]["used"], funnel["asking"]["used"], funnel["asking"]["auction_running"]) == (3, 2, 1)


def test_a_deposit_is_a_price_far_below_the_model_and_the_word_alone_is_none(market):
    sound = [market.sold(i, 20_000 + i) for i in range(9)]
    words = "2012 Mustang $500 deposit required"
    suspects = [market.sold("far", 4_999, title=words), market.sold("near", 12_000, title=words)]
    verdicts = market.priced(sound + suspects, mad_cutoff=100).verdicts.set_index("item_id")["rule"]
    assert (verdicts["far"], verdicts["near"]) == ("deposit", "")


def test_deposits_do_not_hide_behind_each_other(market):
    """What others of the model ask is read without them; where that is too little, an amount decides."""
    words = {"title": "Reserve yours: deposit"}
    rows = [market.sold(i, 1_999, **words) for i in range(9)] + [market.sold("car", 2_000, **words)]
    assert market.priced(rows).funnel["sold"]["deposit"] == 9
    rows += [market.sold(f"s{i}", 40_000) for i in range(5)]
    assert market.priced(rows).funnel["sold"]["deposit"] == 10


def test_listings_of_unknown_vehicles_are_not_relists_of_each_other(market):
    rows = [market.asking(i, 10_000) for i in range(3)]
    assert market.price(rows, basis="asking")["count"] == 3


@pytest.mark.parametrize("status", ["missing", "ended", "imported", None])
def test_what_is_not_there_tonight_does_not_speak_for_asking_prices(market, status):
    rows = [market.asking(1, 10_000, status=status), market.asking(2, 11_000)]
    assert market.priced(rows).funnel["asking"]["candidates"] == 1


def test_a_listing_that_tonights_slices_did_not_reach_still_speaks_for_asking_prices(market):
    rows = [market.asking(1, 10_000, last_seen=market.night - timedelta(days=2)), market.asking(2, 11_000)]
    assert market.priced(rows).funnel["asking"]["used"] == 2


def test_imports_are_no_sales(market):
    rows = [market.sold(1, None, status="imported", sold_on=None), market.sold(2, 11_000)]
    assert market.priced(rows).funnel["sold"]["candidates"] == 1


def test_the_score_is_the_published_formula():
    # median of the logs is 2, absolute deviations 2 1 0 1 6: MAD 1.
    prices = np.exp([0.0, 1.0, 2.0, 3.0, 8.0])
    scores = modified_z(prices, np.zeros(5, np.int64))
    np.testing.assert_allclose(scores, 0.6745 * np.array([-2.0, -1.0, 0.0, 1.0, 6.0]), rtol=1e-9, atol=1e-9)


def test_nearly_equal_prices_are_no_outliers_when_most_are_equal(market):
    rows = [market.sold(i, 10_000) for i in range(8)] + [market.sold(8, 10_400), market.sold(9, 90_000)]
    row = market.price(rows)
    assert (row["count"], row["outliers"], row["high"]) == (9, 1, 10_400)
