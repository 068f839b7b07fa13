"""The nightly flow: one night from crawl to release, resumed where it stopped, held when it is not good enough."""

from datetime import UTC, datetime
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from autodetect.errors import HeldError
from autodetect.lake.nights import end
from autodetect.lake.verdict import hold_reason, verdict_of
from autodetect.records import Receipt, Verdict
from flows.open_night import NothingToDoError, asked_night, open_night
from flows.options import NightOptions
from flows.runner import NightRun
from flows.stage_flows import stage_flow
from flows.summary import NightSummary, as_markdown, summarise

PUBLISHING = ("crawl", "curate", "train", "export", "price", "publish")


@flow(
    name="nightly",
    description="Crawl, curate, train, export, price, publish and report one night.",
    flow_run_name=lambda: f"nightly-{asked_night()}",
)
def nightly(options: NightOptions | None = None) -> State[Any]:
    """Run one night.

    Returns:
        A completed state named after the verdict (Published, Prices_only, Held, Skipped) whose data is a
        `NightSummary`. A held night is no failure and is never retried.
    """
    log = get_run_logger()
    try:
        with open_night(options, log) as night:
            done, held = _run_stages(night)
            done["report"] = stage_flow("report", night.settings)().receipt
            summary = _close(night, done, held)
    except NothingToDoError as why:
        return _state(NightSummary(verdict=Verdict.SKIPPED, reason=why.what))
    create_markdown_artifact(key="night", markdown=as_markdown(summary), description=f"The night of {summary.night}")
    return _state(summary)


def _run_stages(night: NightRun) -> tuple[dict[str, Receipt], str]:
    """Run the stages until the night is published or held; return their receipts, and why it was held, if it was."""
    done: dict[str, Receipt] = {}
    for name in PUBLISHING:
        held = hold_reason(done, night.settings.crawl.min_coverage)
        if held:
            return done, held
        try:
            done[name] = stage_flow(name, night.settings)().receipt
        except HeldError as why:
            return done, why.what
    return done, ""


def _close(night: NightRun, receipts: dict[str, Receipt], held: str) -> NightSummary:
    """Write the receipt that ends the night and return what a person is told."""
    begin = night.begin
    verdict, reason = Verdict.HELD, held
    if not held:
        earlier = night.lake.receipts.before(begin.night)
        verdict, reason = verdict_of(receipts, earlier, night.settings.crawl.min_coverage)
    night.fence.check()
    night.lake.receipts.commit(end(begin.night, begin.kind, night.run_id, verdict, reason), datetime.now(UTC))
    return summarise(night, receipts, verdict, reason)


def _state(summary: NightSummary) -> State[Any]:
    return Completed(name=summary.verdict.value.capitalize(), message=summary.reason, data=summary)
