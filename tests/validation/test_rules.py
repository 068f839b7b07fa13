"""Every rule fires on a row that breaks it, on that row alone, and only then; Great Expectations decides."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autodetect.settings import Settings
from autodetect.validation.check import Outcome, check
from autodetect.validation.rule import ROWS_FOR_A_SHARE, Rule, Suite
from autodetect.validation.suites.listings import listing_suite
from autodetect.validation.suites.photos import photo_suite

NIGHT = date(2026, 11, 1)
LISTINGS = listing_suite(NIGHT)
PHOTOS = photo_suite(Settings())
LISTING: dict[str, Any] = {
    "source": "sandbox",
    "item_id": "1",
    "sighting": "asking",
    "currency": "USD",
    "asking_price": 15_000.0,
    "sold_price": None,
    "any_price": 15_000.0,
    "year": 2012.0,
    "mileage": 61_000.0,
    "bids": None,
    "postal_code": "10001",
    "make_model_id": "ford/mustang",
    "price_unreadable": False,
    "year_unreadable": False,
    "mileage_unreadable": False,
}
PHOTO: dict[str, Any] = {"sha256": "a", "defect": None, "short_side": 480.0, "contrast": 50.0}
NUMBERS = ["asking_price", "sold_price", "any_price", "year", "mileage", "bids"]


def listings(*rows: dict[str, Any]) -> pd.DataFrame:
    """Sound listings with these changes, numbered from 1."""
    frame = pd.DataFrame([LISTING | {"item_id": str(n)} | row for n, row in enumerate(rows, start=1)])
    return frame.astype(dict.fromkeys(NUMBERS, "float64"))


def photos(*rows: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame([PHOTO | {"sha256": str(n)} | row for n, row in enumerate(rows, start=1)])
    return frame.astype({"short_side": "float64", "contrast": "float64"})


def judged(suite: Suite, frame: pd.DataFrame, tmp_path: Path) -> Outcome:
    return check([(suite, frame)], docs=tmp_path / "docs", run_name="2026-11-01")


def named(outcome: Outcome) -> dict[str, list[str]]:
    """The rules that failed and the second part of each row's key (the first, where there is one only)."""
    return {f.rule.name: [key[min(1, len(key) - 1)] for key, _ in f.rows] for f in outcome.findings}


BREAKS_LISTING: dict[str, list[dict[str, Any]]] = {
    "listing.item_id_missing": [{"item_id": ""}],
    "listing.currency_unreadable": [{"currency": "$"}, {"currency": "usd"}, {"currency": "USDX"}],
    "listing.price_unreadable": [{"price_unreadable": True}],
    "listing.year_unreadable": [{"year_unreadable": True}],
    "listing.mileage_unreadable": [{"mileage_unreadable": True}],
    "listing.price_not_credible": [{"asking_price": 0.0}, {"asking_price": -1.0}, {"asking_price": 123_456_789.0}],
    "sale.price_not_credible": [{"sold_price": 0.0}, {"sold_price": -1.0}, {"sold_price": 123_456_789.0}],
    "listing.year_not_credible": [{"year": 0.0}, {"year": 1884.0}, {"year": 2029.0}, {"year": 20_050_000.0}],
    "listing.mileage_not_credible": [{"mileage": -1.0}, {"mileage": 1_000_001.0}, {"mileage": 1_234_567_890.0}],
    "listing.mileage_placeholder": [{"mileage": float(number)} for number in (999_999, 123_456, 111_111, 888_888)],
    "listing.postal_code_unreadable": [{"postal_code": "12"}, {"postal_code": "NOWHERE"}, {"postal_code": "33602?"}],
    "listing.bids_not_credible": [{"bids": -1.0}, {"bids": 10_001.0}],
    "listing.model_not_named": [{"make_model_id": None}],
}
KEEPS_LISTING: list[dict[str, Any]] = [
    {},
    {"sold_price": 1.0, "asking_price": None, "sighting": "sold 2026-10-30"},
    {"asking_price": 0.01},
    {"asking_price": 100_000_000.0},
    {"year": 1885.0},
    {"year": 2028.0},
    {"year": None},
    {"mileage": 0.0},
    {"mileage": 1_000_000.0},
    {"mileage": None},
    {"bids": 0.0},
    {"bids": 10_000.0},
    {"currency": None},
    {"postal_code": "336**"},
    {"postal_code": "10001-1234"},
    {"postal_code": "K1A 0B1"},
    {"postal_code": "K1A ***"},
    {"postal_code": "SW1A 1AA"},
    {"postal_code": "1234"},
    {"postal_code": None},
]
BREAKS_PHOTO: dict[str, list[dict[str, Any]]] = {
    "photo.unreadable": [{"defect": "photo.truncated", "short_side": None, "contrast": None}],
    "photo.too_small": [{"short_side": 63.0, "contrast": None}, {"short_side": 1.0, "contrast": None}],
    "photo.blank": [{"contrast": 3.9}, {"contrast": 0.0}],
}
KEEPS_PHOTO: list[dict[str, Any]] = [{}, {"short_side": 64.0}, {"contrast": 4.0}, {"contrast": 127.5}]


