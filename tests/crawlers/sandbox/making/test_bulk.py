"""Very many listings: skewed so that searches must be split, the same for the same seed, and served whole."""

import csv
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from PIL import Image
from typer.testing import CliRunner

from autodetect.catalog.makes import make_named
from autodetect.errors import UsageError
from crawlers.sandbox.making.bulk import write_bulk
from crawlers.sandbox.marketplace import Marketplace
from crawlers.sandbox.process import sandbox_process
from crawlers.sandbox.query import WINDOW
from flows.cli.app import app

SEARCH = "/buy/browse/v1/item_summary/search"
ANY = "buyingOptions:{FIXED_PRICE|AUCTION|CLASSIFIED_AD}"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60,000 listings without photos."""
    folder = tmp_path_factory.mktemp("bulk") / "market"
    write_bulk(folder, listings=60_000)
    return folder


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "listings.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_seed_fixes_every_byte(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        write_bulk(tmp_path / name, listings=300, photos=2, seed=seed, nights=3)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one")["listings.csv"] != contents(tmp_path / "other")["listings.csv"]
    assert contents(tmp_path / "one")["photos/p00.jpg"] != contents(tmp_path / "other")["photos/p00.jpg"]


def test_the_largest_make_must_be_split_by_year_and_one_year_by_price(large: Path) -> None:
    listings = rows(large)
    assert len(listings) == len({row["item_id"] for row in listings}) == 60_000
    (largest, most), (_, second) = Counter(row["make"] for row in listings).most_common(2)
    assert most > 15_000 > WINDOW > second
    years = Counter(row["year"] for row in listings if row["make"] == largest).most_common(2)
    assert years[0][1] > WINDOW > years[1][1]
    prices = Counter(row["price"] for row in listings if (row["make"], row["year"]) == (largest, years[0][0]))
    assert prices.most_common(1)[0][1] < WINDOW
    assert sum(count for _, count in prices.most_common(60)) > sum(prices.values()) / 2  # ties on round prices


def test_most_makes_are_rare_and_all_are_the_catalogues(large: Path) -> None:
    makes = Counter(row["make"] for row in rows(large) if row["make"])
    assert all(make_named(make) == make for make in makes)
    assert sum(count < 600 for count in makes.values()) > len(makes) / 2 > 30


def test_some_sellers_leave_make_or_year_empty_none_the_price(large: Path) -> None:
    listings = rows(large)
    share = {name: sum(not row[name] for row in listings) / len(listings) for name in ("make", "year")}
    assert share == pytest.approx({"make": 0.005, "year": 0.01}, rel=0.2)
    assert all(int(row["price"]) > 0 for row in listings)
    options = Counter(row["buying_option"] for row in listings)
    assert options.keys() == {"FIXED_PRICE", "AUCTION", "CLASSIFIED_AD"}
    assert min(options.values()) > 5_000


def test_listings_share_a_pool_of_photos(tmp_path: Path) -> None:
    write_bulk(tmp_path / "m", listings=400, photos=3)
    files = {path.name: path.read_bytes() for path in (tmp_path / "m" / "photos").iterdir()}
    assert len(files) == len(set(files.values())) == 50
    for name in files:
        with Image.open(tmp_path / "m" / "photos" / name) as photo:
            photo.load()
    named = [row["photos"].split() for row in rows(tmp_path / "m")]
    assert {len(set(names)) for names in named} == {3}
    assert {name for names in named for name in names} == files.keys()


def test_over_the_nights_listings_come_and_go_and_change_their_price(tmp_path: Path) -> None:
    write_bulk(tmp_path / "m", listings=1000, nights=3)
    market = Marketplace.load(tmp_path / "m")
    nights = [{listing.item_id: listing for listing in market.on(night)} for night in (1, 2, 3)]
    assert len(nights[0]) == 1000
    for before, after, night in ((nights[0], nights[1], 2), (nights[1], nights[2], 3)):
        assert 5 < len(after.keys() - before.keys()) < 50
        assert 5 < len(before.keys() - after.keys()) < 50
        kept = [listing for item_id, listing in after.items() if item_id in before]
        assert 10 < sum(listing.price_on(night) != listing.price_on(night - 1) for listing in kept) < 100


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "listings.csv").write_text("mine")
    with pytest.raises(UsageError, match="not an empty folder"):
        write_bulk(tmp_path, listings=1)
    assert contents(tmp_path) == {"listings.csv": b"mine"}


def test_the_command_line_writes_one(tmp_path: Path) -> None:
    arguments = ["sandbox", "generate", str(tmp_path / "m"), "--listings", "25", "--photos", "1", "--seed", "3"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    write_bulk(tmp_path / "same", listings=25, photos=1, seed=3, nights=3)
    assert contents(tmp_path / "m") == contents(tmp_path / "same")


def test_the_refinements_of_sixty_thousand_listings_add_up(
    large: Path, connect: Callable[[str], AbstractContextManager[httpx.Client]]
) -> None:
    with sandbox_process(large, 1) as url, connect(url) as api:

        def search(**params: str | int) -> dict:
            answer = api.get(SEARCH, params={"category_ids": "6001", "filter": ANY, "limit": 200, **params}, timeout=60)
            assert answer.status_code == 200
            return answer.json()

        def refined(name: str, **params: str) -> dict[str, int]:
            (aspect,) = [
                aspect
                for aspect in search(fieldgroups="ASPECT_REFINEMENTS", **params)["refinement"]["aspectDistributions"]
                if aspect["localizedAspectName"] == name
            ]
            return {value["localizedAspectValue"]: value["matchCount"] for value in aspect["aspectValueDistributions"]}

        makes = refined("Make")
        assert sum(makes.values()) == 60_000
        for make in ("Ford", "Tesla", "Not Specified"):
            years = refined("Year", aspect_filter=f"categoryId:6001,Make:{{{make}}}")
            assert sum(years.values()) == makes[make]
        common = "categoryId:6001,Make:{Ford},Year:{2015}"
        last = search(aspect_filter=common, offset=WINDOW - 200)
        assert len(last["itemSummaries"]) == 200
        assert "next" not in last
        assert last["total"] > WINDOW
        cheap, dear = (search(aspect_filter=common, filter=f"{ANY},price:{span},priceCurrency:USD")["total"]
                       for span in ("[..13999]", "[14000..]"))  # fmt: skip
        assert WINDOW > cheap > 0 < dear < WINDOW
        assert cheap + dear == last["total"]
