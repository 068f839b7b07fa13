"""The rules that rows and tables must keep, each a Great Expectations expectation with a name and an effect.

Effects: `refused` (the row is left out), `nulled` (one value is set to null), `noted` (kept, and told), `held` (the
whole night must not be published). Thresholds that a user may move are settings; the others are explained here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from autodetect.settings import Settings

Effect = Literal["refused", "nulled", "noted", "held"]

ROWS_FOR_A_SHARE = 50
FIRST_CAR_YEAR = 1885  # Benz Patent-Motorwagen
MAX_MILEAGE = 1_000_000  # miles; odometers that turned over are rarer than typing errors
MILEAGE_PLACEHOLDERS = [999_999, 123_456, 111_111, 888_888]  # what sellers type who do not want to say
MAX_CREDIBLE_PRICE = 100_000_000.0  # above any car ever sold by auction up to 2021; beyond 2022's single exception
POSTAL_CODE = r"^(?:\d{5}(?:-\d{4})?|\d{3}\*\*|[A-Z]\d[A-Z] ?\d[A-Z]\d|[A-Z]\d[A-Z] ?\*+)$"  # US, US masked, Canada


@dataclass(frozen=True)
class Rule:
    """A named rule: `expectation` is the class name in `great_expectations.expectations`, with its arguments.

    Fewer rows than `min_rows` are not judged: a share of three rows says nothing.
    """

    name: str
    effect: Effect
    expectation: str
    arguments: dict[str, Any] = field(default_factory=dict)
    min_rows: int = 1

    @property
    def column(self) -> str | None:
        """Return the column that the rule judges, if it is about one."""
        return self.arguments.get("column")


@dataclass(frozen=True)
class Suite:
    """The rules of one table and the columns that name a row of it."""

    table: str
    key: tuple[str, ...]
    rules: tuple[Rule, ...]


def listing_suite(night: date) -> Suite:
    """Return the rules of cleaned listings; columns `*_unreadable` say that text was there but no number in it.

    One listing may be seen more than once in a night, as an offer and as a sale: `sighting` tells these apart.
    """
    between = "ExpectColumnValuesToBeBetween"
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
                {"column": "currency", "regex": "^[A-Z]{3}$"},
            ),
            Rule("listing.price_unreadable", "noted", in_set, readable("price")),
            Rule("listing.year_unreadable", "noted", in_set, readable("year")),
            Rule("listing.mileage_unreadable", "noted", in_set, readable("mileage")),
            Rule("listing.price_not_credible", "nulled", between, {"column": "asking_price", **price}),
            Rule("sale.price_not_credible", "nulled", between, {"column": "sold_price", **price}),
            Rule("listing.year_not_credible", "nulled", between, {"column": "year", **year}),
            Rule(
                "listing.mileage_not_credible",
                "nulled",
                between,
                {"column": "mileage", "min_value": 0, "max_value": MAX_MILEAGE},
            ),
            Rule(
                "listing.mileage_placeholder",
                "nulled",
                "ExpectColumnValuesToNotBeInSet",
                {"column": "mileage", "value_set": MILEAGE_PLACEHOLDERS},
            ),
            Rule(
                "listing.postal_code_unreadable",
                "nulled",
                "ExpectColumnValuesToMatchRegex",
                {"column": "postal_code", "regex": POSTAL_CODE},
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


def photo_suite(settings: Settings) -> Suite:
    """Return the rules of examined photos: `defect` is the name of what decoding found wrong."""
    side = {"min_value": settings.photos.min_side}
    return Suite(
        "photos",
        ("sha256",),
        (
            Rule("photo.unreadable", "refused", "ExpectColumnValuesToBeNull", {"column": "defect"}),
            Rule("photo.too_small", "refused", "ExpectColumnValuesToBeBetween", {"column": "short_side", **side}),
            # Grey levels: a flat picture re-encoded as JPEG varies by less than 2; the dimmest real photo by over 10.
            Rule("photo.blank", "refused", "ExpectColumnValuesToBeBetween", {"column": "contrast", "min_value": 4.0}),
            Rule(
                "photos.none_readable",
                "held",
                "ExpectColumnProportionOfNonNullValuesToBeBetween",
                {"column": "contrast", "min_value": 0.5},
                ROWS_FOR_A_SHARE,
            ),
        ),
    )
