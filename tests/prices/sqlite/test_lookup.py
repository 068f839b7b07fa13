"""What a client reads out of a release's price file, sound or damaged."""

import sqlite3
from contextlib import closing
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.errors import CorruptError, UsageError
from autodetect.prices.sqlite.lookup import (
    HistoryFact,
    MakeModel,
    OfferFact,
    PriceFact,
    SaleFact,
    find_make_model,
    history_of,
    make_models,
    meta_of,
    offers_of,
    opened,
    price_of,
    prices_by_band,
    prices_by_state,
    sales_of,
)
from autodetect.prices.sqlite.near import NearFact, near
from tests.prices.stocked import AUDI, F150, FORD, NIGHT, offer, price, stock

SALE = {
    "source": "shop",
    "item_id": "s1",
    "sold_on": date(2020, 1, 1),
    "sold_precision": "year",
    "price": 9_000.0,
    "currency": "USD",
    "year": 2011,
    "mileage": None,
    "trim": "GT",
    "region": "336",
}
READERS = {
    "price": lambda path: price_of(path, FORD),
    "bands": lambda path: prices_by_band(path, FORD),
    "states": lambda path: prices_by_state(path, FORD),
    "offers": lambda path: offers_of(path, FORD),
    "sales": lambda path: sales_of(path, FORD),
    "history": lambda path: history_of(path, FORD),
    "models": make_models,
    "meta": meta_of,
    "near": lambda path: near(path, latitude=28, longitude=-82, radius_km=500, make_model_id=FORD),
}


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """Return a sound price file that knows something for every question."""
    return stock(
        tmp_path_factory.mktemp("sound") / "autodetect.sqlite",
        [offer(i, 27 + i / 10, -82.0, price=20_000.0 + i, url=f"https://shop.example/{i}") for i in range(40)],
        prices=[
            price(10_000.0),
            price(20_000.0, basis="asking"),
            price(9_000.0, year_band="2010-2014"),
            price(30_000.0, year_band="before 1950"),
            price(25_000.0, year_band="1965-1969", level="make", level_name="Ford", level_count=700, count=2),
            price(11_000.0, region="US-FL"),
            price(None, region="CA-AB"),
        ],
        sales=[SALE | {"make_model_id": FORD}, SALE | {"make_model_id": FORD, "item_id": "s2", "sold_on": NIGHT}],
        history=[
            {"make_model_id": FORD, "basis": "sold", "night": NIGHT - timedelta(days=i), "count": 9, "median": 10.0 + i}
            for i in range(3)
        ],
    )


def test_sold_prices_come_before_asking_prices(sound):
    fact = price_of(sound, FORD)
    assert isinstance(fact, PriceFact)
    assert (fact.basis, fact.median, fact.count, fact.currency) == ("sold", 10_000, 10, "USD")
    assert (fact.year_band, fact.region, fact.level) == ("", "", "model")
    assert (fact.window_start, fact.window_end, fact.precision) == (date(2024, 1, 1), NIGHT, "year")


def test_an_asking_price_comes_before_a_sale_without_figures(tmp_path):
    fact = price_of(stock(tmp_path / "f.sqlite", prices=[price(None), price(20_004.0, basis="asking")]), FORD)
    assert (fact.basis, fact.median) == ("asking", 20_004)


def test_too_few_comparables_are_told_and_an_unknown_car_is_none(tmp_path):
    path = stock(tmp_path / "f.sqlite", prices=[price(None, count=1, reason="1 comparable sale")])
    fact = price_of(path, FORD)
    assert (fact.median, fact.level, fact.count, fact.reason) == (None, None, 1, "1 comparable sale")
    assert price_of(path, AUDI) is price_of(path, "unheard-of") is None


def test_bands_come_oldest_first_and_say_whose_figures_they_are(sound):
    bands = prices_by_band(sound, FORD)
    assert [band.year_band for band in bands] == ["before 1950", "1965-1969", "2010-2014"]
    assert [band.median for band in bands] == [30_000, 25_000, 9_000]
    assert (bands[1].level, bands[1].level_name, bands[1].level_count, bands[1].count) == ("make", "Ford", 700, 2)
    assert prices_by_band(sound, FORD, "asking") == prices_by_band(sound, AUDI) == ()


def test_states_come_sorted_with_or_without_figures(sound):
    assert [(fact.region, fact.median) for fact in prices_by_state(sound, FORD)] == [("CA-AB", None), ("US-FL", 11_000)]


def test_offers_are_summed_in_one_currency(tmp_path):
    rows = [offer(i, price=price) for i, price in enumerate([10_000.0, 10_001.0, 12_000.0])]
    rows += [offer(f"e{i}", price=999.0, currency="EUR") for i in range(2)]
    path = stock(tmp_path / "f.sqlite", rows)
    expected = OfferFact(count=3, currency="USD", average=10_667.0, lowest=10_000, highest=12_000, others=2)
    assert offers_of(path, FORD) == expected
    assert offers_of(path, "unheard-of") == OfferFact()


