"""What was refused is kept, once, and a second attempt replaces the first."""

from datetime import date
from typing import Any

from autodetect.lake.lake import Lake
from autodetect.lake.quarantine import counts_by_rule, refuse
from autodetect.lake.schemas import QUARANTINE
from autodetect.records import Refusal

FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)


def refusal(key: str, rule: str = "rule", **fields: Any) -> Refusal:
    return Refusal(table="photos", key=key, rule=rule, **fields)


def kept(lake: Lake) -> list[tuple[date, str, str, str]]:
    rows = lake.tables.read(QUARANTINE).to_pylist()
    return sorted((row["night"], row["stage"], row["key"], row["value"]) for row in rows)


def test_a_refusal_is_kept_with_its_rule_value_and_effect(lake: Lake) -> None:
    wanted = {"key": "it's | odd", "rule": "photo.empty", "value": "x' OR '1'='1", "effect": "nulled"}
    version, _ = refuse(lake.tables, [Refusal(table="photos", **wanted)], night=FIRST, stage="curate")
    (row,) = lake.tables.read(QUARANTINE, version=version).to_pylist()
    assert row == {"table": "photos", **wanted, "night": FIRST, "stage": "curate"}


def test_another_attempt_replaces_only_what_its_own_stage_kept_that_night(lake: Lake) -> None:
    for stage, night in (("crawl", FIRST), ("curate", FIRST), ("curate", SECOND)):
        refuse(lake.tables, [refusal("a"), refusal("b")], night=night, stage=stage)
    refuse(lake.tables, [refusal("b", value="again"), refusal("c")], night=FIRST, stage="curate")
    assert kept(lake) == [
        (FIRST, "crawl", "a", ""),
        (FIRST, "crawl", "b", ""),
        (FIRST, "curate", "b", "again"),
        (FIRST, "curate", "c", ""),
        (SECOND, "curate", "a", ""),
        (SECOND, "curate", "b", ""),
    ]
    refuse(lake.tables, [], night=FIRST, stage="curate")
    assert [row[:2] for row in kept(lake)] == [(FIRST, "crawl")] * 2 + [(SECOND, "curate")] * 2


def test_the_digest_depends_on_the_refusals_alone(lake: Lake) -> None:
    def digest(*refusals: Refusal) -> str:
        return refuse(lake.tables, refusals, night=FIRST, stage="curate")[1]

    first = digest(refusal("a"), refusal("b"))
    assert digest(refusal("b"), refusal("a"), refusal("b")) == first
    assert digest(refusal("a")) != first


def test_each_key_counts_once_for_a_rule() -> None:
    refusals = [refusal("a"), refusal("a", value="again"), refusal("b"), refusal("a", "other")]
    assert counts_by_rule(refusals) == {"quarantine/other": 1, "quarantine/rule": 2}
    assert counts_by_rule([]) == {}
