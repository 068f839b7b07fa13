"""A VIN's tenth sign tells the model year, in rounds of thirty."""

import pytest

from autodetect.catalog.model_years import SIGNS, sign_of


@pytest.mark.parametrize(
    ("year", "sign"), [(1980, "A"), (1989, "K"), (2000, "Y"), (2001, "1"), (2009, "9"), (2010, "A"), (2019, "K")]
)
def test_a_model_year_has_the_sign_of_the_regulation(year: int, sign: str) -> None:
    assert sign_of(year) == sign


def test_thirty_years_have_thirty_signs_and_none_is_read_as_a_digit() -> None:
    assert sorted(sign_of(year) for year in range(1980, 2010)) == sorted(SIGNS)
    assert len(set(SIGNS)) == 30
    assert not set(SIGNS) & set("0IOQUZ")
