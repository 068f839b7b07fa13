"""How an item can be bought is what its labels and buttons say, in English and German."""

import pytest

from crawlers.pages.buying import bids_of, buying_options, offer_accepted


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Buy It Now"], ("FIXED_PRICE",)),
        (["Sofort-Kaufen"], ("FIXED_PRICE",)),
        (["Add to cart"], ("FIXED_PRICE",)),
        (["or Best Offer"], ("BEST_OFFER", "FIXED_PRICE")),
        (["oder Preisvorschlag"], ("BEST_OFFER", "FIXED_PRICE")),
        (["Buy It Now", "Make offer"], ("BEST_OFFER", "FIXED_PRICE")),
        (["Best offer accepted"], ("BEST_OFFER", "FIXED_PRICE")),
        (["7 bids"], ("AUCTION",)),
        (["0 Gebote · Restzeit Noch 6T 23Std"], ("AUCTION",)),
        (["Place bid"], ("AUCTION",)),
        (["12 bids · 2d 4h left", "or Buy It Now"], ("AUCTION", "FIXED_PRICE")),
        (["1 bid", "or Best Offer"], ("AUCTION", "BEST_OFFER")),
        (["Classified Ad"], ("CLASSIFIED_AD",)),
        (["Contact seller"], ("CLASSIFIED_AD",)),
        (["Contact seller", "or Best Offer"], ("BEST_OFFER", "CLASSIFIED_AD")),
        (["Buy It Now", "Contact seller"], ("FIXED_PRICE",)),
        (["Free delivery", "Located in United States", "321 sold", "Add to Watchlist"], ()),
        ([], ()),
    ],
)
def test_the_options_are_what_is_said(lines: list[str], expected: tuple[str, ...]) -> None:
    assert buying_options(lines) == expected


def test_bids_are_a_bare_number() -> None:
    assert bids_of(["Located in United States", "1,204 bids"]) == "1204"
    assert bids_of(["1.204 Gebote"]) == "1204"
    assert bids_of(["forbids", "bids", "V8 bidding"]) == ""


def test_a_price_that_was_not_paid_is_told() -> None:
    assert offer_accepted(["$109.00", "Best offer accepted"])
    assert not offer_accepted(["or Best Offer"])
