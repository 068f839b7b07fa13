"""Marketplaces and sandboxes that this folder's tests share."""

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
from PIL import Image

from crawlers.sandbox.making.generate import generate
from crawlers.sandbox.marketplace import LISTING_COLUMNS, SALE_COLUMNS
from crawlers.sandbox.process import sandbox_process

LISTING = {
    "first_night": "1", "last_night": "0", "make": "Ford", "model": "Mustang", "year": "2012", "trim": "GT",
    "mileage": "61000", "zipcode": "10001", "body_type": "Coupe", "engine": "5.0L V8", "cylinders": "8",
    "drive_type": "RWD", "price": "15000", "photos": "aa.jpg",
}  # fmt: skip
LISTINGS = [
    {"item_id": "100000000001"},
    {"item_id": "100000000002", "year": "2013", "price": "18000", "price_2": "16500", "photos": "aa.jpg bb.jpg"},
    {"item_id": "100000000003", "make": "AUDI", "model": "tt 2.0", "price": "9000", "trim": "", "last_night": "1"},
    {
        "item_id": "100000000004",
        "make": "Audi",
        "model": "TT",
        "price": "0",
        "zipcode": "336**",
        "title": "A TT | coupé",
    },
    {"item_id": "100000000005", "make": "Rolls|Royce {x}", "price": "20000", "currency": "EUR", "photos": ""},
    {"item_id": "100000000006", "first_night": "2", "make": "", "mileage": "", "zipcode": "", "price": ""},
    {
        "item_id": "100000000007",
        "buying_option": "AUCTION",
        "photos": "../../passwd cc.jpg",
        "vin": "1M8GDM9AXKP042788",
    },
]
SALES = [
    {"ID": "11", "pricesold": "8000", "yearsold": "2017", "Make": "Ford", "Model": "Mustang", "zipcode": "100**"},
    {"ID": "12", "pricesold": "0", "yearsold": "2019", "Make": "Ford", "Model": "Other", "Year": "20050000"},
    {"ID": "13", "pricesold": "12000", "yearsold": "2020-03-05", "Make": "Audi", "Model": "TT", "Year": "2011"},
    {"ID": "14", "pricesold": "7000", "yearsold": "", "Make": "Audi", "Model": "TT", "Year": "2009"},
]


def _make_marketplace(folder: Path, listings: list[dict[str, str]], sales: list[dict[str, str]] | None = None) -> Path:
    """A marketplace folder with three real photos, an empty one and the given rows."""
    (folder / "photos").mkdir(parents=True)
    for name in ("aa", "bb", "cc"):
        Image.new("RGB", (40, 30), f"#{name * 3}").save(folder / "photos" / f"{name}.jpg")
    (folder / "photos" / "empty.jpg").touch()
    (folder / "secret.csv").write_text("not for visitors")
    extra = sorted({name for row in listings for name in row} - set(LISTING_COLUMNS))
    _write(folder / "listings.csv", (*LISTING_COLUMNS, *extra), [LISTING | row for row in listings])
    if sales is not None:
        _write(folder / "sold.csv", SALE_COLUMNS, sales)
    return folder


def _write(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


@contextmanager
def _connect(url: str) -> Iterator[httpx.Client]:
    form = {"grant_type": "client_credentials", "scope": "https://api.ebay.com/oauth/api_scope"}
    with httpx.Client(base_url=url) as client:
        answer = client.post("/identity/v1/oauth2/token", auth=("sandbox", "sandbox"), data=form)
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


@pytest.fixture(scope="session")
def make_marketplace() -> Callable[..., Path]:
    """Writes a marketplace folder: `make_marketplace(folder, listings, sales=None)`."""
    return _make_marketplace


@pytest.fixture(scope="session")
def connect() -> Callable[[str], AbstractContextManager[httpx.Client]]:
    """Opens a client that bears a token: `with connect(url) as api`."""
    return _connect


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven listings and four sales, written by hand."""
    return _make_marketplace(tmp_path_factory.mktemp("tiny") / "market", LISTINGS, SALES)


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generated marketplace."""
    folder = tmp_path_factory.mktemp("generated") / "market"
    generate(folder, seed=7, models=4, vehicles=10)
    return folder


@pytest.fixture(scope="module")
def api(tiny: Path) -> Iterator[httpx.Client]:
    """The tiny marketplace on night 1, asked with a token."""
    with sandbox_process(tiny, 1) as url, _connect(url) as client:
        yield client
