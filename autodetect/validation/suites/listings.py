"""The suites of listings: cleaned sightings before they are kept, row by row, and the rows of `listings` made of them.

Thresholds that a user may move are settings; the others are explained here.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pyarrow as pa

from autodetect.catalog.fields import BUYING_OPTIONS, MILEAGE_PLACEHOLDERS
from autodetect.lake.schemas import LISTINGS
from autodetect.validation.frames import among, days_after, frame_of
from autodetect.validation.rule import (
    COUNTRY,
    CURRENCY,
    ROWS_FOR_A_SHARE,
    Judged,
    Rule,
    Suite,
    at_least,
    between,
    holds,
    matches,
    one_of,
    present,
    unique,
)

FIRST_CAR_YEAR = 1885  # Benz Patent-Motorwagen
MAX_MILEAGE = 1_000_000  # miles; odometers that turned over are rarer than typing errors
MAX_CREDIBLE_PRICE = 100_000_000.0  # above any car ever sold by auction up to 2021; beyond 2022's single exception
MAX_BIDS = 10_000  # car auctions end after some hundreds; beyond this it is another number of the page
ONE_WAY_TO_BUY = f"(?:{'|'.join(BUYING_OPTIONS)})"
POSTAL_CODE = r"^(?=.*[0-9])[0-9A-Z][0-9A-Z *-]{2,9}$"  # anywhere; `catalog.postal_codes` judges US and Canadian ones
STATUSES = ("active", "missing", "ended", "sold", "imported")


def listing_suite(night: date) -> Suite:
    """Return the rules of cleaned listings; columns `*_unreadable` say that text was there but no number in it.

    One listing may be seen more than once in a night, as an offer and as a sale: `sighting` tells these apart.
    """
    in_range = "ExpectColumnValuesToBeBetween"
    share = "ExpectColumnProportionOfNonNullValuesToBeBetween"
    price = {"min_value": 0.0, "strict_min": True, "max_value": MAX_CREDIBLE_PRICE}
    year = {"min_value": FIRST_CAR_YEAR, "max_value": night.year + 2}
    readable: Callable[[str], dict[str, Any]] = lambda name: {"column": f"{name}_unreadable", "value_set": [False]}  # noqa: E731
    in_set = "ExpectColumnValuesToBeInSet"
    return Suite(
        "listings",
        ("source", "item_id", "sighting"),
        (
            Rule(
                "listing.item_id_missing",
                "refused",
                "ExpectColumnValueLengthsToBeBetween",
                {"column": "item_id", "min_value": 1},
            ),
            Rule(
                "listing.currency_unreadable",
                "refused",
                "ExpectColumnValuesToMatchRegex",
                {"column": "currency", "regex": CURRENCY},
            ),
            Rule("listing.price_unreadable", "noted", in_set, readable("price")),
            Rule("listing.year_unreadable", "noted", in_set, readable("year")),
            Rule("listing.mileage_unreadable", "noted", in_set, readable("mileage")),
            Rule("listing.price_not_credible", "nulled", in_range, {"column": "asking_price", **price}),
            Rule("sale.price_not_credible", "nulled", in_range, {"column": "sold_price", **price}),
            Rule("listing.year_not_credible", "nulled", in_range, {"column": "year", **year}),
            Rule(
                "listing.mileage_not_credible",
                "nulled",
                in_range,
                {"column": "mileage", "min_value": 0, "max_value": MAX_MILEAGE},
            ),
            Rule(
                "listing.mileage_placeholder",
                "nulled",
                "ExpectColumnValuesToNotBeInSet",
                {"column": "mileage", "value_set": list(MILEAGE_PLACEHOLDERS)},
            ),
            Rule(
                "listing.postal_code_unreadable",
                "nulled",
                "ExpectColumnValuesToMatchRegex",
                {"column": "postal_code", "regex": POSTAL_CODE},
            ),
            Rule(
                "listing.bids_not_credible",
                "nulled",
                in_range,
                {"column": "bids", "min_value": 0, "max_value": MAX_BIDS},
            ),
            Rule("listing.model_not_named", "noted", "ExpectColumnValuesToNotBeNull", {"column": "make_model_id"}),
            Rule(
                "listings.keys_repeat",
                "held",
                "ExpectCompoundColumnsToBeUnique",
                {"column_list": ["source", "item_id", "sighting"]},
            ),
            # Half is far below any real night (over 0.9): a page that changed its shape, not a bad day.
            Rule(
                "listings.models_missing",
                "held",
                share,
                {"column": "make_model_id", "min_value": 0.5},
                ROWS_FOR_A_SHARE,
            ),
            Rule("listings.prices_missing", "held", share, {"column": "any_price", "min_value": 0.5}, ROWS_FOR_A_SHARE),
        ),
    )


def listing_rows(rows: pa.Table, *, night: date, make_models: Iterable[pa.Table]) -> Judged:
    """Return the suite and its frame: the rows of `listings` that tonight changes, as they are to be written.

    Args:
        rows: what curation is about to write.
        night: tonight.
        make_models: all makes and models, known and tonight's (`make_model_id`).
    """
    frame = frame_of(
        rows,
        [
            *LISTINGS.key,
            "make_model_id",
            "year",
            "mileage",
            "buying_options",
            "bids",
            "country",
            "asking_price",
            "sold_price",
            "currency",
            "status",
            "first_seen",
            "last_seen",
            "missed",
        ],
        seen_after_night=days_after(rows, "last_seen", night),
        make_model_known=among(rows, ("make_model_id",), make_models),
    )
    rules = (
        unique("listings.rows_repeat", LISTINGS.key),
        matches("listing.row_without_item_id", "held", "item_id", r"\S"),
        one_of("listing.status_unknown", "held", "status", STATUSES),
        present("listing.status_missing", "held", "status"),
        holds("listing.make_model_unknown", "held", "make_model_known"),
        matches("listing.currency_malformed", "held", "currency", CURRENCY),
        between("listing.asking_price_kept", "held", "asking_price", 0, MAX_CREDIBLE_PRICE),
        between("listing.sold_price_kept", "held", "sold_price", 0, MAX_CREDIBLE_PRICE),
        between("listing.year_kept", "held", "year", FIRST_CAR_YEAR, night.year + 2),
        between("listing.mileage_kept", "held", "mileage", 0, MAX_MILEAGE),
        between("listing.bids_kept", "held", "bids", 0, MAX_BIDS),
        matches(
            "listing.buying_options_malformed",
            "held",
            "buying_options",
            rf"^{ONE_WAY_TO_BUY}(?:\|{ONE_WAY_TO_BUY})*$",
        ),
        between("listing.missed_negative", "held", "missed", 0),
        at_least("listing.last_seen_before_first", "held", "first_seen", "last_seen"),
        between("listing.seen_after_night", "held", "seen_after_night", None, 0),
        matches("listing.country_malformed", "warned", "country", COUNTRY),
    )
    return Suite("listing_rows", LISTINGS.key, rules), frame
