"""The review list shows what was unsure, the commonest first, until a person has answered."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from autodetect.catalog.answers import Answers, add_answers, read_answers
from autodetect.catalog.review import pending, unsure
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import SIGHTINGS
from autodetect.lake.tables import rows_of
from autodetect.records import Receipt, Sighting
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)
NONE = Answers()


def row(make: str, model: str, title: str = "", item_id: str = "1") -> dict[str, Any]:
    return {"make": make, "model": model, "title": title, "item_id": item_id}


def test_what_is_unsure_comes_by_number_of_listings_with_a_suggestion_and_examples() -> None:
    rows = [
        *[row("Ford", "Mustnag", f"car {n}") for n in range(4)],
        *[row("ford", "MUSTNAG", "car 0")],
        *[row("Ford", "Ka", "", str(n)) for n in range(2)],
        row("Ford", "Explroer Sprt"),
        row("Ford", "Mustang"), row("Ford", "Other"), row("", ""), row("Chevy", "Silverado 1500 LT"),
    ]  # fmt: skip
    first, second, third = unsure(rows, NONE)
    assert (first.written, first.listings, first.reason) == ("Ford / Mustnag", 5, "fuzzy")
    assert (first.now, first.suggestion) == ("ford/mustang", "Ford / Mustang")
    assert first.examples == ("car 0", "car 1", "car 2")
    assert (second.written, second.now, second.suggestion, second.examples) == ("Ford / Ka", "ford/ka", "", ("0", "1"))
    assert third.suggestion == "Ford / Explorer"


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    rows = [row("Ford", "Mustnag"), row("Ford", "Ka"), row("", "", "Ford Qwrtz")]
    asked = [each.written for each in unsure(rows, NONE)]
    assert asked == ["Ford / Ka", "Ford / Mustnag", "Ford Qwrtz"]
    file = tmp_path / "mine.toml"
    add_answers(file, [(text, "none") for text in asked])
    assert unsure(rows, read_answers(file)) == []


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(Settings(lake=str(tmp_path / "lake")), create=True)


@pytest.fixture
def crawl(lake: Lake) -> Callable[..., int]:
    """Writes sightings (item id, model, night) of a Ford and returns the table's version."""

    def write(*seen: tuple[str, str, date]) -> int:
        rows = []
        for item_id, model, night in seen:
            sighting = Sighting(
                source="s", item_id=item_id, kind="asking", observed_on=night, make="Ford", model=model, title="a car"
            )
            facts = sighting.model_dump(exclude={"aspects"})
            rows.append({**facts, "night": night, "digest": sighting.digest, "aspects": "{}"})
        return lake.tables.upsert(SIGHTINGS, rows_of(SIGHTINGS, rows))

    return write


def test_a_lake_is_read_at_its_receipts_and_a_listing_counts_as_it_was_seen_last(
    lake: Lake, crawl: Callable[..., int]
) -> None:
    later = date(2026, 11, 2)
    version = crawl(("1", "Mustnag", NIGHT), ("2", "Mustnag", NIGHT), ("3", "Ka", NIGHT), ("1", "Mustang", later))
    crawl(("4", "Uncommitted", later))
    assert pending(lake, NONE) == []
    receipt = Receipt(night=later, stage="crawl", run_id="r", versions={"sightings": version})
    lake.receipts.commit(receipt, datetime(2026, 11, 2, tzinfo=UTC))
    assert [(each.written, each.listings) for each in pending(lake, NONE)] == [("Ford / Ka", 1), ("Ford / Mustnag", 1)]
