"""The champion's record, and when its line begins anew."""

from datetime import date, timedelta

import pytest

from autodetect.classifier.champion import Champion, start_cold
from autodetect.classifier.temperature import UNTEMPERED
from autodetect.records import Receipt

NIGHT = date(2026, 11, 1)
BARE = {"head": "h", "class_ids": [0], "snapshot_id": "s", "night": "2026-11-01", "backbone": "b", "metrics": {}}


def receipt(*, promoted=True, start="warm", **champion):
    facts = {"champion": BARE | champion, "promoted": promoted, "lineage": {"start": start}}
    return Receipt(night=NIGHT, stage="train", run_id="r", facts=facts)


def test_a_record_without_the_newer_fields_is_read_and_counts_from_its_own_night():
    champion = Champion.of(Receipt(night=NIGHT, stage="train", run_id="r", facts={"champion": BARE}))
    assert (champion.rival, champion.cold_started_on, champion.began) == (None, None, NIGHT)
    assert champion.temperatures == UNTEMPERED


@pytest.mark.parametrize(("days", "cold"), [(0, False), (29, False), (30, True), (31, True)])
def test_a_line_begins_anew_after_so_many_days_however_often_it_was_promoted_since(days, cold):
    night = NIGHT + timedelta(days=days)
    before = receipt(cold_started_on="2026-11-01", night=(night - timedelta(days=1)).isoformat())
    assert start_cold(before, night, 30) is cold


def test_a_refused_cold_start_is_followed_by_a_warm_night():
    late = NIGHT + timedelta(days=40)
    assert start_cold(receipt(), late, 30)
    assert not start_cold(receipt(promoted=False, start="cold"), late, 30)
    assert start_cold(receipt(promoted=False, start="warm"), late, 30)
    assert start_cold(receipt(promoted=True, start="cold"), late, 30)


def test_the_first_night_is_cold():
    assert start_cold(None, NIGHT, 30)
    assert start_cold(Receipt(night=NIGHT, stage="train", run_id="r", facts={"champion": None}), NIGHT, 30)
