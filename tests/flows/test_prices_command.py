"""`autodetect value` and `autodetect price --explain` as a person reads them."""

from pathlib import Path

import pytest

from autodetect.lake.objects import LocalStore
from autodetect.release.keys import write_key
from tests.flows.program import Program
from tests.prices.test_explain import FORD, Night, asked, sold
from tests.release.priced_release import MUSTANG, publish_prices
from tests.release.sample import KEY

MUSTANG_2016 = ("value", "--make", "ford", "--model", "mustang", "--year", "2016")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program beside a store with prices and a lake with a night's."""
    folder = tmp_path_factory.mktemp("prices")
    publish_prices(LocalStore(folder / "var/store"), folder / "files")
    write_key(folder / "var/keys/signing.json", KEY)
    sales = [sold(n, 20_000 + 500 * n, seller_hash=f"seller {n}") for n in range(20)]
    Night(folder / "var", *sales, sold("p1", 400.0, title="Mustang for parts"), asked("a1", 21_000))
    return Program(folder, folder / "none", folder / "prefect")


def test_a_car_is_valued_with_its_label_its_comparables_and_the_offers_around(program: Program) -> None:
    told = program.run(*MUSTANG_2016, "--mileage", "50000", "--price", "2000", "--near", "33602", "--within", "80km")
    assert told.code == 0, told.err
    assert "Ford Mustang 2016, 50,000 miles" in told.out.splitlines()
    for words in (
        *("80% of such cars go for $", "$2,000: a great price", "of 2015-2019", "compared with", "(shop/0"),
        *("7 offers within 80 km, average price $18,000", "https://shop/o0", "8 in all, average price $16,875"),
    ):
        assert words in told.out
    assert "in US-FL" in told.out


def test_json_has_all_of_it(program: Program) -> None:
    found = program.run(*MUSTANG_2016, "--price", "2000", "--near", "27.95,-82.46", "--json").json()
    assert found["make_model_id"] == MUSTANG
    assert found["worth"]["low"] < found["worth"]["value"] < found["worth"]["high"]
    assert found["worth"]["rating"] == "great"
    assert [each["item_id"] for each in found["near"]["nearest"]] == ["o0", "o1", "o2"]
    assert len(found["comparables"]) == 5
    assert found["asked"]["place"]["precision"] == "point"


def test_without_a_year_prices_by_model_year_are_shown_and_the_year_is_asked_for(program: Program) -> None:
    told = program.run("value", "--make", "Ford", "--model", "Focus")
    assert told.code == 0, told.err
    lines = told.out.splitlines()
    assert lines[1] == "Ford Focus sold for, by model year (say --year for a value)"
    assert [line.split()[0] for line in lines[2:4]] == ["2000-2004", "2005-2009"]
    assert "compared with" not in told.out


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [
        (b"2016\n", 0, "Ford Mustang 2016"),
        (b"\n", 0, "80% of such cars go for"),
        (b"1066\n", 2, "knows no cars of model year 1066"),
        (b"\x04", 130, "Which model year?"),
    ],
    ids=["a year", "any", "nonsense", "Ctrl-D"],
)
def test_at_a_terminal_the_year_is_asked_for(program: Program, typed: bytes, code: int, words: str) -> None:
    told = program.at_terminal(typed, "Enter: any): ", "value", "--make", "Ford", "--model", "Mustang")
    assert told.code == code
    assert words in told.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--make", "Ford", "--model", "Mustnag"), "did you mean Ford Mustang"),
        (("--make", "Ford", "--model", "Focus", "--near", "nowhere"), "'nowhere' is no place"),
        (("--make", "Ford", "--model", "Focus", "--near", ""), "'' is no place"),
        (("--make", "Ford", "--model", "Focus", "--within", "far"), "'far' is no distance"),
        (("--make", "Ford", "--model", "Focus", "--year", "3000"), "no cars of model year 3000"),
        (("--make", "Ford", "--model", "Focus", "--mileage", "inf"), "no car has inf miles"),
        (("--make", "Ford", "--model", "Focus", "--price", "inf"), "inf is no price"),
        (("--make", "Ford"), "Missing option '--model'"),
    ],
    ids=["model", "place", "no place", "distance", "year", "mileage", "price", "nothing"],
)
def test_what_cannot_be_answered_is_told_with_a_way_out(program: Program, options: tuple[str, ...], words: str) -> None:
    told = program.run("value", *options)
    assert told.code == 2
    assert words in told.err


def test_the_funnel_behind_a_price_is_explained_and_nothing_is_run(program: Program) -> None:
    before = sorted(path.name for path in (program.folder / "var").rglob("*"))
    told = program.run("price", "--explain", "ford mustang")
    assert told.code == 0, told.err
    assert told.out.splitlines()[0] == "Ford Mustang (ford/mustang), prices of the night of 2026-11-01"
    for words in ("sold: 21 sales", "parts only: for parts", "shop/p1  $400  Mustang for parts", "     20  used"):
        assert words in told.out
    assert "median $24,750 (90 % sure: " in told.out
    assert "the newest is of 2026-10-23, 9 days before the night" in told.out
    assert "no price: 1 comparable offer" in told.out
    assert sorted(path.name for path in (program.folder / "var").rglob("*")) == before
    found = program.run("price", "--explain", FORD, "--json").json()
    assert found["funnels"][0]["steps"][0]["rule"] == "parts_only"


def test_a_model_that_the_catalogue_does_not_know_is_refused_with_suggestions(program: Program) -> None:
    told = program.run("price", "--explain", "ford/mustnag")
    assert told.code == 2
    assert "perhaps one of: ford/mustang" in told.err
    dated = program.run("price", "--explain", FORD, "--night", "2026-11-01")
    assert dated.code == 2
    assert "leave --night out" in dated.err


def test_help_teaches_by_examples(tmp_path: Path) -> None:
    program = Program(tmp_path, tmp_path, tmp_path)
    assert 'autodetect price --explain "Ford Mustang" --json' in program.run("price", "--help").out
    assert "autodetect value --make Ford --model Mustang --year 2015" in program.run("value", "--help").out
