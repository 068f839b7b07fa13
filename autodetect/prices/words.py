"""Prices in words: what a rule says of a listing that it leaves out, and how far off the valuation is."""

from autodetect.prices.judged.figures import PriceEvaluation

_RULES = {
    "no_make_model": "no make and model that the catalogue knows",
    "price_missing": "no price that can be read",
    "currency_missing": "a price in nobody knows what",
    "other_currency": "in another currency than most",
    "price_placeholder": "priced 0 or 1",
    "deposit": "a deposit or a monthly rate, not a price",
    "parts_only": "for parts, or not running",
    "salvage": "a salvage or rebuilt title",
    "auction_unbid": "an auction that nobody bid on",
    "auction_running": "an auction that still runs: its bid is no asking price",
    "price_below_minimum": "below prices.min_price",
    "price_above_maximum": "above prices.max_price",
    "date_missing": "no date",
    "outside_window": "outside the window",
    "relist": "a car that is counted already",
    "outlier": "far from the other prices of its model",
}


def rule_words(rule: str) -> str:
    """Return what a rule says; its name with spaces where there are no words for it."""
    return _RULES.get(rule, rule.replace("_", " "))


def error_words(evaluation: PriceEvaluation) -> str:
    """Return how far off the valuation is, beside the mean per model; '' where it was not judged."""
    split = evaluation.by_vehicle or evaluation.by_time
    if split is None:
        return ""
    ours, mean = split.of("valuation"), split.of("mean per model")
    if ours.median_ape is None or ours.within_20 is None or ours.coverage is None:
        return ""
    beside = f" (mean per model {mean.median_ape:.1%})" if mean.median_ape is not None else ""
    cars = f"{ours.cars:,} {'held-out cars' if split.split == 'vehicle' else 'later sales'}"
    return (
        f"off by {ours.median_ape:.1%} in the median{beside} on {cars}, {ours.within_20:.1%} within 20%; "
        f"intervals hold {ours.coverage:.1%}"
    )
