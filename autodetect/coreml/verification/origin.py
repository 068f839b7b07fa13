"""The models in a lake that a package says it was made from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autodetect.classifier.champion import Champion, ClassEntry, class_map_digest
from autodetect.coreml.metadata import (
    ABSTAIN_THRESHOLD,
    BACKBONE_DIGEST,
    CLASS_IDS,
    CLASS_MAP_DIGEST,
    HEAD_DIGEST,
    SILENT_OUTPUTS,
    TEMPERATURE_PHOTO,
    TEMPERATURE_VEHICLE,
    output_list,
)
from autodetect.coreml.parity.reference import Reference
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import load_backbone, record_key, record_of
from autodetect.errors import CorruptError
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import CLASSES

NAMED = (BACKBONE_DIGEST, HEAD_DIGEST, TEMPERATURE_PHOTO, CLASS_MAP_DIGEST, CLASS_IDS)


@dataclass(frozen=True)
class Origin:
    """What a package was made from; `backbone` is the record of the reference's backbone."""

    reference: Reference
    backbone: BackboneRecord


def why_unknown(lake: Lake, metadata: Mapping[str, str]) -> str:
    """Return in words why the lake cannot tell what a package was made from; empty where it can."""
    if absent := [name for name in NAMED if name not in metadata]:
        return f"the package does not name the model it was made from: its metadata has no {', '.join(absent)}"
    if not lake.objects.exists(record_key(metadata[BACKBONE_DIGEST])):
        return f"the lake {lake.url} knows no backbone {metadata[BACKBONE_DIGEST][:12]}"
    if not lake.artifacts.has(metadata[HEAD_DIGEST]):
        return f"the lake {lake.url} holds no head {metadata[HEAD_DIGEST][:12]}"
    return ""


def origin_of(lake: Lake, metadata: Mapping[str, str], work: Path) -> Origin:
    """Return what the package with this metadata was made from; the lake must know it (`why_unknown`).

    Args:
        lake: holds backbone, head and classes.
        metadata: of the package, user-defined.
        work: a local scratch folder.

    Raises:
        CorruptError: what the package says of itself does not fit the lake's models, or a file of these is damaged.
    """
    from autodetect.classifier.head import load_head, masked_outputs
    from autodetect.coreml.folding import folded_head

    backbone = record_of(lake.objects, metadata[BACKBONE_DIGEST])
    work.mkdir(parents=True, exist_ok=True)
    network = load_backbone(lake.objects, backbone, work)
    head = load_head(lake.artifacts.fetch(metadata[HEAD_DIGEST], work / "verified-head.keras"))
    try:
        folded = folded_head(head, float(metadata[TEMPERATURE_PHOTO]))
    except ValueError as error:
        raise _unfit(f"{TEMPERATURE_PHOTO} is {metadata[TEMPERATURE_PHOTO]!r}: {error}") from error
    labels = _labels(lake, metadata)
    if head.input_shape[-1] != network.output_shape[-1] or head.output_shape[-1] != len(labels):
        raise _unfit(
            f"a backbone of {network.output_shape[-1]} values, a head of {head.input_shape[-1]} to "
            f"{head.output_shape[-1]} and {len(labels)} labels do not fit together"
        )
    silent = output_list(masked_outputs(head))
    if metadata.get(SILENT_OUTPUTS, silent) != silent:
        raise _unfit(f"{SILENT_OUTPUTS} is {metadata[SILENT_OUTPUTS]!r}, the head's are {silent!r}")
    _check_how_to_answer(lake, metadata)
    return Origin(Reference(network, folded, labels), backbone)


def _check_how_to_answer(lake: Lake, metadata: Mapping[str, str]) -> None:
    """Raise where an export of this head told the app to take its answers in another way; one of no export may."""
    exported = [
        Champion.released(receipt)
        for receipt in lake.receipts.all()
        if receipt.stage == "export"
        and receipt.files.get("head") == metadata[HEAD_DIGEST]
        and "champion" in receipt.facts
    ]
    for name, wanted in (
        (TEMPERATURE_VEHICLE, {str(each.temperatures.vehicle) for each in exported}),
        (ABSTAIN_THRESHOLD, {str(each.abstain.threshold) if each.abstain else None for each in exported}),
    ):
        if wanted and metadata.get(name) not in wanted:
            raise _unfit(f"{name} is {metadata.get(name)!r}, the export of this model said {min(map(str, wanted))!r}")


def _labels(lake: Lake, metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the label of each output, from the lake's classes or from the export that wrote the class map."""
    digest = metadata[CLASS_MAP_DIGEST]
    rows = {row["class_id"]: row for row in lake.tables.read(CLASSES).to_pylist()}
    try:
        class_ids = [int(word) for word in metadata[CLASS_IDS].split()]
        entries = [
            ClassEntry(
                output=output,
                class_id=class_id,
                make_model_id=rows[class_id]["make_model_id"],
                label=rows[class_id]["label"],
            )
            for output, class_id in enumerate(class_ids)
        ]
    except (ValueError, KeyError) as error:
        raise _unfit(f"{CLASS_IDS} names a class that the lake does not know: {error}") from error
    if class_map_digest(entries) == digest:
        return tuple(entry.label for entry in entries)
    for receipt in lake.receipts.all():  # a class was renamed since: its class map is kept with the export
        if receipt.stage == "export" and receipt.facts.get("class_map_digest") == digest and "classes" in receipt.files:
            return tuple(entry["label"] for entry in json.loads(lake.artifacts.read(receipt.files["classes"])))
    raise _unfit(f"{CLASS_MAP_DIGEST} {digest[:12]} is that of no class map of the lake")


def _unfit(why: str) -> CorruptError:
    return CorruptError(
        f"what the package says of itself does not fit the lake's models: {why}",
        "fetch the package again from its release, or name the lake it was made in with --lake",
    )
