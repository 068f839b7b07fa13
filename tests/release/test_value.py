"""What a release knows of one car, from its sqlite file alone."""

import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.objects import LocalStore
from autodetect.prices.places import parse_place
from autodetect.release.client import SyncedRelease
from autodetect.release.value import FILE, AskedCar, CarValue, fetch, value_car
from tests.release.priced_release import MUSTANG, NEW, publish_prices
from tests.release.sample import KEY, NOW


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> SyncedRelease:
    folder = tmp_path_factory.mktemp("release")
    store = LocalStore(folder / "store")
    publish_prices(store, folder / "files")
    return fetch(store, folder / "cache", trusted=KEY.public, now=NOW)


def asked(release: SyncedRelease, **car: object) -> CarValue:
    found = AskedCar(**{"make": "Ford", "model": "Mustang"} | car)  # type: ignore[arg-type]
    return value_car(release, found, max_interval_ratio=6.0)


def test_only_the_price_file_is_fetched(release: SyncedRelease) -> None:
    assert release.fetched == (FILE,)


def test_a_car_is_worth_what_such_cars_sold_for(release: SyncedRelease) -> None:
    found = asked(release, year=2016, mileage=50_000, price=30_000)
    expected = NEW[MUSTANG] * 0.9**10 * 0.85
    assert found.worth is not None
    assert found.worth.value == pytest.approx(expected, rel=0.15)
    assert found.worth.low < found.worth.value < found.worth.high
    assert (found.worth.currency, found.worth.coverage, found.worth.rating) == ("USD", 0.8, "high")
    assert asked(release, year=2016, mileage=50_000, price=found.worth.low * 0.9).worth.rating == "great"
    assert asked(release, year=2016, mileage=50_000).worth.rating is None


def test_the_comparables_are_the_nearest_sales_by_their_item_ids(release: SyncedRelease) -> None:
    found = asked(release, year=2016, mileage=50_000)
    assert len(found.comparables) == 5
    assert len({each.item_id for each in found.comparables}) == 5
    apart = [each.distance for each in found.comparables]
    assert apart == sorted(apart)
    assert all(2010 <= each.year <= 2022 for each in found.comparables)


def test_without_a_year_the_bands_are_told_and_with_one_its_own(release: SyncedRelease) -> None:
    found = asked(release)
    assert found.band is None
    assert [each.year_band for each in found.bands] == sorted(each.year_band for each in found.bands)
    assert asked(release, year=2016).band.year_band == "2015-2019"
    assert asked(release, year=1931).band is None


@pytest.mark.parametrize(
    "nonsense",
    [{"year": 1066}, {"year": 3000}, {"mileage": 1e9}, {"mileage": math.inf}, {"price": math.inf}],
    ids=str,
)
def test_what_no_car_can_have_is_refused_rather_than_passed_over(release: SyncedRelease, nonsense: Any) -> None:
    with pytest.raises(UsageError, match=r"3000|1066|1e\+09|inf"):
        asked(release, **nonsense)


def test_a_valuation_that_does_not_say_what_it_is_of_is_told_as_damage(
    release: SyncedRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / FILE
    damaged.write_bytes(release.path(FILE).read_bytes())
    with closing(sqlite3.connect(damaged)) as database:
        database.execute("DELETE FROM valuation_meta WHERE key = 'basis'")
        database.commit()
    monkeypatch.setattr(SyncedRelease, "path", lambda *_: damaged)
    with pytest.raises(CorruptError, match="basis"):
        asked(release, year=2016)


def test_offers_are_counted_near_a_place_and_in_all(release: SyncedRelease) -> None:
    found = asked(release, place=parse_place("33602"), region="336")
    assert (found.near.count, found.near.average, found.near.unplaced) == (7, 18_000.0, 1)
    assert [each.item_id for each in found.near.nearest] == ["o0", "o1", "o2"]
    assert found.offers.count == 8
    assert found.state.region == "US-FL"
    assert asked(release, place=parse_place("99501")).near.count == 0
    assert asked(release).near is None


def test_a_name_is_found_however_it_is_spelt_or_a_likely_one_suggested(release: SyncedRelease) -> None:
    assert asked(release, make="ford", model="MUSTANG").make_model_id == MUSTANG
    with pytest.raises(UsageError, match="Ford Mustang"):
        asked(release, model="Mustnag")


def test_a_release_without_a_valuation_still_tells_prices(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    publish_prices(store, tmp_path / "files", valued=False)
    found = asked(fetch(store, tmp_path / "cache", trusted=KEY.public, now=NOW), year=2016, price=9_000)
    assert found.worth is None
    assert found.price is not None


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, autodetect.release.value as v; print([n for n in ('tensorflow', 'keras', 'sklearn', 'pandas')"
    done = subprocess.run(
        [sys.executable, "-c", f"{code} if n in sys.modules])"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
