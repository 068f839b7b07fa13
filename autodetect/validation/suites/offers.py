"""The suite of `offers`: what a phone shows as on sale tonight."""

import pyarrow as pa

from autodetect.lake.schemas import OFFERS
from autodetect.sections import PriceSettings
from autodetect.validation.frames import among, frame_of
from autodetect.validation.rule import (
    COUNTRY,
    CURRENCY,
    Judged,
    Suite,
    between,
    holds,
    matches,
    mostly_present,
    present,
    unique,
)
from autodetect.validation.suites.listings import FIRST_CAR_YEAR


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
        [*OFFERS.key, "price", "currency", "year", "country", "postal_code"],
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
        holds("offer.make_model_unknown", "held", "make_model_known"),
        holds("offer.listing_not_active", "held", "listing_active"),
    )
    return Suite("offers", OFFERS.key, rules), frame
