"""What the report gathers of prices: headlines beside last night's, levels, medians by night, and tonight's drops."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.schemas import ASKING_PRICES, OFFERS, PRICES
from autodetect.lake.tables import rows_of
from autodetect.prices.curves import Curve, ValuationCurves
from autodetect.records import Receipt, StageRun, canonical_json
from autodetect.report.priced import CURVES_FILE, PricedReport, PriceReader
from autodetect.settings import Settings
from tests.report.priced_sample import errors

NIGHT = date(2026, 11, 20)
FORD, AUDI = "ford/mustang", "audi/tt"
Row = dict[str, Any]


def price(median: float | None, night: date = NIGHT, make_model_id: str = FORD, **facts: Any) -> Row:
    make, model = {FORD: ("Ford", "Mustang"), AUDI: ("Audi", "TT")}[make_model_id]
    row = {"night": night, "make_model_id": make_model_id, "make": make, "model": model, "basis": "sold"}
    return row | {"year_band": "", "region": "", "currency": "USD", "count": 9, "median": median} | facts


def reader(
    folder: Path, prices: Iterable[Row] = (), asked: Iterable[Row] = (), **receipt: Any
) -> tuple[Lake, PriceReader]:
    lake = open_lake(Settings(lake=str(folder / "lake")), create=True)
    asked = [{"source": "s", "make_model_id": FORD, "currency": "USD"} | row for row in asked]
    tonight = {row["item_id"]: row | {"night": NIGHT, "title": f"no. {row['item_id']}"} for row in asked}
    versions = {
        PRICES.name: lake.tables.append(PRICES, rows_of(PRICES, prices)),
        ASKING_PRICES.name: lake.tables.append(ASKING_PRICES, rows_of(ASKING_PRICES, asked)),
        OFFERS.name: lake.tables.append(OFFERS, rows_of(OFFERS, tonight.values())),
    }
    about = {"stage": "price", "run_id": "r"}
    run = StageRun(
        night=NIGHT,
        run_id="r",
        now=datetime(2026, 11, 20, tzinfo=UTC),
        inputs={"price": Receipt(night=NIGHT, versions=versions, **about, **receipt)},
        earlier={"price": Receipt(night=NIGHT - timedelta(1), **about)},
    )
    return lake, PriceReader(lake, run)


def test_headlines_alone_are_lines_each_beside_the_median_of_the_night_before(tmp_path: Path) -> None:
    before = NIGHT - timedelta(1)
    rows = [
        price(12_000.0, sellers=7, median_low=11_000.0, median_high=13_000.0),
        price(11_500.0, before),
        price(12_500.0, year_band="2015-2019", level="model"),
        price(12_500.0, region="US-FL", level="model"),
        price(None, make_model_id=AUDI, currency=None, reason="too few"),
        price(9_000.0, before, AUDI),
    ]
    audi, ford = reader(tmp_path, rows)[1].lines()
    assert (ford.label, ford.median, ford.previous_median, ford.sellers) == ("Ford Mustang", 12_000.0, 11_500.0, 7)
    assert (audi.median, audi.previous_median, audi.reason) == (None, None, "too few")  # of another currency: none


def test_rows_below_the_headline_are_counted_by_whose_figures_they_show(tmp_path: Path) -> None:
    rows = [
        price(12_000.0),
        price(7_000.0, year_band="1960-1964", level="make", level_name="Ford", level_count=75, count=2),
        price(5_000.0, year_band="before 1950", level="segment", level_name="coupe", level_count=9, count=1),
        price(12_000.0, year_band="2015-2019", level="model", level_name="Ford Mustang", level_count=9),
        price(None, region="US-FL", count=1, reason="too few"),
    ]
    found = reader(tmp_path, rows)[1].report()
    assert found.levels == {"year_band": {"make": 1, "segment": 1, "model": 1}, "region": {"": 1}}
    [model] = found.bands
    assert [line.year_band for line in model.bands] == ["before 1950", "1960-1964", "2015-2019"]
    assert (model.bands[1].level, model.bands[1].level_name, model.bands[1].level_count) == ("make", "Ford", 75)


def test_medians_over_the_nights_and_trends_are_told_of_models_with_enough_nights(tmp_path: Path) -> None:
    rows = [price(10_000.0 + 100 * (n // 7), NIGHT - timedelta(13 - n)) for n in range(14)]
    found = reader(tmp_path, [*rows, price(9_000.0, basis="asking"), price(9_000.0, make_model_id=AUDI)])[1].report()
    [history] = found.histories
    assert (history.label, len(history.nights)) == ("Ford Mustang", 14)
    assert (history.sold[-1], history.asking) == (("2026-11-20", 10_100.0), (("2026-11-20", 9_000.0),))
    [named] = found.trends
    assert (named.label, named.trend.before, named.trend.recent) == ("Ford Mustang", 10_000.0, 10_100.0)


def test_drops_are_those_of_tonight(tmp_path: Path) -> None:
    earlier = NIGHT - timedelta(3)
    asked = [
        {"item_id": "fell", "night": earlier, "price": 10_000.0},
        {"item_id": "fell", "night": NIGHT, "price": 8_000.0},
        {"item_id": "rose", "night": earlier, "price": 5_000.0},
        {"item_id": "rose", "night": NIGHT, "price": 6_000.0},
        {"item_id": "fell before", "night": earlier - timedelta(1), "price": 9_000.0},
        {"item_id": "fell before", "night": earlier, "price": 1_000.0},
        {"item_id": "new", "night": NIGHT, "price": 4_000.0},
    ]
    [drop] = reader(tmp_path, asked=asked)[1].report().drops
    assert (drop.item_id, drop.before, drop.price, drop.title) == ("fell", 10_000.0, 8_000.0, "no. fell")


def test_what_the_receipt_tells_is_read_and_curves_that_were_swept_are_no_loss(tmp_path: Path) -> None:
    curve = Curve(
        make_model_id=FORD,
        name="Ford Mustang",
        sales=1,
        known=1,
        outside=0,
        ages=(1,),
        value=(9.0,),
        low=(8.0,),
        high=(10.0,),
        dots=(),
    )
    curves = ValuationCurves(as_of=NIGHT, basis="sold", currency="USD", curves=(curve,))
    judged = {"as_of": NIGHT, "basis": "sold", "currency": "USD", "sales": 9, "by_time": None}
    facts = {
        "funnel": {"sold": {"candidates": 9, "used": 9}},
        "evaluation": judged | {"by_vehicle": errors("vehicle", "Ford").model_dump(mode="json")},
        "valuation": {"basis": "sold", "priced_cars": 9, "words": ""},
        "error": {"words": "as usual"},
    }
    lake, swept = reader(tmp_path, facts=facts, files={CURVES_FILE: "0" * 64})
    found = swept.report()
    assert found.curves is None
    assert found.evaluation is not None
    assert found.valuation["error"] == "as usual"
    assert found.funnel == facts["funnel"]
    digest = lake.artifacts.put(canonical_json(curves.model_dump(mode="json")))
    assert reader(tmp_path, files={CURVES_FILE: digest})[1].report().curves == curves


def test_a_night_without_prices_tells_none(tmp_path: Path) -> None:
    lake = open_lake(Settings(lake=str(tmp_path / "lake")), create=True)
    run = StageRun(night=NIGHT, run_id="r", now=datetime(2026, 11, 20, tzinfo=UTC))
    assert PriceReader(lake, run).lines() == ()
    assert PriceReader(lake, run).report() == PricedReport()
