"""The fine-tune as a flow: weekly, beside the nights, under the lake's lease; it proposes and never publishes."""

from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import BaseModel, ConfigDict, Field

from autodetect.classifier.finetune.due import check_from_layer, due
from autodetect.classifier.finetune.scratch import clear_scratch, finetune_folder
from autodetect.embeddings.pin import record_of
from autodetect.lake.lake import open_lake
from autodetect.records import Receipt, Record
from autodetect.settings import Settings, load
from flows.open_finetune import open_finetune
from flows.open_night import NothingToDoError
from flows.plain_errors import tell_errors_plainly
from flows.runner import NightRun, run_stage
from flows.stages import FINETUNE

Lines = tuple[tuple[str, str], ...]


class FinetuneOptions(BaseModel):
    """Everything left empty comes from the settings (`AUTODETECT_*` variables, autodetect.toml, defaults)."""

    model_config = ConfigDict(extra="forbid")

    steps: int | None = Field(None, ge=1, description="the budget: updates of the weights")
    from_layer: str | None = Field(None, description="the block from which the backbone is trained; empty: all of it")
    lake: str | None = Field(None, description="folder or s3://bucket/prefix of the tables and photos")

    def settings(self) -> Settings:
        """Return the settings in force with these options on top."""
        options = {"finetune.steps": self.steps, "finetune.from_layer": self.from_layer, "lake": self.lake}
        return load(options=options)


class FinetuneSummary(Record):
    """A fine-tune for a person (`lines` of what and value) and for machines (`receipt`, none where it was skipped)."""

    verdict: str
    reason: str
    lines: Lines = ()
    warnings: tuple[str, ...] = ()
    receipt: Receipt | None = None


@flow(
    name="finetune",
    description="Fine-tune the champion's backbone, and propose it as the next one.",
    flow_run_name="finetune",
)
def finetune(options: FinetuneOptions | None = None) -> State[Any]:
    """Run one fine-tune, or go on with the one that was begun.

    Returns:
        A completed state, Proposed or Skipped, whose data is a `FinetuneSummary`.
    """
    log = get_run_logger()
    try:
        with open_finetune((options or FinetuneOptions()).settings(), log) as run:
            receipt = run_stage(FINETUNE, run, log).receipt
            clear_scratch(run.work)
            summary = _summary(run, receipt)
    except NothingToDoError as why:
        return _state(FinetuneSummary(verdict="skipped", reason=why.what))
    words = f"Fine-tune on the photos of {receipt.night}"
    create_markdown_artifact(key="finetune", markdown=as_markdown(summary), description=words)
    return _state(summary)


def look(options: FinetuneOptions) -> None:
    """Check that a fine-tune could run: settings, lake, champion. Writes nothing.

    Raises:
        UsageError: what is missing, or random weights that would be trained in part.
        DependencyDownError: the lake's storage does not answer.
    """
    settings = options.settings()
    lake = open_lake(settings)
    check_from_layer(record_of(lake.objects, due(lake.receipts).champion.backbone), settings.finetune)


def as_text(summary: FinetuneSummary) -> str:
    """Return the summary for a terminal."""
    width = max((len(what) for what, _ in summary.lines), default=0)
    return "\n".join(
        [
            "",
            f"FINE-TUNE: {summary.verdict.upper()}",
            f"  {summary.reason}",
            *([""] if summary.lines else []),
            *(f"  {what:<{width}}  {value}" for what, value in summary.lines),
            *(f"  WARNING: {warning}" for warning in summary.warnings),
        ]
    )


def as_markdown(summary: FinetuneSummary) -> str:
    """Return the summary as Markdown, with the curve."""
    rows = [f"| {what} | {value} |" for what, value in summary.lines]
    curve = summary.receipt.facts["curve"] if summary.receipt else []
    steps = [f"| {e['step']:,.0f} | {e['loss']:.3f} | {e['val_top1']:.1%} | {e['val_nll']:.3f} |" for e in curve]
    return "\n".join(
        [
            f"# Fine-tune: {summary.verdict}",
            "",
            summary.reason,
            "",
            *(f"> **Warning:** {warning}\n" for warning in summary.warnings),
            *("| what | value |", "| --- | --- |", *rows, ""),
            *("| step | loss | validation top-1 | validation NLL |", "| ---: | ---: | ---: | ---: |", *steps),
        ]
    )


def _summary(run: NightRun, receipt: Receipt) -> FinetuneSummary:
    digest = receipt.facts["backbone"]["digest"]
    reason = (
        f"the backbone {digest[:12]} is proposed as the next one: the nights make its embeddings by and by "
        "(`autodetect backbone renew`: at once), then hold the contest with the champion"
    )
    return FinetuneSummary(
        verdict="proposed",
        reason=reason,
        lines=_lines(run, receipt),
        warnings=tuple(receipt.facts["warned"]),
        receipt=receipt,
    )


def _lines(run: NightRun, receipt: Receipt) -> Lines:
    facts, counts = receipt.facts, receipt.counts
    first, last = facts["curve"][0], facts["curve"][-1]
    head = {"fresh": "all of it, with a fresh head", "champion": "with the champion's head"}[facts["head_start"]]
    block = facts["settings"]["from_layer"]
    return (
        ("trained", f"{'from ' + block + ' up, ' if block else ''}{head}, after {facts['parent'][:12]}"),
        ("photos", f"{counts['photos_train']:,} of {counts['classes']} classes, as of the night of {receipt.night}"),
        ("steps", f"{counts['steps']:,}, {receipt.run['photos_per_second']:.1f} photos/s in {facts['precision']}"),
        ("batch norm", f"{facts['batch_norm']} mode"),
        ("validation", f"top-1 {first['val_top1']:.1%} at step {first['step']:.0f}, {last['val_top1']:.1%} at the end"),
        ("TensorBoard", f"tensorboard --logdir {finetune_folder(run.work)}"),
    )


def _state(summary: FinetuneSummary) -> State[Any]:
    return Completed(name=summary.verdict.capitalize(), message=summary.reason, data=summary)


tell_errors_plainly()
