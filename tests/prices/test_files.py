"""The price files: the same bytes from the same facts, and a file that any SQLite can read."""

import hashlib
import json
import pickle
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.schemas import OFFERS, PRICES
from autodetect.prices.files import HISTORY, SALES, main_currency, write_price_files
from autodetect.prices.sqlite.cells import cell_of
from autodetect.prices.valuation.stored import META, TERMS, StoredTable

NIGHT = date(2026, 3, 14)
FORD, AUDI, GONE = "ford-mustang", "audi-tt", "saab-900"
PLACES = (
    {
        "postal_code": "33602",
        "region": "336",
        "country": "US",
        "latitude": 27.95,
        "longitude": -82.45,
        "place_precision": "code",
    },
    {
        "postal_code": "336**",
        "region": "336",
        "country": "US",
        "latitude": 28.01,
        "longitude": -82.4,
        "place_precision": "area",
    },
    {"postal_code": "SW1A 1AA", "country": "GB"},
    {},
)
WRITE = """
import sys, hashlib, json, pickle
from pathlib import Path
from autodetect.prices.files import write_price_files
files = write_price_files(Path(sys.argv[2]), **pickle.loads(Path(sys.argv[1]).read_bytes()))
print(json.dumps([hashlib.sha256(path.read_bytes()).hexdigest() for _, path in files]))
"""


def offer(item_id, **facts):
    row = {"night": NIGHT, "source": "shop", "item_id": str(item_id), "make_model_id": FORD, "price": 9_500.0}
    return row | {"currency": "USD", "url": f"https://shop.example/itm/{item_id}", "first_price": 9_500.0} | facts


def price(**facts):
    row = {"night": NIGHT, "make_model_id": FORD, "basis": "sold", "year_band": "", "region": "", "currency": "USD"}
    figures = {
        "count": 20,
        "sellers": 9,
        "outliers": 1,
        "level": "model",
        "level_name": "Ford Mustang",
        "level_count": 20,
    }
    window = {"window_start": NIGHT - timedelta(days=90), "window_end": NIGHT, "precision": "day"}
    money = ("median_low", "q1", "low", "median", "trimmed_mean", "q3", "high", "median_high")
    return row | figures | window | {name: 9_000.0 + 250.25 * at for at, name in enumerate(money)} | facts


def inputs(offers=(), prices=(), sales=(), history=(), **others):
    """Return the arguments of `write_price_files`, but for the folder."""
    made = {
        "night": NIGHT,
        "prices": pa.Table.from_pylist(list(prices), PRICES.schema),
        "offers": pa.Table.from_pylist(list(offers), OFFERS.schema),
        "make_models": pa.table({"make_model_id": [FORD, AUDI], "make": ["Ford", "Audi"], "model": ["Mustang", "TT"]}),
        "classes": pa.table({"class_id": [7, 2], "make_model_id": [FORD, GONE], "label": ["Ford Mustang", "Saab 900"]}),
        "class_map_digest": "c1a55",
        "sales": pa.Table.from_pylist(list(sales), SALES),
        "history": pa.Table.from_pylist(list(history), HISTORY),
        "valuation": {
            "valuation_terms": StoredTable(TERMS, ("term",), pa.table([["b", "a"], [5, -7]], schema=TERMS)),
            "valuation_meta": StoredTable(META, ("key",), pa.table([["currency"], ["USD"]], schema=META)),
        },
    }
    return made | others


def shuffled(arguments, seed):
    def one(value):
        if isinstance(value, StoredTable):
            return StoredTable(value.schema, value.key, one(value.rows))
        if isinstance(value, dict):
            return {name: one(each) for name, each in value.items()}
        if isinstance(value, pa.Table):
            return value.take(pa.array(random.Random(seed).sample(range(value.num_rows), value.num_rows), pa.int64()))
        return value

    return {name: one(value) for name, value in arguments.items()}


def digests(files):
    return [hashlib.sha256(path.read_bytes()).hexdigest() for _, path in files]


def rows_of(path, query, *values):
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(query, values)]


