"""Sightings as the source showed them -> a frame of typed facts, and what it took to read them.

Besides the rules of `catalog.fields` and `catalog.postal_codes`:

======================================  =======================================================================
listing.year_contradicts_title          the title begins with another year: both are kept
listing.year_contradicts_vin            the VIN's tenth sign stands for a year that is more than one off
listing.price_placeholder               nobody offers a car for 1: no asking price (a sale for 1 is one)
listing.currency_respelt                'usd ' is USD
listing.currency_missing                a price in nobody knows what: it takes part in no figure
listing.price_only_converted            the source shows its conversion alone: no price
listing.converted_price_contradicts     a conversion into the price's own currency is another amount
listing.bids_unreadable                 what stands for the number of bids is no number: none
listing.buying_option_unknown           a way to buy that nobody knows: it is left out, those beside it are kept
======================================  =======================================================================

What a rule took away or changed stays in `sightings` as it was written, and in the refusal's value.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from autodetect.catalog.answers import Answers
from autodetect.catalog.fields import (
    FIRST_CAR_YEAR,
    PRICE_PLACEHOLDERS,
    read_bids,
    read_buying_options,
    read_cylinders,
    read_price,
)
from autodetect.catalog.identify import Identity
from autodetect.catalog.model_years import FIRST_YEAR, NEAR, SIGNS
from autodetect.dataset.columns import (
    Bools,
    Floats,
    Rule,
    joined,
    leading_years,
    mapped,
    mileages,
    none_if_empty,
    postal_codes,
    prices,
    years,
)
from autodetect.dataset.identities import Identifier
from autodetect.lake.schemas import LISTINGS, SIGHTINGS
from autodetect.records import Refusal

ROWS_AT_ONCE = 50_000
MODEL_YEARS_AHEAD = 2  # next year's models are on offer this year, and some a little earlier
NULLED = frozenset({
    "listing.price_placeholder",
    "listing.price_currency_contradicts",
    "listing.mileage_unit_contradicts",
    "listing.mileage_unknown",
    "listing.year_ambiguous",
    "listing.year_span",
    "listing.postal_code_not_credible",
    "listing.bids_unreadable",
})  # fmt: skip
_READ = frozenset({
    "source", "item_id", "night", "title", "year", "mileage", "cylinders", "postal_code", "currency",
    "buying_options", "bids",
})  # fmt: skip
# Columns that a listing takes as its sighting says them; what it does not say ('') is null.
_CARRIED = [name for name in LISTINGS.schema.names if name in SIGHTINGS.schema.names and name not in _READ]


@dataclass(frozen=True)
class Cleaned:
    """What cleaning made of sightings.

    Attributes:
        frame: a row for each sighting, in order: the columns of `listings` that a sighting decides, `kind`, `seen_on`
            (the night that brought it), `sighting` (the kind and a sale's date), `any_price`, and `<field>_unreadable`
            (text without a number). Numbers are float64 (NaN: none), `mileage` is in miles, text is pandas' `str`
            (NaN: none), dates are objects (None: none).
        decisions: every different decision of the catalogue, with the number of rows that it was made for.
        sightings: what was read, row by row the frame's.
        rules: the rules that were needed, by row.
    """

    frame: pd.DataFrame
    decisions: Counter[Identity]
    sightings: pa.Table
    rules: tuple[Rule, ...]

    def refusals(self) -> list[Refusal]:
        """Return one refusal for each correction, with the text as it was written: `noted`, or `nulled`."""
        at = pa.array([rule.row for rule in self.rules], pa.int64())
        names = (self.sightings[name].take(at).to_pylist() for name in ("source", "item_id"))
        return [
            Refusal(
                table="listings",
                key=f"{source}/{item_id}",
                rule=rule.name,
                value=rule.text,
                effect="nulled" if rule.name in NULLED else "noted",
            )
            for rule, source, item_id in zip(self.rules, *names, strict=True)
        ]


def cleaned(sightings: pa.Table, answers: Answers | None = None, *, rows_at_once: int = ROWS_AT_ONCE) -> Cleaned:
    """Read sightings into facts for the validation suites to judge.

    Args:
        sightings: rows of `sightings` of any kind but `missing`, which has no facts.
        answers: what a person decided about makes and models.
        rows_at_once: rows that are read in one go; the result does not depend on it.
    """
    identifier = Identifier(answers)
    blocks: list[pa.Table] = []
    rules: list[Rule] = []
    for start in range(0, max(1, sightings.num_rows), rows_at_once):
        block = _Block(sightings.slice(start, rows_at_once))
        blocks.append(block.facts(identifier))
        rules.extend(Rule(start + rule.row, rule.name, rule.text) for rule in block.rules)
    frame = pa.concat_tables(blocks).to_pandas()
    frame["any_price"] = frame["asking_price"].fillna(frame["sold_price"])
    return Cleaned(frame, identifier.decisions, sightings, tuple(rules))


class _Block:
    """Some sightings, read column by column. `rules` grows as columns are read; positions are the block's."""

    def __init__(self, sightings: pa.Table) -> None:
        self.rules: list[Rule] = []
        self._sightings = sightings.combine_chunks()

    def facts(self, identifier: Identifier) -> pa.Table:
        text = self._text
        kinds = text("kind")
        imported, sold = _equal(kinds, "import"), _equal(kinds, "sold")
        currencies = self._currencies(imported)
        # What somebody once wrote beside an imported photo is neither an offer nor a sale.
        offered = pc.if_else(pa.array(imported), "", text("price"))
        price = prices(offered, currencies)
        mileage = mileages(text("mileage"), text("mileage_unit"))
        titles, nights = text("title"), self._column("night")
        title_years = leading_years(titles)
        latest = pc.year(nights).to_numpy(zero_copy_only=False) + MODEL_YEARS_AHEAD
        year = years(text("year"), title_years, latest)
        place = postal_codes(text("postal_code"), text("country"))
        for read in (price, mileage, year, place):
            self.rules += read.rules
        self._drop_placeholders(price.found, sold)
        credible = np.where((year.found >= FIRST_CAR_YEAR) & (year.found <= latest), year.found, np.nan)
        self._compare_years(credible, title_years)
        self._compare_prices(price.found, currencies, imported)
        ids, reasons = identifier.decide(text("make"), text("model"), titles)
        is_sold, observed_on = pa.array(sold), self._column("observed_on")
        when = pc.binary_join_element_wise("sold", observed_on.cast(pa.string()), " ")
        columns = {
            "source": text("source"),
            "item_id": text("item_id"),
            "kind": kinds,
            "seen_on": nights,
            "sighting": pc.if_else(is_sold, when, kinds),
            "make_model_id": ids,
            "catalog_reason": reasons,
            "title": titles,
            "year": _numbers(year.found),
            "mileage": _numbers(mileage.found),
            "cylinders": mapped(text("cylinders"), read_cylinders, pa.float64()),
            "postal_code": place.codes,
            "region": place.regions,
            "asking_price": _numbers(np.where(sold, np.nan, price.found)),
            "sold_price": _numbers(np.where(sold, price.found, np.nan)),
            "sold_on": pc.if_else(is_sold, observed_on, None),
            "sold_precision": pc.if_else(is_sold, self._column("precision"), None),
            "currency": none_if_empty(currencies),
            "buying_options": self._buying_options(),
            "bids": self._bids(),
            "price_unreadable": pa.array(price.unreadable),
            "year_unreadable": pa.array(year.unreadable),
            "mileage_unreadable": pa.array(mileage.unreadable),
        }
        return pa.table(columns | {name: self._carried(name) for name in _CARRIED})

    def _currencies(self, imported: Bools) -> pa.Array:
        """Return currency codes in capitals, '' for none; an import has none."""
        written = pc.if_else(pa.array(imported), "", self._text("currency"))
        codes = mapped(written, lambda text: text.strip().upper(), pa.string())
        self._note("listing.currency_respelt", _bools(pc.not_equal(codes, written)), written)
        return codes

    def _buying_options(self) -> pa.Array:
        """Return the ways to buy that are known, sorted and joined by '|'; null for none."""
        written = joined(self._column("buying_options"))
        unknown = mapped(written, lambda text: read_buying_options(text)[1], pa.bool_())
        self._note("listing.buying_option_unknown", _bools(unknown), written)
        return none_if_empty(mapped(written, lambda text: read_buying_options(text)[0], pa.string()))

    def _bids(self) -> pa.Array:
        """Return the number of bids as float64."""
        written = self._text("bids")
        found = mapped(written, read_bids, pa.float64())
        unread = pc.and_(pc.is_null(found), pc.not_equal(pc.utf8_trim_whitespace(written), ""))
        self._note("listing.bids_unreadable", _bools(unread), written)
        return found

    def _drop_placeholders(self, found: Floats, sold: Bools) -> None:
        """Take away what nobody asks for a car."""
        placeholder = np.isin(found, PRICE_PLACEHOLDERS) & ~sold
        self._note("listing.price_placeholder", placeholder, self._text("price"))
        found[placeholder] = np.nan

    def _compare_years(self, found: Floats, titled: Floats) -> None:
        """Note years that the title or the VIN contradicts."""
        texts = self._text("year")
        other = ~np.isnan(found) & ~np.isnan(titled) & (found != titled)
        self._note("listing.year_contradicts_title", other, texts, self._text("title"))
        vins = self._text("vin")
        of_vin = np.flatnonzero(_equal(pc.utf8_length(vins), 17) & ~np.isnan(found))
        signs = pc.utf8_slice_codeunits(vins.take(pa.array(of_vin)), 9, 10)
        places = pc.fill_null(pc.index_in(signs, pa.array([*SIGNS])), -1).to_numpy()
        off = (found[of_vin] - FIRST_YEAR - places) % len(SIGNS)
        wrong = (found[of_vin] < FIRST_YEAR - NEAR) | ((off > NEAR) & (off < len(SIGNS) - NEAR))
        contradicted = np.zeros(len(found), dtype=np.bool_)
        contradicted[of_vin[wrong & (places >= 0)]] = True
        self._note("listing.year_contradicts_vin", contradicted, texts, vins)

    def _compare_prices(self, found: Floats, currencies: pa.Array, imported: Bools) -> None:
        """Note prices without a currency, and conversions that stand alone or contradict the price."""
        texts, converted = self._text("price"), self._text("converted_price")
        none = _equal(currencies, "")
        self._note("listing.currency_missing", none & ~np.isnan(found), texts)
        given = ~_equal(converted, "") & ~imported
        if not given.any():
            return
        into = self._text("converted_currency")
        shown = pc.binary_join_element_wise(converted, into, " ")
        alone = given & _equal(pc.utf8_trim_whitespace(texts), "")
        self._note("listing.price_only_converted", alone, shown)
        same = given & ~alone & ~none & _bools(pc.equal(into, currencies))
        for row in np.flatnonzero(same & ~np.isnan(found)).tolist():
            same[row] = read_price(converted[row].as_py(), into[row].as_py()).value != found[row]
        self._note("listing.converted_price_contradicts", same & ~np.isnan(found), texts, shown)

    def _note(self, rule: str, rows: Bools, *texts: pa.Array) -> None:
        at = np.flatnonzero(rows)
        if len(at):
            told = zip(*(each.take(pa.array(at)).to_pylist() for each in texts), strict=True)
            self.rules += [Rule(row, rule, " / ".join(said)) for row, said in zip(at.tolist(), told, strict=True)]

    def _carried(self, name: str) -> pa.Array:
        column = self._column(name)
        return none_if_empty(column) if pa.types.is_string(column.type) else column

    def _text(self, name: str) -> pa.Array:
        column = self._column(name)
        return pc.fill_null(column, "") if column.null_count else column

    def _column(self, name: str) -> pa.Array:
        column = self._sightings[name]
        return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _numbers(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), from_pandas=True)


def _equal(column: pa.Array, value: Any) -> Bools:
    return _bools(pc.equal(column, value))


def _bools(column: pa.Array) -> Bools:
    values: Bools = column.to_numpy(zero_copy_only=False).astype(np.bool_, copy=False)
    return values
