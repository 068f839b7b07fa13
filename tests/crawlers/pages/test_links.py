"""Links lose their tracking, photos come at full size from the host that the page names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.pages.links import host_of, item_id_of, item_url, photo_url, photo_urls

PAGE = "https://www.ebay.com/sch/i.html?_nkw=car"
FULL = "https://i.ebayimg.com/images/g/aaAAAOSw0~01/s-l1600.jpg"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://www.ebay.com/itm/385000000101?_skw=car&hash=item0", "385000000101"),
        ("https://www.ebay.com/itm/2012-Ford-Mustang-GT/385000000101", "385000000101"),
        ("/itm/385000000101#reviews", "385000000101"),
        ("https://www.ebay.com/itm/", ""),
        ("https://www.ebay.com/usr/385000000101", ""),
        ("", ""),
    ],
)
def test_the_item_id_is_in_the_link(link: str, expected: str) -> None:
    assert item_id_of(link) == expected


def test_an_item_has_one_address_without_tracking() -> None:
    expected = "https://www.ebay.de/itm/5"
    assert item_url(PAGE, "https://www.ebay.de/itm/some-title/5?hash=item0#x", "5") == expected
    assert item_url("http://127.0.0.1:8000/sch/6001/i.html", "/itm/5?a=b", "5") == "http://127.0.0.1:8000/itm/5"


@pytest.mark.parametrize(
    "source",
    [
        FULL,
        "https://i.ebayimg.com/images/g/aaAAAOSw0~01/s-l140.webp",
        "https://i.ebayimg.com/thumbs/images/g/aaAAAOSw0~01/s-l225.jpg",
        "//i.ebayimg.com/images/g/aaAAAOSw0~01/s-l500.webp",
        "https://i.ebayimg.com/00/s/MTIwMFgxNjAw/z/aaAAAOSw0~01/$_57.JPG?set_id=8800005007",
    ],
)
def test_every_size_of_a_photo_leads_to_the_full_one(source: str) -> None:
    assert photo_url(PAGE, source) == FULL


def test_a_photo_stays_on_the_host_that_the_page_names() -> None:
    local = "http://127.0.0.1:8000"
    assert photo_url(f"{local}/itm/5", "/images/g/x/s-l500.webp") == f"{local}/images/g/x/s-l1600.jpg"
    assert photo_url(f"{local}/itm/5", "/photos/5-1.jpg") == f"{local}/photos/5-1.jpg"


@pytest.mark.parametrize(
    "source",
    [
        "",
        "data:image/gif;base64,R0lGOD",
        "https://ir.ebaystatic.com/cr/v/c1/s_1x2.gif",
        "javascript:void(0)",
        "http://[/x",
    ],
)
def test_what_is_no_photo_is_left_out(source: str) -> None:
    assert photo_url(PAGE, source) == ""


def test_photos_keep_their_order_and_come_once() -> None:
    other = FULL.replace("01", "02")
    assert photo_urls(PAGE, [other, FULL.replace("1600.jpg", "64.webp"), "", FULL, other]) == (other, FULL)


@given(st.text(), st.text())
def test_any_text_for_a_link_is_read(base: str, link: str) -> None:
    assert isinstance(photo_url(base, link), str)
    assert item_url(base, link, "5").endswith("/itm/5")
    assert host_of(link) == host_of(link).lower()
