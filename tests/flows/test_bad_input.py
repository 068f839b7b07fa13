"""A person's mistakes: one clear message, the documented exit code, and nothing written."""

import json
import shutil
from pathlib import Path

import pytest

from autodetect.lake.schemas import SCHEMA_VERSION
from tests.flows.program import Ended, Program

pytestmark = pytest.mark.night


def _refused(ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended.err[-2000:]
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) <= 6, ended.err
    for word in words:
        assert word in ended.err


def _untouched(program: Program) -> bool:
    return not (program.folder / "var/lake").exists() and not (program.folder / "var/store").exists()


def test_unknown_setting_in_the_environment(program: Program) -> None:
    program.variables = {"AUTODETECT_CRAWL__MIN_COVERAGGE": "0.5"}
    _refused(program.run("nightly"), 2, "AUTODETECT_CRAWL__MIN_COVERAGGE", "did you mean 'crawl.min_coverage'?")
    assert _untouched(program)


def test_an_argument_that_is_no_text(program: Program) -> None:
    ended = program.run("value", "--make", "\udcff", "--model", "Mustang")  # the byte 0xff, as Python hands it down
    _refused(ended, 2, "is not UTF-8")


def test_unknown_setting_in_the_file(program: Program) -> None:
    (program.folder / "autodetect.toml").write_text("[photos]\nradius = 9\n", "utf-8")
    _refused(program.run("nightly"), 2, "unknown setting 'photos.radius' in autodetect.toml")
    assert _untouched(program)


def test_value_out_of_range(program: Program) -> None:
    program.variables = {"AUTODETECT_CRAWL__MIN_COVERAGE": "7"}
    _refused(program.run("nightly"), 2, "crawl.min_coverage", "less than or equal to 1")
    assert _untouched(program)


def test_missing_marketplace_folder(program: Program) -> None:
    _refused(program.run("nightly", "--marketplace", "nowhere"), 2, "nowhere", "autodetect sandbox generate")
    assert _untouched(program)


def test_listings_csv_without_a_required_column(program: Program, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(program.marketplace, broken)
    listings = broken / "listings.csv"
    header, _, rest = listings.read_text("utf-8").partition("\n")
    listings.write_text(header.replace("zipcode", "plz") + "\n" + rest, "utf-8")
    _refused(program.run("nightly", "--marketplace", str(broken)), 2, "listings.csv", "zipcode")
    assert _untouched(program)


def test_photo_that_is_html(program: Program, tmp_path: Path) -> None:
    page = tmp_path / "car.jpg"
    page.write_text("<html><body>404 Not Found</body></html>", "utf-8")
    store = tmp_path / "store"
    refused = program.run("identify", str(page), "--store", str(store))
    _refused(refused, 2, "car.jpg", "photo.not_an_image")
    assert not store.exists()


def test_store_that_is_not_reachable(program: Program) -> None:
    program.variables = {
        "AUTODETECT_S3__ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    _refused(program.run("nightly", "--store", "s3://releases/autodetect"), 4, "127.0.0.1:9")
    assert _untouched(program)


def test_ebay_without_permission(program: Program) -> None:
    refused = program.run("nightly", "--source", "ebay-api")
    _refused(refused, 2, "api.ebay.com", "ebay.permission", "--source sandbox")
    assert _untouched(program)


def test_unknown_source(program: Program) -> None:
    refused = program.run("nightly", "--source", "craigslist")
    assert refused.code == 2
    assert "ebay-api" in refused.err
    assert _untouched(program)


def test_lake_of_another_channel(program: Program) -> None:
    program.folder.joinpath("var/lake").mkdir(parents=True)
    identity = {"channel": "production", "schema_version": SCHEMA_VERSION, "source": "sandbox"}
    program.folder.joinpath("var/lake/lake.json").write_text(json.dumps(identity), "utf-8")
    _refused(program.run("nightly"), 2, "channel", "'production'")


def test_stage_before_there_is_a_lake(program: Program) -> None:
    _refused(program.run("lake", "check"), 2, "there is no lake at var/lake")
    _refused(program.run("report"), 2, "there is no lake at var/lake")
    assert _untouched(program)


def test_release_commands_on_an_empty_store(program: Program) -> None:
    _refused(program.run("release", "show"), 2, "holds no release")
    _refused(program.run("identify", __file__), 2, "photo.not_an_image")
    assert _untouched(program)


def test_doctor_changes_nothing_and_tells_what_is_missing(program: Program) -> None:
    told = program.run("doctor")
    assert told.code == 0, told.out + told.err
    assert "the first night makes it" in told.out
    assert _untouched(program)
    program.variables = {"AUTODETECT_SANDBOX__MARKETPLACE": "nowhere"}
    assert program.run("doctor").code == 2
