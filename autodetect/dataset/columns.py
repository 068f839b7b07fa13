"""Columns of text read at once: what most sellers write by Arrow's kernels, the rest text by text, each once a block.

The functions of `autodetect.catalog` say what a text means; a column says the same, quicker. What the kernels take is
so plain that both read it alike, and `tests/dataset/test_columns.py` compares them.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from autodetect.catalog.fields import (
    MILEAGE_PLACEHOLDERS,
    MILES_PER_KM,
    Reading,
    leading_year,
    read_mileage,
    read_price,
    read_year,
)
from autodetect.catalog.postal_codes import read_postal_code

_PLAIN = r"^(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,2})?"
_PLAIN_PRICE = f"{_PLAIN}$"
_PLAIN_MILEAGE = f"{_PLAIN}(?: (?:mi|miles|km))?$"
_PLAIN_YEAR = r"^(?:[0-9]|[0-9]{3,9})$"
_PLAIN_ZIP = r"^(?:0[1-9]|[1-8][0-9]|9[0-8])[0-9](?:[0-9]{2}|\*\*)$"
_PLAIN_TITLE_YEAR = "^(?:19|20)[0-9]{2}(?: |$)"
_NO_TITLE_YEAR = "^(?:[A-Za-z]|$)"

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Rule(NamedTuple):
    """A rule that the text of a row needed: position in the block, name, and the text."""

    row: int
    name: str
    text: str


class Numbers(NamedTuple):
    """A column of numbers (float64, NaN: none), which rows had text but no number, and the rules that were needed."""

    found: Floats
    unreadable: Bools
    rules: list[Rule]


class Places(NamedTuple):
    """Postal codes and regions as columns of text, and the rules that were needed."""

    codes: pa.Array
    regions: pa.Array
    rules: list[Rule]


def prices(texts: pa.Array, currencies: pa.Array) -> Numbers:
    """Read prices as `read_price` does; `currencies` are ISO 4217 codes, '' for none."""
    plain = _matches(texts, _PLAIN_PRICE)
    values = _decimals(texts, plain)
    return _with_the_rest(values, ~plain & _written(texts), (texts, currencies), read_price)


def mileages(texts: pa.Array, units: pa.Array) -> Numbers:
    """Read mileages in miles as `read_mileage` does; `units` are 'mi', 'km' or ''."""
    plain = _matches(texts, _PLAIN_MILEAGE)
    kilometres, miles = _bools(pc.equal(units, "km")), _bools(pc.equal(units, "mi"))
    says_km, says_mi = _bools(pc.ends_with(texts, " km")), _matches(texts, " (?:mi|miles)$")
    plain &= ~(says_km & ~kilometres) & ~(says_mi & kilometres)
    bare = texts
    if (plain & (says_km | says_mi)).any():
        bare = pc.replace_substring_regex(texts, " (?:mi|miles|km)$", "")
    values = np.rint(_decimals(bare, plain))
    convert = plain & kilometres & ~miles & ~np.isin(values, MILEAGE_PLACEHOLDERS)
    values = np.where(convert, np.rint(values * MILES_PER_KM), values)
    return _with_the_rest(values, ~plain & _written(texts), (texts, units), read_mileage)


def years(texts: pa.Array, title_years: Floats, latest: NDArray[np.int64]) -> Numbers:
    """Read model years as `read_year` does.

    Args:
        texts: as written.
        title_years: what titles begin with (NaN: no year).
        latest: the latest year that each row may show.
    """
    plain = _matches(texts, _PLAIN_YEAR)
    rest = ~plain & _written(texts)
    titled = np.where(np.isnan(title_years), 0, title_years).astype(np.int64)

    def read(text: str, title_year: int, until: int) -> Reading:
        return read_year(text, title_year or None, latest=until)

    return _with_the_rest(_decimals(texts, plain), rest, (texts, pa.array(titled), pa.array(latest)), read)


def leading_years(titles: pa.Array) -> Floats:
    """Return the years that titles begin with, as `leading_year` does; NaN for none."""
    plain = _matches(titles, _PLAIN_TITLE_YEAR)
    found = _decimals(pc.utf8_slice_codeunits(titles, 0, 4), plain)
    rest = np.flatnonzero(~plain & ~_matches(titles, _NO_TITLE_YEAR))
    for row, title in zip(rest.tolist(), titles.take(pa.array(rest)).to_pylist(), strict=True):
        found[row] = leading_year(title) or np.nan
    return found


def postal_codes(texts: pa.Array, countries: pa.Array) -> Places:
    """Read postal codes and regions as `read_postal_code` does."""
    plain = _matches(texts, _PLAIN_ZIP) & _bools(pc.is_in(countries, pa.array(["", "US"])))
    mask = pa.array(plain)
    codes = pc.if_else(mask, texts, None)
    regions = pc.if_else(mask, pc.utf8_slice_codeunits(texts, 0, 3), None)
    rest = np.flatnonzero(~plain & _written(texts))
    if not len(rest):
        return Places(codes, regions, [])
    found, rules = _each_once(rest, (texts, countries), read_postal_code)
    at = pa.array(~plain & _written(texts))
    codes = pc.replace_with_mask(codes, at, pa.array([each.code for each in found], codes.type))
    regions = pc.replace_with_mask(regions, at, pa.array([each.region for each in found], regions.type))
    return Places(codes, regions, rules)


def joined(lists: pa.Array) -> pa.Array:
    """Return columns of lists of text as text, '|' between them; '' where there is none."""
    return pc.fill_null(pc.binary_join(lists, "|"), "")


def mapped(texts: pa.Array, meaning: Callable[[str], Any], to: pa.DataType) -> pa.Array:
    """Return what each text of a column with few different ones means; `meaning` is asked once for each."""
    coded = texts.dictionary_encode()
    return pa.array([meaning(text) for text in coded.dictionary.to_pylist()], to).take(coded.indices)


def none_if_empty(texts: pa.Array) -> pa.Array:
    """Return a column of text in which '' is null."""
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)


def _with_the_rest(values: Floats, rest: Bools, arguments: Sequence[pa.Array], read: Callable[..., Reading]) -> Numbers:
    """Return a column whose plain texts were read already: the others, rows of `rest`, by `read`."""
    rows = np.flatnonzero(rest)
    unreadable = np.zeros(len(values), dtype=np.bool_)
    if not len(rows):
        return Numbers(values, unreadable, [])
    found, rules = _each_once(rows, arguments, read)
    values[rows] = [np.nan if each.value is None else each.value for each in found]
    unreadable[rows] = [each.unreadable for each in found]
    return Numbers(values, unreadable, rules)


def _each_once(
    rows: NDArray[np.intp], arguments: Sequence[pa.Array], read: Callable[..., Any]
) -> tuple[list[Any], list[Rule]]:
    """Return what `read` makes of some rows, and the rules among it; equal arguments are read once."""
    at = pa.array(rows)
    memo: dict[Hashable, Any] = {}
    found, rules = [], []
    for row, given in zip(rows.tolist(), zip(*(a.take(at).to_pylist() for a in arguments), strict=True), strict=True):
        each = memo.get(given)
        if each is None:
            each = memo[given] = read(*given)
        found.append(each)
        if each.rule:
            rules.append(Rule(row, each.rule, given[0]))
    return found, rules


def _decimals(texts: pa.Array, plain: Bools) -> Floats:
    """Return the numbers of plain texts, of which commas part thousands; NaN for the others."""
    if _bools(pc.match_substring(texts, ",")).any():
        texts = pc.replace_substring(texts, ",", "")
    numbers = pc.cast(pc.if_else(pa.array(plain), texts, pa.scalar(None, texts.type)), pa.float64())
    values: Floats = numbers.to_numpy(zero_copy_only=False).copy()
    return values


def _matches(texts: pa.Array, pattern: str) -> Bools:
    return _bools(pc.match_substring_regex(texts, pattern))


def _written(texts: pa.Array) -> Bools:
    return _bools(pc.not_equal(texts, ""))


def _bools(column: pa.Array) -> Bools:
    values: Bools = column.to_numpy(zero_copy_only=False).astype(np.bool_, copy=False)
    return values
