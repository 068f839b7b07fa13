"""Figures as people read them."""

import pytest

from autodetect.report import words

DASH = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (words.number(12345), "12,345"),
        (words.number(0), "0"),
        (words.number(1234.5, 1), "1,234.5"),
        (words.number(None), DASH),
        (words.number(float("nan")), DASH),
        (words.percent(0.9123), "91.2 %"),
        (words.percent(1, 0), "100 %"),
        (words.percent(float("inf")), DASH),
        (words.change(103, 100), "+3.0 %"),
        (words.change(97, 100), "\N{MINUS SIGN}3.0 %"),
        (words.change(100, 100), "0.0 %"),
        (words.change(99.999, 100), "0.0 %"),
        (words.change(100, 50), "+100.0 %"),
        (words.change(5, 0), DASH),
        (words.change(None, 5), DASH),
        (words.duration(4.23), "4.2 s"),
        (words.duration(200), "3 min 20 s"),
        (words.duration(119.7), "2 min 00 s"),
        (words.duration(59.97), "1 min 00 s"),
        (words.duration(7500), "2 h 05 min"),
        (words.duration(None), DASH),
        (words.size(0), "0 bytes"),
        (words.size(999), "999 bytes"),
        (words.size(46_200_000), "46.2 MB"),
        (words.size(1_450_000_000), "1.45 GB"),
        (words.clip("x" * 120), "x" * 120),
        (words.clip("x" * 121), "x" * 119 + "…"),
    ],
)
def test_figures_are_written_for_people(written, expected):
    assert written == expected
