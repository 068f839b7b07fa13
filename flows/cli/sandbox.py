"""`autodetect sandbox`: the bundled marketplace."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from crawlers.sandbox.faults.kinds import help_lines

group = typer.Typer(help="Draw a marketplace, or serve one the way eBay does.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the program."""
    app.add_typer(group, name="sandbox")


@group.command("generate")
def generate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; must not exist, or be empty.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same files, byte for byte.")] = 0,
    models: Annotated[int, typer.Option(min=1, help="How many models.")] = 14,
    vehicles: Annotated[int, typer.Option(min=1, help="Vehicles per model.")] = 40,
    nights: Annotated[int, typer.Option(min=1, help="Nights over which listings come and go.")] = 3,
    listings: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="For load tests: about so many listings a night, made up and not drawn; --models and --vehicles "
            "do not matter then.",
        ),
    ] = None,
    photos: Annotated[int, typer.Option(min=0, help="With --listings: photos a listing, from a small pool.")] = 0,
) -> None:
    """Draw a marketplace: listings, photos and sales, with the dirt that real ones have.

    Example: autodetect sandbox generate ./marketplace --seed 7
    """
    if listings is None:
        from crawlers.sandbox.making.generate import generate as draw

        draw(folder, seed=seed, models=models, vehicles=vehicles, nights=nights)
    else:
        from crawlers.sandbox.making.bulk import write_bulk

        write_bulk(folder, listings=listings, photos=photos, seed=seed, nights=nights)
    typer.echo(f"{folder} is ready: serve it with `autodetect sandbox serve --marketplace {folder}`", err=True)


@group.command("serve", epilog="\n\n".join(["Faults:", *help_lines()]))
def serve(
    marketplace: Annotated[str | None, typer.Option(metavar="DIR", help="The marketplace folder.")] = None,
    night_index: Annotated[int, typer.Option(min=1, help="Serve the marketplace as of this night.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")] = 8765,
    serves: Annotated[
        str, typer.Option(metavar="ID", help="The only X-EBAY-C-MARKETPLACE-ID that finds anything.")
    ] = "",
    markup: Annotated[
        Literal["s-card", "s-item"], typer.Option(help="The generation of result pages: today's, or the older one.")
    ] = "s-card",
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:KEY=VALUE,...]",
            help="A fault to serve, see below; may be given several times.",
            show_default="the setting sandbox.faults",
        ),
    ] = None,
    fault_seed: Annotated[int, typer.Option(metavar="N", help="Decides which addresses are hit.")] = 0,
) -> None:
    """Serve a marketplace over HTTP as eBay serves its APIs, its pages and its photos, until Ctrl-C.

    Example: autodetect sandbox serve --marketplace ./marketplace --night-index 2
    """
    from crawlers.sandbox.server import serve as run
    from flows.options import NightOptions

    sandbox = NightOptions(marketplace=marketplace).settings().sandbox
    run(
        Path(sandbox.marketplace),
        night_index=night_index,
        port=port,
        marketplace_id=serves,
        markup=markup,
        faults=fault or sandbox.faults,
        fault_seed=fault_seed,
    )
    sys.exit(0)
