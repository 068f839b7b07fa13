"""Price history: a row when a price changes and no other, and what a person is told of it."""

from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.lake.schemas import ASKING_PRICES, OFFERS, PRICES
from autodetect.prices.history import Trend, changed_prices, drops, listing_histories, model_history, trends

NIGHT = date(2026, 3, 14)
KEYS = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2", "3"]))
SHOWN = st.tuples(st.sampled_from([900.0, 1_000.0]), st.sampled_from(["USD", "EUR", None]))
NIGHTS = st.lists(st.dictionaries(KEYS, SHOWN), max_size=6)


def asking(night, found):
    """Return one night's prices: (source, item id) -> (price, currency)."""
    rows = [
        {"source": s, "item_id": i, "night": night, "make_model_id": "m", "price": price, "currency": currency}
        for (s, i), (price, currency) in found.items()
    ]
    return pa.Table.from_pylist(rows, schema=ASKING_PRICES.schema)


def shuffled(rows, random):
    return rows.take(pa.array(random.sample(range(rows.num_rows), rows.num_rows), pa.int64()))


def kept(nights):
    """Return the rows that these nights leave, and the night after the last."""
    known = asking(NIGHT, {})
    for place, found in enumerate(nights):
        known = pa.concat_tables([known, changed_prices(asking(NIGHT + timedelta(place), found), known)])
    return known


@given(NIGHTS, st.randoms())
def test_a_row_is_kept_when_the_price_is_new_or_differs_from_the_newest_before(nights, random):
    now, expected = {}, []
    for place, found in enumerate(nights):
        night = NIGHT + timedelta(place)
        expected += [(key, night, *shown) for key, shown in found.items() if now.get(key) != shown or None in shown]
        now |= found
    rows = kept(nights).to_pylist()
    random.shuffle(rows)
    told = [((r["source"], r["item_id"]), r["night"], r["price"], r["currency"]) for r in rows]
    assert sorted(told, key=str) == sorted(expected, key=str)


@given(NIGHTS.filter(bool), st.randoms())
def test_the_same_night_run_again_gives_the_same_rows(nights, random):
    *before, tonight = nights
    known, offers = kept(before), asking(NIGHT + timedelta(len(before)), tonight)
    first = changed_prices(offers, known)
    again = pa.concat_tables([shuffled(known, random), first])
    assert changed_prices(shuffled(offers, random), again).equals(first)


@given(NIGHTS, st.randoms())
def test_a_listings_history_tells_its_first_price_and_its_last_change_in_one_currency(nights, random):
    rows = kept(nights)
    found = listing_histories(shuffled(rows, random))
    expected = {}
    for row in rows.to_pylist():
        key, currency = (row["source"], row["item_id"]), row["currency"]
        one = [] if not expected.get(key) or expected[key][-1][0] != currency else expected[key]
        expected[key] = [*one, (currency, row["price"], row["night"])]
    assert len(found) == len(expected)
    for row in found.to_dict("records"):
        history = expected[row["source"], row["item_id"]]
        assert (row["first_price"], row["price"]) == (history[0][1], history[-1][1])
        if len(history) > 1:
            assert (row["price_before"], row["changed_on"].date()) == (history[-2][1], history[-1][2])
        else:
            assert row["changed_on"] is None or row["changed_on"] != row["changed_on"]


def test_the_largest_drops_of_tonight_come_first():
    before, tonight = NIGHT - timedelta(1), NIGHT
    first = {("s", "1"): (1_000.0, "USD"), ("s", "2"): (9_000.0, "USD"), ("s", "3"): (500.0, "USD")}
    fell = {
        ("s", "1"): (600.0, "USD"),
        ("s", "2"): (8_000.0, "USD"),
        ("s", "3"): (400.0, "EUR"),
        ("s", "4"): (1.0, "USD"),
    }
    known = pa.concat_tables([asking(before, first), changed_prices(asking(tonight, fell), asking(before, first))])
    offers = pa.Table.from_pylist(
        [{"night": NIGHT, "source": s, "item_id": i, "make_model_id": "m", "currency": "USD"} for s, i in fell],
        schema=OFFERS.schema,
    )
    one, two = drops(offers, known, night=tonight)
    assert (one.item_id, one.before, one.price, round(one.share, 2)) == ("1", 1_000.0, 600.0, 0.4)
    assert (two.item_id, one.title, one.url) == ("2", "", "")
    assert drops(offers, known, night=tonight, most=1) == (one,)
    assert drops(offers, known, night=tonight + timedelta(1)) == ()


def headlines(medians, *, basis="sold", currency="USD", **more):
    """Return a price row a night, the last of them tonight; None is a night without a price."""
    last = len(medians) - 1
    rows = [
        {"night": NIGHT - timedelta(last - n), "make_model_id": "m", "basis": basis, "currency": currency, "count": 9}
        | {"median": median, "year_band": "", "region": "", **more}
        for n, median in enumerate(medians)
    ]
    return pa.Table.from_pylist(rows, schema=PRICES.schema)


def test_a_models_history_is_its_headline_medians_of_the_last_nights():
    rows = [
        headlines([1.0, 2.0, None, 4.0]),
        headlines([9.0] * 4, year_band="1950-1959"),
        headlines([9.0], region="US-FL"),
    ]
    found = model_history(pa.concat_tables(rows), nights=3)
    assert found["median"].to_pylist() == [2.0, 4.0]
    assert found["night"].to_pylist() == [NIGHT - timedelta(2), NIGHT]


def test_a_trend_compares_a_week_with_the_week_before():
    [trend] = trends(model_history(headlines([50.0] * 3 + [100.0] * 7 + [110.0] * 7), 90))
    assert trend == Trend(make_model_id="m", basis="sold", currency="USD", nights=7, recent=110.0, before=100.0)
    assert trend.change == pytest.approx(0.1)


@pytest.mark.parametrize(
    "medians",
    [[], [100.0] * 7, [100.0] * 2 + [110.0] * 7, [100.0, None, 100.0, *[None] * 5, *[110.0] * 7][-14:]],
    ids=["nothing", "one week", "two nights before", "too many nights without a price"],
)
def test_a_trend_needs_enough_medians_in_both_weeks(medians):
    assert trends(model_history(headlines(medians), 90)) == ()


def test_a_models_history_is_in_the_currency_of_its_newest_median():
    both = pa.concat_tables([headlines([100.0] * 7 + [None] * 7), headlines([None] * 7 + [110.0] * 7, currency="EUR")])
    found = model_history(both, 90)
    assert set(found["currency"].to_pylist()) == {"EUR"}
    assert trends(found) == ()
