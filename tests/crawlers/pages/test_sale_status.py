"""A listing was sold only where the page says so; one that ended is not."""

import pytest

from crawlers.pages.sale_status import sale_status


@pytest.mark.parametrize(
    ("messages", "price_lines", "expected"),
    [
        ([], [], "live"),
        (["This is a private listing."], ["Current bid:"], "live"),
        (["This listing sold on Sat, Mar 7 at 10:00 AM."], [], "sold"),
        (["This Buy It Now listing sold on Mon, Sep 21 at 9:41 PM."], [], "sold"),
        (["Item sold on Sat, Mar 7."], [], "sold"),
        (["This listing was ended by the seller because the item was sold."], [], "sold"),
        (["Dieses Angebot wurde am Mo, 7. Mrz um 10:00 verkauft."], [], "sold"),
        (["Bidding ended on Sun, Mar 8."], ["Winning bid:", "US $610.00"], "sold"),
        (["Bidding ended on Sun, Mar 8."], ["Current bid:", "US $610.00"], "ended"),
        (["This listing ended on Sun, Mar 8. The item was not sold."], [], "ended"),
        (["This listing was ended by the seller because the item is no longer available."], [], "ended"),
        (["Ended: Mar 07, 2026"], [], "ended"),
        (["Dieses Angebot wurde beendet. Der Artikel wurde nicht verkauft."], [], "ended"),
    ],
)
def test_live_sold_and_ended_are_told_apart(messages: list[str], price_lines: list[str], expected: str) -> None:
    assert sale_status(messages, price_lines) == expected
