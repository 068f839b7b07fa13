"""Where an item is, is split into ZIP, city, state and country as far as the page shows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.pages.place import Place, read_place, says_place


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Located in United States", Place(country="US")),
        ("Located in: Miami, Florida, United States", Place("", "Miami", "Florida", "US")),
        ("Located in: Paris, France", Place("", "Paris", "", "FR")),
        ("from United Kingdom", Place(country="GB")),
        ("aus Deutschland", Place(country="DE")),
        ("Standort: 10115 Berlin, Deutschland", Place("10115", "Berlin", "", "DE")),
        ("Item location: Boulder, CO 80301, United States", Place("80301", "Boulder", "CO", "US")),
        ("Boulder, CO 803**", Place("803**", "Boulder", "CO", "US")),
        ("Located in: Wien, 1010, Österreich", Place("1010", "Wien", "", "AT")),
        ("Located in Ruritania", Place(country="Ruritania")),
        ("Located in:", Place()),
        ("", Place()),
    ],
)
def test_a_place_is_read(text: str, expected: Place) -> None:
    assert read_place(text) == expected


@pytest.mark.parametrize("text", ["Located in United States", "aus Deutschland", "from Canada", "Standort: Berlin"])
def test_a_line_that_says_where_is_known(text: str) -> None:
    assert says_place(text)


@pytest.mark.parametrize("text", ["Free delivery", "+$19.05 delivery", "from $19.05", "Last one", "auspuff", ""])
def test_other_lines_are_not_taken_for_a_place(text: str) -> None:
    assert not says_place(text)


@given(st.text())
def test_any_text_gives_a_place(text: str) -> None:
    assert all(isinstance(part, str) for part in read_place(text))
