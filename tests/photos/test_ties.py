"""What ties listings, and what is refused by which rule."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.catalog.vin import check_digit
from autodetect.photos.pairs import contradicted, pairs_within
from autodetect.photos.ties import relist_links, same_origin, same_title, same_vin, shared_photos, strength
from tests.photos.listed import OTHER_VIN, VIN, listing, new_offers, tied

SHOP = {"seller_hash": "s1", "title": "2012 Ford Mustang GT"}
INSTANT = {"seller_hash": "s1", "origin_at": "2026-01-03T14:07:21.482Z"}


def valid(start: str) -> str:
    """A VIN of these first eight signs, its check digit right."""
    signs = f"{start:0<8}0{start[::-1]:0<8}"
    return signs[:8] + check_digit(signs) + signs[9:]


def test_one_vin_is_one_car() -> None:
    offers = new_offers(listing(1, vin=VIN), listing(2, vin=VIN), listing(3, vin=OTHER_VIN), listing(4))
    found = same_vin(offers)
    assert tied(found.ties, offers) == {f"vin:{VIN}": ["1", "2"]}
    assert found.refused == []


@pytest.mark.parametrize("vin", ["0" * 17, "1" * 17, "1FA6P8CF9G5000042", "123", valid("11112222")])
def test_a_vin_that_nobody_stamped_ties_nothing(vin: str) -> None:
    found = same_vin(new_offers(listing(1, vin=vin), listing(2, vin=vin)))
    assert found.ties == {}
    assert [(tie.name, tie.rule, tie.rows) for tie in found.refused] == [(f"vin:{vin}", "vin.placeholder", (0, 1))]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ({"make_model_id": "ford/mustang"}, {"make_model_id": "audi/tt"}, True),
        ({"make_model_id": "ford/mustang"}, {"make_model_id": "ford/f-150"}, False),  # a wrong choice, a person's case
        ({"make_model_id": "ford/mustang"}, {"make_model_id": None}, False),
        ({"year": 2012}, {"year": 2019}, True),
        ({"year": 2012}, {"year": 2013}, False),  # built in autumn, sold as the next year's model
        ({"year": 2012}, {"year": None}, False),
    ],
)
def test_a_vin_on_different_makes_or_model_years_ties_nothing(one: Any, other: Any, shared: bool) -> None:
    found = same_vin(new_offers(listing(1, vin=VIN, **one), listing(2, vin=VIN, **other)))
    assert (found.ties == {}) is shared
    assert [tie.rule for tie in found.refused] == ["vin.shared"] * shared


def test_a_relist_is_tied_to_what_it_relists_and_to_other_relists_of_it() -> None:
    offers = new_offers(
        listing(1),
        listing(2, relist_of="1"),
        listing(3, relist_of="2"),
        listing(4),
        listing(5, relist_of="4", source="x"),
    )
    assert tied(relist_links(offers).ties, offers) == {
        "relist:sandbox/1=sandbox/2": ["1", "2"],
        "relist:sandbox/2=sandbox/3": ["2", "3"],
    }
    unread = new_offers(listing(2, relist_of="1"), listing(3, relist_of="1"), listing(4, relist_of="4"))
    assert tied(relist_links(unread).ties, unread) == {"relist:sandbox/2=sandbox/3": ["2", "3"]}


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ({"vin": VIN}, {"vin": OTHER_VIN}, True),
        ({"vin": VIN}, {}, False),
        ({"year": 2012}, {"year": 2013}, True),
        ({"mileage": 60_000}, {"mileage": 61_200}, False),
        ({"mileage": 60_000}, {"mileage": 61_300}, True),
        ({"mileage": 5}, {"mileage": 80}, False),
        ({"mileage": 1}, {"mileage": 60_000}, True),
        ({}, {}, False),
    ],
)
def test_a_link_to_a_different_car_is_refused(one: Any, other: Any, differ: bool) -> None:
    """eBay's words are 'this item or one like this'."""
    offers = new_offers(listing(1, **one), listing(2, relist_of="1", **other))
    found = relist_links(offers)
    assert [tie.rule for tie in found.refused] == ["relist.contradicted"] * differ
    assert len(found.ties) == (not differ)


@pytest.mark.parametrize(("kind", "same", "find"), [("title", SHOP, same_title), ("origin", INSTANT, same_origin)])
class TestAlike:
    """One seller's title, or one seller's origin, on several listings."""

    def test_what_was_put_up_again_is_tied(self, kind: str, same: Any, find: Any) -> None:
        offers = new_offers(listing(1, up=(1, 2), **same), listing(2, up=(3, 4), mileage=9000, **same))
        assert tied(find(offers, most=20).ties, offers) == {f"{kind}:sandbox/1=sandbox/2": ["1", "2"]}

    @pytest.mark.parametrize(
        "change",
        [{"seller_hash": "s2"}, {"seller_hash": None}, {"source": "x"}, {"title": "Audi", "origin_at": "2026"}],
    )
    def test_anybody_elses_is_not(self, kind: str, same: Any, find: Any, change: Any) -> None:
        offers = new_offers(listing(1, up=(1, 2), **same), listing(2, up=(3, 4), **same | change))
        assert find(offers, most=20).ties == {}

    def test_what_was_up_in_the_same_night_is_not(self, kind: str, same: Any, find: Any) -> None:
        offers = new_offers(listing(1, up=(1, 3), **same), listing(2, up=(3, 4), **same))
        assert find(offers, most=20).ties == {}

    def test_what_was_never_offered_was_never_up(self, kind: str, same: Any, find: Any) -> None:
        sale = {"status": "sold", "asking_price": None}
        offers = new_offers(listing(1, up=(1, 3), **same), listing(2, up=(3, 4), **same, **sale))
        assert len(find(offers, most=20).ties) == 1

    def test_of_several_cars_alike_only_an_equal_mileage_tells_which_is_which(
        self, kind: str, same: Any, find: Any
    ) -> None:
        offers = new_offers(
            listing(1, up=(1, 2), mileage=41_007, **same),
            listing(2, up=(1, 2), mileage=41_260, **same),
            listing(3, up=(3, 4), mileage=41_007, **same),
            listing(4, up=(5, 5), **same),
        )
        assert tied(find(offers, most=20).ties, offers) == {f"{kind}:sandbox/1=sandbox/3": ["1", "3"]}

    def test_a_silent_listing_ties_no_two_cars_together(self, kind: str, same: Any, find: Any) -> None:
        offers = new_offers(
            listing(1, up=(1, 1), vin=VIN, **same),
            listing(2, up=(2, 2), **same),
            listing(3, up=(3, 3), vin=OTHER_VIN, **same),
        )
        assert find(offers, most=20).ties == {}

    def test_what_too_many_have_in_common_is_refused(self, kind: str, same: Any, find: Any) -> None:
        offers = new_offers(*(listing(n, up=(n, n), **same) for n in range(1, 6)))
        found = find(offers, most=4)
        assert found.ties == {}
        assert [(tie.rule, tie.value, tie.rows) for tie in found.refused] == [(f"{kind}.of_many", "5 listings", ())]
        assert len(find(offers, most=5).ties) == 10