def test_sales_come_newest_first(sound):
    newest, older = sales_of(sound, FORD)
    assert older == SaleFact(**SALE)
    assert (newest.item_id, newest.sold_on) == ("s2", NIGHT)
    assert sales_of(sound, AUDI) == ()


def test_history_goes_night_by_night(sound):
    found = history_of(sound, FORD)
    assert [fact.night for fact in found] == [NIGHT - timedelta(days=i) for i in (2, 1, 0)]
    assert found[-1] == HistoryFact(basis="sold", night=NIGHT, count=9, median=10.0)


def test_an_open_file_answers_several_questions(sound):
    with opened(sound) as database:
        assert [read(database) for read in READERS.values()] == [read(sound) for read in READERS.values()]


@pytest.mark.parametrize(
    ("make", "model", "found"),
    [("Ford", "Mustang", FORD), ("ford", "MUSTANG", FORD), ("Ford", "f150", F150), (" AUDI", "t t", AUDI)],
)
def test_a_name_is_found_whatever_its_capitals_and_signs(sound, make, model, found):
    assert find_make_model(sound, make, model).make_model_id == found


def test_an_exact_name_comes_before_one_that_is_alike(tmp_path):
    names = {"a/1": ("Mazda", "3 "), "b/2": ("Mazda", "3")}
    assert find_make_model(stock(tmp_path / "f.sqlite", names=names), "Mazda", "3").make_model_id == "b/2"


@pytest.mark.parametrize(
    ("make", "model", "remedy"),
    [
        ("Ford", "Mustnag", "did you mean Ford Mustang"),
        ("Frod", "Mustang", "did you mean Ford Mustang"),
        ("Mustang", "Ford", "did you mean Ford Mustang"),
        ("", "", "name a make and model"),
        ("Ελλάδα", "Ж", "name a make and model"),
    ],
)
def test_an_unknown_name_is_told_with_the_likeliest_ones(sound, make, model, remedy):
    with pytest.raises(UsageError) as told:
        find_make_model(sound, make, model)
    assert f"{make} {model}" in told.value.what
    assert told.value.remedy.startswith(remedy)


def test_makes_and_models_come_sorted_by_name(sound):
    assert [(each.make, each.model) for each in make_models(sound)] == [
        ("Audi", "TT"),
        ("Ford", "F-150"),
        ("Ford", "Mustang"),
    ]
    assert make_models(sound)[0] == MakeModel(make_model_id=AUDI, make="Audi", model="TT")


def test_reading_changes_nothing_and_leaves_nothing_behind(sound, tmp_path):
    path = tmp_path / "a ?#%20 name" / "f.sqlite"
    path.parent.mkdir()
    before = sound.read_bytes()
    path.write_bytes(before)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    assert price_of(path, FORD).median == 10_000
    assert meta_of(path)["night"] == "2026-03-14"
    path.parent.chmod(0o755)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["f.sqlite"]


def test_a_lock_that_another_program_holds_does_not_stop_a_reader(sound, tmp_path):
    path = tmp_path / "f.sqlite"
    path.write_bytes(sound.read_bytes())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert price_of(path, FORD).median == 10_000


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_missing_or_foreign_file_is_told(read, tmp_path):
    with pytest.raises(CorruptError):
        read(tmp_path / "absent.sqlite")
    assert not (tmp_path / "absent.sqlite").exists()
    with pytest.raises(CorruptError):
        read(tmp_path)
    (tmp_path / "text").write_text("<html>503 Service Unavailable</html>" * 100)
    with pytest.raises(CorruptError):
        read(tmp_path / "text")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(CorruptError, match="no price file"):
        read(tmp_path / "empty")


def test_a_file_of_another_format_is_told(sound, tmp_path):
    path = tmp_path / "later.sqlite"
    path.write_bytes(sound.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 3")
    with pytest.raises(CorruptError, match="format 2"):
        price_of(path, FORD)


def test_a_figure_that_is_no_number_is_told(sound, tmp_path):
    path = tmp_path / "swapped.sqlite"
    path.write_bytes(sound.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE prices SET median = 'cheap'")
        database.commit()
    with pytest.raises(CorruptError, match="median"):
        price_of(path, FORD)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.9999])
def test_a_truncated_file_is_told(sound, tmp_path, share, read):
    path = tmp_path / "cut.sqlite"
    content = sound.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CorruptError):
        read(path)


@given(data=st.data())
@settings(deadline=None, max_examples=200)
def test_no_damage_ends_in_anything_but_a_value_or_a_corrupt_file(sound, tmp_path_factory, data):
    content = bytearray(sound.read_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=200))
    content[start : start + len(noise)] = noise
    path = tmp_path_factory.getbasetemp() / "damaged.sqlite"
    path.write_bytes(content)
    for read in READERS.values():
        try:
            found = read(path)
        except CorruptError:
            continue
        assert found is None or isinstance(found, PriceFact | OfferFact | NearFact | tuple | dict)
