"""The price files: the same bytes from the same facts, and a file that any SQLite can read."""

import hashlib
import json
import random
import sqlite3
import subprocess
import sys
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autodetect.lake.schemas import OFFERS, PRICES
from autodetect.prices.files import main_currency, write_price_files

WRITE = """
import sys, hashlib, json, pickle
from pathlib import Path
from autodetect.prices.files import write_price_files
files = write_price_files(Path(sys.argv[2]), **pickle.loads(Path(sys.argv[1]).read_bytes()))
print(json.dumps([hashlib.sha256(path.read_bytes()).hexdigest() for _, path in files]))
"""


@pytest.fixture
def rows(market):
    """Return a small market: sold and asked Fords, asked Audis in two currencies."""
    sold = [market.sold(f"s{i}", 10_000 + 731 * i) for i in range(20)]
    asked = [market.asking(f"a{i}", 12_000 + 97 * i, title=f"Ünïcode {i}", year=2000 + i) for i in range(20)]
    audis = [market.asking(f"b{i}", 5_000 + i, make_model_id=market.audi, currency="EUR") for i in range(3)]
    return sold + asked + audis


def digests(files):
    return [hashlib.sha256(path.read_bytes()).hexdigest() for _, path in files]


def test_two_processes_write_the_same_bytes_whatever_the_order_of_rows(market, rows, tmp_path):
    import pickle

    inputs = {
        "night": market.night,
        "prices": market.priced(rows).rows,
        "offers": market.offers(rows),
        "make_models": pa.Table.from_pandas(market.make_models),
        "classes": pa.table({"class_id": [2, 1], "make_model_id": [market.audi, market.ford], "label": ["TT", "M"]}),
        "class_map_digest": "c1a55",
    }
    found = []
    for run, seed in enumerate((1, 2)):
        for name, value in inputs.items():
            if isinstance(value, pa.Table):
                order = random.Random(seed).sample(range(value.num_rows), value.num_rows)
                inputs[name] = value.take(order)
        stored = tmp_path / f"{run}.pickle"
        stored.write_bytes(pickle.dumps(inputs))
        command = [sys.executable, "-c", WRITE, str(stored), str(tmp_path / str(run))]
        environment = {"PYTHONHASHSEED": str(seed), "PATH": "/usr/bin:/bin", "TZ": f"UTC+{seed}"}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]
    assert len(set(found[0])) == 3


def test_writing_again_over_older_files_gives_the_same_bytes(market, rows, tmp_path):
    first = digests(market.files(tmp_path, rows))
    market.files(tmp_path, rows[:5])
    assert digests(market.files(tmp_path, rows)) == first


def test_another_price_gives_other_bytes(market, rows, tmp_path):
    first = digests(market.files(tmp_path / "1", rows))
    changed = digests(market.files(tmp_path / "2", [*rows, market.sold("one more", 11_000)]))
    assert (first[0] != changed[0], first[1] == changed[1], first[2] != changed[2]) == (True, True, True)


def test_nothing_but_the_files_is_left_behind(market, rows, tmp_path):
    market.files(tmp_path, rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["autodetect.sqlite", "offers.parquet", "prices.parquet"]


def test_the_sqlite_file_holds_what_the_parquet_files_hold(market, rows, tmp_path):
    files = market.files(tmp_path, rows)
    with closing(sqlite3.connect(files.sqlite)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        for name, path in (("prices", files.prices), ("offers", files.offers)):
            stored = pq.read_table(path).drop_columns(["night"]).to_pylist()
            expected = [tuple(str(v) if hasattr(v, "isoformat") else v for v in row.values()) for row in stored]
            assert sorted(database.execute(f"SELECT * FROM {name}").fetchall()) == sorted(expected)
        assert database.execute("SELECT * FROM classes").fetchall() == [(7, market.ford, "Ford Mustang")]
        assert database.execute("SELECT * FROM make_models").fetchall() == [
            (market.audi, "Audi", "TT"),
            (market.ford, "Ford", "Mustang"),
        ]
        assert dict(database.execute("SELECT * FROM meta")) == {
            "night": "2026-03-14",
            "class_map_digest": "c1a55",
            "currency": "USD",
            "schema_version": "1",
        }


@pytest.mark.parametrize("table", ["prices", "offers", "classes"])
def test_a_make_and_model_is_found_without_reading_a_whole_table(market, rows, tmp_path, table):
    with closing(sqlite3.connect(market.files(tmp_path, rows).sqlite)) as database:
        [plan] = database.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE make_model_id = 'x'").fetchall()
    assert plan[3].startswith(f"SEARCH {table} USING")


def test_parquet_files_carry_the_declared_columns(market, rows, tmp_path):
    files = market.files(tmp_path, rows)
    assert pq.read_table(files.prices).schema.equals(PRICES.schema)
    assert pq.read_table(files.offers).schema.equals(OFFERS.schema)


def test_rows_of_another_night_are_left_out(market, rows, tmp_path):
    files = write_price_files(
        tmp_path,
        night=market.night.replace(day=15),
        prices=market.priced(rows).rows,
        offers=market.offers(rows),
        make_models=pa.Table.from_pandas(market.make_models),
        classes=pa.table({"class_id": [], "make_model_id": [], "label": []}),
        class_map_digest="",
    )
    assert pq.read_metadata(files.prices).num_rows == 0
    assert pq.read_metadata(files.offers).num_rows == 0


def test_a_market_of_nothing_still_gives_readable_files(market, tmp_path):
    files = market.files(tmp_path, [])
    assert pq.read_table(files.prices).schema.equals(PRICES.schema)
    with closing(sqlite3.connect(files.sqlite)) as database:
        assert database.execute("SELECT count(*) FROM prices").fetchone() == (0,)


def test_two_rows_with_one_key_are_refused_and_the_old_file_stays(market, rows, tmp_path):
    before = digests(market.files(tmp_path, rows))
    doubled = pa.concat_tables([market.offers(rows)] * 2)
    with pytest.raises(sqlite3.IntegrityError):
        write_price_files(
            tmp_path,
            night=market.night,
            prices=market.priced(rows).rows,
            offers=doubled,
            make_models=pa.Table.from_pandas(market.make_models),
            classes=pa.table({"class_id": [1], "make_model_id": ["x"], "label": ["X"]}),
            class_map_digest="",
        )
    assert hashlib.sha256((tmp_path / "autodetect.sqlite").read_bytes()).hexdigest() == before[2]


def test_the_release_names_the_currency_of_its_sales(market):
    sold = [market.sold(i, 10_000, currency="GBP") for i in range(5)]
    asked = [market.asking(i, 10_000, make_model_id=m) for i, m in enumerate([market.ford, market.audi])]
    assert main_currency(market.priced(sold + asked).rows, market.offers(asked)) == "GBP"
    assert main_currency(market.priced(asked).rows, market.offers(asked)) == "USD"
    assert main_currency(market.priced([]).rows, market.offers(asked)) == "USD"
    assert main_currency(market.priced([]).rows, market.offers([])) == ""
