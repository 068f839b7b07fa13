"""Slices: names that can be read back, and divisions that lose nothing and cost hardly more than they must."""

from hypothesis import given
from hypothesis import strategies as st

from crawlers.slices import MOST_VALUES, Slice, divided, fewest_calls, packed

VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
SIZES = st.dictionaries(VALUES, st.integers(1, 3_000), max_size=40)


@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4), st.sampled_from(["", "15000", "0.5"]))
def test_a_slice_is_read_back_from_its_name_whatever_makes_are_called(
    makes: list[str], years: list[str], low: str
) -> None:
    part = Slice(tuple(makes), tuple(years), low)
    assert Slice.named(part.name) == part


def test_a_name_says_what_the_slice_is() -> None:
    assert Slice().name == "all"
    assert Slice(("Alfa Romeo", "Audi")).name == "Make=Alfa Romeo|Audi"
    assert Slice(("Ford",), ("2012",), "15000").name == "Make=Ford;Year=2012;price=15000"


def test_no_name_is_that_of_the_whole() -> None:
    assert Slice.named("") == Slice()


def test_the_narrowest_slice_is_that_of_the_fewest_makes_and_years_and_the_highest_price() -> None:
    ford = Slice(("Ford",))
    years = Slice(("Ford",), ("2011", "2012", "2013")), Slice(("Ford",), ("2012", "2013")), Slice(("Ford",), ("2012",))
    prices = Slice(("Ford",), ("2012",), "9000"), Slice(("Ford",), ("2012",), "15000")
    narrowing = [Slice(), Slice(("Audi", "BMW", "Ford")), ford, *years, *prices]
    assert sorted(narrowing, key=lambda part: part.breadth) == narrowing[::-1]


@given(SIZES)
def test_packing_keeps_every_value_once_within_reach_and_adds_the_sizes_up(sizes: dict[str, int]) -> None:
    groups = packed(sizes, 2_000)
    assert sorted(value for values, _ in groups for value in values) == sorted(sizes)
    for values, total in groups:
        assert total == sum(sizes[value] for value in values)
        assert total <= 2_000 or len(values) == 1
        assert len(values) <= MOST_VALUES


@given(st.dictionaries(VALUES, st.integers(1, 2_000), min_size=1, max_size=MOST_VALUES))
def test_packing_uses_less_than_twice_the_fewest_searches(sizes: dict[str, int]) -> None:
    """Any first-fit packing leaves at most one bin half empty."""
    assert len(packed(sizes, 2_000)) <= 2 * fewest_calls(sum(sizes.values()), 2_000)


@given(SIZES)
def test_the_whole_is_divided_into_all_makes_that_the_source_tells(sizes: dict[str, int]) -> None:
    parts = divided(Slice(), {"Make": sizes, "Year": {"2012": 5}}, reach=2_000)
    assert sorted(make for sized in parts for make in sized.part.makes) == sorted(sizes)
    assert sum(sized.total or 0 for sized in parts) == sum(sizes.values())


def test_where_the_source_does_not_tell_every_known_make_is_asked_for() -> None:
    parts = divided(Slice(), {}, reach=2_000, makes=("Audi", "Ford"))
    assert [(sized.part, sized.total) for sized in parts] == [(Slice(("Audi",)), None), (Slice(("Ford",)), None)]


def test_a_large_make_is_divided_by_year_and_untold_years_are_halved() -> None:
    ford = Slice(("Ford",))
    told = divided(ford, {"Year": {"2012": 1_500, "2013": 300, "2014": 200}}, reach=2_000)
    assert [sized.part.years for sized in told] == [("2012", "2013", "2014")]
    untold = divided(ford, {}, reach=2_000, years=("2012", "2013", "2014"))
    assert [sized.part.years for sized in untold] == [("2012",), ("2013", "2014")]
    assert [sized.part.years for sized in divided(untold[1].part, {}, reach=2_000)] == [("2013",), ("2014",)]


def test_years_that_would_all_fit_by_what_the_source_tells_and_do_not_are_halved() -> None:
    both = Slice(("Ford",), ("2011", "2012"))
    parts = divided(both, {"Year": {"2011": 900, "2012": 1_000}}, reach=2_000)
    assert [sized.part.years for sized in parts] == [("2011",), ("2012",)]


def test_a_group_of_makes_that_has_grown_too_large_is_halved() -> None:
    parts = divided(Slice(("Audi", "BMW", "Ford")), {}, reach=2_000)
    assert [sized.part.makes for sized in parts] == [("Audi",), ("BMW", "Ford")]


def test_a_listing_belongs_where_its_facts_do_not_say_otherwise() -> None:
    part = Slice(("Ford",), ("2012",))
    assert part.holds("FORD", "2012")
    assert part.holds("", "")
    assert not part.holds("Audi", "2012")
    assert not part.holds("Ford", "2013")
    assert Slice().holds("Audi", "1999")