@pytest.fixture
def small():
    """Return a small market: Fords and Audis in two currencies, at four places, sold, asked and remembered."""
    offers = [
        offer(
            number,
            make_model_id=(FORD, AUDI)[number % 3 == 0],
            source=("shop", "fair")[number % 5 == 0],
            title=f"Ünïcode {number}",
            price=12_000.0 + 97.5 * number,
            currency=("USD", "EUR")[number % 7 == 0],
            year=None if number % 4 == 0 else 2000 + number % 20,
            value=11_000.0 if number % 2 else None,
            rating="good" if number % 2 else "no rating",
            first_price=(12_000.0 + 97.5 * number) * (1, 1.1)[number % 3 == 0],
            changed_on=NIGHT if number % 3 == 0 else None,
            first_seen=NIGHT - timedelta(days=number),
            **PLACES[number % 4],
        )
        for number in range(40)
    ]
    prices = [
        price(),
        price(basis="asking"),
        price(year_band="2010-2014", median=None, reason="2 sales"),
        price(region="US-FL"),
    ]
    sale = {
        "make_model_id": FORD,
        "source": "shop",
        "sold_on": NIGHT,
        "sold_precision": "day",
        "price": 8_000.0,
        "currency": "USD",
    }
    sales = [sale | {"item_id": str(number), "year": 1999, "mileage": number} for number in range(9)]
    night = {"make_model_id": FORD, "basis": "sold", "count": 20, "median": 9_750.75, "currency": "USD"}
    history = [night | {"night": NIGHT - timedelta(days=day)} for day in range(5)]
    return inputs(offers, [*prices, price(make_model_id=AUDI)], sales, history)


def test_two_processes_write_the_same_bytes_whatever_the_order_of_rows(small, tmp_path):
    found = []
    for seed in (1, 2):
        stored = tmp_path / f"{seed}.pickle"
        stored.write_bytes(pickle.dumps(shuffled(small, seed)))
        command = [sys.executable, "-c", WRITE, str(stored), str(tmp_path / str(seed))]
        environment = {
            "PYTHONHASHSEED": str(seed),
            "PATH": "/usr/bin:/bin",
            "TZ": f"UTC+{seed}",
            "PYTHONPATH": ":".join(sys.path),
        }
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        found.append(json.loads(done.stdout))
    assert found[0] == found[1] == digests(write_price_files(tmp_path / "3", **small))
    assert len(set(found[0])) == 3


OFFERS_OF_ANY_KIND = st.lists(
    st.builds(
        lambda item_id, source, facts, place, url: offer(item_id, source=source, **facts, **PLACES[place], **url),
        st.integers(0, 10**12),
        st.sampled_from(["shop", "fair", "é"]),
        st.fixed_dictionaries(
            {"make_model_id": st.sampled_from([FORD, AUDI, GONE, "z"]), "currency": st.sampled_from(["USD", "EUR"])},
            optional={
                "price": st.floats(1, 1e7),
                "first_price": st.none() | st.sampled_from([9_500.0, 9_000.5]),
                "title": st.none() | st.text(max_size=90),
                "mileage": st.none() | st.integers(0, 2**31 - 1),
                "value": st.none() | st.floats(1, 1e7),
                "changed_on": st.none() | st.dates(date(2020, 1, 1), NIGHT),
            },
        ),
        st.integers(0, 3),
        st.sampled_from([{}, {"url": None}, {"url": ""}, {"url": "https://elsewhere.example/1"}]),
    ),
    unique_by=lambda row: (row["source"], row["item_id"]),
    max_size=30,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offers=OFFERS_OF_ANY_KIND, seed=st.integers(0, 99))
