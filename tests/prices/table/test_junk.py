"""What a listing's words mean: each rule finds its own, and leaves cars alone."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.prices.table.junk import bid_only, read_titles, states_parts, states_salvage
from crawlers.sandbox.making.particulars import TITLES

CARS = [
    "2012 Ford Mustang GT, new parts installed",
    "1967 Mustang, rebuilt engine, all new OEM parts",
    "Restored with original Ford parts only the best: genuine parts only",
    "1970 Camaro with parts car",
    "1970 Camaro + parts truck",
    "1972 Bronco plus extra donor car",
    "NOT A PARTS CAR! runs great",
    "not for parts, drives daily",
    "$9,000 in receipts for parts",
    "Clean title, not salvage",
    "clean title no salvage or rebuilt title",
    "no accidents, no salvage history",
    "never salvaged or flooded, one owner",
    "Non-salvage 2015 Accord",
    "2003 Corvette totally restored, rebuilt transmission",
    "1987 Buick Grand National, apartment kept",
    "Flood lights and roof rack, 2010 Wrangler",
    "no deposit needed",
    "departs daily; compartment; Partsch edition",
    "",
]
PARTS = [
    "2012 Ford Mustang GT for parts only",
    "2012 Ford Mustang PARTS-ONLY",
    "1999 Civic parting out",
    "1999 Civic part out!!",
    "partout BMW E30",
    "Parts car 1968 Camaro",
    "parts truck, no title",
    "parts/donor vehicle",
    "donor car Honda S2000",
    "for parts or repair",
    "VW Golf Ersatzteilträger",
]
SALVAGE = [
    "2015 Accord SALVAGE TITLE",
    "2015 Accord salvage rebuildable",
    "2015 Accord Salvaged, runs",
    "no reserve salvage title",
    "2015 Accord rebuilt title",
    "2015 Accord title is rebuilt",
    "Branded-title Camry",
    "flood damage Camry",
    "2018 BMW totaled",
    "total loss 2016 Tesla",
    "not running, salvage",
]
DEPOSITS = [
    "$500 deposit holds it",
    "Deposit for 1967 Mustang",
    "down-payment 2,000 drives it home",
    "lease takeover 2020 Audi",
    "Take over lease BMW X5",
    "take over payments",
    "$299/mo 2020 Civic",
    "only $199 per month",
    "Anzahlung Golf GTI",
]


def said(titles):
    found = read_titles(pa.array(titles, pa.large_string()))
    return {name: [title for title, says in zip(titles, column, strict=True) if says]
            for name, column in found._asdict().items()}  # fmt: skip


def test_titles_of_cars_say_nothing_of_the_kind():
    assert said(CARS) == {"deposit": [], "parts": [], "salvage": []}


@pytest.mark.parametrize(("rule", "titles"), [("parts", PARTS), ("salvage", SALVAGE), ("deposit", DEPOSITS)])
def test_each_way_to_say_it_is_found_however_it_is_spelt(rule, titles):
    assert said(titles)[rule] == titles
    shouted = [f"!! {title.upper().replace(' ', '  ')} !!" for title in titles if "ä" not in title]
    assert said(shouted)[rule] == shouted


@given(st.lists(st.sampled_from([*CARS, *PARTS, *SALVAGE, *DEPOSITS, None]), max_size=12), st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_a_row_is_read_by_itself(titles, skipped):
    whole = pa.array(titles, pa.large_string()).slice(skipped)
    found = read_titles(whole)
    alone = [read_titles(whole.slice(at, 1)) for at in range(len(whole))]
    assert [tuple(row) for row in zip(*found, strict=True)] == [tuple(each[0] for each in one) for one in alone]


def test_conditions_and_title_statuses_of_the_sources_are_known():
    conditions = [
        "Used",
        "New",
        "Certified pre-owned",
        "For parts or not working",
        "Als Ersatzteil / defekt",
        "Not for parts",
    ]
    assert states_parts(pa.array(conditions)).tolist() == [False, False, False, True, True, False]
    clean = ["Clean", "Clear", "clean, not salvage", "Bill of sale"]
    branded = [
        "Salvage",
        "Rebuilt, Rebuildable & Reconstructed",
        "Flood, Water Damage",
        "Junk",
        "Lemon & Manufacturer Buyback",
    ]
    assert states_salvage(pa.array([*clean, *branded])).tolist() == [False] * 4 + [True] * 5


def test_what_the_sandbox_writes_is_known():
    found = {title for title in TITLES if states_salvage(pa.array([title]))[0]}
    assert found == {"Salvage", "Rebuilt, Rebuildable & Reconstructed"}


def test_only_what_bids_alone_can_buy_has_a_bid_for_a_price():
    options = ["AUCTION", "AUCTION|BEST_OFFER", "AUCTION|FIXED_PRICE", "FIXED_PRICE", "CLASSIFIED_AD"]
    assert bid_only(pa.array(options)).tolist() == [True, True, False, False, False]
