"""The suite of `offers`: what a phone shows as on sale tonight."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import OFFERS
from autodetect.sections import PriceSettings
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import (
    COUNTRY,
    CURRENCY,
    Judged,
    Suite,
    at_least,
    between,
    holds,
    matches,
    mostly_present,
    one_of,
    present,
    unique,
)
from autodetect.validation.suites.listings import FIRST_CAR_YEAR

PRECISIONS = ("code", "area")
RATINGS = ("great", "good", "fair", "high", "no rating")
_FACTS = ("price", "currency", "year", "country", "postal_code", "rating", "first_price", "changed_on")
_PLACE = ("latitude", "longitude", "place_precision")
_VALUE = ("value", "value_low", "value_high")


def offers(rows: pa.Table, *, make_models: pa.Table, listings: pa.Table, settings: PriceSettings) -> Judged:
    """Return the suite and its frame.

    Args:
        rows: tonight's offers.
        make_models: all makes and models (`make_model_id`).
        listings: the listings that may be offered: rows of `listings` whose status is active (`source`, `item_id`).
        settings: the bounds of a believable price.
    """
    frame = frame_of(
        rows,
        [*OFFERS.key, *_FACTS, *_PLACE, *_VALUE],
        place_whole=_all_or_none(rows, _PLACE),
        value_whole=_all_or_none(rows, _VALUE),
        make_model_known=among(rows, ("make_model_id",), [make_models]),
        listing_active=among(rows, ("source", "item_id"), [listings]),
    )
    rules = (
        unique("offers.keys_repeat", OFFERS.key),
        between("offer.price_not_credible", "held", "price", settings.min_price, settings.max_price),
        present("offer.price_missing", "held", "price"),
        matches("offer.currency_malformed", "held", "currency", CURRENCY),
        between("offer.year_not_credible", "warned", "year", FIRST_CAR_YEAR),
        matches("offer.country_malformed", "warned", "country", COUNTRY),
        mostly_present("offers.places_missing", "warned", "postal_code", 0.5),
        between("offer.latitude_not_on_earth", "held", "latitude", -90, 90),
        between("offer.longitude_not_on_earth", "held", "longitude", -180, 180),
        one_of("offer.precision_unknown", "held", "place_precision", PRECISIONS),
        holds("offer.place_incomplete", "held", "place_whole"),
        at_least("offer.value_below_its_interval", "held", "value_low", "value"),
        at_least("offer.value_above_its_interval", "held", "value", "value_high"),
        holds("offer.value_incomplete", "held", "value_whole"),
        one_of("offer.rating_unknown", "held", "rating", RATINGS),
        present("offer.first_price_missing", "held", "first_price"),
        between("offer.first_price_not_credible", "warned", "first_price", settings.min_price, settings.max_price),
        at_least("offer.price_changed_after_night", "held", "changed_on", "night"),
        holds("offer.make_model_unknown", "held", "make_model_known"),
        holds("offer.listing_not_active", "held", "listing_active"),
    )
    return Suite("offers", OFFERS.key, rules), frame


def _all_or_none(rows: pa.Table, columns: tuple[str, ...]) -> Any:
    """Return for each row whether it has all of some columns or none of them."""
    first = pc.is_valid(rows[columns[0]])
    alike = [pc.equal(first, pc.is_valid(rows[name])) for name in columns[1:]]
    return pc.and_(*alike).to_pandas()
