"""The model that went out as Core ML packages: what an export receipt tells, and how the page writes it.

Receipts of earlier versions tell of one package and not how it was proven: what is absent is empty here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from autodetect.records import Receipt, Record
from autodetect.report import words

_POINT = 100
_COMPARED = "each saved package beside the Keras model with the same weights, each weight beside the trained one"


class ExportedVariant(Record):
    """One package: its size (bytes, unzipped and zipped) and what it is worth; one that was dropped is not `kept`.

    `largest_difference` is that of one probability, `agreement` the share of the `decided` of `photos` with the same
    first answer; `loss` is the share of the champion's test vehicles that it loses, with its 95 % interval.
    """

    name: str
    size: int
    zip_size: int | None = None
    photos: int | None = None
    largest_difference: float | None = None
    decided: int = 0
    agreement: float | None = None
    vehicles: int = 0
    loss: float | None = None
    low: float = 0.0
    high: float = 0.0
    kept: bool = True
    recommended: bool = False
    words: str = ""


class ExportedModel(Record):
    """The packages of tonight's release. `withheld` says why they are those of an earlier model; '' where they are not.

    `night` is that on which the model was trained, `made_on` that on which its packages were made.
    """

    night: str = ""
    made_on: str = ""
    parity: str = ""
    withheld: str = ""
    variants: tuple[ExportedVariant, ...] = ()


class VariantLine(Record):
    """A row of the table of packages: figures as (text, what stands below it); `state` is what became of it."""

    name: str
    state: str
    dropped: bool
    figures: tuple[tuple[str, str], ...]


def exported(export: Receipt | None, withheld: str) -> ExportedModel | None:
    """Return what an export receipt tells of the packages; None where the night did not come so far.

    Args:
        export: tonight's receipt.
        withheld: which model it withheld, and why; '' where it withheld none.
    """
    if export is None:
        return None
    facts = export.facts
    variants = tuple(_variant(each) for each in facts.get("variants", ()))
    if not variants and "package" in facts:
        variants = (ExportedVariant(name="fp16", size=facts["package"]["size"]),)
    return ExportedModel(
        night=str((facts.get("champion") or {}).get("night", "")),
        made_on=str(facts.get("made_on", "")),
        parity=facts.get("parity", ""),
        withheld=withheld,
        variants=variants,
    )


def variant_rows(found: ExportedModel) -> Iterator[VariantLine]:
    """Yield the rows of the table of packages."""
    for each in found.variants:
        zipped = f"{words.size(each.zip_size)} zipped" if each.zip_size else ""
        yield VariantLine(
            name=each.name,
            state="dropped" if not each.kept else "recommended" if each.recommended else "kept",
            dropped=not each.kept,
            figures=((words.size(each.size), zipped), _difference(each), _agreement(each), _loss(each)),
        )


def export_lines(found: ExportedModel) -> Iterator[tuple[str, str]]:
    """Yield (what, words) of the packages as a whole."""
    if found.withheld:
        yield "withheld", found.withheld
    for each in found.variants:
        if not each.kept:
            yield each.name, f"dropped: {each.words}"
    made = f", packages made on {found.made_on}" if found.made_on and found.made_on != found.night else ""
    if found.night:
        yield "released", f"the model of {found.night}{made}"
    if found.parity:
        yield "parity", f"{found.parity}: {_COMPARED}"


def in_one_line(found: ExportedModel) -> str:
    """Return the packages in one line: sizes, which is recommended, which was dropped, how parity came out."""
    sizes = [f"{each.name} {words.size(each.size)}" for each in found.variants if each.kept]
    parts = [", ".join(sizes)]
    parts += [f"recommended {each.name}" for each in found.variants if each.recommended]
    parts += [f"{each.name} dropped ({each.words})" for each in found.variants if not each.kept]
    proven = [each for each in found.variants if each.kept and each.largest_difference is not None]
    if proven:
        worst = max(proven, key=lambda each: each.largest_difference or 0.0)
        least = min(proven, key=lambda each: 1.0 if each.agreement is None or not each.decided else each.agreement)
        told = f"differ by {worst.largest_difference:.1g} at most" if worst.largest_difference else "do not differ"
        answers = f"{' '.join(_agreement(least))} have the same first answer"
        parts.append(f"parity {found.parity}: probabilities {told}, {answers}")
    return "; ".join(part for part in parts if part)


def _variant(told: Mapping[str, Any]) -> ExportedVariant:
    parity, loss = told["parity"], told["loss"] or {}
    return ExportedVariant(
        **{name: told[name] for name in ("name", "size", "zip_size", "kept", "recommended", "words")},
        **{name: parity[name] for name in ("photos", "largest_difference", "decided", "agreement")},
        **{name: loss[name] for name in ("vehicles", "loss", "low", "high") if name in loss},
    )


def _difference(variant: ExportedVariant) -> tuple[str, str]:
    if variant.largest_difference is None or not variant.photos:
        return words.UNKNOWN, ""
    return f"{variant.largest_difference:.1g}", f"on {variant.photos:,} photos"


def _agreement(variant: ExportedVariant) -> tuple[str, str]:
    if not variant.photos:
        return words.UNKNOWN, ""
    if not variant.decided or variant.agreement is None:
        return words.UNKNOWN, f"0 of {variant.photos:,} photos decided"
    return words.percent(variant.agreement), f"of {variant.decided:,} decided photos"


def _loss(variant: ExportedVariant) -> tuple[str, str]:
    if variant.loss is None:
        return words.UNKNOWN, "not measured"
    low, high = (f"{_POINT * each:+.1f}" for each in (variant.low, variant.high))
    return f"{_POINT * variant.loss:+.1f} points", f"{low} to {high}, {variant.vehicles:,} vehicles"
