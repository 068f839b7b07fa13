"""A person's answer reaches listings that have been there for nights, and leaves them when it is withdrawn."""

from pathlib import Path

import pytest

from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import MAKE_MODELS
from autodetect.settings import Settings
from tests.dataset.test_curate import NIGHTS, crawled, curated, listings


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.chdir(tmp_path)
    return open_lake(Settings(lake=str(tmp_path / "lake")), create=True)


def test_an_answer_holds_from_the_next_night_on_for_old_listings_too(lake: Lake, tmp_path: Path) -> None:
    one, two, three, four = NIGHTS[:4]
    crawl_1 = crawled(lake, one, "1", "2", model="Ka")
    first = curated(lake, tmp_path, crawl_1)
    assert {row["make_model_id"] for row in listings(lake, first).values()} == {"ford/ka"}

    answers = tmp_path / "catalog.toml"
    answers.write_text('[answers]\n"ford / KA" = "Ford / Fiesta"\n')
    crawl_2 = crawled(lake, two, "3", model="Ka", seen="1 2 3")
    second = curated(lake, tmp_path, crawl_2, crawl_1, first)
    assert second.counts["listings_answered"] == 2
    found = listings(lake, second)
    assert {(row["make_model_id"], row["catalog_reason"]) for row in found.values()} == {("ford/fiesta", "answer")}
    assert [found[n]["last_seen"] for n in "123"] == [two] * 3
    shown = lake.tables.read(MAKE_MODELS, version=second.versions["make_models"]).to_pylist()
    assert {row["make_model_id"]: row["model"] for row in shown} == {"ford/ka": "Ka", "ford/fiesta": "Fiesta"}

    third = curated(lake, tmp_path, crawled(lake, three, seen="1 2 3"), crawl_2, second)
    assert third.counts["listings_answered"] == 0
    answers.unlink()
    fourth = curated(lake, tmp_path, crawled(lake, four, seen="1 2 3"), crawl_2, third)
    assert fourth.counts["listings_answered"] == 3
    assert {row["catalog_reason"] for row in listings(lake, fourth).values()} == {"unlisted"}


def test_none_takes_a_listing_out_of_every_model(lake: Lake, tmp_path: Path) -> None:
    crawl = crawled(lake, NIGHTS[0], "1", model="Ka")
    first = curated(lake, tmp_path, crawl)
    (tmp_path / "catalog.toml").write_text('[answers]\n"ford / ka" = "none"\n')
    second = curated(lake, tmp_path, crawled(lake, NIGHTS[1], seen="1"), crawl, first)
    assert listings(lake, second)["1"]["make_model_id"] is None
