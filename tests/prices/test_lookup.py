"""What a client reads out of a release's price file, sound or damaged."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.errors import CorruptError
from autodetect.prices.lookup import OfferFact, PriceFact, meta_of, offers_of, price_of

READERS = {
    "price": lambda path: price_of(path, "ford-mustang"),
    "offers": lambda path: offers_of(path, "ford-mustang"),
    "meta": meta_of,
}


@pytest.fixture(scope="session")
def sound(market, tmp_path_factory):
    """Return a sound price file with prices and offers of the Ford."""
    rows = [market.sold(i, 10_000 + i) for i in range(9)] + [market.asking(f"a{i}", 20_000 + i) for i in range(9)]
    return market.files(tmp_path_factory.mktemp("sound"), rows).sqlite


def test_sold_prices_come_before_asking_prices(market, sound):
    fact = price_of(sound, market.ford)
    assert isinstance(fact, PriceFact)
    assert (fact.basis, fact.median, fact.count, fact.currency) == ("sold", 10_004, 9, "USD")


def test_an_asking_price_comes_before_a_sale_without_figures(market, tmp_path):
    rows = [market.sold(1, 10_000)] + [market.asking(f"a{i}", 20_000 + i) for i in range(9)]
    fact = price_of(market.files(tmp_path, rows).sqlite, market.ford)
    assert (fact.basis, fact.median) == ("asking", 20_004)


def test_too_few_comparables_are_told_and_an_unknown_car_is_none(market, tmp_path):
    path = market.files(tmp_path, [market.sold(1, 10_000)]).sqlite
    fact = price_of(path, market.ford)
    assert (fact.median, fact.count, fact.reason) == (None, 1, "1 comparable sale; a price needs at least 5")
    assert price_of(path, "unheard-of") is None


def test_offers_are_summed_in_one_currency(market, tmp_path):
    rows = [market.asking(i, price) for i, price in enumerate([10_000, 10_001, 12_000])]
    rows += [market.asking(f"e{i}", 999, currency="EUR") for i in range(2)]
    path = market.files(tmp_path, rows).sqlite
    expected = OfferFact(count=3, currency="USD", average=10_667.0, lowest=10_000, highest=12_000, others=2)
    assert offers_of(path, market.ford) == expected
    assert offers_of(path, "unheard-of") == OfferFact()


def test_reading_changes_nothing_and_leaves_nothing_behind(market, tmp_path):
    path = market.files(tmp_path / "a ?#%20 name", [market.sold(i, 10_000) for i in range(5)]).sqlite
    before = path.read_bytes()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    assert price_of(path, market.ford).median == 10_000
    assert meta_of(path)["night"] == "2026-03-14"
    path.parent.chmod(0o755)
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["autodetect.sqlite", "offers.parquet", "prices.parquet"]


def test_a_lock_that_another_program_holds_does_not_stop_a_reader(market, tmp_path):
    path = market.files(tmp_path, [market.sold(i, 10_000) for i in range(5)]).sqlite
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert price_of(path, market.ford).median == 10_000


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


def test_a_file_of_a_later_format_is_told(market, sound, tmp_path):
    path = tmp_path / "later.sqlite"
    path.write_bytes(sound.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(CorruptError, match="format 1"):
        price_of(path, market.ford)


def test_a_figure_that_is_no_number_is_told(market, sound, tmp_path):
    path = tmp_path / "swapped.sqlite"
    path.write_bytes(sound.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE prices SET median = 'cheap'")
        database.commit()
    with pytest.raises(CorruptError, match="median"):
        price_of(path, market.ford)


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
        assert found is None or isinstance(found, PriceFact | OfferFact | dict)


def test_the_lookup_needs_no_data_frames(sound):
    code = (
        "import sys, pathlib\n"
        "from autodetect.prices.lookup import price_of\n"
        f"price_of(pathlib.Path({str(sound)!r}), 'ford-mustang')\n"
        "print([name for name in ('pandas', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
