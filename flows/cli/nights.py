"""`autodetect nightly`, its single stages, and `autodetect report`."""

import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from autodetect.records import Verdict
from flows.cli import export, prices
from flows.cli.output import JsonOption, LakeOption, StoreOption, show, telling_interrupts
from flows.cli.stages import (
    MarketplaceOption,
    NightOption,
    SourceOption,
    checked_options,
    date_option,
    run_stage,
)

STAGE_HELP = {
    "crawl": "Crawl the source: new and changed listings, sales and photos.",
    "curate": "Clean listings, check and hash photos, find copies, group vehicles.",
    "train": "Choose tonight's photos, train a challenger, and let the gate decide.",
    "publish": "Publish tonight's release.",
}

ReportNightOption = Annotated[datetime | None, date_option("the newest night with a report")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(nightly)
    for name, words in STAGE_HELP.items():
        if name == "publish":  # stages stand in their order; these two explain themselves
            export.register(app)
            app.command()(prices.price)
        help_text = f"{words}\n\nOne stage of a night, run alone. Example: autodetect {name}"
        app.command(name=name, help=help_text)(_stage_command(name))
    app.command()(report)


def nightly(
    night: NightOption = None,
    source: SourceOption = None,
    marketplace: MarketplaceOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run one whole night: crawl, curate, train, export, price, publish, report.

    A night that was interrupted goes on where it stopped. Example:

        autodetect nightly --source sandbox --marketplace ./my-marketplace --night 2026-11-01
    """
    options, _ = checked_options(night, source, marketplace=marketplace, lake=lake, store=store)
    from flows.nightly import nightly as flow
    from flows.private_server import prefect_api
    from flows.summary import NightSummary, as_text

    with telling_interrupts(), prefect_api():
        summary = flow(options, return_state=True).result()
    assert isinstance(summary, NightSummary)
    show(summary.model_dump(mode="json"), as_text(summary), as_json=as_json)
    if summary.verdict == Verdict.HELD:
        sys.exit(3)


def report(lake: LakeOption = None, night: ReportNightOption = None, as_json: JsonOption = False) -> None:
    """Say where a night's HTML report lies. Example: autodetect report --night 2026-11-01."""
    from autodetect.errors import UsageError
    from autodetect.lake.lake import open_lake
    from flows.options import NightOptions
    from flows.runner import report_folder

    settings = NightOptions(lake=lake).settings()
    reported = [r.night for r in open_lake(settings).receipts.all() if r.stage == "report"]
    wanted = night.date() if night else max(reported, default=None)
    if wanted is None or wanted not in reported:
        known = ", ".join(map(str, reported)) or "none"
        raise UsageError(f"there is no report of the night of {wanted or 'any date'}", f"nights with one: {known}")
    path = report_folder(settings, wanted) / "report.html"
    show({"night": wanted, "report": path}, str(path), as_json=as_json)


def _stage_command(name: str) -> Any:
    def command(
        night: NightOption = None,
        source: SourceOption = None,
        marketplace: MarketplaceOption = None,
        lake: LakeOption = None,
        store: StoreOption = None,
        as_json: JsonOption = False,
    ) -> None:
        run_stage(name, night, source, marketplace=marketplace, lake=lake, store=store, as_json=as_json)

    return command
