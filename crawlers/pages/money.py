"""Prices as eBay's pages write them -> a decimal number as text, and the ISO 4217 code of its currency."""

import re
from typing import NamedTuple

_CODES = "USD|EUR|GBP|CAD|AUD|CHF|PLN|JPY|SGD|HKD|MYR|PHP|NZD|MXN|SEK|DKK|NOK|CNY|INR|AED"
_SYMBOLS = {
    "US$": "USD",
    "C$": "CAD",
    "CA$": "CAD",
    "AU$": "AUD",
    "A$": "AUD",
    "NZ$": "NZD",
    "S$": "SGD",
    "HK$": "HKD",
    "MX$": "MXN",
    "£": "GBP",
    "€": "EUR",
    "zł": "PLN",
    "¥": "JPY",
    "SFR": "CHF",
}
# What a bare '$' is, by the end of the host's name; elsewhere it is the US dollar.
_DOLLARS = {"ebay.ca": "CAD", "ebay.com.au": "AUD", "ebay.com.sg": "SGD", "ebay.com.hk": "HKD"}
_CURRENCY = re.compile(
    rf"(?<![A-Za-z])(?P<code>{_CODES})(?![A-Za-z])|(?P<symbol>(?:(?<![A-Za-z])[A-Z]{{1,2}}\s?)?\$|[£€¥]|zł|SFR)"
)
# Groups of three digits, or digits alone; then at most two decimals. Any of . , ' and blanks may separate.
_NUMBER = re.compile(r"\d{1,3}(?:(?P<group>[.,'\u2019 ])\d{3})(?:(?P=group)\d{3})*(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?")
_RANGE = re.compile(r"\d[^\d]*(?:\b(?:to|bis|à|a|tot)\b|[-\u2013\u2014])[^\d]*\d")


class Money(NamedTuple):
    """An amount as decimal text ('3500.00') in a currency (ISO 4217, '' where the text does not say)."""

    amount: str
    currency: str


NOTHING = Money("", "")


def read_money(text: str, host: str = "") -> Money:
    """Read the one price in a text: 'EUR 1.199,00', 'US $3,971.45', '$20.00', '1 234,50 EUR', '£12,500'.

    A last separator with one or two digits after it is the decimal one, whatever the language: eBay shows no currency
    with three decimals. A range ('$10.00 to $20.00') or several prices are no price.

    Args:
        text: as the page shows it.
        host: the page's host, which tells what a bare '$' is.

    Returns:
        The price, or `NOTHING`.
    """
    text = text.replace("\u00a0", " ").replace("\u202f", " ").strip()
    numbers = list(_NUMBER.finditer(text))
    if len(numbers) != 1 or is_range(text):
        return NOTHING
    return Money(_decimal(numbers[0][0]), _currency(text, host))


def is_range(text: str) -> bool:
    """Return whether a text shows a span of prices: '$10.00 to $20.00', 'EUR 5,00 bis EUR 7,00'."""
    return _RANGE.search(text) is not None


def _decimal(number: str) -> str:
    match = re.search(r"[.,](\d{1,2})$", number)
    whole = number[: match.start()] if match else number
    digits = re.sub(r"\D", "", whole).lstrip("0") or "0"
    return f"{digits}.{match[1]}" if match else digits


def _currency(text: str, host: str) -> str:
    match = _CURRENCY.search(text)
    if match is None:
        return ""
    if match["code"]:
        return match["code"]
    symbol = re.sub(r"\s", "", match["symbol"])
    if symbol == "$":
        return next((code for end, code in _DOLLARS.items() if host == end or host.endswith(f".{end}")), "USD")
    return _SYMBOLS.get(symbol, "")
