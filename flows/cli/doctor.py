"""`autodetect doctor`: what is configured, what is missing, how the lake and the store are. Changes nothing."""

import sys

import typer

from flows.cli.output import JsonOption, LakeOption, StoreOption, show


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(doctor)


def doctor(lake: LakeOption = None, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Say what is configured, what is missing, and how old the last good night is. Changes nothing.

    Exits 2 when something must be mended before a night can run, 4 when the store is down. Example: autodetect doctor
    """
    from flows.examination import examine
    from flows.options import NightOptions

    findings = examine(NightOptions(lake=lake, store=store).settings())
    width = max(len(finding.what) for finding in findings)
    marks = {"good": "ok", "note": "--", "bad": "!!"}
    text = "\n".join(f"{marks[f.state]}  {f.what:<{width}}  {f.words}" for f in findings)
    show([finding.model_dump() for finding in findings], text, as_json=as_json)
    if any(finding.state == "bad" for finding in findings):
        sys.exit(max(finding.exit_code for finding in findings) or 2)
