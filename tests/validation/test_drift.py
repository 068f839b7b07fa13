"""Drift is told when there is some, and not when chance explains it; the measures are those of the literature."""

import json
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.records import Receipt, canonical_json
from autodetect.sections import ValidationSettings
from autodetect.validation.check import Finding
from autodetect.validation.drift import by_chance, drift_suite, psi
from autodetect.validation.profile import Profile, good_profiles, night_profiles, profile
from autodetect.validation.rule import Rule
from tests.validation.judging import judged

FIRST = date(2026, 10, 1)
SETTINGS = ValidationSettings()
MAKES = ["ford/f-150", "toyota/camry", "honda/civic", "bmw/3-series"]


def listings(rows: int, seed: int, **changes: Any) -> pd.DataFrame:
    """A night's offers, drawn anew from one population, with some columns changed."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "kind": "asking",
            "asking_price": rng.lognormal(9.5, 0.7, rows),
            "year": rng.integers(1995, 2024, rows).astype("float64"),
            "mileage": rng.gamma(3, 30_000, rows),
            "make_model_id": rng.choice(MAKES, rows, p=[0.4, 0.3, 0.2, 0.1]),
            "currency": "USD",
            "postal_code": np.where(rng.random(rows) < 0.1, None, "10001"),
        }
    )
    return frame.assign(**{name: change(frame) for name, change in changes.items()})


def past(nights: int, rows: int = 800) -> list[Profile]:
    return [
        profile("listings", listings(rows, seed=n), night=FIRST + timedelta(days=n), refused=n) for n in range(nights)
    ]


def tonight(rows: int = 800, *, refused: int = 5, **changes: Any) -> Profile:
    frame = listings(rows, seed=99, **changes)
    return profile("listings", frame, night=FIRST + timedelta(days=30), refused=refused)


def told(found: Profile, earlier: list[Profile], docs: Path, settings: ValidationSettings = SETTINGS) -> list[str]:
    """The measures that went too far."""
    outcome = judged(drift_suite(found, earlier, settings), docs=docs)
    return [finding.rule.name.removeprefix("drift.listings_") for finding in outcome.findings]


def test_a_night_like_those_before_it_is_not_told(tmp_path: Path) -> None:
    assert told(tonight(), past(5), tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "measures"),
    [
        ({"asking_price": lambda f: f["asking_price"] * 100}, ["asking_price_psi"]),  # cents for dollars
        ({"mileage": lambda f: f["mileage"] * 1.609}, ["mileage_psi"]),  # kilometres for miles
        ({"make_model_id": lambda _: "bmw/3-series"}, ["make_psi"]),
        ({"currency": lambda _: "EUR"}, ["currency_psi"]),
        ({"postal_code": lambda f: f["postal_code"].where(f.index % 2 == 0, None)}, ["postal_code_missing"]),
    ],
)
def test_each_kind_of_drift_is_told_and_no_other(changes: Any, measures: list[str], tmp_path: Path) -> None:
    assert told(tonight(**changes), past(5), tmp_path) == measures


def test_far_more_or_fewer_rows_and_refusals_are_told(tmp_path: Path) -> None:
    assert told(tonight(8_000), past(5), tmp_path / "more") == ["rows"]
    assert told(tonight(0), past(5), tmp_path / "none") == ["rows"]
    assert told(tonight(refused=400), past(5), tmp_path / "refused") == ["refused"]


def test_the_first_night_of_a_lake_says_nothing_of_how_many_rows_are_usual(tmp_path: Path) -> None:
    stock = profile("listings", listings(20_000, seed=7), night=FIRST - timedelta(days=1))
    assert told(tonight(), [stock], tmp_path / "first") == []
    assert told(tonight(), [stock, *past(2)], tmp_path / "later") == []


def test_a_small_night_is_not_judged(tmp_path: Path) -> None:
    few = SETTINGS.drift_min_rows - 1
    suite, frame = drift_suite(tonight(few, asking_price=lambda f: f["asking_price"] * 100), past(1), SETTINGS)
    assert suite.rules == ()
    assert frame.to_dict("records") == [{"night": "2026-10-31", "nights_before": 1}]


def test_one_odd_night_among_many_does_not_change_what_is_usual(tmp_path: Path) -> None:
    odd = profile("listings", listings(800, seed=50, currency=lambda _: "EUR"), night=FIRST + timedelta(days=20))
    assert told(tonight(), [*past(6), odd], tmp_path) == []


def test_only_the_newest_nights_count(tmp_path: Path) -> None:
    euros = [
        profile("listings", listings(800, seed=n, currency=lambda _: "EUR"), night=FIRST - timedelta(days=n + 1))
        for n in range(5)
    ]
    settings = SETTINGS.model_copy(update={"drift_nights": 3})
    assert told(tonight(), [*past(3), *euros], tmp_path, settings) == []


def test_a_major_change_holds_the_night_only_when_that_is_asked_for(tmp_path: Path) -> None:
    found = tonight(asking_price=lambda f: f["asking_price"] * 100)
    assert judged(drift_suite(found, past(5), SETTINGS), docs=tmp_path / "told").held == []
    strict = SETTINGS.model_copy(update={"drift_psi_held": 0.25})
    outcome = judged(drift_suite(found, past(5), strict), docs=tmp_path / "held")
    assert outcome.held == ["drift.listings_asking_price_changed"]
    assert len(outcome.warned) == 2
    assert outcome.warned[0].startswith("drift_listings: drift.listings_asking_price")


def test_psi_is_the_textbook_sum() -> None:
    actual, expected = {"a": 0.5, "b": 0.5}, {"a": 0.25, "b": 0.75}
    by_hand = 0.25 * math.log(0.5 / 0.25) - 0.25 * math.log(0.5 / 0.75)
    assert psi(actual, expected, rows=1_000, expected_rows=1_000) == pytest.approx(by_hand, abs=1e-4)
    assert psi(expected, expected, rows=10, expected_rows=10) == 0


@given(st.integers(0, 2**31), st.integers(2, 12), st.sampled_from([200, 500, 2_000]))
def test_two_samples_of_one_population_hardly_ever_exceed_what_chance_explains(seed: int, bins: int, rows: int) -> None:
    """Three standard deviations of a skewed sum: a few in a thousand may."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(bins, 5.0))
    over = 0
    for _ in range(20):
        one, two = (rng.multinomial(rows, shares) / rows for _ in range(2))
        index = psi(dict(enumerate(one)), dict(enumerate(two)), rows=rows, expected_rows=rows)  # type: ignore[arg-type]
        over += index > by_chance(bins, rows=rows, expected_rows=rows)
    assert over <= 3


