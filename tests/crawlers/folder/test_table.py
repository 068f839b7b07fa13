"""A bad row costs itself; a file that is no such table is refused as a whole, with its name and a way on."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodetect.errors import UsageError
from crawlers.folder.table import read_table

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)


def table(folder: Path, text: str | bytes) -> Path:
    path = folder / "listings.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_bad_row_costs_only_itself(tmp_path: Path) -> None:
    read = read_table(table(tmp_path, 'make,model\nFord,Focus\nFord\nFord,"Fi"esta\n\nAudi,A4\nVW,Golf,1,2\n'))
    assert [(row.number, row.values["model"]) for row in read.rows] == [(2, "Focus"), (6, "A4")]
    assert [(refusal.key, refusal.rule) for refusal in read.refusals] == [
        (f"listings.csv, row {number}", "import.row_unreadable") for number in (3, 4, 7)
    ]


def test_an_unknown_column_is_noted_and_not_refused(tmp_path: Path) -> None:
    read = read_table(table(tmp_path, "make,colour,model,seller\nFord,red,Focus,me\n"))
    assert len(read.rows) == 1
    assert [(r.rule, r.value, r.effect) for r in read.refusals] == [
        ("import.unknown_column", "colour, seller", "noted")
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_may_separate_values_as_they_do(tmp_path: Path, delimiter: str) -> None:
    text = f"\ufeff Make {delimiter}MODEL{delimiter}Body Type\r\nFord{delimiter}Focus{delimiter}Coupe\r\n"
    (row,) = read_table(table(tmp_path, text)).rows
    assert row.values == {"make": "Ford", "model": "Focus", "body_type": "Coupe"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("make,price\nFord,1\n", "no column 'model'"),
        ("", "no column 'make', 'model'"),
        ("make,model,Make\nFord,Focus,Ford\n", "'make' more than once"),
        ("make,model\nFord,Foc\xfcs\n".encode("latin-1"), "not a UTF-8 CSV file"),
        ("make,model\nFord,Focus\n".encode("utf-16"), "not a UTF-8 CSV file"),
    ],
)
def test_what_is_no_table_is_a_usage_error_that_names_it(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = table(tmp_path, content)
    with pytest.raises(UsageError) as refused:
        read_table(path)
    assert str(path) in refused.value.what
    assert words in refused.value.what
    assert refused.value.remedy


@given(rows=st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_every_text_that_a_csv_can_hold_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("table") / "listings.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("make", "model"), *rows])
    read = read_table(path)
    assert [(row.values["make"], row.values["model"]) for row in read.rows] == [row for row in rows if any(row)]
    path.unlink()
