"""One thin flow per stage: around the plain function only what Prefect is for (retries, timeouts, names, artifacts).

A stage's flow can be run alone, with the same options as the night; inside the nightly flow it joins the open night.
"""

from typing import Any

from prefect import Flow, flow, get_run_logger, task
from prefect.artifacts import create_table_artifact

from autodetect.errors import DependencyDownError
from autodetect.lake.receipts import BEGIN
from autodetect.settings import Settings
from flows.open_night import asked_night, current_night, open_night
from flows.options import NightOptions
from flows.plain_errors import tell_errors_plainly
from flows.runner import Outcome, no_preparation, run_stage
from flows.sources import serve_source
from flows.stages import BY_NAME, STAGES, Stage

RETRY_DELAYS_S: list[float] = [10, 60]
# Prefect's own timeout is only a backstop: it cannot end a native call; the child's deadline can.
BACKSTOP_S = 120


def may_help(_task: Any, _run: Any, state: Any) -> bool:
    """Return whether another try may help: only when something outside was down."""
    return isinstance(state.result(raise_on_failure=False), DependencyDownError)


def _stage_flow(stage: Stage) -> Flow[..., Outcome]:
    """Return the flow that runs one stage of a night."""
    prepare = serve_source if stage.name == "crawl" else no_preparation

    @task(
        name=f"run-{stage.name}",
        task_run_name=f"run-{stage.name}",
        retries=stage.retries,
        retry_delay_seconds=RETRY_DELAYS_S[: stage.retries],
        retry_condition_fn=may_help,
    )
    def run() -> Outcome:
        return run_stage(stage, current_night(), get_run_logger(), prepare)

    @flow(
        name=stage.name,
        description=f"The {stage.name} stage of one night, alone.",
        flow_run_name=lambda: f"{stage.name}-{asked_night()}",
    )
    def run_alone(options: NightOptions | None = None) -> Outcome:
        with open_night(options, get_run_logger(), may_begin=stage.inputs == (BEGIN,)):
            outcome = run()
        _show_receipt(outcome)
        return outcome

    return run_alone


def _show_receipt(outcome: Outcome) -> None:
    """Show a stage's receipt as a table artifact."""
    receipt = outcome.receipt
    figures = {**receipt.counts, **receipt.run, "done before": int(outcome.skipped)}
    create_table_artifact(
        key=f"receipt-{receipt.stage}",
        table=[{"what": name, "value": value} for name, value in figures.items()],
        description=f"{receipt.stage} of {receipt.night}",
    )


_STAGE_FLOWS = {stage.name: _stage_flow(stage) for stage in STAGES}


def stage_flow(name: str, settings: Settings) -> Flow[..., Outcome]:
    """Return the flow of a stage, with the time limit that its deadline in these settings asks for."""
    tries = BY_NAME[name].retries + 1
    limit = tries * (getattr(settings.deadlines, name) + settings.deadlines.grace) + sum(RETRY_DELAYS_S) + BACKSTOP_S
    return _STAGE_FLOWS[name].with_options(timeout_seconds=limit)


tell_errors_plainly()
