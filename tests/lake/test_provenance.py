"""What a result depends on: settings by their values, a file of answers by what it says."""

from pathlib import Path

from autodetect.lake.provenance import settings_digest
from autodetect.settings import Settings


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
