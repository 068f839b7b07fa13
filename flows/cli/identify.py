"""`autodetect identify`: what the app shows."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.output import JsonOption, StoreOption, native_silence, show

if TYPE_CHECKING:
    from autodetect.prices.radius import Radius
    from autodetect.release.identify import Guess, Identification


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(identify)


def identify(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos of cars.")],
    same_car: Annotated[bool, typer.Option("--same-car", help="All photos show one car: one answer to all.")] = False,
    near: Annotated[
        str | None,
        typer.Option(metavar="ZIP|LAT,LON", help="Where you are: count the offers around, name the nearest."),
    ] = None,
    within: Annotated[str, typer.Option(metavar="DISTANCE", help="How far is near, such as 50mi or 80km.")] = "50mi",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name the car on each photo, its price and how many are on offer, from the published release.

    Below the model's threshold it says 'not sure' and what it guesses. Offers are those of the whole marketplace; with
    --near (a US or Canadian postal code, or latitude and longitude) also those around you. Examples:

        autodetect identify mustang.jpg

        autodetect identify --same-car front.jpg side.jpg back.jpg

        autodetect identify mustang.jpg --near 33602 --within 100mi
    """
    from autodetect.errors import UsageError
    from autodetect.prices.places import parse_place
    from autodetect.prices.radius import parse_radius
    from autodetect.release.identify import Asked, fetch, read_photo
    from autodetect.release.identify import identify as answer
    from flows.cli.synced import synced
    from flows.options import NightOptions

    settings = NightOptions(store=store).settings()
    radius = parse_radius(within)
    asked = Asked(place=parse_place(near), within=radius) if near is not None else None
    images = {photo: read_photo(photo, max_pixels=settings.photos.max_pixels) for photo in photos}
    release = synced(settings, fetch)
    with native_silence():
        import keras  # noqa: F401 - loads its backend
    answers = answer(release, images, same_car=same_car, asked=asked)
    lines = [f"release {release.release_id[:12]} of {release.manifest.night}"]
    lines += [f"  WARNING: {warning}" for warning in release.manifest.warnings]
    lines += [line for found in answers for line in _told(found, radius)]
    if not answers[0].screened:
        lines.append("not screened for photos without a car: the release carries no ImageNet head")
    show([found.model_dump(mode="json") for found in answers], "\n".join(lines), as_json=as_json)
    if not any(found.guesses for found in answers):
        refused = "; ".join(f"{each.photo} shows {each.seen}" for found in answers for each in found.no_car)
        raise UsageError(f"no car is seen: {refused}", "take a photo of a whole car from outside")


def _told(found: "Identification", within: "Radius") -> Iterator[str]:
    from flows.cli.near_words import near_lines

    if found.guesses:
        without = {refused.photo for refused in found.no_car}
        photos = ", ".join(photo for photo in found.photos if photo not in without)
        yield f"{photos}: not sure, perhaps" if found.sure is False else photos
    for guess in found.guesses:
        yield f"  {guess.probability:6.2%}  {guess.label:<28} {_worth(guess)}"
        if guess.near:
            yield from (f"{'':<9}{line}" for line in near_lines(guess.near, within))
    for refused in found.no_car:
        yield f"{refused.photo}: no car is seen; it shows {refused.seen}"


def _worth(guess: "Guess") -> str:
    from flows.cli.near_words import money

    price, offers = guess.price, guess.offers
    parts = []
    if price and price.median is not None:
        word = "sold for" if price.basis == "sold" else "asked for"
        parts.append(f"{word} {money(price.median, price.currency)} (median of {price.count})")
    elif price:
        parts.append(f"no price: {price.reason}")
    if offers.count and offers.average is not None:
        parts.append(f"{offers.count} offers, average price {money(offers.average, offers.currency)}")
    else:
        parts.append("no offers")
    return "; ".join(parts)
