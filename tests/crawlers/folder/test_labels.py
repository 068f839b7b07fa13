"""Folder names are read as make, model, year and car, known makes as the catalogue spells them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.catalog.makes import text_key
from crawlers.folder.labels import Label, defect, label_of, split_name

MAKES = ("Ford", "Alfa Romeo", "Land Rover", "Mercedes-Benz", "Rolls-Royce", "International Harvester")


@pytest.mark.parametrize(
    ("folders", "label"),
    [
        (("ford", "mustang"), Label("Ford", "mustang")),
        (("alfa-romeo", "Giulia_GT"), Label("Alfa Romeo", "Giulia GT")),
        (("ford", "mustang", "car-7"), Label("Ford", "mustang", one_car=True)),
        (("ford", "mustang", "2012"), Label("Ford", "mustang", "2012")),
        (("ford", "mustang_2012"), Label("Ford", "mustang", "2012")),
        (("alfa_romeo_giulia",), Label("Alfa Romeo", "giulia")),
        (("alfa-romeo-giulia",), Label("Alfa Romeo", "giulia")),
        (("honda_cr-v_2001",), Label("Honda", "cr-v", "2001")),
        (("wartburg_353",), Label("wartburg", "353")),
        (("photos", "ford", "mustang"), Label("Ford", "mustang")),
        (("peugeot", "e-2008"), Label("Peugeot", "e-2008")),
        (("peugeot", "2008"), Label("Peugeot", "2008")),
        ((), Label("", "")),
    ],
)
def test_folders_say_make_and_model(folders: tuple[str, ...], label: Label) -> None:
    assert label_of(folders) == label


def test_more_folders_than_make_model_and_car_are_not_guessed() -> None:
    assert label_of(("a", "b", "c", "d")) is None


def test_a_label_without_a_model_or_a_make_breaks_a_rule_and_another_model_does_not() -> None:
    assert defect("Ford", "", "Ford") == "import.no_model"
    assert defect("", "", "") == "import.no_make"
    assert defect("日本", "車", "日本 車") == "import.no_make"
    assert defect("Ford", "other", "Ford other") == ""


@given(
    make=st.sampled_from(MAKES),
    model=st.lists(st.text("abcxyz0123456789", min_size=1, max_size=6), min_size=1, max_size=3),
    blank=st.sampled_from("_- "),
)
def test_a_known_make_is_found_however_words_are_joined(make: str, model: list[str], blank: str) -> None:
    name = blank.join([*make.replace("-", " ").lower().split(), *model])
    found, rest = split_name(name)
    assert (found, text_key(rest)) == (make, text_key(" ".join(model)))


@given(st.text())
def test_of_any_name_the_model_is_the_end(name: str) -> None:
    _, model = split_name(name)
    assert text_key(name).endswith(text_key(model))


def test_a_name_that_is_all_make_and_year_is_not_guessed() -> None:
    found = label_of(("BMW 2002",))
    assert found == Label("BMW", "", "2002")
    assert defect(found.make, found.model, found.title) == "import.no_model"
