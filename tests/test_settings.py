"""Settings: options over variables over the file over defaults, and a mistake is told with its remedy."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from autodetect.errors import UsageError
from autodetect.settings import Settings, load


@pytest.fixture(autouse=True)
def _nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AUTODETECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def leaves(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Every setting by its dotted name."""
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        nested = isinstance(kind, type) and issubclass(kind, BaseModel)
        found += leaves(kind, f"{prefix}{name}.") if nested else [prefix + name]
    return found


def test_without_any_file_or_variable_the_defaults_hold() -> None:
    assert load() == Settings()
    assert (load().source, load().lake, load().crawl.page_size) == ("sandbox", "var/lake", 200)


def test_each_place_overrides_the_one_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("autodetect.toml").write_text('lake = "file"\nstore = "file"\nwork = "file"\n[crawl]\nretries = 5\n')
    monkeypatch.setenv("AUTODETECT_LAKE", "variable")
    monkeypatch.setenv("AUTODETECT_STORE", "variable")
    monkeypatch.setenv("AUTODETECT_CRAWL__PAGE_SIZE", "100")
    found = load(options={"lake": "option", "crawl.concurrency": 4, "channel": None})
    assert (found.lake, found.store, found.work, found.channel) == ("option", "variable", "file", "demo")
    assert (found.crawl.concurrency, found.crawl.page_size, found.crawl.retries) == (4, 100, 5)
    assert found.crawl.min_coverage == 0.9


def test_one_section_can_come_from_three_places(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("autodetect.toml").write_text('[ebay]\nclient_id = "file"\npermission = "contract 7"\n')
    monkeypatch.setenv("AUTODETECT_EBAY__CLIENT_ID", "variable")
    ebay = load(options={"ebay.base_url": "http://127.0.0.1:1"}).ebay
    assert (ebay.base_url, ebay.client_id, ebay.permission) == ("http://127.0.0.1:1", "variable", "contract 7")


def test_a_settings_file_can_be_named_and_must_then_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Path("autodetect.toml").write_text('lake = "found by default"\n')
    Path("other.toml").write_text('lake = "other"\n')
    assert load().lake == "found by default"
    monkeypatch.setenv("AUTODETECT_SETTINGS_FILE", "other.toml")
    assert load().lake == "other"
    for named in ({"file": tmp_path / "absent.toml"}, {}):
        monkeypatch.setenv("AUTODETECT_SETTINGS_FILE", "absent.toml")
        with pytest.raises(UsageError, match=r"absent\.toml does not exist"):
            load(**named)


@pytest.mark.parametrize(
    ("text", "unknown", "remedy"),
    [
        ("lakes = 'x'", "lakes", "'lake'"),
        ("[crawl]\npage_sise = 3", "crawl.page_sise", "'crawl.page_size'"),
        ("[claasifier]\nepochs = 3", "claasifier", "'classifier'"),
        ("zzz = 1", "zzz", "known names are"),
    ],
)
def test_an_unknown_name_in_the_file_is_refused_with_a_suggestion(text: str, unknown: str, remedy: str) -> None:
    Path("autodetect.toml").write_text(text)
    with pytest.raises(UsageError, match=f"unknown setting '{unknown}' in autodetect.toml") as refusal:
        load()
    assert remedy in refusal.value.remedy


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("AUTODETECT_LAEK", "did you mean 'lake'?"),
        ("AUTODETECT_CRAWL__PAGESIZE", "did you mean 'crawl.page_size'?"),
        ("AUTODETECT_QUITE_ELSE", "known names are"),
        ("AUTODETECT_LAKE__URL", "remove it"),
    ],
)
def test_an_unknown_variable_is_refused_with_a_suggestion(
    variable: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(UsageError, match=variable) as refusal:
        load()
    assert remedy in refusal.value.remedy


def test_a_variable_of_another_program_is_no_setting() -> None:
    assert load(environ={"AUTODETECTOR": "1", "HOME": "/", "XAUTODETECT_LAKE": "1"}) == Settings()


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(leaves(Settings)), st.integers(0, 200), st.sampled_from("abxz_"))
def test_every_misspelt_name_is_refused_by_file_and_variable_alike(name: str, place: int, letter: str) -> None:
    head, _, last = name.rpartition(".")
    wrong = last[: place % (len(last) + 1)] + letter + last[place % (len(last) + 1) :]
    dotted = f"{head}.{wrong}" if head else wrong
    if dotted in leaves(Settings):
        return
    with pytest.raises(UsageError, match="unknown setting"):
        load(environ={"AUTODETECT_" + dotted.replace(".", "__").upper(): "1"})
    Path("wrong.toml").write_text(f"[{head}]\n{wrong} = 1\n" if head else f"{wrong} = 1\n")
    with pytest.raises(UsageError, match="unknown setting"):
        load(file=Path("wrong.toml"))


