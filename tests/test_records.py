"""Records: digests tell equal content from different content, and nothing else."""

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from autodetect.records import (
    Receipt,
    Refusal,
    Sighting,
    StageRun,
    canonical_digest,
    canonical_json,
    night_seed,
)

NIGHT = date(2026, 11, 1)
SIGHTING = Sighting(
    source="sandbox",
    item_id="1",
    kind="asking",
    observed_on=NIGHT,
    title="Citroën 2CV",
    price="1000",
    aspects={"Make": "Citroën", "Year": "1970"},
    photo_urls=("https://a/1", "https://a/2"),
    summary_digest="s",
)
RECEIPT = Receipt(
    night=NIGHT,
    stage="crawl",
    run_id="one",
    inputs={"begin": "d"},
    versions={"seen": 1},
    outputs={"seen": "o"},
    counts={"seen": 3},
    facts={"coverage": 0.5, "held": ["a"]},
    run={"seconds": 1.0},
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def shuffled(value: object, rng: object) -> object:
    if isinstance(value, dict):
        names = list(value)
        rng.shuffle(names)
        return {name: shuffled(value[name], rng) for name in names}
    return [shuffled(part, rng) for part in value] if isinstance(value, list) else value


@settings(deadline=None)
@given(JSON, st.randoms())
def test_a_digest_does_not_depend_on_the_order_of_names(value: object, rng: object) -> None:
    assert canonical_json(shuffled(value, rng)) == canonical_json(value)


def test_digests_are_the_same_in_every_process_and_release() -> None:
    assert canonical_json({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'.encode()
    # as `sha256sum` says of those bytes
    assert canonical_digest({"b": [1, "é"], "a": None}) == (
        "f8f17faab95c024891d173fa43442b0e52007736a1f36715ac721ab22deeefc5"
    )
    script = "from tests.test_records import SIGHTING, RECEIPT; print(SIGHTING.digest, RECEIPT.digest)"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parents[1],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == [SIGHTING.digest, RECEIPT.digest]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_what_json_cannot_say_has_no_digest(value: object) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_digest(value)


def test_a_sighting_is_unchanged_when_only_the_night_or_the_search_page_differs() -> None:
    later = SIGHTING.model_copy(update={"observed_on": date(2026, 11, 9), "summary_digest": "t"})
    assert later.digest == SIGHTING.digest


@pytest.mark.parametrize(
    "change",
    [
        {"price": "999"},
        {"title": ""},
        {"photo_urls": ("https://a/2", "https://a/1")},
        {"aspects": {"Make": "Citroën"}},
        {"permission": "contract 8"},
        {"kind": "sold"},
        {"item_id": "2"},
        {"precision": "year"},
    ],
)
def test_a_sighting_with_other_content_is_another(change: dict[str, object]) -> None:
    assert SIGHTING.model_copy(update=change).digest != SIGHTING.digest


def test_a_sighting_survives_the_ledger() -> None:
    copy = Sighting.model_validate_json(SIGHTING.model_dump_json())
    assert copy == SIGHTING
    assert copy.digest == SIGHTING.digest


@pytest.mark.parametrize("change", [{"run_id": "two"}, {"run": {"seconds": 9.0}}, {"versions": {"seen": 7}}])
def test_the_digest_of_a_receipt_leaves_out_how_the_run_went(change: dict[str, object]) -> None:
    assert RECEIPT.model_copy(update=change).digest == RECEIPT.digest


@pytest.mark.parametrize(
    "change",
    [
        {"night": date(2026, 11, 2)},
        {"kind": "backfill"},
        {"stage": "curate"},
        {"inputs": {"begin": "e"}},
        {"settings_digest": "x"},
        {"code_digest": "x"},
        {"outputs": {"seen": "p"}},
        {"files": {"a": "b"}},
        {"counts": {"seen": 4}},
        {"facts": {"coverage": 0.5, "held": []}},
    ],
)
def test_the_digest_of_a_receipt_tells_different_results(change: dict[str, object]) -> None:
    assert RECEIPT.model_copy(update=change).digest != RECEIPT.digest


def test_a_receipt_survives_the_lake_with_its_digest() -> None:
    copy = Receipt.model_validate_json(RECEIPT.model_dump_json())
    assert copy == RECEIPT
    assert copy.digest == RECEIPT.digest


def test_records_admit_neither_unknown_fields_nor_changes() -> None:
    with pytest.raises(ValidationError, match="colour"):
        Refusal(table="t", key="k", rule="r", colour="red")
    with pytest.raises(ValidationError, match="frozen"):
        SIGHTING.price = "1"
    with pytest.raises(ValidationError, match="effect"):
        Refusal(table="t", key="k", rule="r", effect="forgotten")


def test_a_stage_may_read_the_newest_version_that_any_receipt_before_it_names() -> None:
    run = StageRun(
        night=NIGHT,
        run_id="r",
        now=datetime(2026, 11, 1, tzinfo=UTC),
        inputs={"crawl": RECEIPT.model_copy(update={"versions": {"seen": 5, "quarantine": 2}})},
        earlier={
            "crawl": RECEIPT.model_copy(update={"versions": {"seen": 3}}),
            "curate": RECEIPT.model_copy(update={"versions": {"quarantine": 4, "listings": 1}}),
        },
    )
    assert run.versions == {"seen": 5, "quarantine": 4, "listings": 1}


@settings(deadline=None)
@given(st.integers(0, 2**31), st.dates(), st.dates())
def test_every_night_has_a_seed_of_its_own(base: int, night: date, other: date) -> None:
    seed = night_seed(base, night)
    assert 0 <= seed < 2**31
    assert seed == night_seed(base, night)
    if night != other:
        assert (seed, seed) != (night_seed(base, other), night_seed(base + 1, night))
