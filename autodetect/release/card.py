"""The model card: what a release is, for a person, as Markdown."""

from collections.abc import Iterator, Mapping

from autodetect.classifier.champion import Champion
from autodetect.prices.judged.figures import PriceEvaluation
from autodetect.prices.words import error_words
from autodetect.release.manifest import ReleaseFacts
from autodetect.release.packages import PackageFact, PackageLoss

_HOW = {
    "interpreted (Linux)": "the saved package, evaluated operation by operation on Linux",
    "native": "the saved package, run by Core ML on a Mac",
}


def card(
    facts: ReleaseFacts,
    champion: Champion,
    architecture: str,
    prices: Mapping[str, int],
    evaluation: PriceEvaluation,
) -> str:
    """Return the card of a release.

    Args:
        facts: the manifest's facts.
        champion: the released model.
        architecture: which network its backbone is.
        prices: counts of the price stage.
        evaluation: how its valuation was judged.
    """
    metrics = champion.metrics
    window = f"{facts.data_window.first} to {facts.data_window.last}" if facts.data_window else "no sightings"
    lines = [
        f"# AutoDetect, release of {facts.night}",
        "",
        *(f"> **Warning:** {warning}\n" for warning in facts.warnings),
        f"A classifier of {len(champion.class_ids)} makes and models, with prices and offers.",
        "",
        "| what | value |",
        "| --- | --- |",
        f"| verdict of the night | {facts.verdict} |",
        channel_row(facts),
        f"| permission | {facts.permission or 'none named'} |",
        *(f"| licence of what was imported | {licence} |" for licence in facts.licences),
        f"| data | {window} |",
        f"| model trained on the night of | {champion.night} |",
        f"| backbone | {architecture}, weights {facts.backbone.weights}, {facts.backbone.digest[:12]} |",
        f"| top-1, top-3 by vehicle | {metrics['vehicle_top1']:.1%}, {metrics['vehicle_top3']:.1%} |",
        f"| top-1, top-3 by photo | {metrics['top1']:.1%}, {metrics['top3']:.1%} (chance {metrics['chance']:.1%}) |",
        *_displaced(facts.champion_metrics),
        f"| test vehicles, photos | {metrics['vehicles']:.0f}, {metrics['photos']:.0f} |",
        f"| models with a sold price, with an asking price | {prices['prices_sold']}, {prices['prices_asking']} |",
        f"| valuation | {error_words(evaluation) or 'not judged'} |",
        f"| offers, those with a place, with a value | {_offers(prices)} |",
        "",
        *_packages(facts),
        "Test vehicles were never trained on.",
        "The model names only the classes in `classes.json`.",
        "Prices are of tonight's market, each with its basis, currency and window; too few comparables give none.",
        _doubt(champion),
        "",
    ]
    return "\n".join(lines)


def channel_row(facts: ReleaseFacts) -> str:
    """Return the card's row that says where the listings came from and where the release went."""
    return f"| source, channel | {facts.source}, {facts.channel} |"


def _displaced(before: Mapping[str, float]) -> Iterator[str]:
    """Yield how good the model was that this one displaced, on the same vehicles as far as it knew their classes."""
    if before:
        yield (
            f"| the model before: top-1, top-3 by vehicle | {before['vehicle_top1']:.1%}, {before['vehicle_top3']:.1%}"
            f" of {before['vehicles']:.0f} of classes it knew |"
        )


def _offers(prices: Mapping[str, int]) -> str:
    return ", ".join(f"{prices.get(name, 0):,}" for name in ("offers", "offers_placed", "offers_valued"))


def _packages(facts: ReleaseFacts) -> Iterator[str]:
    """Yield the table of the Core ML packages, and how they were shown to answer as the model does."""
    if not facts.packages:
        return
    yield "| Core ML package | size | first answers as the model's | largest difference | lost on test vehicles |"
    yield "| --- | --- | --- | --- | --- |"
    yield from (_row(each) for each in facts.packages)
    yield ""
    if facts.parity:
        yield f"Parity: {facts.parity}: {_HOW[facts.parity]}, beside the Keras model with the package's weights."
    yield "Photos on which rounding alone can change the first answer do not count as decided."
    yield ""


def _row(package: PackageFact) -> str:
    parity, chosen = package.parity, ", **recommended**" if package.recommended else ""
    agreed = f"{parity.agreement:.1%} of {parity.decided} decided ({parity.photos} photos)"
    cells = (
        f"{package.name} (`{package.file}`){chosen}",
        f"{package.size / 1e6:.1f} MB",
        agreed if parity.decided else f"0 of {parity.photos} photos decided",
        f"{parity.largest_difference:.1g}",
        _lost(package.loss),
    )
    return f"| {' | '.join(cells)} |"


def _lost(loss: PackageLoss | None) -> str:
    if loss is None:
        return "not measured"
    return f"{loss.loss:+.1%} ({loss.low:+.1%} to {loss.high:+.1%}) of {loss.vehicles}"


def _doubt(champion: Champion) -> str:
    if champion.abstain is None:
        return "It has no threshold below which it is not sure: it names one of them on any photo."
    return (
        f"Where its first answer has a probability below {champion.abstain.threshold:.1%}, it is not sure: of cars of"
        f" no class, at most {champion.abstain.most_answered:.0%} reach that."
    )
