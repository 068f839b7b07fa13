"""The report stage: one HTML page that says what happened tonight and why."""

import logging
from pathlib import Path

from autodetect.lake.lake import Lake
from autodetect.lake.verdict import verdict_of, withheld_words
from autodetect.records import Receipt, StageRun
from autodetect.report.exported import exported
from autodetect.report.facts import NightReport
from autodetect.report.gather import Gatherer, carried, confusions, epochs, evaluation, model_scores, release
from autodetect.report.page import render
from autodetect.report.priced import PriceReader
from autodetect.settings import Settings

log = logging.getLogger(__name__)


def report(settings: Settings, lake: Lake, run: StageRun, *, work: Path, folder: Path) -> Receipt:
    """Write tonight's report; also for a night that was held.

    Args:
        settings: `channel`, `crawl.min_coverage`, `crawl.daily_calls`.
        lake: the tables that tonight's receipts name.
        run: tonight's receipts, as far as the night came.
        work: local scratch folder.
        folder: receives the page; Data Docs lie beside it.
    """
    gather = Gatherer(lake, run, work / "report-photos")
    prices = PriceReader(lake, run)
    train = run.inputs.get("train")
    begin = run.inputs["begin"]
    verdict, reason = verdict_of(run.inputs, run.earlier, settings.crawl.min_coverage)
    facts = train.facts if train else {}
    champion = facts.get("champion_evaluation")
    earlier = run.earlier.get("train")
    before = earlier.facts["champion"] if earlier else None
    page = render(
        NightReport(
            night=run.night,
            verdict=verdict,
            reason=reason,
            run_id=run.run_id,
            source=begin.facts["source"],
            channel=settings.channel,
            warnings=gather.warnings(),
            stages=gather.stages(),
            crawl=gather.crawl(settings.crawl.daily_calls),
            refusals=gather.refusals(),
            refused_photos=gather.refused_photos(),
            classes=gather.classes(),
            training_set=gather.training_set(),
            challenger=model_scores("", facts.get("evaluation")),
            champion=model_scores(f"trained on {before['night']}" if before else "", champion),
            carried=carried(run.inputs, before),
            evaluation=evaluation(train),
            gate=facts.get("gate", {}).get("words", ""),
            judged=gather.judged(),
            epochs=epochs(train),
            confusions=confusions(train),
            samples=gather.samples(),
            copies=gather.copies(),
            prices=prices.lines(),
            priced=prices.report(),
            exported=exported(run.inputs.get("export"), withheld_words(run.inputs)),
            release=release(run.inputs.get("publish")),
            data_docs="data_docs/index.html" if (folder / "data_docs" / "index.html").is_file() else "",
            history=gather.history(lake.receipts.all()),
        ),
        folder,
    )
    log.info("report: %s", page)
    return run.receipt(
        "report",
        facts={"verdict": verdict.value, "reason": reason},
    )
