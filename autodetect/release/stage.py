"""The publish stage: the model that the export settled on, its class map and tonight's prices, as one release."""

import logging
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from autodetect import __version__
from autodetect.classifier.champion import Champion
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import file_key, imagenet_head_key, record_of
from autodetect.errors import CorruptError, HeldError
from autodetect.lake.archives import sha256_file
from autodetect.lake.lake import Lake, s3_options
from autodetect.lake.lease import Fence
from autodetect.lake.objects import ObjectStore, open_objects, probe_put_if_absent
from autodetect.lake.provenance import dependencies_digest
from autodetect.lake.schemas import SEEN, SIGHTINGS
from autodetect.lake.verdict import hold_reason, model_verdict, withheld_words
from autodetect.prices.files import PRICE_FILES
from autodetect.prices.judged.figures import PriceEvaluation
from autodetect.records import Receipt, StageRun, Verdict, canonical_json
from autodetect.release import model_facts, non_cars
from autodetect.release.card import card
from autodetect.release.exported import dropped_words, package_files, packages_of
from autodetect.release.history import newest, refuse_other_key
from autodetect.release.json_schema import PUBLISHED, schema_bytes
from autodetect.release.keys import has_signing_key, signing_key
from autodetect.release.layout import media_type
from autodetect.release.manifest import Backbone, DataWindow, ReleaseFacts
from autodetect.release.model_facts import ModelFacts
from autodetect.release.publish import Published, refuse_demo_key
from autodetect.release.publish import publish as publish_release
from autodetect.release.upload import ReleaseFile
from autodetect.settings import Settings

log = logging.getLogger(__name__)

OWN_FOLDER = "folder"  # source of the sightings that people brought themselves


def publish(settings: Settings, lake: Lake, run: StageRun, *, work: Path, fence: Fence) -> Receipt:
    """Publish tonight's release; a night published before a kill is not published twice.

    Args:
        settings: `store`, `channel`, `s3`.
        lake: the artifacts that tonight's receipts name.
        run: tonight's receipts.
        work: local scratch folder.
        fence: checked right before the commit.

    Raises:
        HeldError: the night is not good enough, also when its stages were run one by one.
        DependencyDownError: the store does not answer.
    """
    if reason := hold_reason(run.inputs, settings.crawl.min_coverage):
        raise HeldError(reason, "see `autodetect report`; nothing was published")
    champion = Champion.released(run.inputs["export"])
    backbone = record_of(lake.objects, champion.backbone)
    store, key = open_store(settings), signing_key(settings)
    facts = _facts(settings, lake, run, champion, backbone)
    files = _files(lake, run, champion, backbone, facts, folder=work / "release")
    done = publish_release(
        store,
        files,
        facts,
        run.now,
        key=key,
        valid_for=timedelta(days=settings.release.valid_days),
        before_commit=fence.check,
    )
    log.info(
        "publish: release %s, number %d, %d files sent, %d there already",
        done.release_id[:12],
        done.sequence,
        len(done.uploaded),
        len(done.reused),
    )
    return _receipt(run, champion, done, files)


def open_store(settings: Settings, *, probe: bool = True) -> ObjectStore:
    """Open the release store; one that ignores put-if-absent is refused unless `single_writer` allows it."""
    store = open_objects(settings.store, s3_options(settings))
    if probe and not settings.single_writer:
        probe_put_if_absent(store)
    return store


def check_publishing(settings: Settings) -> None:
    """Look at store and key before a night's work, not after it. Writes nothing.

    Raises:
        UsageError: the key is missing, cannot be used, or is a demo key while the channel is production.
        ForgedError: another key signed the store's newest entry.
        CorruptError: that entry is damaged.
        DependencyDownError: the store does not answer.
    """
    store = open_store(settings, probe=False)
    entry = newest(store)
    if settings.channel == "demo" and entry is None and not has_signing_key(settings):
        return  # publishing makes the demo key
    key = signing_key(settings, make=False).public
    refuse_demo_key(settings.channel, key)
    if entry is not None:
        refuse_other_key(store, entry, key)


def _facts(settings: Settings, lake: Lake, run: StageRun, champion: Champion, backbone: BackboneRecord) -> ReleaseFacts:
    begin, export = run.inputs["begin"], run.inputs["export"]
    verdict, _ = model_verdict(run.inputs, run.earlier)
    nights: list[date] = lake.tables.read(SEEN, version=run.versions[SEEN.name], columns=["night"])["night"].to_pylist()
    return ReleaseFacts(
        channel=settings.channel,
        night=run.night,
        verdict=verdict,
        source=begin.facts["source"],
        permission=begin.facts["permission"],
        data_window=DataWindow(first=min(nights), last=max(nights)) if nights else None,
        code_version=__version__,
        backbone=Backbone(digest=backbone.digest, weights=backbone.resolved, note=backbone.note),
        class_map_digest=export.facts["class_map_digest"],
        dependencies=dependencies_digest(),
        licences=_licences(lake, run),
        minimum_app_version=settings.release.minimum_app_version,
        metrics=champion.metrics,
        champion_metrics=_displaced(run.inputs["train"], champion),
        warnings=tuple(_warnings(run, champion, backbone, verdict)),
        parity=export.facts["parity"],
        packages=packages_of(export),
    )


