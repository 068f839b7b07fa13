"""A person publishes what the gate refused: through the program, after a refused night, also when interrupted."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autodetect.classifier.gate import GateVerdict
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import NEXT_KEY, PIN_KEY
from autodetect.errors import UsageError
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.nights import end
from autodetect.lake.objects import LocalStore
from autodetect.records import Receipt, Verdict
from autodetect.release.history import entries, manifest_of
from autodetect.release.layout import object_key
from autodetect.release.manifest import Manifest
from autodetect.settings import Settings
from flows.promote import promotion
from tests.flows.program import Ended, Program

FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)
WHY = {"reason": "the lost class is one that nobody sells", "by": "A. Smith"}
REFUSED = GateVerdict(promoted=False, words="refused: 40 % against 60 %", n=20)
CHALLENGER = {"head": "c" * 64, "backbone": "b" * 64, "night": "2026-11-02"}


def backbone(digest: str) -> bytes:
    record = BackboneRecord(
        requested="random", resolved="random", seed=1, input_size=96, preprocessing="squash-v1", digest=digest * 64
    )
    return record.model_dump_json().encode()


def commit_night(lake: Lake, night: date, *, verdict: Verdict | None = Verdict.PRICES_ONLY, **facts: Any) -> None:
    told = {"champion": {"head": "a" * 64}, "promoted": False, "gate": REFUSED.model_dump(mode="json")} | facts
    receipts = [Receipt(night=night, stage="begin", run_id="r")]
    receipts += [Receipt(night=night, stage="train", run_id="r", inputs={"begin": "1"}, facts=told)]
    receipts += [end(night, "nightly", "r", verdict, "too few listings")] if verdict else []
    for receipt in receipts:
        lake.receipts.commit(receipt, datetime(2026, 11, 3, tzinfo=UTC))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    opened = open_lake(Settings(lake=str(tmp_path / "lake")), create=True)
    opened.objects.put(PIN_KEY, backbone("b"))
    return opened


def test_a_promotion_changes_of_the_receipt_what_the_gate_would_have(lake: Lake) -> None:
    commit_night(lake, FIRST, challenger=CHALLENGER)
    commit_night(lake, SECOND, challenger=CHALLENGER, snapshot_id="s")
    before = lake.receipts.of_night(SECOND)["train"]
    chosen = promotion(lake, None, **WHY)
    assert (chosen.night, chosen.begun) == (SECOND, False)
    changed = {name for name, value in chosen.train.facts.items() if before.facts[name] != value}
    assert changed == {"gate", "promoted", "champion"}
    assert chosen.train.facts["champion"] == CHALLENGER
    assert chosen.train.model_copy(update={"facts": before.facts}) == before
    gate = GateVerdict.model_validate(chosen.train.facts["gate"])
    assert gate.promoted
    assert gate.overridden is not None
    assert gate.overridden.model_dump() == WHY
    assert REFUSED.words in gate.words


def test_a_promotion_on_the_next_backbone_says_that_it_stays(lake: Lake) -> None:
    lake.objects.put(NEXT_KEY, backbone("d"))
    tried = {"backbone": "d" * 64, "outcome": "refused"}
    commit_night(lake, SECOND, challenger=CHALLENGER | {"backbone": "d" * 64}, backbone_next=tried)
    chosen = promotion(lake, None, **WHY)
    assert chosen.train.facts["backbone_next"] == {"backbone": "d" * 64, "outcome": "promoted"}


def test_a_promotion_that_was_begun_goes_on_for_the_same_reason_only(lake: Lake) -> None:
    commit_night(lake, SECOND, challenger=CHALLENGER)
    first = promotion(lake, None, **WHY)
    lake.receipts.commit(first.train, datetime(2026, 11, 4, tzinfo=UTC))
    again = promotion(lake, SECOND, reason="  the lost class is\n one that nobody sells ", by="A.  Smith")
    assert again.begun
    assert again.train == first.train
    with pytest.raises(UsageError, match=r"promoted by A\. Smith against the gate"):
        promotion(lake, None, reason="another", by="A. Smith")


def test_no_night_is_told(lake: Lake) -> None:
    with pytest.raises(UsageError, match="no night has run"):
        promotion(lake, None, **WHY)


def test_a_night_that_was_not_is_told(lake: Lake) -> None:
    commit_night(lake, SECOND, challenger=CHALLENGER)
    with pytest.raises(UsageError, match="no night of 2026-11-05"):
        promotion(lake, date(2026, 11, 5), **WHY)


def test_a_night_before_the_last_is_refused(lake: Lake) -> None:
    commit_night(lake, FIRST, challenger=CHALLENGER)
    commit_night(lake, SECOND, verdict=None)
    with pytest.raises(UsageError, match="the night of 2026-11-02 has begun since"):
        promotion(lake, FIRST, **WHY)


def test_a_fine_tune_after_the_night_is_no_later_night(lake: Lake) -> None:
    commit_night(lake, SECOND, challenger=CHALLENGER)
    begun = Receipt(night=date(2026, 11, 4), kind="finetune", stage="begin", run_id="f")
    lake.receipts.commit(begun, datetime(2026, 11, 4, tzinfo=UTC))
    assert promotion(lake, None, **WHY).night == SECOND


def test_a_night_that_has_not_ended_is_refused(lake: Lake) -> None:
    commit_night(lake, SECOND, verdict=None, challenger=CHALLENGER)
    with pytest.raises(UsageError, match="has not ended"):
        promotion(lake, None, **WHY)


def test_a_held_night_is_refused(lake: Lake) -> None:
    commit_night(lake, SECOND, verdict=Verdict.HELD, challenger=CHALLENGER)
    with pytest.raises(UsageError, match=r"was held.*too few listings"):
        promotion(lake, None, **WHY)


def test_a_night_without_a_challenger_has_nothing_refused(lake: Lake) -> None:
    commit_night(lake, SECOND, gate={"words": "no challenger: nothing new to learn since the last one"})
    with pytest.raises(UsageError, match="nothing new to learn"):
        promotion(lake, None, **WHY)


def test_a_challenger_that_passed_needs_no_promotion(lake: Lake) -> None:
    passed = GateVerdict(promoted=True, words="promoted: 60 %", n=20).model_dump(mode="json")
    commit_night(lake, SECOND, verdict=Verdict.PUBLISHED, challenger=CHALLENGER, gate=passed, promoted=True)
    with pytest.raises(UsageError, match="did not refuse"):
        promotion(lake, None, **WHY)


@pytest.mark.parametrize("missing", ["reason", "by"])
def test_reason_and_name_are_needed(lake: Lake, missing: str) -> None:
    commit_night(lake, SECOND, challenger=CHALLENGER)
    with pytest.raises(UsageError, match="published only with"):
        promotion(lake, None, **WHY | {missing: "  "})


def test_a_challenger_on_a_backbone_that_was_displaced_is_refused(lake: Lake) -> None:
    commit_night(lake, SECOND, challenger=CHALLENGER | {"backbone": "e" * 64})
    with pytest.raises(UsageError, match="backbone eeeeeeeeeeee, which another has displaced"):
        promotion(lake, None, **WHY)


# A challenger that starts afresh and learns next to nothing: every gate refuses it.
HOPELESS = {
    "AUTODETECT_CLASSIFIER__COLD_START_DAYS": "1",
    "AUTODETECT_CLASSIFIER__EPOCHS": "1",
    "AUTODETECT_CLASSIFIER__LEARNING_RATE": "1e-9",
}
PROMOTE = ("release", "promote", "--reason", WHY["reason"], "--by", WHY["by"])


def released(program: Program) -> list[Manifest]:
    store = LocalStore(program.folder / "var/store")
    return [manifest_of(store, entry) for entry in entries(store)]


def receipts(program: Program) -> list[Receipt]:
    return open_lake(Settings(lake=str(program.folder / "var/lake"))).receipts.all()


@pytest.mark.night
@pytest.mark.timeout(900)
def test_a_refused_night_is_published_by_a_person(first_night: Program, lasting_api: str, tmp_path: Path) -> None:
    program = first_night.copied_to(tmp_path, lasting_api)
    program.variables = HOPELESS
    second = program.run("nightly", "--night", str(SECOND), "--json")
    assert second.json()["verdict"] == "prices_only", second.err[-3000:]

    before = receipts(program)
    dry = program.run(*PROMOTE, "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert dry.json()["gate"]["overridden"] == WHY
    assert dry.json()["champion"]["night"] == str(SECOND)
    assert receipts(program) == before

    program.signal_when(lambda line: "export: converting" in line, *PROMOTE)
    assert [release.verdict for release in released(program)] == ["published", "prices_only"]
    done = _promoted(program.run(*PROMOTE, "--json"))
    _, refused, promoted = released(program)
    assert promoted.verdict == "published"
    assert any(WHY["reason"] in warning and WHY["by"] in warning for warning in promoted.warnings)
    assert not any(WHY["reason"] in warning for warning in refused.warnings)
    assert promoted.objects["champion.keras"] != refused.objects["champion.keras"]
    prices, same = (_table(program, release, "prices.parquet") for release in (promoted, refused))
    assert prices.equals(same)
    assert prices.schema.metadata[b"class_map_digest"].decode() == promoted.class_map_digest
    assert promoted.metrics == dry.json()["champion"]["metrics"]

    after = receipts(program)
    again = _promoted(program.run(*PROMOTE, "--json"))
    assert again.json()["release_id"] == done.json()["release_id"]
    assert len(released(program)) == 3
    assert {receipt.digest for receipt in receipts(program)} == {receipt.digest for receipt in after}
    assert receipts(program)[-1].stage == "end", "or the night would count as unfinished"
    assert program.run("nightly", "--night", str(SECOND), "--json").json()["verdict"] == "skipped"


def _table(program: Program, release: Manifest, name: str) -> pa.Table:
    """A released file's rows, with what the file says of itself."""
    return pq.read_table(program.folder / "var/store" / object_key(release.objects[name].sha256))


def _promoted(ended: Ended) -> Ended:
    assert ended.code == 0, ended.err[-3000:]
    assert ended.json()["verdict"] == "published"
    assert WHY["reason"] in ended.json()["reason"]
    return ended
