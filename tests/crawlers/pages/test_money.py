"""A price's text becomes the number and currency it shows, in every language's way of writing numbers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.pages.money import NOTHING, Money, is_range, read_money


@pytest.mark.parametrize(
    ("text", "host", "expected"),
    [
        ("$20.00", "www.ebay.com", ("20.00", "USD")),
        ("US $3,971.45", "www.ebay.com", ("3971.45", "USD")),
        ("US $15,300.00/ea", "www.ebay.com", ("15300.00", "USD")),
        ("EUR 1.199,00", "www.ebay.de", ("1199.00", "EUR")),
        ("EUR 3,500.00", "www.ebay.com", ("3500.00", "EUR")),
        ("EUR 10,79", "www.ebay.de", ("10.79", "EUR")),
        ("EUR 1.049", "www.ebay.de", ("1049", "EUR")),
        ("1 234,50 EUR", "www.ebay.fr", ("1234.50", "EUR")),
        ("1\u00a0234,50\u00a0€", "www.ebay.fr", ("1234.50", "EUR")),
        ("CHF 12'345.50", "www.ebay.ch", ("12345.50", "CHF")),
        ("£12,500", "www.ebay.co.uk", ("12500", "GBP")),
        ("C $8,400.00", "www.ebay.ca", ("8400.00", "CAD")),
        ("$8,400.00", "www.ebay.ca", ("8400.00", "CAD")),
        ("AU $1,250,000.00", "www.ebay.com.au", ("1250000.00", "AUD")),
        ("$1.00", "127.0.0.1", ("1.00", "USD")),
        ("0.99", "", ("0.99", "")),
        ("Approximately US $26,665.45", "www.ebay.com", ("26665.45", "USD")),
    ],
)
def test_the_price_is_read(text: str, host: str, expected: tuple[str, str]) -> None:
    assert read_money(text, host) == Money(*expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Free",
        "$10.00 to $24.50",
        "$10.00 to 24.50",
        "EUR 5,00 bis EUR 7,00",
        "$79.99$99.99",
        "$5 - $10",
        "$1,23,456",
        "1.2345",
    ],
)
def test_ranges_several_prices_and_odd_numbers_are_no_price(text: str) -> None:
    assert read_money(text) == NOTHING


def test_a_range_is_told_from_a_price() -> None:
    assert is_range("EUR 5,00 bis EUR 7,00")
    assert not is_range("EUR 5,00")
    assert not is_range("Up to $5.00")


AMOUNTS = st.decimals(min_value=0, max_value=99_999_999, places=2)
STYLES = {
    "English": lambda amount: f"US ${amount:,.2f}",
    "German": lambda amount: "EUR " + f"{amount:,.2f}".translate(str.maketrans(",.", ".,")),
    "French": lambda amount: f"{amount:,.2f} EUR".replace(",", "\u202f").replace(".", ","),
    "Swiss": lambda amount: "CHF " + f"{amount:,.2f}".replace(",", "'"),
    "plain": lambda amount: f"{amount:.2f} GBP",
    "whole": lambda amount: f"£{amount.to_integral_value():,}",
}


@pytest.mark.parametrize("style", STYLES)
@given(amount=AMOUNTS)
def test_every_amount_is_read_back_as_it_was_written(style: str, amount: Decimal) -> None:
    found = read_money(STYLES[style](amount))
    assert Decimal(found.amount) == (amount.to_integral_value() if style == "whole" else amount)
    assert found.currency in {"USD", "EUR", "CHF", "GBP"}


@given(st.text(), st.text(max_size=20))
def test_any_text_gives_a_decimal_number_or_nothing(text: str, host: str) -> None:
    found = read_money(text, host)
    assert found.amount == "" or Decimal(found.amount) >= 0
    assert len(found.currency) in {0, 3}
