"""The leak check believes no grouping: whatever stands in two splits stops the night, and the worst is named."""

import pandas as pd
import pytest

from autodetect.dataset.evidence import Evidence, cut_ties, without_doubted
from autodetect.dataset.leaks import check_leaks, find_leaks, split_by_photo
from autodetect.errors import HeldError
from tests.dataset.cars import Row, cars, evidence, frame, rows

PLACES = {"1": ("v1", "train"), "2": ("v2", "test"), "3": ("v3", "validation")}
PHOTOS = {"1": ["a", "b"], "2": ["c"], "3": ["d"]}


def chosen(*found: tuple[str, str, str]) -> pd.DataFrame:
    """Photos with vehicle and split."""
    return frame([(sha256, "m/m", vehicle, split) for sha256, vehicle, split in found])


SOUND = chosen(("a", "v1", "train"), ("b", "v1", "train"), ("c", "v2", "test"), ("d", "v3", "validation"))


def leaks(places: pd.DataFrame, evidence: Evidence | None = None) -> dict[str, str]:
    return {leak.what: leak.where for leak in find_leaks(places, evidence)}


@pytest.mark.parametrize(
    "leak", [("new", "m/m", "m/m-v0", "test"), ("m/m-0-0", "m/m", "other", "validation")], ids=["vehicle", "photo"]
)
def test_a_car_or_photo_on_both_sides_stops_the_night(leak: Row) -> None:
    found = cars("m/m", 3, 1, 1)
    check_leaks(frame(found))
    with pytest.raises(HeldError, match=r"stand in more than one split: (vehicle m/m-v0|photo m/m-0-0)") as held:
        check_leaks(frame([*found, leak]))
    assert held.value.exit_code == 3


def test_sound_tables_have_no_leak() -> None:
    vins = {"1": "VIN1", "2": "VIN2"}
    assert leaks(SOUND, evidence(PHOTOS, PLACES, vins=vins)) == {}


def test_one_vin_in_two_vehicles_of_two_splits_is_a_leak() -> None:
    found = leaks(SOUND, evidence(PHOTOS, PLACES, vins={"1": "VIN", "2": "VIN"}))
    assert found == {"vin VIN": "test: sandbox/2, train: sandbox/1"}


def test_a_vin_of_a_listing_whose_photos_are_not_in_the_snapshot_still_leaks() -> None:
    places = {**PLACES, "4": ("v2", "test")}  # vehicle v2 by another listing, which shows nothing
    found = leaks(SOUND, evidence(PHOTOS, places, vins={"1": "VIN", "4": "VIN"}))
    assert found == {"vin VIN": "test: sandbox/4, train: sandbox/1"}


@pytest.mark.parametrize("in_snapshot", [True, False])
def test_a_picture_shown_by_cars_of_two_splits_is_a_leak_even_when_it_is_not_chosen_itself(in_snapshot: bool) -> None:
    shared = {"1": ["a", "b", "x"], "2": ["c", "y"], "3": ["d"]}
    places = pd.concat([SOUND, chosen(("x", "v1", "train"))]) if in_snapshot else SOUND
    found = leaks(places, evidence(shared, PLACES, groups={"y": "x"}))
    assert "copy x" in found
    assert ("listing sandbox/2" in found) == in_snapshot


def test_a_burned_vehicle_is_never_evaluated() -> None:
    assert leaks(SOUND, evidence(PHOTOS, PLACES, burned=frozenset({"v1"}))) == {}
    found = leaks(SOUND, evidence(PHOTOS, PLACES, burned=frozenset({"v2"})))
    assert found == {"burned vehicle v2": "test: it may only train"}


def test_the_worst_leaks_are_named_first_and_the_rest_counted() -> None:
    found = [row for n in range(9) for row in cars(f"m/{n}", 1, 0, 0, photos=n + 1)]
    torn = [(f"{sha256} again", model, vehicle, "test") for sha256, model, vehicle, _ in found if sha256.endswith("-0")]
    with pytest.raises(HeldError) as held:
        check_leaks(frame(found + torn))
    assert held.value.what.startswith("9 ")
    assert held.value.what.index("m/8-v0") < held.value.what.index("m/7-v0") < held.value.what.index("m/4-v0")
    assert "m/3-v0" not in held.value.what


def test_ties_that_curation_cut_do_not_stop_the_night() -> None:
    shared = {"1": ["a", "b"], "2": ["c"], "3": ["d"], "4": ["a"]}
    places = {**PLACES, "4": ("v2", "test")}
    vins = {"1": "VIN", "2": "VIN"}
    assert set(leaks(SOUND, evidence(shared, places, vins=vins))) >= {"vin VIN", "copy a"}
    cut = {"vin:VIN": "vin.placeholder", "copy:a": "copy.stock_photo"}
    assert "vin VIN" not in leaks(SOUND, evidence(shared, places, vins=vins, cut=cut))
    assert "copy a" not in leaks(SOUND, evidence(shared, places, vins=vins, cut=cut))


