"""Makes are found by any of their spellings, and no spelling means two makes."""

import tomllib
from collections import Counter
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.catalog.makes import make_leading, make_named, text_key

MAKES = tomllib.loads(resources.files("autodetect.catalog").joinpath("makes.toml").read_text("utf-8"))
SPELLINGS = [(name, spelling) for name, aliases in MAKES.items() for spelling in (name, *aliases)]


def test_no_spelling_means_two_makes() -> None:
    counts = Counter(text_key(spelling) for _, spelling in SPELLINGS)
    assert [key for key, count in counts.items() if count > 1 or not key] == []


@pytest.mark.parametrize(("name", "spelling"), SPELLINGS)
def test_a_make_is_found_whatever_the_case_and_punctuation(name: str, spelling: str) -> None:
    for written in (spelling, spelling.upper(), f"  {spelling.lower()} ", spelling.replace("-", " "), f"{spelling}!"):
        assert make_named(written) == name


def test_what_is_no_make_is_none() -> None:
    assert [make_named(text) for text in ("", "Mustang", "Fordd", "???")] == [None] * 4


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ford Mustang GT", ("Ford", "Mustang GT")),
        ("land rover defender 90", ("Land Rover", "defender 90")),
        ("Dodge Ram 1500", ("Ram", "1500")),
        ("Mercedes-Benz: G 500", ("Mercedes-Benz", "G 500")),
        ("Audi", ("Audi", "")),
        ("2012 Ford Mustang", None),
        ("", None),
    ],
)
def test_the_longest_make_that_a_text_starts_with_is_taken(text: str, found: tuple[str, str] | None) -> None:
    assert make_leading(text) == found


@settings(deadline=None)
@given(st.text(max_size=20))
def test_a_key_is_plain_and_its_own_key(text: str) -> None:
    key = text_key(text)
    assert text_key(key) == key
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert text_key(f"  {text.upper()}!") in {text_key(text.upper()), key}


def test_accents_do_not_tell_names_apart() -> None:
    assert text_key("Citroën  C4") == text_key("CITROEN-C4") == "citroen-c4"


@pytest.mark.parametrize("blank", ["\u2013", "\u2014", "\u2022", "\u00a0", "\u0085", "\u2028", "\u3000"])
def test_dashes_bullets_and_blanks_of_any_script_part_words(blank: str) -> None:
    assert text_key(f"Ford{blank}Mustang") == "ford-mustang"
