"""The funnel behind a figure: what the sources showed, what each rule left out, and the rows of the night."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from autodetect.errors import UsageError
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import LISTINGS, MAKE_MODELS, PRICES, SIGHTINGS, VEHICLES
from autodetect.lake.tables import rows_of, upsert_all
from autodetect.prices.explain import MOST_EXAMPLES, explain
from autodetect.prices.listed import listed
from autodetect.prices.table.price_table import price_table
from autodetect.records import Receipt
from autodetect.sections import PriceSettings
from autodetect.settings import Settings

NIGHT = date(2026, 11, 1)
FORD, AUDI = "ford/mustang", "audi/tt"


class Night:
    """A lake after its price stage; listings are of Mustangs unless they say otherwise."""

    settings = PriceSettings()

    def __init__(self, folder: Path, *listings: dict[str, Any]) -> None:
        self.lake: Lake = open_lake(Settings(lake=str(folder / "lake")), create=True)
        common = {"source": "shop", "night": NIGHT, "make_model_id": FORD, "currency": "USD", "missed": 0}
        rows = [common | row for row in listings]
        keys = [{"source": row["source"], "item_id": row["item_id"], "night": NIGHT} for row in rows]
        seen = [k | {"kind": kind, "observed_on": NIGHT} for k in keys for kind in ("asking", "sold")]
        names = [(FORD, "Ford", "Mustang"), (AUDI, "Audi", "TT")]
        models = [{"make_model_id": i, "make": make, "model": model, "night": NIGHT} for i, make, model in names]
        written = {
            LISTINGS: rows_of(LISTINGS, rows),
            SIGHTINGS: rows_of(SIGHTINGS, seen),
            MAKE_MODELS: rows_of(MAKE_MODELS, models),
            VEHICLES: rows_of(VEHICLES, ({**k, "vehicle_id": f"v{k['item_id']}"} for k in keys)),
        }
        versions, _ = upsert_all(self.lake.tables, written)
        self._commit("curate", versions)
        frame = self.lake.tables.read(MAKE_MODELS).to_pandas()
        made = price_table(listed(self.lake, versions), frame, night=NIGHT, settings=self.settings)
        self.funnel = made.funnel_of(FORD)
        self._commit("price", {PRICES.name: self.lake.tables.append(PRICES, made.rows)})

    def _commit(self, stage: str, versions: dict[str, int]) -> None:
        from datetime import UTC, datetime

        receipt = Receipt(night=NIGHT, stage=stage, run_id="r", versions=versions)
        self.lake.receipts.commit(receipt, datetime(2026, 11, 1, tzinfo=UTC))

    def explain(self, make_model_id: str = FORD, **settings: Any):
        settings = PriceSettings(**(self.settings.model_dump() | settings))
        return explain(self.lake, self.lake.receipts, make_model_id, settings=settings)


def sold(item_id: object, price: float | None, **facts: Any) -> dict[str, Any]:
    row = {"item_id": str(item_id), "status": "sold", "sold_price": price, "sold_on": NIGHT - timedelta(days=9)}
    return row | {"sold_precision": "day", "title": f"Mustang no. {item_id}", "year": 1967} | facts


def asked(item_id: object, price: float, **facts: Any) -> dict[str, Any]:
    row = {"item_id": str(item_id), "status": "active", "asking_price": price, "title": f"Mustang {item_id}"}
    return row | {"first_seen": NIGHT, "last_seen": NIGHT, "year": 1967} | facts


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Twenty sales, seven of them cheap, two without a price; three offers; five Audis."""
    sales = [sold(f"s{n:02}", 20_000 + 500 * n, postal_code="33602", country="US") for n in range(20)]
    cheap = [sold(f"c{n}", 20.0 + n) for n in range(7)]
    offers = [asked(f"a{n}", 21_000 + n) for n in range(3)]
    audis = [sold(f"t{n}", 9_000.0, make_model_id=AUDI) for n in range(5)]
    return Night(tmp_path_factory.mktemp("explain"), *sales, *cheap, sold("n1", None), *offers, *audis)


def test_every_listing_is_either_used_or_left_out_by_a_rule_with_examples_to_look_up(night: Night) -> None:
    found = night.explain()
    assert (found.name, found.night) == ("Ford Mustang", NIGHT)
    assert found.sightings == {"asking": 31, "sold": 31}
    assert found.listings == {"active": 3, "sold": 28}
    bought, offered = found.funnels
    for funnel in (bought, offered):
        assert funnel.candidates == sum(step.count for step in funnel.steps) + funnel.used
        counts = {step.rule: step.count for step in funnel.steps}
        assert counts == {rule: n for rule, n in night.funnel[funnel.basis].items() if n and rule in counts}
    steps = {step.rule: step for step in bought.steps}
    low = steps["price_below_minimum"]
    assert (low.count, [each.item_id for each in low.examples]) == (7, ["c0", "c1", "c2", "c3", "c4"][:MOST_EXAMPLES])
    assert (low.examples[0].title, low.examples[0].price, low.examples[0].currency) == ("Mustang no. c0", 20.0, "USD")
    assert steps["price_missing"].examples[0].price is None


def test_the_figures_are_the_rows_that_the_night_published_with_their_levels(night: Night) -> None:
    bought, offered = night.explain().funnels
    assert (bought.used, bought.figures.median, bought.figures.level) == (20, 24_750.0, "model")
    assert bought.newest == NIGHT - timedelta(days=9)
    assert (offered.used, offered.figures.median) == (3, None)
    assert offered.figures.reason.startswith("3 comparable offers")
    found = night.explain()
    assert {(row.basis, row.year_band, row.count) for row in found.bands} >= {("sold", "1965-1969", 20)}
    assert {(row.basis, row.region, row.count) for row in found.regions} == {("sold", "US-FL", 20)}
    assert found.notes == ()


def test_a_model_is_named_as_a_person_says_it(night: Night) -> None:
    assert night.explain("ford MUSTANG").make_model_id == FORD
    with pytest.raises(UsageError, match="no make and model 'ford mustnag'") as told:
        night.explain("ford mustnag")
    assert FORD in told.value.remedy
    with pytest.raises(UsageError) as told:
        night.explain("zzzzzz")
    assert "such as ford/mustang" in told.value.remedy


@pytest.mark.parametrize("asked", ["FORD  MUSTANG", "Ford/Mustang", "ford-mustang"])
def test_a_name_is_found_however_it_is_spelt(night: Night, asked: str) -> None:
    assert night.explain(asked).make_model_id == FORD


def test_other_settings_than_the_nights_are_noted(night: Night) -> None:
    assert "have changed since" in night.explain(min_price=10.0).notes[0]


def test_a_model_without_any_listing_says_so(tmp_path: Path) -> None:
    found = Night(tmp_path, *(sold(n, 9_000.0) for n in range(6))).explain(AUDI)
    assert (found.sightings, found.listings, found.funnels, found.bands) == ({}, {}, (), ())


def test_a_lake_without_prices_says_what_to_do(tmp_path: Path) -> None:
    lake = open_lake(Settings(lake=str(tmp_path / "lake")), create=True)
    with pytest.raises(UsageError, match="has prices yet"):
        explain(lake, lake.receipts, FORD, settings=PriceSettings())
