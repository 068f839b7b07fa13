"""The train stage over some nights: what its receipt says of both heads, their start, and what made them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from autodetect.classifier.champion import Champion
from autodetect.classifier.head import load_head
from autodetect.embeddings.engine import engine_name
from autodetect.lake.lake import Lake
from tests.classifier.car_nights import BACKBONE, FIRST, add_cars, add_models, cars_of, new_lake, train_night


def add_model(lake: Lake, number: int, night) -> None:
    add_models(lake, [number], night)
    add_cars(lake, cars_of(number), night)


def test_a_receipt_names_both_heads_and_all_that_they_were_made_of(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    (tmp_path / "answers.toml").write_text('lookalikes = [["Ford / Model 0", "Ford / Model 3"]]\n')
    for number in range(3):
        add_model(lake, number, FIRST)
    one = train_night(lake, FIRST, None, tmp_path / "one")
    champion = Champion.of(one)
    assert champion is not None
    assert (champion.class_ids, champion.cold_started_on) == ((0, 1, 2), FIRST)
    assert {each["kind"]: each["start"] for each in one.facts["rivals"]} == {"dense": "cold", "linear": "cold"}
    best = min(one.facts["rivals"], key=lambda each: each["vehicle_nll"])
    assert one.facts["training"] == best["training"]
    assert (one.files["challenger"], one.files["rival"]) == (champion.head, champion.rival)
    assert one.facts["lineage"]["champion"] is None
    assert champion.temperatures.vehicle == best["temperature"] != 1
    assert one.facts["evaluation"]["lookalikes"] is None

    again = train_night(lake, FIRST, None, tmp_path / "again")
    assert again.files == one.files
    assert again.facts["lineage"] == one.facts["lineage"]

    second = FIRST + timedelta(days=1)
    add_model(lake, 3, second)
    two = train_night(lake, second, one, tmp_path / "two")
    assert two.facts["challenger"]["class_ids"] == [0, 1, 2, 3]
    assert two.facts["challenger"]["cold_started_on"] == FIRST.isoformat()
    assert {each["start"] for each in two.facts["rivals"]} == {"warm"}
    made = two.facts["lineage"]
    assert (made["start"], made["champion"], made["rival"]) == ("warm", champion.head, champion.rival)
    assert made["embeddings"] != one.facts["lineage"]["embeddings"]
    assert (made["engine"], made["backbone"], made["left_out"]) == (engine_name(), BACKBONE.digest, [])
    assert two.facts["promoted"]
    calibrations = [two.facts[each]["by_vehicle"]["calibration"] for each in ("evaluation", "champion_evaluation")]
    assert [each["temperature"] for each in calibrations] == [
        Champion.of(two).temperatures.vehicle,
        champion.temperatures.vehicle,
    ]
    alike = [group["classes"] for group in two.facts["evaluation"]["lookalikes"]["groups"]]
    assert alike == [["Ford Model 0", "Ford Model 3"]]

    # A month later the line begins anew; a class retired since then is left behind.
    month = FIRST + timedelta(days=30)
    add_model(lake, 4, month)
    (tmp_path / "answers.toml").write_text('retired = ["Ford / Model 1"]\n')
    three = train_night(lake, month, two, tmp_path / "three")
    assert three.facts["lineage"]["start"] == "cold"
    assert three.facts["challenger"]["class_ids"] == [0, 2, 3, 4]
    assert three.facts["challenger"]["cold_started_on"] == month.isoformat()
    head = load_head(lake.artifacts.fetch(three.files["rival"], tmp_path / "rival.keras"))
    assert head.output_shape[-1] == 4


def test_a_model_that_a_person_published_is_the_one_that_later_ones_are_held_against(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    nights = [FIRST + timedelta(days=day) for day in range(3)]
    receipt, receipts = None, []
    for number, night in enumerate(nights):
        for model in range(4 * number, 4 * number + 4):
            add_model(lake, model, night)
        if number < 2:
            receipt = train_night(lake, night, receipt, tmp_path / f"night-{number}")
            lake.receipts.commit(receipt, datetime.now(UTC))
            receipts.append(receipt)
    assert [each.facts["promoted"] for each in receipts] == [True, True]
    held_against_first = train_night(lake, nights[2], receipt, tmp_path / "before")
    assert held_against_first.facts["gate"]["recent"] is not None

    gate = receipts[1].facts["gate"] | {"overridden": {"by": "A. Smith", "reason": "nobody sells it"}}
    lake.receipts.commit(
        receipts[1].model_copy(update={"facts": receipts[1].facts | {"gate": gate}}), datetime.now(UTC)
    )
    after = train_night(lake, nights[2], receipt, tmp_path / "after")
    assert after.facts["gate"]["recent"] is None
