"""A slip of spelling is forgiven within a bound; figures are never guessed."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.catalog.identify import identify
from autodetect.catalog.names import Name, signs_of, spellings
from autodetect.catalog.spelling import SURE, closest_make, closest_model

LONG = [(make, text, name) for make, text, name in spellings() if len(signs_of(text)) > 5 and "#" not in text]
WORDED = [entry for entry in LONG if re.search(r"[a-z]", entry[1], re.IGNORECASE)]
FIGURED = [(make, text, name) for make, text, name in LONG if re.search(r"\d", text)]


@pytest.mark.parametrize(
    ("make", "written", "model"),
    [
        ("Ford", "Mustnag", "Mustang"),
        ("Chevrolet", "Silverdo 1500 LT", "Silverado 1500"),
        ("Toyota", "Tocoma", "Tacoma"),
        ("Jeep", "Grand Cheroke", "Grand Cherokee"),
    ],
)
def test_a_slip_is_forgiven_and_scored(make: str, written: str, model: str) -> None:
    found = identify(make, written)
    assert (found.model, found.reason) == (model, "fuzzy")
    assert found.score is not None
    assert 83 <= found.score < 100
    assert found.unsure == (found.score < SURE)


@pytest.mark.parametrize(
    ("make", "written"),
    [("BMW", "M33"), ("Ford", "F-160"), ("Ford", "F-1500"), ("Chevrolet", "Silverado 1600"), ("Mazda", "RX-77"),
     ("Ford", "Ka"), ("Ford", "Fusilli"), ("Jaguar", "Mark III"), ("Mercedes-Benz", "GLD Class")],
)  # fmt: skip
def test_another_figure_or_another_word_is_not_guessed(make: str, written: str) -> None:
    assert closest_model(make, written) is None
    assert identify(make, written).reason == "unlisted"


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(FIGURED), st.data())
def test_no_figure_is_taken_for_another(entry: tuple[str, str, Name], data: st.DataObject) -> None:
    make, text, _ = entry
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from(sorted(set("0123456789") - {text[place]})))
    altered = text[:place] + digit + text[place + 1 :]
    close = closest_model(make, altered)
    if close is not None:
        figures = re.findall(r"\d+", altered)
        known = [re.findall(r"\d+", spelt) for under, spelt, name in spellings() if (under, name) == (make, close[0])]
        assert any(each == figures[: len(each)] for each in known)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(WORDED), st.data())
def test_a_letter_too_many_never_leads_to_another_model_for_sure(
    entry: tuple[str, str, Name], data: st.DataObject
) -> None:
    make, text, name = entry
    place = data.draw(st.sampled_from(range(len(text))).filter(lambda place: text[place].isalpha()))
    found = identify(make, text[: place + 1] + text[place] + text[place + 1 :])
    if found.reason == "fuzzy" and not found.unsure:
        assert found.make_model_id == name.make_model_id


def test_makes_are_forgiven_too_but_short_ones_are_not() -> None:
    assert closest_make("Suburu") == ("Subaru", pytest.approx(83.33, abs=0.01))
    assert closest_make("PIymouth") == ("Plymouth", pytest.approx(87.5))
    assert [closest_make(text) for text in ("Fordd", "Kio", "", "???", "Wartburg")] == [None] * 5
