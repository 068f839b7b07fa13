"""Whether the source still says what it used to: how often each field of the listings read tonight is filled.

A page or an answer that changed its shape does not fail; it is read as listings that say less. Three questions, each
asked where it can be answered: while the crawl runs, is a required field never there (`broken_generation`)? At its end,
is a required field hardly ever there, or a field far less often than on the nights before (`drifted`)?

`drifted` must not take the luck of a small night for drift, nor a night on which one dealer listed thirty cars alike.
So the question is not whether tonight differs from the usual rate, which it always does, but whether its true rate can
still be `min_fill` times the usual one: it cannot when the exact binomial probability of so few filled fields, at that
rate, is below `FALSE_ALARM`. The usual rate is itself an estimate; the lower end of its Wilson interval (Wilson 1927,
recommended by Brown, Cai and DasGupta, Statistical Science 16, 2001) at the same confidence stands for it. A false
alarm then needs one of two events of probability `FALSE_ALARM`: with 15 fields that is once in 300 nights if every
field sits exactly on its threshold, and practically never otherwise. A field that vanished altogether, usually filled
in nine of ten, is found from 20 to 30 listings on.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter

from autodetect.records import Sighting

Fill = dict[str, list[int]]  # field -> [listings that say it, listings read]
FillRates = Mapping[str, Sequence[int]]  # the same, only to read

LEAST_READ = 20  # listings; of fewer nothing is said
LEAST_USUAL_READ = 50  # listings of the nights before that a usual rate rests on
LEAST_USUAL_RATE = 0.3  # a field that most sellers leave out comes and goes with the sellers
LEAST_REQUIRED_RATE = 0.1  # a required field is there in over nine of ten listings; in one of ten is no bad luck
EARLY_READ = 50  # listings after which a required field that was never there will not come any more
HISTORY_NIGHTS = 7  # a week: weekdays differ in what is listed
FALSE_ALARM = 1e-4
Z_OF_FALSE_ALARM = 3.719  # the normal quantile of 1 - FALSE_ALARM

REQUIRED = ("title", "price", "make", "model", "photo_urls")
PLAIN = (
    *("title", "make", "model", "year", "mileage", "body_type", "engine", "drive_type", "condition", "photo_urls"),
    *("seller_hash", "vin"),
)
# Each watched field, and what a listing says of it; None: this listing need not say it and is not counted.
WATCHED: dict[str, Callable[[Sighting], object]] = {
    **{name: attrgetter(name) for name in PLAIN},
    "price": lambda listing: _priced(listing, listing.price),
    "currency": lambda listing: _priced(listing, listing.currency),
    "place": lambda listing: listing.postal_code or listing.city,
}


def fill_of(sightings: Iterable[Sighting]) -> Fill:
    """Count, for each watched field, the listings that say it and those that were read.

    Only listings on offer count: sales and imports come from other places and say other things. `place` is a postal
    code or a city. A classified ad may leave its price to the telephone, so one without a price says nothing of
    `price` and `currency`; an auction always shows one, whatever its bids.
    """
    fill: Fill = {field: [0, 0] for field in sorted(WATCHED)}
    for listing in sightings:
        if listing.kind != "asking":
            continue
        for field, says in WATCHED.items():
            if (said := says(listing)) is not None:
                fill[field][0] += bool(said)
                fill[field][1] += 1
    return fill


def pooled(fills: Iterable[FillRates]) -> Fill:
    """Return the counts of several nights, or of parts of one, as one."""
    total: Fill = {}
    for fill in fills:
        for field, (filled, read) in fill.items():
            sums = total.setdefault(field, [0, 0])
            sums[0] += filled
            sums[1] += read
    return total


def broken_generation(counts: FillRates) -> list[str]:
    """Return the required fields that no listing filled, once enough were read: these pages cannot be read as they are.

    Args:
        counts: `fill_of` of what one kind of page or answer gave so far.
    """
    return [field for field in REQUIRED if _count(counts, field)[0] == 0 and _count(counts, field)[1] >= EARLY_READ]


def drifted(tonight: FillRates, history: Sequence[FillRates], *, min_fill: float) -> list[str]:
    """Return the fields that are filled far less often than usual, or, if required, hardly ever. Sorted.

    Args:
        tonight: `fill_of` the listings newly read tonight.
        history: the same of earlier nights, newest last. Leave out nights that were held for drift: what is broken for
            a week would become the usual.
        min_fill: the share of its usual rate below which a field has drifted, between 0 and 1.
    """
    usual = pooled(history[-HISTORY_NIGHTS:])
    return [field for field in sorted(tonight) if _has_drifted(field, tonight, usual, min_fill)]


def drift_words(fields: Iterable[str], tonight: FillRates, history: Sequence[FillRates]) -> str:
    """Return what is told of these fields: 'make in 3 of 120 listings, usually in 97%; price in 0 of 120 listings'."""
    usual = pooled(history[-HISTORY_NIGHTS:])
    told = []
    for field in fields:
        (filled, read), (filled_before, read_before) = _count(tonight, field), _count(usual, field)
        known = read_before >= LEAST_USUAL_READ
        before = f", usually in {filled_before / read_before:.0%}" if known else ""
        told.append(f"{field} in {filled:,} of {read:,} listings{before}")
    return "; ".join(told)


def lacks(listing: Sighting, fields: Iterable[str]) -> bool:
    """Return whether a listing leaves out one of these fields that it need not leave out."""
    said = (WATCHED[field](listing) for field in fields)
    return any(not value for value in said if value is not None)


def lower_tail(filled: int, read: int, rate: float) -> float:
    """Return the exact probability of at most `filled` successes in `read` trials of probability `rate`."""
    if filled >= read or rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    whole, yes, no = math.lgamma(read + 1), math.log(rate), math.log1p(-rate)
    terms = (
        whole - math.lgamma(k + 1) - math.lgamma(read - k + 1) + k * yes + (read - k) * no for k in range(filled + 1)
    )
    return min(1.0, math.fsum(map(math.exp, terms)))


def _has_drifted(field: str, tonight: FillRates, usual: FillRates, min_fill: float) -> bool:
    filled, read = _count(tonight, field)
    if read < LEAST_READ:
        return False
    if field in REQUIRED and filled < LEAST_REQUIRED_RATE * read:
        return True
    filled_before, read_before = _count(usual, field)
    if read_before < LEAST_USUAL_READ or filled_before < LEAST_USUAL_RATE * read_before:
        return False
    least = min_fill * _wilson_lower(filled_before, read_before)
    return filled < least * read and lower_tail(filled, read, least) < FALSE_ALARM


def _wilson_lower(filled: int, read: int) -> float:
    """Return the lower end of Wilson's score interval for a rate seen as `filled` of `read`."""
    rate, square = filled / read, Z_OF_FALSE_ALARM**2
    half = Z_OF_FALSE_ALARM * math.sqrt(rate * (1 - rate) / read + square / (4 * read**2))
    return (rate + square / (2 * read) - half) / (1 + square / read)


def _count(counts: FillRates, field: str) -> tuple[int, int]:
    """Return (filled, read); a field that was not watched then was never read."""
    filled, read = counts.get(field, (0, 0))
    return filled, read


def _priced(listing: Sighting, text: str) -> bool | None:
    """Return whether a listing names its price or currency; None for one that may do without."""
    if not listing.price and "CLASSIFIED_AD" in listing.buying_options:
        return None
    return bool(text)
