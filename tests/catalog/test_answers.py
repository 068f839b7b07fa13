"""A person's file of answers: read before everything, written without losing a line, refused with file and line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodetect.catalog.answers import Answers, add_answers, read_answers
from autodetect.catalog.identify import identify
from autodetect.errors import UsageError


def answers_of(folder: Path, text: str) -> Answers:
    file = folder / "mine.toml"
    file.write_text(text, "utf-8")
    return read_answers(file)


def test_an_answer_comes_before_everything(tmp_path: Path) -> None:
    answers = answers_of(
        tmp_path,
        """
        [answers]
        "Ford / Mustang" = "Chevrolet / Camaro"
        "ford / Ka!" = "Ford / Ka"
        "Ford / chop top" = "none"
        "a lovely car" = "VW / bug"
        """,
    )
    for make, model, title, expected in [
        ("FORD", "mustang", "", "chevrolet/camaro"),
        ("Ford", "Ka", "2001 Ford Focus", "ford/ka"),
        ("Ford", "Chop Top", "2001 Ford Focus", None),
        ("", "", "A lovely car!", "volkswagen/beetle-classic"),
    ]:
        found = identify(make, model, title, answers)
        assert (found.make_model_id, found.reason, found.unsure) == (expected, "answer", False)
    assert identify("Ford", "Focus", "a lovely car", answers).make_model_id == "ford/focus"
    assert identify("Ford", "Mustang").make_model_id == "ford/mustang"


def test_the_default_file_need_not_exist_and_another_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_answers("catalog.toml") == Answers()
    with pytest.raises(UsageError, match=r"other\.toml does not exist"):
        read_answers("other.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[answers]\n'Ford / a' = 3", "line 2: 'Ford / a' = 3 is no answer"),
        ("[answers]\n'Ford / a' = 'Focus'", "line 2: 'Ford / a' = 'Focus' is no answer"),
        ("[answers]\n'Ford / a' = 'Ford / ?'", "line 2"),
        ("[answers]\n'Ford / a' = 'none'\n'ford/A' = 'none'", "line 3: 'ford/A' is answered twice"),
        ("[answers]\n'???' = 'none'", "line 2: '???' names nothing"),
        ("# aliases\n[aliases]\na = 'b'", "line 2: 'aliases' means nothing here"),
        ("answers = 3", "line 1: 'answers' is no table"),
        ("lookalikes = 3", "line 1: 'lookalikes' is no list of groups"),
        ("\nlookalikes = [['Ford / Ka']]", "line 2: ['Ford / Ka'] is no group"),
        ("lookalikes = [['Ford / Ka', 4]]", "line 1"),
        ("lookalikes = [[]]", "is no group"),
        ("\nretired = 'Ford / Ka'", "line 2: 'retired' is no list of models"),
        ("retired = [\n  'Ford / Ka',\n  'Edsel']", "line 3: 'Edsel' names no model to retire"),
        ("retired = [3]", "line 1: 3 names no model to retire"),
        ("[answers\n", "mine.toml is not valid TOML: "),
    ],
)
def test_wrong_content_is_refused_with_file_and_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=r"mine\.toml") as refused:
        answers_of(tmp_path, text)
    assert words in refused.value.what
    assert refused.value.remedy


def test_retired_models_are_named_as_the_catalogue_spells_them(tmp_path: Path) -> None:
    answers = answers_of(tmp_path, "retired = ['ford / MUSTANG', 'VW / bug', 'Edsel / Ranger']")
    assert answers.retired == {"ford/mustang", "volkswagen/beetle-classic", "edsel/ranger"}
    assert answers_of(tmp_path, "").retired == frozenset()


def test_an_answer_is_added_or_replaced_and_every_other_line_stays(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        "# mine\nlookalikes = [['Ford / Ka', 'Fiat / 500']]\n\n"
        "[answers]\n# why\n'Ford / X' = 'none'\n'Ford / Y' = 'none'\n"
    )
    (decided,) = add_answers(file, [("FORD / x", "ford / focus")])
    assert decided.name is not None
    assert decided.name.make_model_id == "ford/focus"
    lines = file.read_text("utf-8").splitlines()
    assert {"# mine", "# why", "'Ford / Y' = 'none'", '"FORD / x" = "Ford / Focus"'} <= set(lines)
    assert len(lines) == 7
    assert len(read_answers(file).lookalikes) == 1


@pytest.mark.parametrize("pair", [("???", "none"), ("Ford / x", "Focus"), ("Ford / x", ""), ("", "Ford / Focus")])
def test_what_is_no_answer_is_not_written(tmp_path: Path, pair: tuple[str, str]) -> None:
    with pytest.raises(UsageError):
        add_answers(tmp_path / "mine.toml", [("Ford / y", "none"), pair])
    assert list(tmp_path.iterdir()) == []


def test_a_broken_file_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[answers\n")
    with pytest.raises(UsageError):
        add_answers(file, [("Ford / y", "none")])
    assert file.read_text() == "[answers\n"


@settings(deadline=None, max_examples=100)
@given(written=st.text(min_size=1, max_size=30).map(lambda text: f"Ford / {text}"))
def test_whatever_was_written_can_be_answered(tmp_path_factory: pytest.TempPathFactory, written: str) -> None:
    file = tmp_path_factory.mktemp("answers") / "mine.toml"
    add_answers(file, [("Ford / focus", "none"), (written, "Ford / Focus"), (written, "none")])
    answer = read_answers(file).find("Ford", written.removeprefix("Ford / "), "")
    assert answer is not None
    assert answer.name is None
