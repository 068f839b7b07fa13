"""Prices as pages write them: in the seller's currency, and what they come to in the reader's, US dollars."""

from decimal import Decimal, InvalidOperation

from crawlers.sandbox.items import Item

RATES = {"USD": Decimal(1), "EUR": Decimal("1.12"), "GBP": Decimal("1.29"), "CAD": Decimal("0.72")}  # made up, fixed
SIGNS = {"USD": "US $", "CAD": "C $", "AUD": "AU $"}  # of other currencies pages write the code
_LARGEST = Decimal(10) ** 15
_CENT = Decimal("0.01")


def amount(price: str) -> Decimal | None:
    """A price as a number, in cents; None for dirt."""
    try:
        number = Decimal(price)
    except InvalidOperation:
        return None
    return number.quantize(_CENT) if number.is_finite() and abs(number) < _LARGEST else None


def in_dollars(item: Item) -> Decimal | None:
    """What an item costs in US dollars, in cents; None where that cannot be said."""
    number, rate = amount(item.price), RATES.get(item.currency)
    return None if number is None or rate is None else (number * rate).quantize(_CENT)


def written(item: Item) -> str:
    """The price in the seller's currency: 'US $15,300.00', 'EUR 3,500.00'; dirt as it is."""
    number = amount(item.price)
    if number is None:
        return item.price
    return f"{SIGNS.get(item.currency, f'{item.currency} ')}{number:,.2f}"
