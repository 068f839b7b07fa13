"""A night's grouping: what belongs together is one vehicle, however rows are ordered and nights were dealt."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.dataset import grouping
from autodetect.dataset.grouping import Grouping, _memberships, group_vehicles
from autodetect.lake.schemas import LISTING_PHOTOS, VEHICLES
from autodetect.lake.tables import rows_of
from tests.photos.listed import NIGHTS, OTHER_VIN, VIN, VINS, listed, listing

COPIES = pa.schema([("sha256", pa.string()), ("copy_group", pa.string())])
Row = dict[str, Any]


class Lake:
    """The tables that grouping reads, and what it wrote."""

    def __init__(self, limit: int = 20) -> None:
        self.limit = limit
        self.listings: dict[str, Row] = {}
        self.photos: list[Row] = []
        self.groups: dict[str, str] = {}
        self.vehicles: dict[tuple[str, str], Row] = {}

    def night(
        self, number: int, *rows: Row, photos: Mapping[str, str] | None = None, copies: Any = (), trained: Any = ()
    ) -> Grouping:
        """Group a night's listings.

        Args:
            number: of the night.
            rows: new or changed listings.
            photos: by item id, the photos that it shows, separated by blanks.
            copies: pairs (photo, the photo that its group is named after).
            trained: vehicle ids.
        """
        self.listings |= {row["item_id"]: row for row in rows}
        for item_id, names in (photos or {}).items():
            for position, sha256 in enumerate(names.split()):
                self.photos.append({"source": "sandbox", "item_id": item_id, "position": position, "sha256": sha256})
                self.groups.setdefault(sha256, sha256)
        self.groups |= dict(copies)
        found = group_vehicles(*self.tables(), night=NIGHTS[number - 1], trained=set(trained), max_listings=self.limit)
        self.vehicles |= {(row["source"], row["item_id"]): row for row in found.rows.to_pylist()}
        return found

    def tables(self) -> tuple[pa.Table, pa.Table, pa.Table, pa.Table]:
        copies = pa.Table.from_pylist([{"sha256": s, "copy_group": g} for s, g in self.groups.items()], schema=COPIES)
        vehicles = rows_of(VEHICLES, self.vehicles.values())
        return vehicles, listed(self.listings.values()), rows_of(LISTING_PHOTOS, self.photos), copies

    def together(self) -> set[frozenset[str]]:
        """The listings of each vehicle."""
        found: dict[str, set[str]] = defaultdict(set)
        for (_, item_id), row in self.vehicles.items():
            found[row["vehicle_id"]].add(item_id)
        return set(map(frozenset, found.values()))

    def of(self, item_id: object) -> Row:
        return self.vehicles["sandbox", str(item_id)]


def sets(*groups: str) -> set[frozenset[str]]:
    return {frozenset(group.split()) for group in groups}


def refused(found: Grouping) -> list[tuple[str, str]]:
    return [(refusal.key, refusal.rule) for refusal in found.refusals]


def test_a_first_night_gives_every_listing_a_vehicle() -> None:
    lake = Lake()
    found = lake.night(
        1,
        *(listing(n) for n in (1, 2, 3, 5)),
        listing(4, vin=VIN),
        listing(6, vin=VIN),
        photos={"1": "a", "2": "a b", "3": "c"},
        copies={"c": "b"}.items(),
    )
    assert lake.together() == sets("1 2 3", "4 6", "5")
    assert found.refusals == ()
    assert found.rows.schema.equals(VEHICLES.schema)
    assert {n: lake.of(n)["tied_by"] for n in range(1, 7)} == {
        1: "copy:a", 2: "copy:a", 3: "copy:b", 4: f"vin:{VIN}", 5: "alone", 6: f"vin:{VIN}",
    }  # fmt: skip
    assert {name: found.counts[name] for name in ("vehicles_new", "listings_tied", "ties/copy", "ties/vin")} == {
        "vehicles_new": 3, "listings_tied": 5, "ties/copy": 2, "ties/vin": 1,
    }  # fmt: skip


def test_an_empty_lake_has_no_vehicles() -> None:
    found = Lake().night(1)
    assert (found.rows.num_rows, found.refusals, found.counts["vehicles_new"]) == (0, (), 0)


def test_of_rows_with_one_key_the_last_counts() -> None:
    lake = Lake()
    lake.listings = {"1": listing(1), "2": listing(2, vin=VIN)}
    vehicles, known, photos, copies = lake.tables()
    changed = listed([listing(1, vin=VIN)])
    found = group_vehicles(
        vehicles, pa.concat_tables([known, changed]), photos, copies, night=NIGHTS[0], max_listings=20
    )
    assert found.rows["tied_by"].to_pylist() == [f"vin:{VIN}"] * 2


def test_a_photo_that_was_refused_ties_nothing() -> None:
    lake = Lake()
    lake.night(1, listing(1), listing(2), photos={"1": "a", "2": "a"}, copies={"a": None}.items())
    assert lake.together() == sets("1", "2")


def test_nothing_new_changes_nothing_and_new_listings_only_what_they_touch() -> None:
    lake = Lake()
    lake.night(1, *(listing(n) for n in range(10)), photos={str(n): f"p{n}" for n in range(10)})
    assert lake.night(2).rows.num_rows == 0
    found = lake.night(3, listing("new", up=(3, 3)), photos={"new": "p3"})
    assert found.rows["item_id"].to_pylist() == ["3", "new"]
    assert found.counts["vehicles_new"] == 0
    assert lake.night(4).rows.num_rows == 0


def test_only_what_tonights_ties_touch_becomes_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(vehicles: pa.Table) -> Any:
        made.append(vehicles.num_rows)
        return _memberships(vehicles)

    monkeypatch.setattr(grouping, "_memberships", counted)
    lake = Lake()
    lake.night(1, *(listing(n, vin=VIN if n < 3 else None) for n in range(300)))
    lake.night(2, listing("new", vin=VIN), listing("other"))
    assert made == [0, 3]


def test_a_sale_that_nobody_offered_and_nothing_shows_is_no_vehicle() -> None:
    lake = Lake()
    sale = {"status": "sold", "asking_price": None, "vin": VIN}
    lake.night(1, listing(1, **sale), listing(2, **sale), listing(3, **sale | {"asking_price": 1.0}), photos={"2": "a"})
    assert lake.together() == sets("2 3")


def test_copies_found_on_a_later_night_join_older_vehicles() -> None:
    lake = Lake()
    lake.night(1, listing(1), listing(2), photos={"1": "a", "2": "b"})
    found = lake.night(2, listing(3), photos={"3": "c"}, copies={"b": "a", "c": "a"}.items())
    assert lake.together() == sets("1 2 3")
    assert found.counts["vehicles_merged"] == 1
    burned = lake.of(1)["burned"]
    assert found.counts["vehicles_burned"] == burned


def test_what_was_trained_on_is_never_evaluated_after_a_merger() -> None:
    lake = Lake()
    lake.night(1, *(listing(n) for n in range(20)))
    tests = sorted(
        {row["vehicle_id"]: item_id for (_, item_id), row in lake.vehicles.items() if row["split"] == "test"}.values()
    )
    one, other = tests[:2]
    trained = {lake.of(other)["vehicle_id"]}
    lake.night(
        2,
        listing("new", relist_of=one),
        listing("newer", relist_of=other),
        photos={"new": "a", "newer": "a"},
        trained=trained,
    )
    assert {(lake.of(n)["split"], lake.of(n)["burned"]) for n in (one, other, "new", "newer")} == {("train", True)}


def test_a_stock_photo_stays_one_and_newcomers_are_told() -> None:
    lake = Lake()
    first = lake.night(
        1, *(listing(n, make_model_id=f"m/{n}") for n in range(3)), photos={str(n): "logo" for n in range(3)}
    )
    assert refused(first) == [("copy:logo", "copy.stock_photo")]
    assert lake.of(0)["cut_ties"] == ["copy:logo"]
    assert lake.night(2).rows.num_rows == 0
    # A person's answer, and a group that has another name now, do not bring the tie back.
    lake.night(3, *(listing(n, make_model_id="m/0") for n in range(3)), copies={"logo": "aaa"}.items())
    again = lake.night(4, listing(9, make_model_id="m/0"), photos={"9": "aaa"})
    assert refused(again) == [("copy:aaa", "vehicle.suspicious_tie")]
    assert lake.together() == sets("0", "1", "2", "9")


def test_a_vin_on_two_makes_ties_nothing_and_is_told_once() -> None:
    lake = Lake()
    first = lake.night(1, listing(1, vin=VIN), listing(2, vin=VIN, make_model_id="audi/tt"))
    assert refused(first) == [(f"vin:{VIN}", "vin.shared")]
    second = lake.night(2, listing(2, vin=VIN))  # corrected, too late: nobody knows what else was wrong
    assert (refused(second), lake.together()) == ([], sets("1", "2"))


def test_a_stored_vehicle_is_never_split_again() -> None:
    lake = Lake()
    lake.night(1, listing(1, vin=VIN), listing(2, vin=VIN))
    lake.night(2, listing(2, vin=OTHER_VIN), listing(3, vin=VIN, make_model_id="audi/tt"))
    assert lake.together() == sets("1 2", "3")


def test_what_grows_too_large_loses_its_weakest_ties_and_stays_cut() -> None:
    lake = Lake(limit=4)
    pairs = {**dict.fromkeys("12", VIN), **dict.fromkeys("34", OTHER_VIN)}
    rows = [listing(n, vin=vin) for n, vin in pairs.items()] + [listing(5), listing(6)]
    found = lake.night(1, *rows, photos=dict.fromkeys("123456", "brochure") | {"5": "brochure own", "6": "own"})
    assert lake.together() == sets("1 2", "3 4", "5 6")
    assert refused(found) == [("copy:brochure", "vehicle.suspicious_tie")]
    assert {n: lake.of(n)["tied_by"].split(":")[0] for n in range(1, 7)} == {
        1: "vin", 2: "vin", 3: "vin", 4: "vin", 5: "copy", 6: "copy",
    }  # fmt: skip
    lake.limit = 20
    assert lake.night(2).rows.num_rows == 0
    lake.night(3, listing(7), photos={"7": "brochure"})
    assert lake.together() == sets("1 2", "3 4", "5 6", "7")


def test_a_full_vehicle_takes_nothing_more() -> None:
    lake = Lake(limit=3)
    lake.night(1, *(listing(n, vin=VIN) for n in range(3)))
    found = lake.night(2, listing(9, vin=VIN))
    assert refused(found) == [(f"vin:{VIN}", "vehicle.suspicious_tie")]
    assert lake.together() == sets("0 1 2", "9")


def test_splits_are_dealt_on_where_the_nights_before_left_off() -> None:
    lake, whole = Lake(), Lake()
    for number in range(4):
        lake.night(number + 1, *(listing(n) for n in range(5 * number, 5 * number + 5)))
    whole.night(1, *(listing(n) for n in range(20)))
    assert sorted(row["split"] for row in lake.vehicles.values()) == sorted(
        row["split"] for row in whole.vehicles.values()
    )


# Cars: each has listings that share its photos, VIN, title or origin, or name the one before; none contradicts another.
SHARES = ["photo", "vin", "link", "title", "origin"]
LISTED = st.tuples(st.integers(0, 5), st.sets(st.sampled_from(SHARES), max_size=3), st.integers(1, 4))
CARS = st.lists(LISTED, max_size=14)


def facts(cars: Iterable[tuple[int, set[str], int]]) -> list[tuple[Row, str, int]]:
    """(listing, its photos, its night) of each."""
    found, before = [], {}
    for item, (car, shares, night) in enumerate(cars):
        row = listing(item, up=(item + 1, item + 1), seller_hash=f"s{car % 2}", mileage=1_000 * car)
        row["vin"] = VINS[car] if "vin" in shares else None
        row["title"] = f"car {car}" if "title" in shares else f"listing {item}"
        row["origin_at"] = f"instant {car}" if "origin" in shares else None
        if "link" in shares and car in before:
            row["relist_of"] = before[car]
        before[car] = str(item)
        found.append((row, f"car{car} own{item}" if "photo" in shares else f"own{item}", night))
    return found


@settings(deadline=None, max_examples=60)
@given(CARS, st.randoms())
def test_neither_the_order_of_rows_nor_the_night_of_a_listing_changes_what_belongs_together(
    cars: Any, rng: Any
) -> None:
    told = facts(cars)
    whole, dealt = Lake(), Lake()
    whole.night(1, *(row for row, _, _ in told), photos={row["item_id"]: photos for row, photos, _ in told})
    shuffled = Lake()
    order = rng.sample(told, len(told))
    shuffled.night(1, *(row for row, _, _ in order), photos={row["item_id"]: photos for row, photos, _ in order})
    assert shuffled.vehicles == whole.vehicles
    splits: dict[str, str] = {}
    for night in (1, 2, 3, 4):
        tonight = [(row, photos) for row, photos, its in told if its == night]
        dealt.night(night, *(row for row, _ in tonight), photos={row["item_id"]: photos for row, photos in tonight})
        for (_, item_id), row in dealt.vehicles.items():
            assert splits.setdefault(item_id, row["split"]) == row["split"] or row["burned"]
            assert row["split"] == "train" or not row["burned"]
    assert dealt.together() == whole.together()
    assert whole.night(2).rows.num_rows == dealt.night(5).rows.num_rows == 0


@settings(deadline=None, max_examples=40)
@given(CARS, st.integers(2, 5))
def test_a_cut_is_neither_undone_nor_made_again_by_a_night_without_news(cars: Any, limit: int) -> None:
    lake = Lake(limit=limit)
    for night in (1, 2, 3, 4):
        tonight = [(row, photos) for row, photos, its in facts(cars) if its == night]
        before = dict(lake.vehicles)
        lake.night(night, *(row for row, _ in tonight), photos={row["item_id"]: photos for row, photos in tonight})
        for key, row in before.items():
            assert set(row["cut_ties"]) <= set(lake.vehicles[key]["cut_ties"])
        vehicles = lake.together()
        assert all(len(members) <= limit for members in vehicles)
    found = lake.night(5)
    assert (found.rows.num_rows, found.refusals) == (0, ())
