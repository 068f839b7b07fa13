"""The ledger: nothing that was written is lost to a kill, and another night starts anew."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.errors import CorruptError
from autodetect.records import Sighting
from crawlers.ledger import Ledger, Reached

ROOT = Path(__file__).parents[2]
TONIGHT = {"night": "2026-11-01", "source": "sandbox", "begin": "digest"}
SIGHTING = Sighting(source="s", item_id="1", kind="asking", observed_on="2026-11-01", title="Citroën ✓", price="1")


def announced(total: int = 3) -> dict[str, Any]:
    return {"type": "announced", "kind": "asking", "total": total}


def page(*item_ids: str, key: str = "asking/all/0") -> dict[str, Any]:
    return {"type": "page", "kind": key.partition("/")[0], "key": key, "item_ids": list(item_ids)}


def sighting(**changes: Any) -> dict[str, Any]:
    return {"type": "sighting", "sighting": SIGHTING.model_copy(update=changes).model_dump(mode="json")}


def photo(item_id: str = "1", position: int = 0) -> dict[str, Any]:
    url = f"https://x/{item_id}/{position}"
    return {
        "type": "photo",
        "item_id": item_id,
        "position": position,
        "url": url,
        "sha256": f"{position:064x}",
        "fetched": True,
    }


def failure(kind: str, key: str, cause: str = "http_500") -> dict[str, Any]:
    return {"type": "failure", "kind": kind, "key": key, "cause": cause, "item_id": "1"}


EVERYTHING = [
    announced(),
    page("1", "2"),
    sighting(),
    photo(),
    failure("photo", "https://x/1/1"),
    page("3", key="sold/all/0"),
]


def written(path: Path, *entries: dict[str, Any], identity: dict[str, Any] = TONIGHT) -> Reached:
    """What the ledger knows after writing these entries too."""
    with Ledger(path, identity) as ledger:
        for entry in entries:
            ledger.write(entry)
        return ledger.reached


def test_what_was_written_is_known_at_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.jsonl"
    first = written(path, *EVERYTHING)
    assert first.announced == {"asking": 3}
    assert first.seen == {"asking": {"1", "2"}, "sold": {"3"}}
    assert first.sightings == {("asking", "1", "2026-11-01"): SIGHTING}
    assert first.photos == {("1", 0): photo()}
    assert first.failures == {("photo", "https://x/1/1"): failure("photo", "https://x/1/1")}
    assert written(path) == first
    assert written(path, page("9")).seen["asking"] == {"1", "2", "9"}


@pytest.mark.parametrize(
    ("failed", "success"),
    [
        (failure("page", "asking/all/0"), page("1")),
        (failure("item", "1"), sighting()),
        (failure("photo", "https://x/1/0"), photo()),
        (failure("page", "token"), announced()),
    ],
    ids=["page", "item", "photo", "token"],
)
def test_a_failure_is_forgotten_when_the_same_thing_succeeds(
    tmp_path: Path, failed: dict[str, Any], success: dict[str, Any]
) -> None:
    other = failure("page", "asking/all/200")
    assert len(written(tmp_path / "ledger", failed, other).failures) == 2
    assert list(written(tmp_path / "ledger", success).failures) == [("page", "asking/all/200")]
    assert len(written(tmp_path / "ledger", failed).failures) == 2


def test_the_newest_entry_about_a_thing_counts(tmp_path: Path) -> None:
    reached = written(tmp_path / "ledger", announced(3), announced(5), sighting(), sighting(price="2"))
    assert reached.announced == {"asking": 5}
    assert [each.price for each in reached.sightings.values()] == ["2"]


@pytest.mark.parametrize("change", [{"night": "2026-11-02"}, {"source": "ebay-api"}, {"begin": "other"}])
def test_another_night_source_or_index_starts_anew(tmp_path: Path, change: dict[str, str]) -> None:
    path = tmp_path / "ledger"
    written(path, *EVERYTHING)
    assert written(path, identity=TONIGHT | change) == Reached()
    assert path.read_text("utf-8").count("\n") == 1
    assert written(path) == Reached()


@settings(deadline=None, max_examples=150)
@given(st.floats(0, 1), st.binary(max_size=3).filter(lambda noise: b"\n" not in noise))
def test_a_torn_last_line_is_cut_off_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, share: float, noise: bytes
) -> None:
    """However much of the file reached the disk: the whole lines count, and writing goes on behind them."""
    path = tmp_path_factory.mktemp("torn") / "ledger"
    written(path, *EVERYTHING)
    data = path.read_bytes()
    torn = data[: round(share * len(data))] + noise
    path.write_bytes(torn)
    whole = torn.count(b"\n")
    assert written(path) == written(path.with_name("reference"), *EVERYTHING[: max(whole - 1, 0)])
    after = written(path, photo("7"))
    assert ("7", 0) in after.photos
    assert written(path) == after
    assert all(json.loads(line) for line in path.read_bytes().splitlines())


def test_an_empty_file_is_a_new_ledger(tmp_path: Path) -> None:
    (tmp_path / "ledger").touch()
    assert written(tmp_path / "ledger", announced()).announced == {"asking": 3}
    assert written(tmp_path / "ledger").announced == {"asking": 3}


def test_an_entry_of_a_later_release_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    written(path)
    with path.open("a") as file:
        file.write('{"type": "telepathy"}\n')
    with pytest.raises(CorruptError, match="telepathy"):
        written(path)


WRITER = """
import sys, time
from pathlib import Path
from crawlers.ledger import Ledger

with Ledger(Path(sys.argv[1]), {"night": "2026-11-01", "source": "sandbox", "begin": "digest"}) as ledger:
    for n in range(550):  # the last lines are not at a place where the ledger syncs
        ledger.write({"type": "page", "kind": "asking", "key": f"asking/all/{n}", "item_ids": [str(n)]})
    print("written", flush=True)
    time.sleep(60)
"""


def test_a_killed_writer_has_lost_nothing_that_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        os.kill(writer.pid, signal.SIGKILL)
    assert written(path).seen["asking"] == {str(n) for n in range(550)}