def test_the_sqlite_file_holds_the_offers_of_the_parquet_file(tmp_path, offers, seed):
    files = write_price_files(tmp_path / "files", **inputs(offers))
    again = write_price_files(tmp_path / "again", **shuffled(inputs(offers), seed))
    assert digests(files) == digests(again)
    assert rows_of(files.sqlite, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    names = [name for name in OFFERS.schema.names if name != "night"]
    kept = {name: f"o.{name}" for name in names} | {
        "source": "s.name",
        "make_model_id": "m.make_model_id",
        "url": "nullif(ifnull(o.url, s.url || o.item_id), '')",
        "first_price": "ifnull(o.first_price, o.price)",
        "changed_on": "date(o.changed_on * 86400, 'unixepoch')",
        "first_seen": "date(o.first_seen * 86400, 'unixepoch')",
        "place_precision": "p.precision",
    }
    kept |= {name: f"p.{name}" for name in ("postal_code", "region", "country", "latitude", "longitude")}
    found = rows_of(
        files.sqlite,
        f"SELECT {', '.join(f'{kept[name]} AS {name}' for name in names)} FROM offers o JOIN sources s USING (source) "
        "JOIN make_models m USING (make_model) LEFT JOIN places p USING (place) ORDER BY s.name, o.item_id",
    )
    expected = pq.read_table(files.offers).select(names).to_pylist()
    for row in expected:
        row |= {name: row[name] and row[name].isoformat() for name in ("changed_on", "first_seen")}
        row |= {"first_price": row["first_price"] or row["price"], "url": row["url"] or None}
    assert found == expected


def test_places_are_numbered_by_cell_and_an_offer_of_nowhere_has_none(tmp_path):
    offers = [offer(number, **PLACES[number % 4]) for number in range(8)]
    sqlite = write_price_files(tmp_path, **inputs(offers)).sqlite
    places = rows_of(sqlite, "SELECT place, cell, precision, postal_code FROM places ORDER BY place")
    assert places == [
        {"place": 1, "cell": None, "precision": None, "postal_code": "SW1A 1AA"},
        {"place": 2, "cell": cell_of(27.95, -82.45), "precision": "code", "postal_code": "33602"},
        {"place": 3, "cell": cell_of(28.01, -82.4), "precision": "area", "postal_code": "336**"},
    ]
    counts = rows_of(sqlite, "SELECT place, count(*) AS offers FROM offers GROUP BY place")
    assert counts == [{"place": place, "offers": 2} for place in range(4)]


def test_addresses_made_of_an_item_id_are_kept_once(tmp_path):
    offers = [
        offer(1),
        offer(2),
        offer(3, url="https://shop.example/special/3"),
        offer(4, url=None),
        offer(5, source="b", url=None),
    ]
    sqlite = write_price_files(tmp_path, **inputs(offers)).sqlite
    assert rows_of(sqlite, "SELECT name, url FROM sources") == [
        {"name": "b", "url": None},
        {"name": "shop", "url": "https://shop.example/itm/"},
    ]
    urls = [row["url"] for row in rows_of(sqlite, "SELECT url FROM offers ORDER BY item_id")]
    assert urls == [None, None, "https://shop.example/special/3", "", None]


def test_the_other_tables_hold_what_was_handed_over(small, tmp_path):
    sqlite = write_price_files(tmp_path, **small).sqlite
    assert rows_of(sqlite, "SELECT * FROM make_models") == [
        {"make_model": 1, "make_model_id": AUDI, "make": "Audi", "model": "TT"},
        {"make_model": 2, "make_model_id": FORD, "make": "Ford", "model": "Mustang"},
        {"make_model": 3, "make_model_id": GONE, "make": None, "model": None},
    ]
    assert rows_of(sqlite, "SELECT * FROM classes") == [
        {"class_id": 2, "make_model": 3, "label": "Saab 900"},
        {"class_id": 7, "make_model": 2, "label": "Ford Mustang"},
    ]
    days = {"window_start": (NIGHT - date(1970, 1, 1)).days - 90, "window_end": (NIGHT - date(1970, 1, 1)).days}
    for row in small["prices"].to_pylist():
        key = {"make_model": 1 if row.pop("make_model_id") == AUDI else 2}
        expected = key | {name: value for name, value in row.items() if name not in {"night", "make", "model"}} | days
        where = "make_model = ? AND basis = ? AND year_band = ? AND region = ?"
        found = rows_of(
            sqlite,
            f"SELECT * FROM prices WHERE {where}",
            key["make_model"],
            row["basis"],
            row["year_band"],
            row["region"],
        )
        assert found == [expected]
    assert [row["mileage"] for row in rows_of(sqlite, "SELECT mileage FROM sales WHERE make_model = 2")] == list(
        range(9)
    )
    assert rows_of(sqlite, "SELECT count(*) AS n, max(night) AS night FROM history") == [
        {"n": 5, "night": days["window_end"]}
    ]
    assert rows_of(sqlite, "SELECT * FROM valuation_terms") == [
        {"term": "a", "coefficient": -7},
        {"term": "b", "coefficient": 5},
    ]
    assert rows_of(sqlite, "SELECT * FROM valuation_meta") == [{"key": "currency", "value": "USD"}]


def test_sales_may_come_straight_from_a_frame(small, tmp_path):
    frame = small["sales"].to_pandas(date_as_object=False).assign(year=[1999.0, float("nan")] + [2001.0] * 7)
    assert str(frame["sold_on"].dtype).startswith("datetime64")
    files = write_price_files(tmp_path, **small | {"sales": pa.Table.from_pandas(frame, preserve_index=False)})
    found = rows_of(files.sqlite, "SELECT date(sold_on * 86400, 'unixepoch') AS day, year FROM sales LIMIT 2")
    assert found == [{"day": "2026-03-14", "year": 1999}, {"day": "2026-03-14", "year": None}]


def test_all_three_files_say_which_night_and_class_map_they_are_of(small, tmp_path):
    files = write_price_files(tmp_path, **small)
    said = {"night": "2026-03-14", "class_map_digest": "c1a55"}
    for path in (files.prices, files.offers):
        metadata = {name.decode(): value.decode() for name, value in pq.read_metadata(path).metadata.items()}
        assert metadata == said | {"schema_version": "5"}
    meta = {row["key"]: row["value"] for row in rows_of(files.sqlite, "SELECT * FROM meta")}
    assert meta == said | {"schema_version": "2", "currency": "USD"}
    assert rows_of(files.sqlite, "PRAGMA user_version") == [{"user_version": 2}]


def test_parquet_files_carry_the_declared_columns_by_dictionary(small, tmp_path):
    files = write_price_files(tmp_path, **small)
    assert pq.read_table(files.prices).schema.equals(PRICES.schema)
    assert pq.read_table(files.offers).schema.equals(OFFERS.schema)
    group = pq.read_metadata(files.offers).row_group(0)
    columns = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
    assert {name for name, column in columns.items() if column.dictionary_page_offset is None} == {
        "item_id",
        "title",
        "url",
    }
    assert {column.compression for column in columns.values()} == {"ZSTD"}


def test_writing_again_over_older_files_gives_the_same_bytes(small, tmp_path):
    first = digests(write_price_files(tmp_path, **small))
    write_price_files(tmp_path, **(small | {"offers": small["offers"].slice(0, 5)}))
    assert digests(write_price_files(tmp_path, **small)) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["autodetect.sqlite", "offers.parquet", "prices.parquet"]


@pytest.mark.parametrize("left", [b"", b"no database", b"SQLite format 3\0" + bytes(8_000)])
def test_a_damaged_file_of_an_earlier_night_changes_nothing(small, tmp_path, left):
    (tmp_path / "old").mkdir()
    for name in ("autodetect.sqlite", ".autodetect.sqlite.part", "offers.parquet"):
        (tmp_path / "old" / name).write_bytes(left)
    found = digests(write_price_files(tmp_path / "old", **small))
    assert found == digests(write_price_files(tmp_path / "new", **small))


def test_a_night_of_a_few_changes_gives_the_bytes_of_a_night_on_its_own(small, tmp_path):
    write_price_files(tmp_path / "nights", **small)
    rows = small["offers"].to_pylist()
    tomorrow = [row | {"price": row["price"] - 500.0} for row in rows[:2]] + rows[3:] + [offer("new", **PLACES[1])]
    changed = small | {"offers": pa.Table.from_pylist(tomorrow, OFFERS.schema)}
    after = digests(write_price_files(tmp_path / "nights", **changed))
    assert after == digests(write_price_files(tmp_path / "alone", **changed))


def test_another_price_gives_other_bytes(small, tmp_path):
    first = digests(write_price_files(tmp_path / "1", **small))
    changed = small | {
        "prices": pa.concat_tables([small["prices"].slice(1), pa.Table.from_pylist([price(median=1.0)], PRICES.schema)])
    }
    second = digests(write_price_files(tmp_path / "2", **changed))
    assert (first[0] != second[0], first[1] == second[1], first[2] != second[2]) == (True, True, True)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM prices WHERE make_model = 1 AND basis = 'sold' AND year_band = ''",
        "SELECT * FROM offers WHERE make_model = 1 AND place BETWEEN 2 AND 9",
        "SELECT * FROM places WHERE cell BETWEEN 1 AND 5",
        "SELECT * FROM sales WHERE make_model = 1",
        "SELECT * FROM history WHERE make_model = 1",
        "SELECT * FROM classes WHERE make_model = 1",
        "SELECT * FROM classes WHERE label = 'x'",
        "SELECT * FROM make_models WHERE make_model_id = 'x'",
        "SELECT * FROM valuation_terms WHERE term = 'x'",
    ],
)
def test_a_phones_questions_read_no_whole_table(small, tmp_path, query):
    [plan] = rows_of(write_price_files(tmp_path, **small).sqlite, f"EXPLAIN QUERY PLAN {query}")
    assert plan["detail"].startswith("SEARCH ")


