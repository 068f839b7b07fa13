"""The ledger: what was written survives a kill, a transaction is whole or not there, another night begins anew."""

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from crawlers.ledger import Ledger

ROOT = Path(__file__).parents[2]
NIGHT = date(2026, 11, 1)
IDENTITY = {"night": "2026-11-01", "source": "sandbox", "begin": "digest"}
WRITES_UNTIL_KILLED = """
import sys
from datetime import date
from pathlib import Path
from crawlers.ledger import Ledger

identity = {"night": "2026-11-01", "source": "sandbox", "begin": "digest"}
with Ledger(Path(sys.argv[1]), date(2026, 11, 1), identity) as ledger:
    number = 0
    while True:
        with ledger.transaction():
            ledger.execute("INSERT INTO seen VALUES ('asking', ?, 'all')", str(number))
            ledger.execute("INSERT INTO seen VALUES ('sold', ?, 'all')", str(number))
        number += 1
        print(number, flush=True)
"""


def test_what_was_noted_and_paid_is_there_again(tmp_path: Path) -> None:
    with Ledger(tmp_path, NIGHT, IDENTITY) as ledger:
        ledger.note("marketplace", "EBAY_US")
        for purpose in ("search", "search", "listing"):
            ledger.pay(purpose)
    with Ledger(tmp_path, NIGHT, IDENTITY) as ledger:
        assert (ledger.noted("marketplace"), ledger.noted("nothing")) == ("EBAY_US", "")
        assert (ledger.calls, ledger.calls_for("search"), ledger.calls_for("photo")) == (3, 2, 0)
        ledger.pay("search", -1)
        assert ledger.calls == 2


@pytest.mark.parametrize("name", ["night", "source", "begin"])
def test_the_ledger_of_another_night_is_begun_anew(tmp_path: Path, name: str) -> None:
    with Ledger(tmp_path, NIGHT, IDENTITY) as ledger:
        ledger.note("what", "old")
    with Ledger(tmp_path, NIGHT, IDENTITY | {name: "another"}) as ledger:
        assert ledger.noted("what") == ""


def test_a_new_night_takes_away_the_ledgers_of_those_before(tmp_path: Path) -> None:
    with Ledger(tmp_path, NIGHT, IDENTITY):
        pass
    (tmp_path / "other.txt").write_text("kept")
    with Ledger(tmp_path, date(2026, 11, 2), IDENTITY | {"night": "2026-11-02"}):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crawl-2026-11-02.sqlite", "other.txt"]


@pytest.mark.parametrize("damage", [b"", b"this is no database", b"SQLite format 3\0" + bytes(200)])
def test_a_damaged_ledger_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "crawl-2026-11-01.sqlite").write_bytes(damage)
    with Ledger(tmp_path, NIGHT, IDENTITY) as ledger:
        ledger.note("works", "yes")
        assert ledger.noted("works") == "yes"


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path, NIGHT, IDENTITY) as ledger:
        with pytest.raises(sqlite3.IntegrityError):
            _write_twice(ledger)
        assert ledger.seen("asking") == 0


def _write_twice(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.execute("INSERT INTO seen VALUES ('asking', '1', 'all')")
        with ledger.transaction():  # part of the outer one
            ledger.execute("INSERT INTO seen VALUES ('asking', '2', 'all')")
        ledger.execute("INSERT INTO seen VALUES ('asking', '1', 'all')")


def test_rows_can_be_read_while_others_are_written(tmp_path: Path) -> None:
    with Ledger(tmp_path, NIGHT, IDENTITY) as ledger:
        ledger.insert_many("INSERT INTO seen VALUES ('asking', ?, 'all')", ((str(n),) for n in range(500)))
        for (item_id,) in ledger.execute("SELECT item_id FROM seen WHERE kind = 'asking'"):
            ledger.execute("INSERT INTO undated_sales VALUES (?)", item_id)
        assert ledger.value("SELECT count(*) FROM undated_sales") == 500


def test_a_sigkill_loses_nothing_that_was_written_and_leaves_no_half_transaction(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", WRITES_UNTIL_KILLED, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 300:
            break
    os.kill(child.pid, signal.SIGKILL)
    said = [int(line) for line in child.stdout.read().split() if line.isdigit()]
    child.wait()
    with Ledger(tmp_path, NIGHT, IDENTITY) as ledger:
        assert ledger.seen("asking") == ledger.seen("sold") >= max([300, *said])