def test_a_cut_picture_is_known_by_the_name_of_its_group_tonight() -> None:
    refused = [
        {"key": "copy:old", "rule": "copy.stock_photo"},
        {"key": "vin:VIN", "rule": "vin.shared"},
        {"key": "sandbox/1", "rule": "vin.shared"},
        {"key": "relist:s/1=s/2", "rule": "relist.contradicted"},
    ]
    remembered = ["copy:old", "vin:other", "relist:s/1=s/2", "alone"]
    assert cut_ties(refused, remembered, {"old": "new"}) == {
        "copy:new": "copy.stock_photo",
        "vin:VIN": "vin.shared",
        "relist:s/1=s/2": "relist.contradicted",
        "vin:other": "vehicle.suspicious_tie",
    }


@pytest.mark.parametrize(
    ("rule", "kept"),
    [("vehicle.suspicious_tie", ["a", "b", "d"]), ("vin.shared", ["a", "b", "d"]), ("vin.placeholder", [*"abcd"])],
)
def test_what_a_doubtful_tie_may_make_one_car_is_not_evaluated(rule: str, kept: list[str]) -> None:
    known = evidence(PHOTOS, PLACES, vins={"1": "VIN", "2": "VIN"}, cut={"vin:VIN": rule})
    found, refusals = without_doubted(SOUND, known)
    assert [sha256 for sha256, *_ in rows(found)] == kept
    assert {(r.key, r.rule) for r in refusals} == ({("v2", "vehicle.in_doubt")} if len(kept) == 3 else set())


def test_a_relist_that_was_cut_leaves_its_evaluated_side_out() -> None:
    name = "relist:sandbox/1=sandbox/3"
    found, refusals = without_doubted(SOUND, evidence(PHOTOS, PLACES, cut={name: "vehicle.suspicious_tie"}))
    assert [sha256 for sha256, *_ in rows(found)] == ["a", "b", "c"]
    assert [(r.key, r.value) for r in refusals] == [("v3", f"{name} is in another split, too")]


def test_vehicles_of_one_split_may_share_what_was_cut() -> None:
    both = chosen(("a", "v1", "test"), ("c", "v2", "test"))
    places = {"1": ("v1", "test"), "2": ("v2", "test")}
    vins = {"1": "VIN", "2": "VIN"}
    found, refusals = without_doubted(both, evidence(PHOTOS, places, vins=vins, cut={"vin:VIN": "vin.shared"}))
    assert (rows(found), refusals) == (rows(both), [])


def lots(photos: int, *, vehicles: int = 200) -> tuple[pd.DataFrame, dict[str, list[str]], dict[str, tuple[str, str]]]:
    """So many vehicles in train, each by one listing with so many photos."""
    shown = {str(n): [f"{n}-{p}" for p in range(photos)] for n in range(vehicles)}
    places = {item_id: (f"v{item_id}", "train") for item_id in shown}
    return chosen(*((p, f"v{i}", "train") for i, each in shown.items() for p in each)), shown, places


def test_a_split_by_photo_would_show_the_cars_of_training_again() -> None:
    places, shown, where = lots(photos=6)
    told = split_by_photo(places, evidence(shown, where), seed=0)
    assert 120 <= told.test_photos <= 240  # 15 % of 1,200
    assert told.seen == told.by_vehicle > 0.97 * told.test_photos  # 1 - 0.3 ** 5
    assert (told.by_vin, told.by_copy) == (0, 0)
    assert told.share == told.seen / told.test_photos
    assert split_by_photo(places.iloc[::-1], evidence(shown, where), seed=0) == told
    assert split_by_photo(places, evidence(shown, where), seed=1) != told


def test_cars_with_one_photo_each_would_leak_only_by_vin_and_copy() -> None:
    places, shown, where = lots(photos=1)
    alone = split_by_photo(places, evidence(shown, where), seed=0)
    assert (alone.seen, alone.share) == (0, 0.0)
    vins = {item_id: f"VIN{int(item_id) // 8}" for item_id in shown}
    by_vin = split_by_photo(places, evidence(shown, where, vins=vins), seed=0)
    assert by_vin.seen == by_vin.by_vin > 0.9 * by_vin.test_photos
    copied = {item_id: [*photos, f"{item_id}-copy"] for item_id, photos in shown.items()}
    groups = {f"{item_id}-copy": photos[0] for item_id, photos in shown.items()}
    by_copy = split_by_photo(places, evidence(copied, where, groups=groups), seed=0)
    assert by_copy.by_copy == by_copy.by_vehicle == by_copy.seen > 0.5 * by_copy.test_photos