def test_a_profile_is_small_and_deterministic_and_survives_a_receipt() -> None:
    frame = listings(3_000, seed=1)
    found = profile("listings", frame, night=FIRST)
    again = profile("listings", frame.sample(frac=1, random_state=3), night=FIRST)
    text = canonical_json(found.model_dump(mode="json"))
    assert text == canonical_json(again.model_dump(mode="json"))
    assert len(text) < 3_000
    assert Profile.model_validate(json.loads(text)) == found
    assert list(found.shares["make"]) == ["ford", "toyota", "honda", "bmw"]
    assert sum(found.shares["asking_price"].values()) == pytest.approx(1, abs=1e-3)


def test_profiles_of_a_night_tell_offers_sales_and_photos_apart_and_count_each_refused_row_once() -> None:
    frame = pd.concat([listings(3, seed=1), listings(2, seed=2, kind=lambda _: "sold").assign(sold_price=900.0)])
    photos = pd.DataFrame({"sha256": ["a", "b"], "short_side": [200.0, None], "contrast": [50.0, None]})
    nulled = Rule("listing.year_not_credible", "nulled", "x")
    noted = Rule("listing.model_not_named", "noted", "x")
    refused = Rule("photo.unreadable", "refused", "x")
    offer, sale = ("s", "1", "asking"), ("s", "4", "sold 2026-09-01")
    findings = [
        Finding("listings", nulled, ((offer, "1"), (sale, "1"))),
        Finding("listings", nulled, ((offer, "2"),)),
        Finding("listings", noted, ((("s", "2", "asking"), ""),)),
        Finding("imports", nulled, ((("folder", "9", "import"), "1"),)),
        Finding("photos", refused, ((("b",), "photo.empty"),)),
    ]
    found = {each.table: each for each in night_profiles(frame, photos, findings, night=FIRST)}
    assert {name: (each.rows, each.refused) for name, each in found.items()} == {
        "listings": (3, 0.3333),
        "sales": (2, 0.5),
        "photos": (2, 0.5),
    }
    nothing = night_profiles(pd.DataFrame(), photos.head(0), [], night=FIRST)
    assert [(each.table, each.rows) for each in nothing] == [("listings", 0), ("photos", 0), ("sales", 0)]


def test_only_nights_that_ended_well_are_compared_with() -> None:
    def receipts(day: int, verdict: str) -> list[Receipt]:
        night = FIRST + timedelta(days=day)
        told = [each.model_dump(mode="json") for each in past(1)]
        curate = Receipt(night=night, stage="curate", run_id="r", facts={"profiles": told})
        return [curate, Receipt(night=night, stage="end", run_id="r", facts={"verdict": verdict})]

    old = [Receipt(night=FIRST, stage="curate", run_id="r"), *receipts(0, "published")[1:]]  # before there were any
    ends = ((1, "published"), (2, "held"), (3, "prices_only"), (4, "published"))
    book = [*old, *(receipt for day, verdict in ends for receipt in receipts(day, verdict))]
    assert len(good_profiles(book, before=FIRST + timedelta(days=4))) == 2