@pytest.mark.parametrize("title", ["2012  FORD Mustang-GT!", "2012 Förd Mustang GT"])
def test_titles_are_equal_whatever_their_case_and_punctuation(title: str) -> None:
    offers = new_offers(listing(1, up=(1, 2), **SHOP), listing(2, up=(3, 4), **SHOP | {"title": title}))
    assert len(same_title(offers, most=20).ties) == 1


@pytest.mark.parametrize("title", ["", None, "!!!"])
def test_no_title_ties_nothing(title: str | None) -> None:
    offers = new_offers(*(listing(n, up=(n, n), seller_hash="s", title=title) for n in (1, 2)))
    assert same_title(offers, most=20).ties == {}


def pictured(*rows: Any) -> Any:
    offers = new_offers(*rows)
    every = np.arange(len(rows))
    return shared_photos(offers, np.zeros(len(rows), np.int64), every, pa.array(["aa"]))


def test_a_shared_picture_ties_what_shows_it() -> None:
    found = pictured(listing(1), listing(2, make_model_id="audi/tt"), listing(3, make_model_id=None))
    assert found.ties == {"copy:aa": [0, 1, 2]}


def test_a_picture_of_many_models_or_of_many_sellers_is_a_stock_photo() -> None:
    models = pictured(*(listing(n, make_model_id=f"m/{n}") for n in range(3)))
    sellers = pictured(*(listing(n, seller_hash=f"s{n}") for n in range(5)))
    assert [tie.rule for tie in (*models.refused, *sellers.refused)] == ["copy.stock_photo"] * 2
    assert sellers.refused[0].value == "5 listings, 5 sellers, 1 models"
    assert models.ties == sellers.ties == {}
    assert pictured(*(listing(n, seller_hash=f"s{n}") for n in range(4))).refused == []
    assert pictured(*(listing(n) for n in range(30))).refused == []  # sellers that nobody names are not counted


def test_kinds_are_ordered_from_the_cars_own_number_to_anybodys_picture() -> None:
    assert sorted(["copy:a", "alone", "title:a", "origin:a", "relist:a", "vin:a"], key=strength) == [
        *("vin:a", "relist:a", "origin:a", "title:a", "copy:a", "alone")
    ]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 5), max_size=20), st.integers(2, 6))
def test_every_pair_of_a_group_is_compared_once(groups: list[int], largest: int) -> None:
    pairs = pairs_within(np.array(groups, np.int64), np.arange(len(groups)), largest=largest)
    expected = {
        (i, j)
        for i in range(len(groups))
        for j in range(i + 1, len(groups))
        if groups[i] == groups[j] and groups.count(groups[i]) <= largest
    }
    found = list(zip(pairs.one.tolist(), pairs.other.tolist(), strict=True))
    assert set(found) == expected
    assert len(found) == len(expected)
    assert all(groups[i] == group for (i, _), group in zip(found, pairs.group.tolist(), strict=True))


FACTS = st.fixed_dictionaries({
    "vin": st.sampled_from([None, VIN, OTHER_VIN]),
    "year": st.sampled_from([None, 2012, 2013]),
    "mileage": st.sampled_from([None, 10, 100, 50_000, 50_900, 60_000]),
})  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(st.lists(FACTS, min_size=2, max_size=6))
def test_a_contradiction_is_one_whichever_listing_comes_first(facts: list[dict[str, Any]]) -> None:
    offers = new_offers(*(listing(n, **said) for n, said in enumerate(facts)))
    pairs = pairs_within(np.zeros(len(facts), np.int64), np.arange(len(facts)), largest=6)
    mirrored = type(pairs)(pairs.other, pairs.one, pairs.group)
    assert contradicted(offers, pairs).tolist() == contradicted(offers, mirrored).tolist()
    for i, j, differ in zip(pairs.one, pairs.other, contradicted(offers, pairs), strict=True):
        one, other = facts[i], facts[j]
        both = {name for name in one if one[name] is not None and other[name] is not None}
        far = "mileage" in both and abs(one["mileage"] - other["mileage"]) > max(
            100, 0.02 * max(one["mileage"], other["mileage"])
        )
        assert differ == (far or any(one[name] != other[name] for name in both - {"mileage"}))
