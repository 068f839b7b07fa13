"""What all nightly commands share: their options, the look before a run, and a stage run alone."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from flows.cli.output import quiet_prefect, show, telling_interrupts


class SourceName(StrEnum):
    """The sources that can be crawled."""

    sandbox = "sandbox"
    ebay_api = "ebay-api"
    ebay_pages = "ebay-pages"
    folder = "folder"


def date_option(default: str) -> Any:
    """Return the option of a night, whose default is told."""
    return typer.Option(formats=["%Y-%m-%d"], help=f"Logical date; default: {default}.")


NightOption = Annotated[
    datetime | None, date_option("the unfinished night, else the next one (not the sandbox: today)")
]
SourceOption = Annotated[
    SourceName | None, typer.Option(help="Where listings come from; folder: your own, as folder.path says.")
]
MarketplaceOption = Annotated[
    str | None, typer.Option(metavar="DIR", help="Sandbox: folder with listings.csv, photos/ and perhaps sold.csv.")
]


def run_stage(
    name: str, night: datetime | None, source: SourceName | None, *, as_json: bool, **options: str | None
) -> None:
    """Run one stage of a night alone and show its receipt; `options` are marketplace, lake and store."""
    given, settings = checked_options(night, source, **options)
    from flows.private_server import prefect_api
    from flows.stage_flows import stage_flow

    with telling_interrupts(), prefect_api():
        outcome = stage_flow(name, settings)(given)
    receipt = outcome.receipt
    counted = "\n".join(f"  {what:<40} {count:,}" for what, count in receipt.counts.items())
    how = "done already" if outcome.skipped else "done"
    show(receipt.model_dump(mode="json"), f"{name} of {receipt.night}: {how}\n{counted}", as_json=as_json)


def checked_options(night: datetime | None, source: SourceName | None, **options: str | None) -> tuple[Any, Any]:
    """Return the options and their settings, once a look has shown that they can work.

    The look comes before Prefect is started, so that a mistake is told at once and in one message.
    """
    quiet_prefect()
    from flows.open_night import preflight
    from flows.options import NightOptions

    given = NightOptions(night=night and night.date(), source=source and source.value, **options)
    return given, preflight(given)
