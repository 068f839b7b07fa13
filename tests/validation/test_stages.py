"""Every table of the lake has a suite: sound rows pass, and a defect of any table is named with its row."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from autodetect.lake.schemas import (
    ASKING_PRICES,
    CLASSES,
    EMBEDDINGS,
    LISTING_PHOTOS,
    LISTINGS,
    MAKE_MODELS,
    NIGHTS,
    OFFERS,
    PHOTOS,
    PRICES,
    QUARANTINE,
    SEEN,
    SIGHTINGS,
    SLICES,
    SNAPSHOTS,
    TABLES,
    VEHICLES,
    Table,
)
from autodetect.records import Receipt, Refusal
from autodetect.settings import Settings
from autodetect.validation.rule import Judged
from autodetect.validation.stages import crawled, curated, priced, trained
from tests.validation.judging import failed, judged, table

NIGHT = date(2026, 11, 1)
LATER = date(2026, 11, 2)
SETTINGS = Settings()
MODEL = "ford/mustang"
OF_ROWS = {"listing_rows": "listings", "photo_rows": "photos"}  # the suites named so judge the rows of these tables
Rows = dict[Table, list[dict[str, Any]]]


REFUSED = "2026-11-01/crawl/crawl.page/asking/all/1"
SOLD, ASKED = (f"2026-11-01/{MODEL}/{basis}//" for basis in ("sold", "asking"))
BANDED = f"2026-11-01/{MODEL}/sold/1965-1969/"
NOT_A_NUMBER = np.full(4, np.nan, np.float16).tobytes()


def sha(number: int) -> str:
    return f"{number:064x}"


def receipt_row(stage: str) -> dict[str, Any]:
    receipt = Receipt(night=NIGHT, stage=stage, run_id="r", counts={"seen": 2}, run={"seconds": 1.5})
    return {
        "night": NIGHT,
        "kind": "nightly",
        "stage": stage,
        "run_id": "r",
        "digest": receipt.digest,
        "receipt": receipt.model_dump_json(),
        "finished_at": datetime(2026, 11, 1, 3, tzinfo=UTC),
    }


def sound() -> Rows:
    """Two listings of one model, each with a photo, through all tables."""
    both = (1, 2)
    item = {number: {"source": "sandbox", "item_id": str(number)} for number in both}
    vector = [np.arange(1, 5, dtype=np.float16) * number for number in both]
    figures = {"low": 900.0, "q1": 1_000.0, "median": 2_000.0, "q3": 3_000.0, "high": 9_000.0, "trimmed_mean": 2_500.0}
    figures |= {"median_low": 900.0, "median_high": 9_000.0, "currency": "USD", "precision": "day"}
    headline = {"basis": "sold", "level": "model", "level_name": "Ford Mustang", "level_count": 5, "count": 5}
    banded = {"basis": "sold", "year_band": "1965-1969", "level": "make", "level_name": "Ford", "level_count": 7}
    priced_row = {"night": NIGHT, "make_model_id": MODEL, "window_start": NIGHT, "window_end": NIGHT}
    priced_row |= {"year_band": "", "region": "", "count": 2, "sellers": 2, "outliers": 0}
    return {
        SIGHTINGS: [
            {
                **item[number],
                "kind": "asking",
                "observed_on": NIGHT,
                "precision": "day",
                "night": NIGHT,
                "digest": sha(number),
                "mileage_unit": "mi",
                "vin": "",
                "permission": "",
            }
            for number in both
        ],
        SEEN: [{**item[number], "night": NIGHT, "slice": "all"} for number in both],
        SLICES: [
            {
                "source": "sandbox",
                "kind": "asking",
                "slice": "all",
                "night": NIGHT,
                "announced": 2,
                "found": 2,
                "state": "done",
            }
        ],
        LISTING_PHOTOS: [{**item[n], "position": 0, "sha256": sha(n), "url": "", "night": NIGHT} for n in both],
        QUARANTINE: [
            {
                "table": "crawl.page",
                "key": "asking/all/1",
                "rule": "crawl.timeout",
                "value": "",
                "effect": "refused",
                "night": NIGHT,
                "stage": "crawl",
            }
        ],
        NIGHTS: [receipt_row("begin"), receipt_row("crawl")],
        LISTINGS: [
            {
                **item[number],
                "night": NIGHT,
                "make_model_id": MODEL,
                "title": "Ford Mustang",
                "year": 2012,
                "mileage": 61_000,
                "country": "US",
                "asking_price": 15_000.0,
                "currency": "USD",
                "status": "active",
                "first_seen": NIGHT,
                "last_seen": NIGHT,
                "missed": 0,
            }
            for number in both
        ],
        MAKE_MODELS: [{"make_model_id": MODEL, "make": "Ford", "model": "Mustang", "night": NIGHT}],
        PHOTOS: [
            {
                "sha256": sha(number),
                "night": NIGHT,
                "bytes": 9_000,
                "format": "JPEG",
                "width": 340,
                "height": 240,
                "phash": number,
                "thumbnail": b"t",
                "verdict": "ok",
                "copy_group": sha(number),
            }
            for number in both
        ],
        EMBEDDINGS: [
            {
                "sha256": sha(number),
                "backbone": "b",
                "preprocessing": "p",
                "engine": "e",
                "view": "plain",
                "vector": vector[number - 1].tobytes(),
                "night": NIGHT,
            }
            for number in both
        ],
        VEHICLES: [
            {
                **item[number],
                "vehicle_id": f"v{number}",
                "split": "train",
                "burned": False,
                "tied_by": "alone",
                "make_model_id": MODEL,
                "night": NIGHT,
            }
            for number in both
        ],
        CLASSES: [{"class_id": 0, "make_model_id": MODEL, "label": "Ford Mustang", "status": "active", "night": NIGHT}],
        SNAPSHOTS: [
            {
                "snapshot_id": "s",
                "sha256": sha(number),
                "class_id": 0,
                "make_model_id": MODEL,
                "split": "train",
                "vehicle_id": f"v{number}",
                "night": NIGHT,
            }
            for number in both
        ],
        PRICES: [
            {**priced_row, **headline, **figures},
            {**priced_row, "basis": "asking", "reason": "2 comparable offers"},
            {**priced_row, **banded, **figures},
        ],
        ASKING_PRICES: [
            {**item[n], "night": NIGHT, "make_model_id": MODEL, "price": 15_000.0, "currency": "USD"} for n in both
        ],
        OFFERS: [
            {
                **item[n],
                "night": NIGHT,
                "make_model_id": MODEL,
                "price": 15_000.0,
                "first_price": 15_000.0,
                "currency": "USD",
                "country": "US",
                "latitude": 27.96,
                "longitude": -82.46,
                "place_precision": "area",
                "value": 16_000.0,
                "value_low": 12_000.0,
                "value_high": 20_000.0,
                "rating": "good",
            }
            for n in both
        ],
    }


def suites(rows: Rows, refusals: list[Refusal] | None = None) -> list[Judged]:
    """All suites of a night that is the first of its lake."""
    made = {each: table(each, *found) for each, found in rows.items()}
    empty = {each: each.schema.empty_table() for each in TABLES.values()}
    written = {each: made[each] for each in (LISTINGS, MAKE_MODELS, PHOTOS, EMBEDDINGS, VEHICLES)}
    return [
        *crawled(made, night=NIGHT),
        *curated(written, read=made, known=empty, refusals=refusals or [], night=NIGHT, settings=SETTINGS),
        *trained({each: made[each] for each in (CLASSES, SNAPSHOTS)}, known=made | {CLASSES: empty[CLASSES]}),
        *priced({each: made[each] for each in (PRICES, OFFERS, ASKING_PRICES)}, known=made, settings=SETTINGS.prices),
    ]


DEFECTS: list[tuple[Table, int, dict[str, Any], str, str]] = [
    (SIGHTINGS, 1, {"item_id": "1"}, "sightings.keys_repeat", "sandbox/1/asking/2026-11-01"),
    (SIGHTINGS, 1, {"kind": "auction"}, "sighting.kind_unknown", "sandbox/2/auction/2026-11-01"),
    (SIGHTINGS, 1, {"precision": "week"}, "sighting.precision_unknown", "sandbox/2/asking/2026-11-01"),
    (SIGHTINGS, 1, {"night": LATER}, "sighting.of_a_later_night", "sandbox/2/asking/2026-11-01"),
    (SIGHTINGS, 1, {"observed_on": date(2026, 11, 3)}, "sighting.dated_ahead", "sandbox/2/asking/2026-11-03"),
    (SIGHTINGS, 1, {"vin": "1FAFP40432F172O29"}, "sighting.vin_malformed", "sandbox/2/asking/2026-11-01"),
    (SIGHTINGS, 1, {"mileage_unit": "nm"}, "sighting.mileage_unit_unknown", "sandbox/2/asking/2026-11-01"),
    (SIGHTINGS, 1, {"digest": "x"}, "sighting.digest_malformed", "sandbox/2/asking/2026-11-01"),
    (SEEN, 1, {"item_id": "1"}, "seen.keys_repeat", "sandbox/1/2026-11-01"),
    (SEEN, 1, {"slice": "Make=Ford"}, "seen.slice_unknown", "sandbox/2/2026-11-01"),
    (SLICES, 0, {"state": "lost"}, "slice.state_unknown", "sandbox/asking/all/2026-11-01"),
    (SLICES, 0, {"announced": -1}, "slice.announced_negative", "sandbox/asking/all/2026-11-01"),
    (LISTING_PHOTOS, 1, {"item_id": "1"}, "listing_photos.keys_repeat", "sandbox/1/0"),
    (LISTING_PHOTOS, 1, {"sha256": sha(9)}, "listing_photo.photo_unknown", "sandbox/2/0"),
    (LISTING_PHOTOS, 1, {"sha256": "9"}, "listing_photo.sha256_malformed", "sandbox/2/0"),
    (LISTING_PHOTOS, 1, {"item_id": "9"}, "listing_photo.listing_unknown", "sandbox/9/0"),
    (QUARANTINE, 0, {"effect": "lost"}, "quarantine.effect_unknown", f"{REFUSED}/crawl.timeout"),
    (QUARANTINE, 0, {"rule": "Timeout!"}, "quarantine.rule_malformed", f"{REFUSED}/Timeout!"),
    (NIGHTS, 1, {"digest": "0" * 64}, "receipt.changed", "2026-11-01/nightly/crawl/r"),
    (NIGHTS, 1, {"finished_at": None}, "receipt.time_missing", "2026-11-01/nightly/crawl/r"),
    (LISTINGS, 1, {"item_id": "1"}, "listings.rows_repeat", "sandbox/1"),
    (LISTINGS, 1, {"make_model_id": "ford/edsel"}, "listing.make_model_unknown", "sandbox/2"),
    (LISTINGS, 1, {"status": "gone"}, "listing.status_unknown", "sandbox/2"),
    (LISTINGS, 1, {"asking_price": -1.0}, "listing.asking_price_kept", "sandbox/2"),
    (LISTINGS, 1, {"year": 1700}, "listing.year_kept", "sandbox/2"),
    (LISTINGS, 1, {"mileage": 2_000_000}, "listing.mileage_kept", "sandbox/2"),
    (LISTINGS, 1, {"bids": -1}, "listing.bids_kept", "sandbox/2"),
    (LISTINGS, 1, {"buying_options": "AUCTION|SWAP"}, "listing.buying_options_malformed", "sandbox/2"),
    (LISTINGS, 1, {"first_seen": LATER}, "listing.last_seen_before_first", "sandbox/2"),
    (LISTINGS, 1, {"last_seen": LATER}, "listing.seen_after_night", "sandbox/2"),
    (LISTINGS, 1, {"country": "U.S."}, "listing.country_malformed", "sandbox/2"),
    (PHOTOS, 1, {"width": 20}, "photo.sound_and_small", sha(2)),
    (PHOTOS, 1, {"phash": None}, "photo.sound_and_not_hashed", sha(2)),
    (PHOTOS, 1, {"copy_group": sha(9)}, "photo.copy_group_unknown", sha(2)),
    (PHOTOS, 1, {"verdict": "fine"}, "photo.verdict_malformed", sha(2)),
    (EMBEDDINGS, 1, {"vector": b"\x00\x3c"}, "embeddings.bytes_differs", ""),
    (
        EMBEDDINGS,
        1,
        {"vector": NOT_A_NUMBER},
        "embedding.not_finite",
        f"{sha(2)}/b/p/e/plain",
    ),
    (EMBEDDINGS, 1, {"vector": bytes(8)}, "embedding.empty", f"{sha(2)}/b/p/e/plain"),
    (EMBEDDINGS, 1, {"engine": "other"}, "embeddings.engine_differs", ""),
    (EMBEDDINGS, 1, {"sha256": sha(9)}, "embedding.photo_unknown", f"{sha(9)}/b/p/e/plain"),
    (VEHICLES, 1, {"split": "spare"}, "vehicle.split_unknown", "sandbox/2"),
    (VEHICLES, 1, {"burned": True, "split": "test"}, "vehicle.burned_and_evaluated", "sandbox/2"),
    (VEHICLES, 1, {"item_id": "9"}, "vehicle.listing_unknown", "sandbox/9"),
    (MAKE_MODELS, 0, {"model": " "}, "make_model.model_empty", MODEL),
    (MAKE_MODELS, 0, {"make_model_id": "ford mustang"}, "make_model.id_malformed", "ford mustang"),
    (CLASSES, 0, {"make_model_id": "ford/edsel"}, "class.make_model_unknown", "0"),
    (CLASSES, 0, {"class_id": -1}, "class.id_negative", "-1"),
    (SNAPSHOTS, 1, {"class_id": 7}, "snapshot.class_unknown", f"s/{sha(2)}"),
    (SNAPSHOTS, 1, {"sha256": sha(9)}, "snapshot.photo_unknown", f"s/{sha(9)}"),
    (PRICES, 2, {"year_band": ""}, "prices.keys_repeat", SOLD),
    (PRICES, 2, {"year_band": "1967"}, "price.year_band_malformed", f"2026-11-01/{MODEL}/sold/1967/"),
    (PRICES, 2, {"year_band": "", "region": "Ohio"}, "price.region_malformed", f"2026-11-01/{MODEL}/sold//Ohio"),
    (PRICES, 2, {"region": "US-FL"}, "price.two_dimensions", f"{BANDED}US-FL"),
    (PRICES, 2, {"level": "town"}, "price.level_unknown", BANDED),
    (PRICES, 2, {"precision": "week"}, "price.precision_unknown", BANDED),
    (PRICES, 2, {"level": "model"}, "price.own_figures_of_others", BANDED),
    (PRICES, 2, {"level_count": 4}, "price.too_little_behind", BANDED),
    (PRICES, 2, {"count": 8}, "price.level_count_below_count", BANDED),
    (PRICES, 2, {"sellers": 3}, "price.more_sellers_than_listings", BANDED),
    (PRICES, 2, {"outliers": -1}, "price.outliers_negative", BANDED),
    (PRICES, 2, {"level_name": None}, "price.figures_incomplete", BANDED),
    (PRICES, 2, {"q3": None}, "price.figures_incomplete", BANDED),
    (PRICES, 0, {"level": "make"}, "price.headline_rolled_up", SOLD),
    (PRICES, 0, {"q1": 2_500.0}, "price.median_below_q1", SOLD),
    (PRICES, 0, {"median_low": 2_000.01}, "price.median_below_median_low", SOLD),
    (PRICES, 0, {"median_high": 1_999.99}, "price.median_high_below_median", SOLD),
    (PRICES, 0, {"median_high": None}, "price.interval_half", SOLD),
    (PRICES, 0, {"trimmed_mean": 899.0}, "price.trimmed_mean_below_low", SOLD),
    (PRICES, 0, {"trimmed_mean": 9_001.0}, "price.high_below_trimmed_mean", SOLD),
    (PRICES, 0, {"currency": None}, "price.currency_missing", SOLD),
    (PRICES, 0, {"currency": "$"}, "price.currency_malformed", SOLD),
    (PRICES, 1, {"reason": None}, "price.neither_figure_nor_reason", ASKED),
    (PRICES, 1, {"count": -1, "sellers": None}, "price.count_negative", ASKED),
    (PRICES, 1, {"window_start": LATER}, "price.window_backwards", ASKED),
    (OFFERS, 1, {"item_id": "9"}, "offer.listing_not_active", "2026-11-01/sandbox/9"),
    (ASKING_PRICES, 1, {"item_id": "1"}, "asking_prices.keys_repeat", "sandbox/1/2026-11-01"),
    (ASKING_PRICES, 1, {"price": None}, "asking_price.price_missing", "sandbox/2/2026-11-01"),
    (ASKING_PRICES, 1, {"price": 5.0}, "asking_price.price_not_credible", "sandbox/2/2026-11-01"),
    (ASKING_PRICES, 1, {"currency": "$"}, "asking_price.currency_malformed", "sandbox/2/2026-11-01"),
    (ASKING_PRICES, 1, {"price": 14_000.0}, "asking_price.not_offered", "sandbox/2/2026-11-01"),
    (OFFERS, 1, {"price": 1.0}, "offer.price_not_credible", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"currency": "$"}, "offer.currency_malformed", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"latitude": 90.1}, "offer.latitude_not_on_earth", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"longitude": -180.1}, "offer.longitude_not_on_earth", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"place_precision": "point"}, "offer.precision_unknown", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"longitude": None}, "offer.place_incomplete", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"place_precision": None}, "offer.place_incomplete", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"value": 11_999.0}, "offer.value_below_its_interval", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"value": 20_001.0}, "offer.value_above_its_interval", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"value_low": None}, "offer.value_incomplete", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"rating": "bargain"}, "offer.rating_unknown", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"first_price": None}, "offer.first_price_missing", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"first_price": 1.0}, "offer.first_price_not_credible", "2026-11-01/sandbox/2"),
    (OFFERS, 1, {"changed_on": LATER}, "offer.price_changed_after_night", "2026-11-01/sandbox/2"),
]


def test_every_table_of_the_lake_has_a_suite_and_its_schema_judged(tmp_path: Path) -> None:
    found = suites(sound())
    assert set(TABLES) <= {OF_ROWS.get(suite.table, suite.table) for suite, _ in found}
    schemas = [frame for suite, frame in found if suite.table.startswith("schemas_")]
    told = {name for frame in schemas for name in frame["table"]}
    assert told == set(TABLES) - {"quarantine", "nights"}  # those two are judged as rows of the declared schema


def test_sound_tables_break_no_rule(tmp_path: Path) -> None:
    refusal = Refusal(table="listings", key="sandbox/2", rule="listing.year_not_credible", value="1", effect="nulled")
    outcome = judged(*suites(sound(), [refusal, refusal]), docs=tmp_path)
    assert failed(outcome) == {}
    assert (outcome.held, outcome.warned) == ([], [])


def test_empty_tables_break_no_rule_and_all_have_their_page(tmp_path: Path) -> None:
    outcome = judged(*suites({each: [] for each in TABLES.values()}), docs=tmp_path)
    assert failed(outcome) == {}
    pages = {path.parts[-4] for path in tmp_path.glob("validations/*/*/*/*.html")}
    assert set(TABLES) <= {OF_ROWS.get(page, page) for page in pages}


def test_each_defect_is_named_with_its_row(tmp_path: Path) -> None:
    """Each is tried on the suite of its own table; all suites run together, because opening a context takes long."""
    tried: list[Judged] = []
    for place, (where, row, change, _, _) in enumerate(DEFECTS):
        rows = sound()
        rows[where][row] = rows[where][row] | change
        (own,) = [each for each in suites(rows) if OF_ROWS.get(each[0].table, each[0].table) == where.name]
        tried.append((replace(own[0], table=f"defect_{place}"), own[1]))
    outcome = judged(*tried, docs=tmp_path)
    for place, (*_, rule, key) in enumerate(DEFECTS):
        found = {finding.rule.name: finding for finding in outcome.findings if finding.table == f"defect_{place}"}
        assert rule in found, f"{rule}: only {sorted(found)}"
        keys = ["/".join(each) for each, _ in found[rule].rows]
        assert key in keys if key else not keys


@pytest.mark.parametrize(
    ("where", "values", "rule"),
    [
        (VEHICLES, ("v1", "test"), "vehicle.in_two_splits"),
        (SNAPSHOTS, ("v1", "test"), "snapshot.vehicle_in_two_splits"),
    ],
)
def test_a_vehicle_in_two_splits_holds_the_night(
    where: Table, values: tuple[str, str], rule: str, tmp_path: Path
) -> None:
    rows = sound()
    rows[where][1] |= dict(zip(("vehicle_id", "split"), values, strict=True))
    wanted = [each for each in suites(rows) if each[0].table == where.name]
    assert judged(*wanted, docs=tmp_path).held == [rule]


def test_a_column_of_another_type_or_too_many_holds_the_night(tmp_path: Path) -> None:
    rows = {each: table(each, *found) for each, found in sound().items()}
    offers = rows[OFFERS]
    changed = offers.set_column(
        offers.schema.get_field_index("price"), "price", offers["price"].cast(pa.float32())
    ).append_column("more", pa.array(["", ""]))
    wanted = priced(
        {**{each: rows[each] for each in (PRICES, ASKING_PRICES)}, OFFERS: changed.drop_columns(["title"])},
        known=rows,
        settings=SETTINGS.prices,
    )
    outcome = judged(wanted[0], docs=tmp_path)
    assert failed(outcome) == {"schema.column_differs": ["offers/more", "offers/price", "offers/title"]}
    assert outcome.held == ["schema.column_differs"]


def test_a_split_that_an_older_row_contradicts_is_found(tmp_path: Path) -> None:
    """Only tonight's rows are judged, but beside all that the lake holds."""
    rows = {each: table(each, *found) for each, found in sound().items()}
    older = {**sound()[VEHICLES][0], "item_id": "7", "split": "test"}
    known = {each: each.schema.empty_table() for each in TABLES.values()} | {VEHICLES: table(VEHICLES, older)}
    written = {each: rows[each] for each in (LISTINGS, MAKE_MODELS, PHOTOS, EMBEDDINGS, VEHICLES)}
    found = curated(written, read=rows, known=known, refusals=[], night=NIGHT, settings=SETTINGS)
    outcome = judged(*(each for each in found if each[0].table == "vehicles"), docs=tmp_path)
    assert failed(outcome) == {"vehicle.in_two_splits": ["sandbox/1"]}


def test_a_photo_of_an_earlier_night_is_not_judged_by_tonights_settings(tmp_path: Path) -> None:
    """Its row is written again when its copies' group gets another name."""
    rows = sound()
    rows[PHOTOS][1] |= {"width": 20, "night": date(2026, 10, 31)}
    found = [each for each in suites(rows) if each[0].table == "photo_rows"]
    assert failed(judged(*found, docs=tmp_path)) == {}