def test_a_file_in_a_folder_that_cannot_be_written_is_read(small, tmp_path):
    sqlite = write_price_files(tmp_path / "release", **small).sqlite
    (tmp_path / "release").chmod(0o500)
    sqlite.chmod(0o400)
    with closing(sqlite3.connect(f"file:{sqlite}?mode=ro", uri=True)) as database:
        assert database.execute("SELECT count(*) FROM offers").fetchone() == (40,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            database.execute("DELETE FROM offers")
    (tmp_path / "release").chmod(0o700)
    assert [path.name for path in (tmp_path / "release").iterdir() if path.name.startswith("autodetect.sqlite")] == [
        "autodetect.sqlite"
    ]


def test_rows_of_another_night_are_left_out(small, tmp_path):
    files = write_price_files(tmp_path, **(small | {"night": NIGHT + timedelta(days=1)}))
    assert pq.read_metadata(files.prices).num_rows == pq.read_metadata(files.offers).num_rows == 0
    assert rows_of(files.sqlite, "SELECT * FROM offers") == []


def test_a_market_of_nothing_still_gives_readable_files(tmp_path):
    files = write_price_files(tmp_path, **inputs(sales=(), valuation=None) | {"sales": None, "history": None})
    assert pq.read_table(files.prices).schema.equals(PRICES.schema)
    for table in ("prices", "offers", "places", "sources", "sales", "history", "valuation_terms"):
        assert rows_of(files.sqlite, f"SELECT count(*) AS n FROM {table}") == [{"n": 0}]


def replaced(table, name, values, kind):
    return table.set_column(table.column_names.index(name), name, pa.array(values * table.num_rows, kind))


WRONG = [
    ("offers", lambda t: t.drop_columns(["price"]), "offers has no column price"),
    (
        "offers",
        lambda t: replaced(t, "price", [float("nan")], pa.float64()),
        "offers.price is no finite number in row 0",
    ),
    ("offers", lambda t: replaced(t, "latitude", [float("inf")], pa.float64()), "offers.latitude is no finite number"),
    ("offers", lambda t: replaced(t, "price", [None], pa.float64()), "offers.price has no value in row 0"),
    ("offers", lambda t: replaced(t, "item_id", [None], pa.string()), "offers.item_id has no value in row 0"),
    ("offers", lambda t: replaced(t, "year", ["about 1999"], pa.string()), "offers.year is of type string, not int16"),
    ("offers", lambda t: replaced(t, "year", [1999.5], pa.float64()), "offers.year is of type double, not int16"),
    ("offers", lambda t: replaced(t, "title", [["a"]], pa.list_(pa.string())), "offers.title is of type list"),
    (
        "prices",
        lambda t: replaced(t, "window_end", ["soon"], pa.string()),
        "prices.window_end is of type string, not date32",
    ),
    ("prices", lambda t: replaced(t, "count", [None], pa.int32()), "prices.count has no value in row 0"),
    ("classes", lambda t: t.drop_columns(["label"]), "classes has no column label"),
    ("sales", lambda t: replaced(t, "price", [float("nan")], pa.float64()), "sales.price is no finite number"),
    ("history", lambda t: t.drop_columns(["night"]), "history has no column night"),
]


@pytest.mark.parametrize(("table", "spoil", "complaint"), WRONG)
def test_a_column_that_is_wrong_is_named_and_older_files_stay(small, tmp_path, table, spoil, complaint):
    before = digests(write_price_files(tmp_path, **small))
    with pytest.raises(UsageError) as caught:
        write_price_files(tmp_path, **(small | {table: spoil(small[table])}))
    assert complaint in caught.value.what
    assert caught.value.remedy
    assert [
        hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("prices.parquet", "offers.parquet", "autodetect.sqlite")
    ] == before
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("table", ["prices", "offers", "make_models", "classes", "sales", "history"])
def test_two_rows_of_one_key_are_refused(small, tmp_path, table):
    with pytest.raises(CorruptError, match=f"{table} has two rows of one key: "):
        write_price_files(tmp_path, **(small | {table: pa.concat_tables([small[table]] * 2)}))
    assert list(tmp_path.iterdir()) == []


def test_the_release_names_the_currency_of_its_sales():
    def table(*rows):
        return pa.Table.from_pylist(list(rows), PRICES.schema)

    dollars, none = pa.Table.from_pylist([offer(1)], OFFERS.schema), OFFERS.schema.empty_table()
    sold, asked = [price(currency="GBP")], [price(basis="asking", region=str(n)) for n in range(3)]
    assert main_currency(table(*sold, *asked), dollars) == "GBP"
    assert main_currency(table(*asked), none) == "USD"
    assert main_currency(table(price(currency=None)), dollars) == "USD"
    assert main_currency(table(), none) == ""