@pytest.mark.parametrize("content", [b"lake = ", b"[crawl\n", b"lake = '\xff'", b"lake = 1\nlake = 2"])
def test_a_file_that_is_no_toml_is_told(content: bytes) -> None:
    Path("autodetect.toml").write_bytes(content)
    with pytest.raises(UsageError, match="not valid TOML") as refusal:
        load()
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"crawl.min_coverage": 1.5}, "crawl.min_coverage = 1.5"),
        ({"crawl.page_size": 0}, "crawl.page_size = 0"),
        ({"crawl.window": 199}, "crawl.window"),
        ({"source": "craigslist"}, "source = 'craigslist'"),
        ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"timezone": "../etc"}, "IANA"),
        ({"ebay.currency": "US"}, "ebay.currency"),
        ({"crawl": 3}, "crawl = 3"),
        ({"prices.min_price": 1e9}, "min_price must be below max_price"),
    ],
)
def test_a_value_that_its_setting_does_not_admit_is_named(options: dict[str, object], named: str) -> None:
    for read in (lambda: load(options=options), lambda: Settings().with_values(options)):
        with pytest.raises(UsageError) as refusal:
            read()
        assert named in refusal.value.what


@pytest.mark.parametrize(("variable", "value"), [("AUTODETECT_CRAWL__RETRIES", "many"), ("AUTODETECT_CRAWL", "{")])
def test_a_variable_that_cannot_be_read_is_named(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match="crawl"):
        load()


def test_values_can_be_replaced_without_touching_the_original() -> None:
    first = Settings()
    second = first.with_values({"ebay.base_url": "http://x", "lake": None, "sandbox.night_index": 2})
    assert (second.ebay.base_url, second.lake, second.sandbox.night_index) == ("http://x", "var/lake", 2)
    assert first == Settings()
    with pytest.raises(UsageError, match="nothing_such"):
        first.with_values({"crawl.nothing_such": 1})


def test_settings_survive_a_trip_to_another_process_as_json() -> None:
    first = Settings().with_values({"lake": "s3://b/p", "dataset.min_vehicles": 3, "seed": 7})
    assert Settings.model_validate_json(first.model_dump_json()) == first


def test_the_secret_is_not_shown_with_the_settings() -> None:
    found = load(options={"ebay.client_secret": "sesame", "ebay.client_id": "shown"})
    assert found.ebay.client_secret == "sesame"
    assert "shown" in repr(found)
    assert "sesame" not in repr(found)


def test_a_wrong_secret_is_named_and_not_told() -> None:
    for options in ({"ebay.client_secret": ["sesame"]}, {"ebay": ["sesame"]}, {"ebay.client_secert": "sesame"}):
        for read in (lambda given=options: load(options=given), lambda given=options: Settings().with_values(given)):
            with pytest.raises(UsageError, match=r"ebay.*not shown") as refusal:
                read()
            assert "sesame" not in f"{refusal.value} {refusal.value.__cause__!r}"


@pytest.mark.parametrize("value", ['"sesame"', "0x5e5a", '["sesame"]', '{ private = "sesame" }'])
def test_no_settings_file_may_hold_the_signing_key(value: str) -> None:
    Path("autodetect.toml").write_text(f"[release]\nkey = {value}\n")
    with pytest.raises(UsageError, match=r"release\.key") as refusal:
        load()
    assert "sesame" not in str(refusal.value)
    Path("autodetect.toml").write_text('[release]\nkey = ""\n')
    assert load().release.key == ""


def test_the_signing_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTODETECT_RELEASE__KEY", "sesame")
    assert load().release.key == "sesame"
    assert "sesame" not in repr(load())


def test_a_class_needs_fewer_vehicles_in_the_sandbox_unless_it_is_set() -> None:
    assert Settings().min_vehicles == 12
    assert Settings(source="ebay-api").min_vehicles == 20
    assert Settings().with_values({"dataset.min_vehicles": 5}).min_vehicles == 5


def test_a_night_starts_at_midnight_of_its_time_zone() -> None:
    late = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)
    assert Settings().tonight(late) == date(2026, 11, 1)
    assert Settings(timezone="Europe/Berlin").tonight(late) == date(2026, 11, 2)
    assert Settings(timezone="America/New_York").tonight(datetime(2026, 11, 1, 3, 59, tzinfo=UTC)) == date(2026, 10, 31)
