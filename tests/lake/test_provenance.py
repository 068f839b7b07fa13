"""What a result depends on: settings by their values, a file of answers by what it says."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autodetect.lake.provenance import dependencies_digest, settings_digest
from autodetect.settings import Settings

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs packages that consist of what they say of themselves."""

    def installed(name: str, version: str, *requires: str) -> None:
        folder = tmp_path / f"{name.replace('-', '_')}.dist-info"
        folder.mkdir(exist_ok=True)
        lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
        (folder / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {each}" for each in requires)]))
        dependencies_digest.cache_clear()

    monkeypatch.syspath_prepend(str(tmp_path))
    yield installed
    dependencies_digest.cache_clear()


@pytest.fixture
def factory(install: Install) -> Callable[[], str]:
    """A package `the-factory` with all kinds of requirements; gives its digest."""
    install(
        "the-factory",
        "1",
        "needs-one[more]>=1",
        "Needs_Two",
        "not-here; sys_platform == 'moon'",
        "a-tool; extra == 'dev'",
    )
    install("needs-one", "1.0", "deep", "optional-one; extra == 'more'", "other-extra; extra == 'less'")
    install("needs-two", "2.0", "the-factory")  # a circle
    for name in ("deep", "optional-one", "other-extra", "a-tool", "bystander"):
        install(name, "1.0")
    return lambda: dependencies_digest("the-factory")


@pytest.mark.parametrize("name", ["needs-one", "needs-two", "deep", "optional-one"])
def test_a_version_below_changes_the_digest(factory: Callable[[], str], install: Install, name: str) -> None:
    before = factory()
    requires = {"needs-one": ("deep", "optional-one; extra == 'more'")}
    install(name, "9.9", *requires.get(name, ()))
    assert factory() != before


@pytest.mark.parametrize("name", ["other-extra", "a-tool", "bystander"])
def test_tools_bystanders_and_its_own_version_leave_the_digest_alone(
    factory: Callable[[], str], install: Install, name: str
) -> None:
    before = factory()
    install(name, "9.9")
    install("not-here", "1.0")
    assert factory() == before != ""
    install("the-factory", "2", "needs-one[more]>=1", "needs-two")
    assert factory() == before


def test_a_package_that_is_not_installed_has_no_digest() -> None:
    assert dependencies_digest("no-such-package-of-anybody") == ""


def test_every_process_of_an_environment_has_the_same_digest(tmp_path: Path) -> None:
    script = "from autodetect.lake.provenance import dependencies_digest; print(dependencies_digest())"
    for seed, place in {"1": tmp_path, "2": Path.cwd()}.items():
        environment = {"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONHASHSEED": seed}
        said = subprocess.check_output([sys.executable, "-c", script], env=environment, cwd=place, text=True)
        assert said.strip() == dependencies_digest()


def test_a_file_of_answers_counts_by_what_it_says_and_not_by_where_it_lies(tmp_path: Path) -> None:
    def digest(name: str, text: str | None) -> str:
        file = tmp_path / name
        if text is not None:
            file.write_text(text, "utf-8")
        return settings_digest(Settings().with_values({"catalog.answers": str(file)}), ("catalog",))

    assert digest("a.toml", None) == digest("b.toml", "")
    assert digest("a.toml", "[answers]\n") == digest("c.toml", "[answers]\n") != digest("b.toml", "")


def test_a_stage_that_does_not_name_it_does_not_depend_on_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[answers]\n")
    other = Settings().with_values({"catalog.answers": str(file)})
    assert settings_digest(Settings(), ("crawl", "photos")) == settings_digest(other, ("crawl", "photos"))


def test_a_stage_may_depend_on_one_setting_of_a_section() -> None:
    def digest(**photos: int) -> str:
        values = {f"photos.{name}": value for name, value in photos.items()}
        return settings_digest(Settings().with_values(values), ("source", "photos.max_pixels"))

    assert digest() == digest(min_side=100, phash_radius=4)
    assert digest() != digest(max_pixels=5_000_000)
