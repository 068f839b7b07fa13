"""The export stage: the champion as a Core ML package, and the class map that goes with it."""

import logging
from pathlib import Path

from autodetect import __version__
from autodetect.classifier.champion import Champion, class_map, class_map_digest
from autodetect.embeddings.pin import load_pinned, read_pin
from autodetect.errors import CorruptError, HeldError
from autodetect.lake.lake import Lake
from autodetect.lake.provenance import code_digest
from autodetect.lake.schemas import CLASSES
from autodetect.records import Receipt, StageRun, canonical_digest, canonical_json
from autodetect.settings import Settings

log = logging.getLogger(__name__)
PACKAGE = "AutoDetect.mlpackage"
CODE = ("autodetect.coreml", "autodetect.embeddings")


def export(settings: Settings, lake: Lake, run: StageRun, *, work: Path) -> Receipt:
    """Export the champion; a package made on an earlier night from the same model and settings is carried on.

    Args:
        settings: `coreml` and `backbone`.
        lake: reads `classes` and the champion's file; keeps the zipped package and the class map as artifacts.
        run: tonight's train receipt names the champion.
        work: local scratch folder.

    Raises:
        HeldError: there is no champion.
    """
    champion = Champion.of(run.inputs["train"])
    if champion is None:
        raise HeldError("there is no model to export", "see the gate's words in the train stage")
    backbone = read_pin(lake.objects)
    if backbone is None:
        raise CorruptError("the lake has a champion but no pinned backbone", "restore models/backbone.json")
    classes = lake.tables.read(CLASSES, version=run.versions[CLASSES.name]).to_pylist()
    entries = class_map(champion, classes)
    digest = class_map_digest(entries)
    made_from = canonical_digest(
        [champion.model_dump(mode="json"), digest, settings.coreml.model_dump(mode="json"), code_digest(CODE)]
    )
    earlier = run.earlier.get("export")
    if earlier and earlier.facts["made_from"] == made_from and not lake.artifacts.missing(earlier.files.values()):
        log.info("export: the package of %s is still that of the champion", earlier.night)
        files, facts = earlier.files, earlier.facts
    else:
        files, facts = {}, {"made_from": made_from, "class_map_digest": digest, "made_on": str(run.night)}
        metadata = {
            "version": f"{__version__}+{champion.night.isoformat()}",
            "class_map_digest": digest,
            "backbone_digest": backbone.digest,
            "preprocessing": backbone.preprocessing,
            "trained_on_night": champion.night.isoformat(),
            "permission": run.inputs["begin"].facts["permission"],
            **{f"metric_{name}": f"{value:.6f}" for name, value in sorted(champion.metrics.items())},
        }
        if backbone.note:
            metadata["warning"] = backbone.note
        files["package"], facts["package"] = _package(
            settings, lake, champion, [entry.label for entry in entries], metadata=metadata, work=work
        )
        files["classes"] = lake.artifacts.put(canonical_json([entry.model_dump() for entry in entries]))
    return run.receipt(
        "export",
        files=files,
        counts={"classes": len(entries)},
        facts={**facts, "carried": facts["made_on"] != str(run.night)},
    )


def _package(
    settings: Settings, lake: Lake, champion: Champion, labels: list[str], *, metadata: dict[str, str], work: Path
) -> tuple[str, dict[str, object]]:
    """Convert, check that the package reads back as what was asked for, and keep it zipped."""
    from autodetect.classifier.head import load_head
    from autodetect.coreml.convert import convert
    from autodetect.coreml.package import inspect, zip_package

    model, backbone = load_pinned(lake.objects, settings.backbone, work)
    head = load_head(lake.artifacts.fetch(champion.head, work / "champion.keras"))
    log.info("export: converting %d classes to Core ML", len(labels))
    record = convert(
        model,
        head,
        labels,
        input_size=backbone.input_size,
        settings=settings.coreml,
        metadata=metadata,
        target=work / PACKAGE,
    )
    facts = inspect(work / PACKAGE)
    if list(facts.labels) != labels or (facts.image.width, facts.image.height) != (backbone.input_size,) * 2:
        raise CorruptError("the package does not read back with its labels and input size", "run the export again")
    sha256 = zip_package(work / PACKAGE, work / f"{PACKAGE}.zip")
    if lake.artifacts.put_file(work / f"{PACKAGE}.zip") != sha256:
        raise CorruptError(f"{work / PACKAGE}.zip changed while it was stored", "run the export again")
    return sha256, record.model_dump(mode="json")
