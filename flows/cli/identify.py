"""`autodetect identify`: what the app shows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.output import JsonOption, StoreOption, native_silence, show


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(identify)


def identify(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos of cars.")],
    same_car: Annotated[bool, typer.Option("--same-car", help="All photos show one car: one answer to all.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name the car on each photo, its price and how many the whole marketplace offers, from the published release.

    Below the model's threshold it says 'not sure' and what it guesses. Examples:

        autodetect identify mustang.jpg

        autodetect identify --same-car front.jpg side.jpg back.jpg
    """
    from autodetect.errors import UsageError
    from autodetect.records import canonical_digest
    from autodetect.release.identify import fetch, read_photo
    from autodetect.release.identify import identify as answer
    from autodetect.release.stage import open_store
    from flows.options import NightOptions

    settings = NightOptions(store=store).settings()
    images = {photo: read_photo(photo, max_pixels=settings.photos.max_pixels) for photo in photos}
    cache = Path(settings.work) / "releases" / canonical_digest(settings.store)[:12]
    release = fetch(open_store(settings, probe=False), cache)
    with native_silence():
        import keras  # noqa: F401 - loads its backend
    answers = answer(release, images, same_car=same_car)
    lines = [f"release {release.release_id[:12]} of {release.manifest.night}"]
    lines += [f"  WARNING: {warning}" for warning in release.manifest.warnings]
    lines += [line for found in answers for line in _told(found)]
    if not answers[0].screened:
        lines.append("not screened for photos without a car: the release carries no ImageNet head")
    show([found.model_dump(mode="json") for found in answers], "\n".join(lines), as_json=as_json)
    if not any(found.guesses for found in answers):
        refused = "; ".join(f"{each.photo} shows {each.seen}" for found in answers for each in found.no_car)
        raise UsageError(f"no car is seen: {refused}", "take a photo of a whole car from outside")


def _told(found: "Identification") -> Iterator[str]:  # type: ignore[name-defined]  # noqa: F821 - not imported at start
    if found.guesses:
        without = {refused.photo for refused in found.no_car}
        photos = ", ".join(photo for photo in found.photos if photo not in without)
        yield f"{photos}: not sure, perhaps" if found.sure is False else photos
    for guess in found.guesses:
        yield f"  {guess.probability:6.2%}  {guess.label:<28} {_worth(guess)}"
    for refused in found.no_car:
        yield f"{refused.photo}: no car is seen; it shows {refused.seen}"


def _worth(guess: "Guess") -> str:  # type: ignore[name-defined]  # noqa: F821 - not imported at start
    price, offers = guess.price, guess.offers
    parts = []
    if price and price.median is not None:
        word = "sold for" if price.basis == "sold" else "asked for"
        parts.append(f"{word} {price.median:,.0f} {price.currency} (median of {price.count})")
    elif price:
        parts.append(f"no price: {price.reason}")
    if offers.count and offers.average is not None:
        parts.append(f"{offers.count} offers, average price {offers.average:,.0f} {offers.currency}")
    else:
        parts.append("no offers")
    return "; ".join(parts)
