"""Prices as a person reads them on a terminal: what a car is worth, and where a price comes from."""

from collections.abc import Iterable, Iterator

from autodetect.prices.explain import Example, Explanation, Funnel
from autodetect.prices.judged.comparable_sales import ComparableSale
from autodetect.prices.sqlite.lookup import PriceFact
from autodetect.prices.words import rule_words
from autodetect.release.value import CarValue, Worth
from flows.cli.near_words import money, near_lines

_VERBS = {"sold": "sold for", "asking": "asked for"}
_NOUNS = {"sold": "sales", "asking": "offers"}
_DATES = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
_OLD = 365  # days from which a person is told how old the newest sale is
_WIDTH = 13  # of what stands before a line's words

Line = tuple[str, str]


def valued_lines(found: CarValue) -> Iterator[str]:
    """Yield what a release knows of a car."""
    asked = found.asked
    about = [f"{asked.year}"] if asked.year else []
    about += [f"{asked.mileage:,.0f} miles"] if asked.mileage is not None else []
    about += [asked.trim] if asked.trim else []
    yield f"{found.make} {found.model}{' ' if about else ''}{', '.join(about)}"
    yield from _told(_valued(found))


def year_lines(found: CarValue) -> Iterator[str]:
    """Yield the prices of a make and model by year band, and ask for the year."""
    if not found.bands:
        return
    basis = found.bands[0].basis
    yield f"{found.make} {found.model} {_VERBS[basis]}, by model year (say --year for a value)"
    yield from _told((each.year_band, _price(each)) for each in found.bands)


def explained_lines(found: Explanation) -> Iterator[str]:
    """Yield the funnel behind the prices of a make and model."""
    yield f"{found.name} ({found.make_model_id}), prices of the night of {found.night}"
    yield from (f"  NOTE: {note}" for note in found.notes)
    seen = ", ".join(f"{count:,} {kind}" for kind, count in found.sightings.items())
    listed = ", ".join(f"{count:,} {status}" for status, count in found.listings.items())
    sightings, listings = sum(found.sightings.values()), sum(found.listings.values())
    yield f"  {sightings:,} sightings{f' ({seen})' if seen else ''}"
    yield f"  {listings:,} listings{f' ({listed})' if listed else ''}"
    for funnel in found.funnels:
        yield ""
        yield from _funnel(funnel, found)
    for title, rows in (("by model year", found.bands), ("by state", found.regions)):
        if rows:
            yield ""
            yield title
            yield from _told(line for basis in _NOUNS for line in _rows([r for r in rows if r.basis == basis]))


def _valued(found: CarValue) -> Iterator[Line]:
    asked, worth = found.asked, found.worth
    if worth:
        low, value, high = (money(each, worth.currency) for each in (worth.low, worth.value, worth.high))
        go = "go" if worth.basis == "sold" else "are offered"
        yield "worth", f"{value}; {worth.coverage:.0%} of such cars {go} for {low} to {high}"
        if (age := (found.night - worth.newest_sale).days) > _OLD:
            yield "", f"as of {worth.newest_sale}, the newest sale: {age:,} days before the release"
    else:
        yield "worth", "not known: the release has no valuation of such a car"
    if asked.price is not None:
        yield "asked", f"{money(asked.price, worth.currency) if worth else f'{asked.price:,.0f}'}: {_rated(worth)}"
    if found.price:
        yield _VERBS[found.price.basis], _price(found.price)
    if found.band:
        yield f"of {found.band.year_band}", _price(found.band)
    if found.state:
        yield f"in {found.state.region}", _price(found.state)
    if asked.year:  # without it, any sale is as near as any other
        yield from _listed("compared with", map(_comparable, found.comparables))
    if found.near:
        yield from _listed("near", near_lines(found.near, asked.within))
    offers = found.offers
    if offers.count and offers.average is not None:
        yield "offers", f"{offers.count:,} in all, average price {money(offers.average, offers.currency)}"
    else:
        yield "offers", "none"


