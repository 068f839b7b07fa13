"""Offers near a place as a person reads them: '47 offers within 50 miles, average price $19,347'."""

from collections.abc import Iterator

from autodetect.prices.radius import Radius
from autodetect.prices.sqlite.near import NearFact, NearOffer


def near_lines(near: NearFact, within: Radius) -> Iterator[str]:
    """Yield how many offers there are, at which price, and a line for each of the nearest."""
    yield "; ".join(_counted(near, within))
    yield from (_offer(offer, within) for offer in near.nearest)


def money(amount: float, currency: str | None) -> str:
    """Return '$19,347' for US dollars, '19,347 EUR' for anything else."""
    return f"${amount:,.0f}" if currency == "USD" else f"{amount:,.0f} {currency}"


def _counted(near: NearFact, within: Radius) -> Iterator[str]:
    if near.average is None:
        yield f"no offers within {within.words}"
    else:
        noun = "offer" if near.count == 1 else "offers"
        yield f"{near.count:,} {noun} within {within.words}, average price {money(near.average, near.currency)}"
    if near.others:
        yield f"{near.others:,} in other currencies"
    if near.by_area:
        yield f"of {near.by_area:,} only the area is known"
    if near.unplaced:
        yield f"{near.unplaced:,} more without a known place"


def _offer(offer: NearOffer, within: Radius) -> str:
    """Return one offer; how far it is away is about right where only its area is known."""
    away = f"{offer.km if within.unit == 'km' else offer.miles:,.0f} {'km' if within.unit == 'km' else 'mi'}"
    about = " ".join(str(fact) for fact in (offer.year, offer.trim) if fact) or offer.title or offer.item_id
    facts = [about, f"{offer.mileage:,} miles" if offer.mileage is not None else ""]
    facts += [f"{offer.rating} price" if offer.rating and offer.rating != "no rating" else "", offer.url or ""]
    area = "~" if offer.precision == "area" else ""
    return f"{area + away:>9}  {money(offer.price, offer.currency):>10}  {', '.join(filter(None, facts))}"
