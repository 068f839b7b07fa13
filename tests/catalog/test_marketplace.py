"""The catalogue against a recorded marketplace: what real sellers wrote, dirt included."""

import csv
from pathlib import Path

import pytest

from autodetect.catalog.identify import identify
from autodetect.catalog.words import says_other
from crawlers.sandbox.making.models import MODELS

RECORDED = Path(__file__).parents[3] / "shared" / "marketplace"
COVERAGE = 0.9
recorded = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded marketplace (../shared/marketplace) is not here"
)


def rows(name: str) -> list[dict[str, str]]:
    with (RECORDED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@recorded
def test_nine_in_ten_sales_that_name_a_model_are_covered() -> None:
    named = [
        (row["Make"], row["Model"])
        for row in rows("sold.csv")
        if row["Make"].strip() and row["Model"].strip() and not says_other(row["Make"]) and not says_other(row["Model"])
    ]
    covered = sum(bool(identify(make, model).matched) for make, model in named)
    assert covered / len(named) >= COVERAGE


@recorded
def test_every_model_of_the_recorded_listings_is_found_as_one_of_its_own() -> None:
    written = {(row["make"], row["model"]) for row in rows("listings.csv")}
    found = {identify(make, model).make_model_id for make, model in written if identify(make, model).matched}
    assert len(written) == len(found) == 100


@pytest.mark.parametrize(("traded", "pair"), [(m, pair) for m in MODELS for pair in m.misspelt])
def test_every_misspelling_of_the_sandbox_leads_to_its_model_for_sure(traded: object, pair: tuple[str, str]) -> None:
    found = identify(*pair)
    assert found.make_model_id == identify(traded.make, traded.model).make_model_id  # type: ignore[attr-defined]
    assert not found.unsure
