"""The export stage: the champion as a Core ML package, and the class map that goes with it."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from autodetect import __version__
from autodetect.classifier.champion import Champion, class_map, class_map_digest
from autodetect.coreml.outputs import outputs_to_silence, with_silence
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import load_backbone, record_of
from autodetect.errors import CorruptError, HeldError
from autodetect.lake.lake import Lake
from autodetect.lake.provenance import code_digest
from autodetect.lake.schemas import CLASSES
from autodetect.records import Receipt, StageRun, canonical_digest, canonical_json
from autodetect.sections import CoremlSettings
from autodetect.settings import Settings

if TYPE_CHECKING:
    import keras

    from autodetect.coreml.convert import ConversionRecord

log = logging.getLogger(__name__)
PACKAGE = "AutoDetect.mlpackage"
CODE = ("autodetect.coreml", "autodetect.embeddings")


def export(settings: Settings, lake: Lake, run: StageRun, *, work: Path) -> Receipt:
    """Export the champion; a package made on an earlier night from the same model and settings is carried on.

    Args:
        settings: `coreml`.
        lake: reads `classes` and the champion's file; keeps the zipped package, class map and head as artifacts.
        run: tonight's train receipt names the champion.
        work: local scratch folder.

    Raises:
        HeldError: there is no champion, or none of its classes may be answered.

    Returns:
        A receipt that names `package`, `classes` and `head`: the head as it is released, in which outputs of retired
        and withheld classes are silent, also those of classes that were retired after it was trained.
    """
    champion = Champion.of(run.inputs["train"])
    if champion is None:
        raise HeldError("there is no model to export", "see the gate's words in the train stage")
    backbone = record_of(lake.objects, champion.backbone)
    classes = lake.tables.read(CLASSES, version=run.versions[CLASSES.name]).to_pylist()
    silent = outputs_to_silence(champion, classes)
    if len(silent) == len(champion.class_ids):
        raise HeldError("every class of the model is retired or withheld", "see the classes of the train stage")
    entries = class_map(champion, classes)
    digest = class_map_digest(entries)
    made_from = canonical_digest(
        [
            champion.model_dump(mode="json"),
            silent,
            digest,
            settings.coreml.model_dump(mode="json"),
            code_digest(CODE),
        ]
    )
    earlier = run.earlier.get("export")
    if earlier and earlier.facts["made_from"] == made_from and not lake.artifacts.missing(earlier.files.values()):
        log.info("export: the package of %s is still that of the champion", earlier.night)
        files, facts = earlier.files, earlier.facts
    else:
        from autodetect.classifier.head import masked_outputs

        files, facts = {}, {"made_from": made_from, "class_map_digest": digest, "made_on": str(run.night)}
        about = metadata(champion, backbone, digest, permission=run.inputs["begin"].facts["permission"])
        labels = [entry.label for entry in entries]
        files["head"], head = _served_head(lake, champion, silent, work)
        log.info("export: converting %d classes to Core ML", len(labels))
        record = _convert(lake, backbone, head, labels, settings=settings.coreml, metadata=about, work=work)
        files["package"], facts["package"] = _kept(lake, work), record.model_dump(mode="json")
        told = [entry.model_dump() for entry in with_silence(entries, masked_outputs(head))]
        files["classes"] = lake.artifacts.put(canonical_json(told))
    return run.receipt(
        "export",
        files=files,
        counts={"classes": len(entries)},
        facts={**facts, "carried": facts["made_on"] != str(run.night)},
    )


def metadata(champion: Champion, backbone: BackboneRecord, class_map_digest: str, *, permission: str) -> dict[str, str]:
    """Return the text that the app reads in the package: what the model is, and how its answers are to be taken.

    The package gives the head's probabilities as they are. `temperature_photo` (`temperature_vehicle` for the mean over
    several photos of one car) divides their logarithms; `abstain_threshold`, where there is one, is then compared with
    the likeliest.
    """
    found = {
        "version": f"{__version__}+{champion.night.isoformat()}",
        "class_map_digest": class_map_digest,
        "backbone_digest": backbone.digest,
        "preprocessing": backbone.preprocessing,
        "trained_on_night": champion.night.isoformat(),
        "permission": permission,
        "temperature_photo": str(champion.temperatures.photo),
        "temperature_vehicle": str(champion.temperatures.vehicle),
        **{f"metric_{name}": f"{value:.6f}" for name, value in sorted(champion.metrics.items())},
    }
    if champion.abstain:
        found["abstain_threshold"] = str(champion.abstain.threshold)
    if backbone.note:
        found["warning"] = backbone.note
    return found


def _served_head(lake: Lake, champion: Champion, silent: list[int], work: Path) -> tuple[str, "keras.Model"]:
    """Return the head as it is released, and its file's digest: silent outputs are masked if they are not yet."""
    from autodetect.classifier.head import load_head, mask_outputs, masked_outputs, save_head

    head = load_head(lake.artifacts.fetch(champion.released_head, work / "champion.keras"))
    if set(silent) <= masked_outputs(head):
        return champion.released_head, head
    head = mask_outputs(head, silent)
    save_head(head, work / "served.keras")
    log.info("export: %d outputs of retired or withheld classes are silent", len(silent))
    return lake.artifacts.put_file(work / "served.keras"), head


def _convert(
    lake: Lake,
    backbone: BackboneRecord,
    head: "keras.Model",
    labels: list[str],
    *,
    settings: CoremlSettings,
    metadata: dict[str, str],
    work: Path,
) -> "ConversionRecord":
    """Convert into `work`, and check that the package reads back as what was asked for."""
    from autodetect.coreml.convert import convert
    from autodetect.coreml.package import inspect

    record = convert(
        load_backbone(lake.objects, backbone, work),
        head,
        labels,
        input_size=backbone.input_size,
        geometry=backbone.geometry,
        settings=settings,
        metadata=metadata,
        target=work / PACKAGE,
    )
    facts = inspect(work / PACKAGE)
    if list(facts.labels) != labels or (facts.image.width, facts.image.height) != (backbone.input_size,) * 2:
        raise CorruptError("the package does not read back with its labels and input size", "run the export again")
    return record


def _kept(lake: Lake, work: Path) -> str:
    """Zip the package and keep it; return the archive's SHA-256."""
    from autodetect.coreml.package import zip_package

    sha256 = zip_package(work / PACKAGE, work / f"{PACKAGE}.zip")
    if lake.artifacts.put_file(work / f"{PACKAGE}.zip") != sha256:
        raise CorruptError(f"{work / PACKAGE}.zip changed while it was stored", "run the export again")
    return sha256
