"""`autodetect lake`: look after the lake."""

import typer

from autodetect.errors import CorruptError
from flows.cli.output import JsonOption, LakeOption, show

group = typer.Typer(help="Check the lake.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the program."""
    app.add_typer(group, name="lake")


@group.callback()
def _group() -> None:
    """Check the lake."""


@group.command("check")
def check(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """Read every table at the version that receipts name, print its canonical digest, and look for missing photos.

    Equal digests mean equal results: two undisturbed runs of the same nights agree in every line. Example:

        autodetect lake check --lake var/lake
    """
    from autodetect.lake.inspection import inspect
    from autodetect.lake.lake import open_lake
    from flows.options import NightOptions

    found = inspect(open_lake(NightOptions(lake=lake).settings()))
    lines = [
        f"{table.name:<16} {table.rows:>10,} rows  version {table.version:>4}  {table.digest}" for table in found.tables
    ]
    lines += [f"problem: {problem}" for problem in found.problems]
    show(found.model_dump(mode="json"), "\n".join(lines), as_json=as_json)
    if found.problems:
        raise CorruptError(f"the lake has {len(found.problems)} problems", "they are listed above")
