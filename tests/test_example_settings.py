"""The example settings file: every name in it exists, and every value it shows is the default."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from autodetect.sections import Section
from autodetect.settings import Settings, load

EXAMPLE = Path(__file__).resolve().parents[1] / "autodetect.example.toml"
SHOWN = re.compile(r"^#(?=[a-z_0-9]+ = )", re.MULTILINE)  # '#name = value' is a setting, '# Words' are a comment


def with_shown_values() -> str:
    """The file as someone would have it who took the # off every line."""
    return SHOWN.sub("", EXAMPLE.read_text("utf-8"))


def settings_shown() -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in tomllib.loads(with_shown_values()).items():
        shown |= {f"{name}.{key}": v for key, v in value.items()} if isinstance(value, dict) else {name: value}
    return shown


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTODETECT_SETTINGS_FILE", raising=False)


@pytest.mark.parametrize("dotted", sorted(settings_shown()))
def test_a_shown_setting_exists_and_shows_its_default(dotted: str) -> None:
    value: Any = Settings.model_construct()
    for name in dotted.split("."):
        assert name in type(value).model_fields
        value = getattr(value, name)
    assert settings_shown()[dotted] == (list(value) if isinstance(value, tuple) else value)


def test_the_file_as_it_is_changes_nothing() -> None:
    assert load(file=EXAMPLE, environ={}) == load(environ={})


def test_the_file_with_every_line_uncommented_is_accepted_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "all.toml"
    file.write_text(with_shown_values(), "utf-8")
    assert load(file=file, environ={}) == load(environ={})


def test_every_section_and_every_setting_outside_a_section_is_there() -> None:
    written = EXAMPLE.read_text("utf-8")
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            assert f"\n[{name}]\n" in written
        else:
            assert f"\n#{name} = " in written
