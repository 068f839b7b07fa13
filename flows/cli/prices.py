"""`autodetect price`, a stage or the funnel behind a figure, and `autodetect value`, what one car is worth."""

import sys
from typing import Annotated

import typer

from flows.cli.output import JsonOption, LakeOption, StoreOption, show
from flows.cli.stages import MarketplaceOption, NightOption, SourceOption, run_stage

ExplainOption = Annotated[
    str | None, typer.Option("--explain", metavar="MAKE_MODEL", help="Show the funnel behind its prices instead.")
]
NearOption = Annotated[
    str | None, typer.Option(metavar="ZIP|LAT,LON", help="Where the car is, and offers are looked for.")
]
WithinOption = Annotated[str, typer.Option(metavar="DISTANCE", help="How far is near, such as 50mi or 80km.")]


def register(app: typer.Typer) -> None:
    """Add `value` to the program; `price` stands among the stages."""
    app.command()(value)


def price(
    night: NightOption = None,
    source: SourceOption = None,
    marketplace: MarketplaceOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    explain: ExplainOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the price and offer tables; or explain a price.

    By itself it is one stage of a night, run alone.

    With --explain it shows where the newest prices of a make and model come
    from: what the sources showed, the listings made of it, how many of them
    each rule left out (with a few of them to look up), and the figures that
    the others give, by model year and state too. Name the model by its id in
    the catalogue or as you would say it. Nothing is changed. Examples:

        autodetect price

        autodetect price --explain ford/mustang

        autodetect price --explain "Ford Mustang" --json
    """
    if explain is None:
        run_stage("price", night, source, marketplace=marketplace, lake=lake, store=store, as_json=as_json)
        return
    from autodetect.errors import UsageError
    from autodetect.lake.lake import open_lake
    from autodetect.prices.explain import explain as explained
    from flows.cli.price_words import explained_lines
    from flows.options import NightOptions

    if night is not None:
        raise UsageError("--explain shows the newest prices, not those of a night", "leave --night out")
    settings = NightOptions(source=source and source.value, lake=lake).settings()
    opened = open_lake(settings)
    found = explained(opened, opened.receipts, explain, settings=settings.prices)
    show(found.model_dump(mode="json"), "\n".join(explained_lines(found)), as_json=as_json)


def value(
    make: Annotated[str, typer.Option(help="The make, such as Ford.")],
    model: Annotated[str, typer.Option(help="The model, such as Mustang.")],
    year: Annotated[int | None, typer.Option(help="Model year. Without it, prices are shown by model year.")] = None,
    mileage: Annotated[float | None, typer.Option(min=0, help="Miles driven.")] = None,
    trim: Annotated[str, typer.Option(help="Trim, as a seller would write it: 'GT Premium'.")] = "",
    near: NearOption = None,
    within: WithinOption = "50mi",
    asked: Annotated[
        float | None, typer.Option("--price", min=1, metavar="ASKED", help="What is asked: is it a good price?")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a car is worth, from the published release.

    The more you say, the narrower the interval: make and model alone give
    prices by model year, and ask for the year. With --price it says how the
    price stands: great, good, fair, high, or no rating where nobody can know.
    With --near it counts the offers around you and names the nearest. Examples:

        autodetect value --make Ford --model Mustang

        autodetect value --make Ford --model Mustang --year 2015 --mileage 60000 --trim GT

        autodetect value --make Ford --model Mustang --year 2015 --price 18500 --near 33602 --within 100mi
    """
    from autodetect.catalog.postal_codes import read_postal_code
    from autodetect.prices.places import parse_place
    from autodetect.prices.radius import parse_radius
    from autodetect.release.value import AskedCar, fetch, value_car
    from flows.cli.price_words import valued_lines, year_lines
    from flows.cli.synced import synced
    from flows.options import NightOptions

    settings = NightOptions(store=store).settings()
    place = parse_place(near) if near is not None else None
    car = AskedCar(
        make=make,
        model=model,
        year=year,
        mileage=mileage,
        trim=trim,
        price=asked,
        place=place,
        region=read_postal_code(near).region or "" if near and place and place.precision != "point" else "",
        within=parse_radius(within),
    )
    release = synced(settings, fetch)
    widest = settings.valuation.max_interval_ratio
    found = value_car(release, car, max_interval_ratio=widest)
    told = [f"release {release.release_id[:12]} of {release.manifest.night}"]
    told += [f"  WARNING: {warning}" for warning in release.manifest.warnings]
    told += year_lines(found) if year is None else ()
    if year is None and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
        print("\n".join(told))
        found = value_car(release, car.model_copy(update={"year": _typed_year()}), max_interval_ratio=widest)
        told = []
    show(found.model_dump(mode="json"), "\n".join([*told, *valued_lines(found)]), as_json=as_json)


def _typed_year() -> int | None:
    """Ask for the model year; None is any. Ctrl-C ends the program as interrupted."""
    try:
        return typer.prompt("Which model year? (Enter: any)", default=0, show_default=False, type=int) or None
    except typer.Abort:
        raise typer.Exit(130) from None