def _licences(lake: Lake, run: StageRun) -> tuple[str, ...]:
    """Return under what the photos and listings may be used that people brought themselves."""
    own = pc.field("source") == OWN_FOLDER
    stamped = lake.tables.read(SIGHTINGS, version=run.versions[SIGHTINGS.name], columns=["permission"], where=own)
    return tuple(sorted(filter(None, pc.unique(stamped["permission"]).to_pylist())))


def _displaced(train: Receipt, released: Champion) -> dict[str, float]:
    """Return the figures of the model that tonight's displaced, on the test vehicles of the classes it knew."""
    theirs = train.facts.get("champion_evaluation")
    if not theirs or not train.facts["promoted"] or released.head != train.facts["champion"]["head"]:
        return {}
    return {name: float(theirs[name]) for name in released.metrics if name in theirs}


def _warnings(run: StageRun, champion: Champion, backbone: BackboneRecord, verdict: Verdict) -> Iterator[str]:
    """Yield what whoever uses the release should know."""
    gate, its_night = run.inputs["train"].facts["gate"], f"the model is that of {champion.night}"
    if backbone.note:
        yield backbone.note
    if words := withheld_words(run.inputs):
        yield f"{its_night}; {words}"
    elif gate.get("overridden"):
        yield f"the model was {gate['words']}"
    elif verdict is Verdict.PRICES_ONLY:
        yield f"{its_night}; tonight: {gate['words']}"
    yield from dropped_words(run.inputs["export"])


def _files(
    lake: Lake, run: StageRun, champion: Champion, backbone: BackboneRecord, facts: ReleaseFacts, *, folder: Path
) -> list[ReleaseFile]:
    """Bring the release's files into a local folder, each checked against the digest its receipt names."""
    folder.mkdir(parents=True, exist_ok=True)
    export, price, train = (run.inputs[name] for name in ("export", "price", "train"))
    digests = {
        **package_files(export),
        "classes.json": export.files["classes"],
        "champion.keras": export.files["head"],
        **{name: price.files[name] for name in PRICE_FILES},
    }
    for name, sha256 in digests.items():
        lake.artifacts.fetch(sha256, folder / name)
    models = {"backbone.keras": (file_key(backbone), backbone.file_sha256)}
    if backbone.imagenet_head:
        models[non_cars.FILE_NAME] = (imagenet_head_key(backbone), backbone.imagenet_head)
    for name, (key, sha256) in models.items():
        lake.objects.download(key, folder / name)
        if sha256_file(folder / name) != sha256:
            raise CorruptError(f"{key} is damaged", "restore it from an earlier release")
    about = ModelFacts.of(champion, backbone, facts.class_map_digest)
    evaluation = PriceEvaluation.model_validate(price.facts["evaluation"])
    texts = {
        model_facts.NAME: canonical_json(about.model_dump(mode="json")),
        "metrics.json": canonical_json(_metrics(train, champion)),
        "backbone.json": canonical_json(backbone.model_dump(mode="json")),
        "card.md": card(facts, champion, backbone.architecture, price.counts, evaluation).encode(),
        **{name: schema_bytes(name) for name in PUBLISHED},
    }
    for name, data in texts.items():
        (folder / name).write_bytes(data)
    names = sorted([*digests, *texts, *models])
    if len(names) != len(set(names)):
        raise CorruptError("two files of the release have one name", "this is a defect; report it")
    return [ReleaseFile(name, folder / name, media_type(name)) for name in names]


def _metrics(train: Receipt, champion: Champion) -> dict[str, Any]:
    """Return the figures of the released model beside tonight's challenger's."""
    names = ("gate", "evaluation", "champion_evaluation", "promoted")
    return {
        "released": champion.model_dump(mode="json"),
        "tonight": {name: train.facts[name] for name in names if name in train.facts},
    }


def _receipt(run: StageRun, champion: Champion, done: Published, files: list[ReleaseFile]) -> Receipt:
    return run.receipt(
        "publish",
        counts={"objects": len(files), "bytes": sum(file.path.stat().st_size for file in files)},
        facts={
            "release_id": done.release_id,
            "sequence": done.sequence,
            "champion": champion.model_dump(mode="json"),
            "objects": {file.name: file.path.stat().st_size for file in files},
        },
        run={"uploaded": float(len(done.uploaded)), "reused": float(len(done.reused))},
    )
