"""What sellers write leads to one make and model, or to none with the reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.catalog.identify import Identity, identify, shown_names
from autodetect.catalog.makes import text_key
from crawlers.sandbox.making.models import MODELS, OTHERS


@pytest.mark.parametrize(
    ("make", "model", "title", "expected"),
    [
        ("Ford", "Mustang", "", ("ford/mustang", "exact")),
        ("FORD", "mustang", "", ("ford/mustang", "alias")),
        ("Ford", "Ford Mustang", "", ("ford/mustang", "alias")),
        ("Ford", "Ford Ford Mustang", "", ("ford/mustang", "alias")),
        ("Audi", "TT 2.0", "", ("audi/tt", "alias")),
        ("Audi", "TT 1.8T", "", ("audi/tt", "alias")),
        ("Audi", "TT 2.0 1.8", "", ("audi/tt", "alias")),
        ("Chevy", "Corvette", "", ("chevrolet/corvette", "alias")),
        ("Mercedes", "G-Class", "", ("mercedes-benz/g-class", "alias")),
        ("Mercedes-Benz", "G Class", "", ("mercedes-benz/g-class", "exact")),
        ("Mini Cooper", "Cooper", "", ("mini/cooper", "alias")),
        ("Porsche", "911", "", ("porsche/911", "exact")),
        ("Trabant", "601", "", ("trabant/601", "unlisted")),
        ("Ram", "1500", "", ("ram/1500", "exact")),
        ("Dodge Ram", "1500", "", ("ram/1500", "alias")),
        ("Dodge", "Ram 1500", "", ("ram/1500", "alias")),
        ("Ford", "Dodge RAM 1500 ST", "", ("ram/1500", "alias")),
        ("Porsche", "911 Carrera 4S", "", ("porsche/911", "alias")),
        ("Mercedes", "E350", "", ("mercedes-benz/e-class", "alias")),
        ("Mercedes-Benz", "E-Class E350", "", ("mercedes-benz/e-class", "alias")),
        ("BMW", "2016 BMW 7-Series", "", ("bmw/7-series", "alias")),
        ("BMW", "2002", "", ("bmw/2002", "exact")),
        ("Chevrolet", "C10", "", ("chevrolet/c-10", "alias")),
        ("Chevrolet", "C/K Pickup 1500", "", ("chevrolet/c-k-pickup-1500", "exact")),
        ("Mini", "Mini Cooper", "", ("mini/cooper", "alias")),
        ("Range Rover", "Sport", "", ("land-rover/range-rover-sport", "alias")),
        ("Land Rover", "Range Rover Sport", "", ("land-rover/range-rover-sport", "exact")),
        ("Hyundai", "Genesis", "", ("hyundai/genesis", "exact")),
        ("Mazda", "Tribute", "", ("mazda/tribute", "exact")),
        ("Datsun 510", "510", "", ("datsun/510", "alias")),
        ("Other Makes", "Lexus RX 350", "", ("lexus/rx", "alias")),
        ("Suburu", "Impreza", "", ("subaru/impreza", "fuzzy")),
        ("Ford", "Mustnag", "", ("ford/mustang", "fuzzy")),
        ("Ford", "Sheriff Crown Victoria", "", ("ford/crown-victoria", "within")),
        ("", "Corvette", "", ("chevrolet/corvette", "guess")),
        ("", "Tracker", "", (None, "missing")),
        ("", "", "2016 BMW 7-Series", ("bmw/7-series", "title")),
        ("", "", "Buick: Grand National GRAND NATIONAL", ("buick/grand-national", "title")),
        ("", "", "NO RESERVE 1967 Chevrolet Chevelle SS", ("chevrolet/chevelle", "title")),
        ("Ford", "", "Mustang convertible", ("ford/mustang", "title")),
        ("", "", "Chrysler: Other", (None, "other")),
        ("Ford", "Ka", "", ("ford/ka", "unlisted")),
        ("Ford", "Ka 1.3", "", ("ford/ka", "unlisted")),
        ("Ford Audi 2.0", "", "", (None, "other")),
        ("Ford", "Ford", "", (None, "other")),
        ("Ford", "2 door coupe", "", (None, "other")),
        ("Ford", "pick up", "", (None, "other")),
        ("Other Makes", "", "", (None, "missing")),
        ("Ford", "-", "", (None, "missing")),
        ("Replica/Kit Makes", "Cobra", "", (None, "other")),
        ("Ferrari", "F355 Spider Replica", "", (None, "other")),
        ("Zimmer", "-Low Miles-Autocheck Certified-NO RESERVE", "", (None, "unclear")),
        ("", "", "2012 Ford Mustang GT", ("ford/mustang", "title")),
        ("", "", "2012 Ford F 150 XLT", ("ford/f-150", "title")),
        ("", "Mustang", "2012 Ford GT", ("ford/mustang", "title")),
        ("Ford", "", "2012 Audi TT", ("audi/tt", "title")),
        ("Ford", "Other", "2012 Ford Mustang", (None, "other")),
        ("Ford", "Other Pickups", "", (None, "other")),
        ("Ford", "N/A", "", (None, "other")),
        ("Ford", "unknown", "", (None, "other")),
        ("", "", "", (None, "missing")),
        ("", "", "a very nice car", (None, "missing")),
        ("Ford", "", "", (None, "missing")),
        ("Ford", "???", "", (None, "missing")),
        ("Ford", "野馬", "", (None, "missing")),
        ("БМВ", "M3", "", (None, "missing")),
    ],
)
def test_a_spelling_leads_to_its_model(make: str, model: str, title: str, expected: tuple[str | None, str]) -> None:
    found = identify(make, model, title)
    assert (found.make_model_id, found.reason) == expected


MODEL_SPELLINGS = [
    (traded, make, model) for traded in MODELS for make, model in ((traded.make, traded.model), *traded.misspelt)
]


@pytest.mark.parametrize(("make", "model"), [(m.make, m.model) for m in OTHERS])
def test_other_is_never_a_model(make: str, model: str) -> None:
    assert identify(make, model).make_model_id is None


@pytest.mark.parametrize(
    ("traded", "make", "model"),
    [
        (traded, make, model)
        for traded, make, model in MODEL_SPELLINGS
        if text_key(model) in {text_key(traded.model), text_key(f"{traded.make} {traded.model}")}
    ],
)
def test_the_makes_aliases_and_repetitions_of_the_sandbox_are_understood(traded: object, make: str, model: str) -> None:
    assert identify(make, model).make_model_id == identify(traded.make, traded.model).make_model_id


WORDS = st.sampled_from(
    [
        "Ford",
        "ford",
        "Audi",
        "Dodge",
        "Land",
        "Rover",
        "Ram",
        "TT",
        "911",
        "F",
        "150",
        "2.0",
        "1.8T",
        "Other",
        "n/a",
        "é",
    ]
)
TEXTS = st.lists(WORDS, max_size=5).map(" ".join) | st.text(max_size=12)


@settings(deadline=None, max_examples=500)
@given(TEXTS, TEXTS, TEXTS)
def test_the_names_shown_lead_back_to_the_same_model(make: str, model: str, title: str) -> None:
    found = identify(make, model, title)
    assert identify(make, model, title) == found
    if found.make_model_id is None:
        assert found.reason in {"missing", "other", "unclear"}
        return
    make_key, _, model_key = found.make_model_id.partition("/")
    assert make_key
    assert model_key
    assert identify(found.make, found.model).make_model_id == found.make_model_id


def test_a_decision_says_what_it_matched_and_how_nearly() -> None:
    listed, near, unlisted = identify("Chevy", "Silverado 1500 LT"), identify("Ford", "Mustnag"), identify("Ford", "Ka")
    assert (listed.matched, listed.score, listed.unsure) == ("Chevrolet / Silverado 1500", None, False)
    assert (near.matched, near.score, near.unsure) == ("Ford / Mustang", pytest.approx(85.7, abs=0.1), True)
    assert (unlisted.matched, unlisted.score, unlisted.unsure) == ("", None, True)
    assert [identify(*pair).unsure for pair in (("Ford", "Other"), ("", ""), ("Ford", "Mustangg"))] == [False] * 3


def identity(make: str, model: str, make_model_id: str | None = "ford/mustang") -> Identity:
    return Identity(make_model_id, make, model, "exact")


def test_the_spelling_of_most_sellers_is_shown() -> None:
    sellers = [identity("Ford", "MUSTANG"), identity("Ford", "Mustang"), identity("FORD", "Mustang")]
    assert shown_names([*sellers, identity("Ford", "Mustang")]) == {"ford/mustang": ("Ford", "Mustang")}
    assert shown_names(sellers) == shown_names(sellers[::-1]) == {"ford/mustang": ("FORD", "Mustang")}
    assert shown_names([identity("Ford", "Other", None)]) == {}
    assert list(shown_names([identity("b", "b", "b/b"), identity("a", "a", "a/a")])) == ["a/a", "b/b"]
