"""A person publishes what the gate refused: the last night's challenger becomes the champion, with a reason and a name.

The night's train receipt is made anew with the verdict overridden (the gate's own words stay in it), and what follows
from it runs again: export, price, publish, report. The receipt comes first, so a promotion that was interrupted is
finished by running it again; a night that begins before that goes on with the promoted model and publishes it itself.
It overrides the gate alone: a model whose package fails is withheld all the same, and the next night tries it again.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact

from autodetect.classifier.gate import GateVerdict, Override, override
from autodetect.embeddings.pin import read_next, read_pin
from autodetect.errors import UsageError
from autodetect.lake.lake import Lake, open_lake
from autodetect.lake.nights import end
from autodetect.lake.receipts import BEGIN, END, ReceiptBook
from autodetect.lake.verdict import verdict_of
from autodetect.records import Receipt, Verdict
from autodetect.release.stage import check_publishing
from autodetect.settings import Settings
from flows.open_night import hold_lake, new_run_id
from flows.options import NightOptions
from flows.plain_errors import tell_errors_plainly
from flows.runner import NightRun, run_stage
from flows.stages import BY_NAME
from flows.summary import NightSummary, as_markdown, summarise

AFTERWARDS = ("export", "price", "publish", "report")


@dataclass(frozen=True)
class Promotion:
    """What is to be promoted.

    Attributes:
        begin: the receipt that began the night.
        train: its train receipt with the challenger as champion.
        gate: the verdict, overridden.
        begun: whether the lake holds that receipt already: an earlier promotion was interrupted, or is done.
    """

    begin: Receipt
    train: Receipt
    gate: GateVerdict
    begun: bool

    @property
    def night(self) -> date:
        """Return the night whose challenger it is."""
        return self.begin.night


def opened(options: NightOptions) -> tuple[Settings, Lake]:
    """Return settings and lake, once both lake and store have answered. Writes nothing.

    Raises:
        UsageError: there is no lake, it cannot be used with these settings, or the signing key cannot.
        ForgedError: another key signs the store.
        DependencyDownError: the store or the lake's storage does not answer.
    """
    settings = options.settings()
    check_publishing(settings)
    return settings, open_lake(settings)


def promotion(lake: Lake, asked: date | None, *, reason: str, by: str) -> Promotion:
    """Return what would be promoted. Writes nothing.

    Args:
        lake: its receipts and backbones.
        asked: the night whose challenger it is; None for the last one.
        reason: why it is published all the same.
        by: who says so.

    Raises:
        UsageError: there is no such night, it is not the last one, has not ended or was held; the gate refused nothing
            that night, or it was overridden for another reason; reason or name are missing; the challenger stands on a
            backbone that another has displaced since.
    """
    night = _last_night(lake.receipts, asked)
    tonight = lake.receipts.of_night(night)
    train = tonight["train"]
    if "challenger" not in train.facts:
        raise UsageError(
            f"the night of {night} had no challenger that could be promoted: {train.facts['gate']['words']}",
            "nothing was refused; see `autodetect report`",
        )
    verdict = GateVerdict.model_validate(train.facts["gate"])
    if verdict.overridden:
        if verdict.overridden != Override(by=_one_line(by), reason=_one_line(reason)):
            raise UsageError(
                f"the challenger of {night} was {verdict.words}",
                "to finish a promotion that was interrupted, give the same reason and name",
            )
        return Promotion(tonight[BEGIN], train, verdict, begun=True)
    if verdict.promoted:
        raise UsageError(
            f"the gate did not refuse the challenger of {night}: it is published", "see `autodetect release list`"
        )
    verdict = override(verdict, reason, by)
    _check_backbone(lake, train.facts["challenger"]["backbone"])
    return Promotion(tonight[BEGIN], _overridden(train, verdict), verdict, begun=False)


@flow(name="promote", description="Publish the last night's challenger against the gate, with a reason.")
def promote(options: NightOptions, reason: str, by: str) -> NightSummary:
    """Promote the last night's refused challenger and publish it; what was done before is not done again.

    Raises:
        UsageError: as `promotion` does.
        LeaseHeldError: another run holds the lake.
        AutoDetectError: what a stage raised; run again, it goes on from there.
    """
    log = get_run_logger()
    settings, lake = opened(options)
    run_id = new_run_id()
    with hold_lake(lake, settings.lease, run_id) as fence:
        chosen = promotion(lake, options.night, reason=reason, by=by)
        night = NightRun(settings, lake, fence, chosen.begin, run_id)
        if chosen.begun:
            log.info("promote: going on with the promotion of %s", chosen.night)
        else:
            fence.check()
            lake.receipts.commit(chosen.train.model_copy(update={"run_id": run_id}), datetime.now(UTC))
            log.info("promote: the challenger of %s is the champion", chosen.night)
        for name in AFTERWARDS:
            run_stage(BY_NAME[name], night, log)
        receipts = {name: receipt for name, receipt in night.receipts().items() if name != BEGIN}
        # The export may still withhold it: then the night stays one of prices only, and the next tries it again.
        verdict, reason = verdict_of(receipts, lake.receipts.before(chosen.night), settings.crawl.min_coverage)
        fence.check()
        lake.receipts.commit(end(chosen.night, chosen.begin.kind, run_id, verdict, reason), datetime.now(UTC))
        summary = summarise(night, receipts, verdict, reason)
    create_markdown_artifact(key="night", markdown=as_markdown(summary), description=f"The night of {summary.night}")
    return summary


def _last_night(book: ReceiptBook, asked: date | None) -> date:
    """Return the night asked for, if it is the last one and has ended with prices or a release."""
    ends: dict[date, Receipt | None] = {}
    for receipt in book.all():
        if receipt.kind == "nightly":
            ends[receipt.night] = receipt if receipt.stage == END else ends.get(receipt.night)
    if not ends:
        raise UsageError("no night has run in this lake", "run `autodetect nightly` first")
    last = max(ends)
    night = asked or last
    if night not in ends:
        raise UsageError(f"there is no night of {night}", f"the last one is that of {last}")
    if night != last:
        raise UsageError(
            f"the night of {last} has begun since: its challenger stands against the champion that {night} left",
            f"only the last night's challenger can be promoted: once that night has ended, leave --night {night} out",
        )
    closing = ends[night]
    if closing is None:
        raise UsageError(f"the night of {night} has not ended", "run `autodetect nightly`, which ends it")
    if closing.facts["verdict"] == Verdict.HELD:
        raise UsageError(
            f"the night of {night} was held, so its gate has nothing to say: {closing.facts['reason']}",
            f"once that is settled, try it anew: `autodetect nightly --night {night}`",
        )
    return night


def _check_backbone(lake: Lake, digest: str) -> None:
    """Refuse a model on a backbone by which the coming nights would not embed."""
    known = [record.digest for record in (read_pin(lake.objects), read_next(lake.objects)) if record]
    if digest not in known:
        raise UsageError(
            f"the challenger stands on the backbone {digest[:12]}, which another has displaced since",
            "propose that backbone again, or leave it: see `autodetect backbone show`",
        )


def _overridden(train: Receipt, verdict: GateVerdict) -> Receipt:
    """Return the train receipt as it would be had the gate let the challenger pass, but for the verdict's words."""
    facts: dict[str, Any] = {
        **train.facts,
        "gate": verdict.model_dump(mode="json"),
        "promoted": True,
        "champion": train.facts["challenger"],
    }
    backbone = facts.get("backbone_next")
    if backbone and backbone["backbone"] == facts["champion"]["backbone"]:
        facts["backbone_next"] = {**backbone, "outcome": "promoted"}
    return train.model_copy(update={"facts": facts})


def _one_line(text: str) -> str:
    return " ".join(text.split())


tell_errors_plainly()