def test_sound_rows_break_no_rule(tmp_path: Path) -> None:
    assert named(judged(LISTINGS, listings(*KEEPS_LISTING), tmp_path)) == {}
    assert named(judged(PHOTOS, photos(*KEEPS_PHOTO), tmp_path)) == {}


@pytest.mark.parametrize(
    ("suite", "make", "broken", "kept"),
    [(LISTINGS, listings, BREAKS_LISTING, KEEPS_LISTING), (PHOTOS, photos, BREAKS_PHOTO, KEEPS_PHOTO)],
    ids=["listings", "photos"],
)
def test_each_rule_names_exactly_the_rows_that_break_it(
    suite: Suite, make: Any, broken: dict[str, list[dict[str, Any]]], kept: list[dict[str, Any]], tmp_path: Path
) -> None:
    """All at once, between sound rows: a rule that fired on another row would show."""
    rows, wanted = list(kept), {}
    for name, breaking in broken.items():
        wanted[name] = [row.get("item_id", str(len(rows) + n)) for n, row in enumerate(breaking, start=1)]
        rows += [*breaking, {}]
    found = named(judged(suite, make(*rows), tmp_path))
    assert {name: sorted(keys) for name, keys in found.items()} == {n: sorted(keys) for n, keys in wanted.items()}


def test_every_row_rule_is_tried_here() -> None:
    tried = {*BREAKS_LISTING, *BREAKS_PHOTO}
    row_rules = {rule.name for suite in (LISTINGS, PHOTOS) for rule in suite.rules if rule.effect != "held"}
    assert tried == row_rules


def test_a_finding_carries_the_value_that_broke_the_rule(tmp_path: Path) -> None:
    outcome = judged(LISTINGS, listings({}, {"asking_price": 0.0}, {"currency": "$"}), tmp_path)
    found = {finding.rule.name: finding.rows for finding in outcome.findings}
    assert found == {
        "listing.price_not_credible": ((("sandbox", "2", "asking"), "0.0"),),
        "listing.currency_unreadable": ((("sandbox", "3", "asking"), "$"),),
    }
    assert outcome.held == []


def test_the_same_sighting_twice_holds_the_night_and_an_offer_with_its_sale_does_not(tmp_path: Path) -> None:
    offer = {"item_id": "7"}
    sale = {"item_id": "7", "sighting": "sold 2026-10-30", "sold_price": 9.0, "asking_price": None}
    assert judged(LISTINGS, listings(offer, sale, {**sale, "sighting": "sold 2026-10-31"}), tmp_path).held == []
    assert judged(LISTINGS, listings(offer, offer), tmp_path).held == ["listings.keys_repeat"]


@pytest.mark.parametrize(
    ("suite", "make", "lacking", "rule"),
    [
        (LISTINGS, listings, {"make_model_id": None}, "listings.models_missing"),
        (LISTINGS, listings, {"any_price": None}, "listings.prices_missing"),
        (PHOTOS, photos, {"defect": "photo.empty", "short_side": None, "contrast": None}, "photos.none_readable"),
    ],
)
def test_a_night_most_of_which_is_missing_is_held(
    suite: Suite, make: Any, lacking: dict[str, Any], rule: str, tmp_path: Path
) -> None:
    half = ROWS_FOR_A_SHARE // 2
    assert judged(suite, make(*[{}] * half, *[lacking] * half), tmp_path).held == []
    assert judged(suite, make(*[{}] * (half - 1), *[lacking] * (half + 1)), tmp_path).held == [rule]
    too_few = judged(suite, make(*[lacking] * (ROWS_FOR_A_SHARE - 1)), tmp_path)
    assert too_few.held == []


def test_rules_have_unique_names_and_known_effects() -> None:
    rules = [rule for suite in (LISTINGS, PHOTOS) for rule in suite.rules]
    assert max(Counter(rule.name for rule in rules).values()) == 1
    assert {rule.effect for rule in rules} <= {"refused", "nulled", "noted", "held"}
    assert all(rule.column in LISTING for rule in rules if rule.effect == "nulled")


def test_great_expectations_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its expectations say is the finding: nothing beside them judges."""
    import great_expectations.core.batch as _  # noqa: F401 - imported before it is patched
    from great_expectations.expectations.core import ExpectColumnValuesToMatchRegex as Regex

    frame = listings({}, {"currency": "$"})
    assert list(named(judged(LISTINGS, frame, tmp_path))) == ["listing.currency_unreadable"]
    honest = Regex._validate

    def blind(self: Any, **arguments: Any) -> Any:
        return {**honest(self, **arguments), "success": True}

    monkeypatch.setattr(Regex, "_validate", blind)
    assert named(judged(LISTINGS, frame, tmp_path)) == {}


def test_a_rule_that_cannot_be_judged_stops_the_night(tmp_path: Path) -> None:
    rule = Rule("odd.column_gone", "noted", "ExpectColumnValuesToNotBeNull", {"column": "gone"})
    with pytest.raises(RuntimeError, match=r"odd\.column_gone"):
        judged(Suite("odd", ("sha256",), (rule,)), photos({}), tmp_path)
