"""Every name of the data file leads to its own model and to no other."""

import tomllib
from collections import defaultdict
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.catalog.identify import identify
from autodetect.catalog.makes import make_names, text_key
from autodetect.catalog.names import MOST_RUNS, Name, catalogue, leading, runs_of, signs_of, spellings

MODELS = tomllib.loads(resources.files("autodetect.catalog").joinpath("models.toml").read_text("utf-8"))
SPELLINGS = spellings()


def test_no_spelling_leads_to_two_models() -> None:
    meant: dict[tuple[str, str], set[Name]] = defaultdict(set)
    for make, spelling, name in SPELLINGS:
        meant[make, signs_of(spelling)].add(name)
    assert [key for key, names in meant.items() if len(names) > 1 or not key[1]] == []


def test_every_spelling_leads_to_its_model_and_is_written_under_a_make_that_is_known() -> None:
    known = set(make_names())
    for make, spelling, name in SPELLINGS:
        assert {make, name.make} <= known
        if "#" not in spelling:
            assert identify(make, spelling).make_model_id == name.make_model_id, (make, spelling)


def test_a_shape_covers_the_figures_that_no_spelling_claims() -> None:
    for make, text, model in [
        ("BMW", "328", "3-Series"), ("BMW", "M340", "3-Series"), ("Mercedes-Benz", "560SL", "SL-Class"),
        ("Mercedes-Benz", "E63", "E-Class"), ("Lexus", "RX350", "RX"), ("Infiniti", "M37", "M"),
    ]:  # fmt: skip
        assert leading(make, text) == (Name(make, model), "")


def test_no_name_is_longer_than_what_is_read() -> None:
    assert max(len(runs_of(spelling)) for _, spelling, _ in SPELLINGS) <= MOST_RUNS
    assert leading("Ford", "Mustang " + "very " * 100_000) is not None


def test_ids_are_unique_and_the_file_is_sorted() -> None:
    ids = [name.make_model_id for name in catalogue()]
    assert len(ids) == len(set(ids)) > 1500
    assert list(MODELS) == sorted(MODELS, key=text_key)
    for models in MODELS.values():
        assert list(models) == sorted(models, key=text_key)


@pytest.mark.parametrize(
    ("make", "text", "model", "rest"),
    [
        ("Chevrolet", "Silverado 1500 LT", "Silverado 1500", "lt"),
        ("Porsche", "911 Carrera 4S", "911", "carrera 4 s"),
        ("BMW", "328i", "3-Series", "i"),
        ("Ford", "F150XLT", "F-150", "xlt"),
        ("Ford", "Bronco Sport Badlands", "Bronco Sport", "badlands"),
        ("Hyundai", "Ioniq 5 SEL", "Ioniq 5", "sel"),
        ("Mazda", "CX-50", "CX-50", ""),
    ],
)
def test_the_longest_name_that_a_text_starts_with_is_taken(make: str, text: str, model: str, rest: str) -> None:
    assert leading(make, text) == (Name(make, model), rest)


@pytest.mark.parametrize(
    ("make", "text"),
    [("Ford", "GTX"), ("Ford", "GT999"), ("Tesla", "S clean"), ("Audi", "A45"), ("Mazda", "CX-500"), ("Ford", "")],
)
def test_a_name_is_not_cut_out_of_a_longer_one(make: str, text: str) -> None:
    assert leading(make, text) is None


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(catalogue()), st.sampled_from("- /._"), st.booleans(), st.booleans())
def test_case_and_punctuation_do_not_matter(name: Name, mark: str, capitals: bool, joined: bool) -> None:
    written = text_key(name.model).replace("-", "" if joined else mark)
    make = text_key(name.make).replace("-", mark)
    found = identify(make.upper() if capitals else make, written.upper() if capitals else written)
    assert found.make_model_id == name.make_model_id


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(catalogue()))
def test_the_names_of_the_catalogue_lead_to_themselves(name: Name) -> None:
    found = identify(name.make, name.model)
    assert (found.make_model_id, found.make, found.model, found.reason) == (
        name.make_model_id, name.make, name.model, "exact",
    )  # fmt: skip
    assert identify("", "", f"2016 {name.make} {name.model}").make_model_id == name.make_model_id