def _rated(worth: Worth | None) -> str:
    if worth is None or worth.rating is None:
        return "no rating, for nobody knows what the car is worth"
    if worth.rating == "no rating":
        return "no rating, for such cars go for very different prices; say more of it"
    return f"a {worth.rating} price"


def _price(row: PriceFact) -> str:
    """Return the figures of a row of the price table, and whose they are."""
    if row.median is None:
        return f"no price: {row.reason}"
    if row.level == "model":
        return f"{money(row.median, row.currency)} (median of {row.count:,})"
    stand_in = f"{row.level_count:,} of {row.level_name}, for the model has only {row.count:,}"
    return f"{money(row.median, row.currency)} (median of {stand_in})"


def _comparable(sale: ComparableSale) -> str:
    about = [str(sale.year or "year unknown")]
    about += [f"{sale.mileage:,} miles"] if sale.mileage is not None else []
    about += [sale.trim] if sale.trim else []
    sold = sale.sold_on.strftime(_DATES[sale.sold_precision])
    told = f"{', '.join(about)}, sold {sold}: {sale.why} ({sale.source}/{sale.item_id})"
    return f"{money(sale.price, sale.currency):>8}  {told}"


def _funnel(funnel: Funnel, found: Explanation) -> Iterator[str]:
    noun = _NOUNS[funnel.basis]
    yield f"{funnel.basis}: {funnel.candidates:,} {noun}"
    for step in funnel.steps:
        yield f"  {-step.count:>7,}  {step.rule.replace('_', ' ')}: {rule_words(step.rule)}"
        yield from (f"           {_example(each)}" for each in step.examples)
    yield f"  {funnel.used:>7,}  used"
    row = funnel.figures
    if row is None or row.median is None:
        yield f"           no price: {row.reason if row else 'the night has no row of it'}"
        return
    known = row.median_low is not None  # fewer than five prices bound no median
    sure = f" (90 % sure: {row.median_low:,.0f} to {row.median_high:,.0f})" if known else ""
    yield f"           median {money(row.median, row.currency)}{sure}"
    spread = f"middle half {row.q1:,.0f} to {row.q3:,.0f}, all {row.low:,.0f} to {row.high:,.0f}"
    yield f"           {spread}, trimmed mean {row.trimmed_mean:,.0f}; {_sellers(row.sellers)}"
    if funnel.newest:
        told = _DATES[row.precision or "day"]
        start, newest = (day.strftime(told) for day in (row.window_start or funnel.newest, funnel.newest))
        age = (found.night - funnel.newest).days
        before = f", {age:,} days before the night" if row.precision == "day" and age else ""
        yield f"           from {start} on; the newest is of {newest}{before}"


def _rows(rows: list[PriceFact]) -> Iterator[Line]:
    """Yield the rows of one basis that have figures, and one line for all the others."""
    untold = [row for row in rows if row.median is None]
    for row in rows:
        if row.median is not None:
            yield row.year_band or row.region, f"{row.basis:<6}  {_price(row)}"
    if untold:
        which = f"any of {len(untold)}" if len(untold) == len(rows) else f"{len(untold)} more"
        few = f"too few comparables, {sum(row.count for row in untold):,} in all"
        yield "others", f"{untold[0].basis:<6}  no price for {which}: {few}"


def _example(example: Example) -> str:
    price = "no price" if example.price is None else money(example.price, example.currency).rstrip()
    return f"{example.source}/{example.item_id}  {price}  {example.title}".rstrip()


def _listed(what: str, lines: Iterable[str]) -> Iterator[Line]:
    for place, line in enumerate(lines):
        yield what if place == 0 else "", line


def _told(lines: Iterable[Line]) -> Iterator[str]:
    for what, words in lines:
        yield f"  {what:<{_WIDTH}}  {words}"


def _sellers(count: int | None) -> str:
    return "nobody says who sold" if count is None else f"{count:,} sellers"
