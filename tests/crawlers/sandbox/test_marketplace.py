"""Reading a marketplace folder, and refusing what is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from autodetect.errors import UsageError
from crawlers.sandbox.marketplace import Marketplace

Make = Callable[..., Path]
RECORDED = Path(__file__).parents[4] / "shared" / "marketplace"


def ids(marketplace: Marketplace, night: int) -> set[int]:
    return {int(listing.item_id[-2:]) for listing in marketplace.on(night)}


def test_a_night_shows_what_has_begun_and_not_ended(tiny: Path) -> None:
    marketplace = Marketplace.load(tiny)
    assert ids(marketplace, 1) == {1, 2, 3, 4, 5, 7}
    assert ids(marketplace, 2) == {1, 2, 4, 5, 6, 7}
    assert marketplace.nights == 2


def test_a_price_holds_from_its_night_on(tiny: Path) -> None:
    listing = Marketplace.load(tiny).listings[1]
    assert [listing.price_on(night) for night in (1, 2, 3)] == ["18000", "16500", "16500"]


def test_values_stay_the_text_that_the_file_holds(tiny: Path) -> None:
    facts = Marketplace.load(tiny).listings[3].facts
    assert (facts["zipcode"], facts["title"]) == ("336**", "A TT | coupé")


def test_a_folder_without_sales_has_none(tmp_path: Path, make_marketplace: Make) -> None:
    assert Marketplace.load(make_marketplace(tmp_path / "m", [{"item_id": "1"}])).sales is None
    assert Marketplace.load(make_marketplace(tmp_path / "n", [{"item_id": "1"}], [])).sales == ()


def test_a_missing_folder_is_refused_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder") as refusal:
        Marketplace.load(tmp_path / "nowhere")
    assert f"autodetect sandbox generate {tmp_path / 'nowhere'}" in refusal.value.remedy


def test_a_folder_without_listings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no listings\.csv"):
        Marketplace.load(tmp_path)


@pytest.mark.parametrize(("file", "column"), [("listings.csv", "mileage"), ("sold.csv", "yearsold")])
def test_a_missing_column_is_named(tmp_path: Path, make_marketplace: Make, file: str, column: str) -> None:
    folder = make_marketplace(tmp_path / "m", [{"item_id": "1"}], [])
    text = (folder / file).read_text()
    (folder / file).write_text(text.replace(column, "something", 1))
    with pytest.raises(UsageError, match=rf"{file} has no column '{column}'"):
        Marketplace.load(folder)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"first_night": "soon"}, r"row 3: first_night 'soon'"),
        ({"first_night": "0"}, r"row 3: first_night '0'"),
        ({"first_night": ""}, r"row 3: first_night ''"),
        ({"last_night": "-1"}, r"row 3: last_night '-1'"),
        ({"first_night": "3", "last_night": "2"}, r"row 3: last_night 2 lies before first_night 3"),
        ({"item_id": " "}, r"row 3: item_id is empty"),
        ({"item_id": "1"}, r"item_id 1 is given twice"),
    ],
)
def test_an_unreadable_row_is_named(
    tmp_path: Path, make_marketplace: Make, row: dict[str, str], complaint: str
) -> None:
    folder = make_marketplace(tmp_path / "m", [{"item_id": "1"}, {"item_id": "2"} | row])
    with pytest.raises(UsageError, match=complaint) as refusal:
        Marketplace.load(folder)
    assert "listings.csv" in refusal.value.what
    assert "autodetect sandbox generate" in refusal.value.remedy


def test_a_row_of_another_width_is_named(tmp_path: Path, make_marketplace: Make) -> None:
    folder = make_marketplace(tmp_path / "m", [{"item_id": "1"}])
    with (folder / "listings.csv").open("a") as file:
        file.write("2,1,0,Ford\n")
    with pytest.raises(UsageError, match="row 3: 4 values, but 16 columns"):
        Marketplace.load(folder)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path, make_marketplace: Make) -> None:
    folder = make_marketplace(tmp_path / "m", [{"item_id": "1"}])
    with (folder / "listings.csv").open("ab") as file:
        file.write("2,1,0,Citroën".encode("latin-1"))
    with pytest.raises(UsageError, match="not a UTF-8 CSV file"):
        Marketplace.load(folder)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded marketplace is not beside this checkout")
def test_the_recorded_marketplace_loads() -> None:
    marketplace = Marketplace.load(RECORDED)
    assert len(marketplace.listings) == 4333
    assert [len(marketplace.on(night)) for night in (1, 2, 3)] == [2673, 3599, 3828]
    assert len(marketplace.sales or ()) == 16984
