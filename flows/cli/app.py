"""The program `autodetect`: its commands, how errors become exit codes, and nothing heavy at import."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from autodetect import __version__
from autodetect.errors import AutoDetectError, UsageError
from flows.cli import backbone, catalog, doctor, finetune, identify, imports, lake, nights, prices, release, sandbox

EXIT_CODES = """\
[bold]Exit codes[/bold]: 0 done (published, prices_only, skipped); 1 unexpected failure; 2 wrong usage or settings; \
3 held: nothing was published; 4 something outside is down (store, source, server); 5 another run holds the lease; \
130 interrupted."""

app = typer.Typer(
    name="autodetect",
    help="Crawl used cars, keep what is sound, train a classifier, price the models, and publish a release.\n\n"
    "Try it: [bold]autodetect nightly[/bold] runs a whole night on the bundled sandbox marketplace.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)
for room in (nights, finetune, imports, identify, prices, release, lake, backbone, catalog, sandbox, doctor):
    room.register(app)


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of the program itself."""


def _check_text(arguments: Sequence[str]) -> None:
    """Refuse arguments whose bytes are no text: Python lets them in as lone surrogates, which nothing can write out."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"the argument {argument!r} is not UTF-8", "write it in UTF-8") from error


def main() -> None:
    """Run the program; what a person did wrong is told in words, never by a traceback."""
    try:
        _check_text(sys.argv[1:])
        app()
    except AutoDetectError as error:
        print(f"autodetect: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
