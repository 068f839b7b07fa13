"""The export stage: the champion as Core ML packages that were shown to answer as it does, and its class map."""

import logging
from pathlib import Path
from typing import Any

from autodetect.classifier.champion import Champion
from autodetect.coreml.candidate import Candidate, Networks
from autodetect.coreml.outputs import with_silence
from autodetect.coreml.variants import VariantFacts, file_key, package_name, recommended
from autodetect.errors import CorruptError, HeldError, StageFailedError
from autodetect.lake.lake import Lake
from autodetect.lake.provenance import code_digest
from autodetect.lake.schemas import CLASSES, SNAPSHOTS
from autodetect.records import Receipt, StageRun, canonical_digest, canonical_json
from autodetect.sections import Variant
from autodetect.settings import Settings

log = logging.getLogger(__name__)
CODE = ("autodetect.coreml", "autodetect.embeddings")


def export(settings: Settings, lake: Lake, run: StageRun, *, work: Path) -> Receipt:
    """Export the champion; packages made on an earlier night from the same model and settings are carried on.

    A variant that fails is left out. Where the float16 package fails or cannot be made, the model is withheld: what an
    earlier night released is carried on in its place.

    Args:
        settings: `coreml`; `photos.max_pixels`.
        lake: reads `classes`, the champion's files and test photos of its snapshot; keeps zipped packages, class map
            and head as artifacts.
        run: tonight's train receipt names the champion.
        work: local scratch folder.

    Raises:
        HeldError: there is no champion, none of its classes may be answered, or it is withheld and no earlier night
            exported another.

    Returns:
        A receipt whose facts name the `champion` that is released, why tonight's is `withheld` ('' where it is not),
        the `variants` and which of them is `recommended`; whose files are `package` and `package-<variant>`, `classes`
        and `head`: the head as it is released, in which outputs of retired and withheld classes are silent, also those
        of classes that were retired after it was trained.
    """
    champion = Champion.of(run.inputs["train"])
    if champion is None:
        raise HeldError("there is no model to export", "see the gate's words in the train stage")
    classes = lake.tables.read(CLASSES, version=run.versions[CLASSES.name]).to_pylist()
    candidate = Candidate.of(lake, champion, classes, run.inputs["begin"].facts["permission"])
    made_from = _made_from(settings, candidate)
    earlier = _whole(lake, run.earlier.get("export"))
    if earlier and earlier.facts["made_from"] == made_from:
        log.info("export: the packages of %s are still those of the champion", earlier.facts["made_on"])
        return _carried(run, earlier, withheld="")
    files, facts = _exported(settings, lake, run, candidate, work=work)
    if facts["withheld"]:
        return _withheld(run, earlier, str(facts["withheld"]))
    return run.receipt(
        "export",
        files=files,
        counts={"classes": len(candidate.entries), "packages": sum(name.startswith("package") for name in files)},
        facts={**facts, "made_from": made_from, "made_on": str(run.night), "carried": False},
    )


def _made_from(settings: Settings, candidate: Candidate) -> str:
    """Return the digest of all that decides the packages."""
    return canonical_digest(
        [
            candidate.champion.model_dump(mode="json"),
            candidate.silent,
            candidate.class_map_digest,
            settings.coreml.model_dump(mode="json"),
            code_digest(CODE),
        ]
    )


def _whole(lake: Lake, earlier: Receipt | None) -> Receipt | None:
    """Return the earlier receipt if it can be carried on: it says which model it released, and its files are there."""
    if earlier is None or "champion" not in earlier.facts or lake.artifacts.missing(earlier.files.values()):
        return None
    return earlier


def _carried(run: StageRun, earlier: Receipt, *, withheld: str) -> Receipt:
    facts = {**earlier.facts, "withheld": withheld, "carried": earlier.facts["made_on"] != str(run.night)}
    return run.receipt("export", files=earlier.files, counts=earlier.counts, facts=facts)


def _withheld(run: StageRun, earlier: Receipt | None, words: str) -> Receipt:
    """Carry on what an earlier night released; the next night tries the model again."""
    if earlier is None:
        raise HeldError(
            f"the model cannot be released: {words}",
            "no earlier night exported one that could go out in its place; see `autodetect export --verify --help`",
        )
    log.warning("export: tonight's model is withheld: %s", words)
    return _carried(run, earlier, withheld=words)


def _exported(
    settings: Settings, lake: Lake, run: StageRun, candidate: Candidate, *, work: Path
) -> tuple[dict[str, str], dict[str, Any]]:
    """Make, try and keep the packages; return files and facts. Nothing is kept of a model that is withheld."""
    from autodetect.coreml.packaging import Trials, make_fp16, tried_fp16, tried_variant
    from autodetect.coreml.trial_photos import read_trial_photos

    coreml = settings.coreml
    networks, fp16 = candidate.networks(lake, work), work / package_name("fp16")
    log.info("export: converting %d classes to Core ML", len(candidate.entries))
    try:
        record = make_fp16(candidate, networks, coreml, fp16)
    except (StageFailedError, CorruptError) as error:
        return {}, {"withheld": " ".join(error.what.split())}
    photos = read_trial_photos(
        lake,
        candidate,
        run.versions.get(SNAPSHOTS.name, 0),
        most=coreml.accuracy_photos,
        max_pixels=settings.photos.max_pixels,
    )
    trials = Trials.of(candidate, networks, photos, coreml.parity_photos)
    first, compiler = tried_fp16(fp16, trials)
    if not first.kept:
        return {}, {"withheld": first.words}
    others: list[Variant] = [variant for variant in coreml.variants if variant != "fp16"]
    tried = [first, *(tried_variant(variant, fp16, trials) for variant in others)]
    best = recommended(tried)
    tried = [each.model_copy(update={"recommended": each.name == best}) for each in tried]
    log.info("export: %s is recommended", best)
    return _kept(lake, candidate, networks, tried, work), {
        "champion": candidate.champion.model_dump(mode="json"),
        "withheld": "",
        "class_map_digest": candidate.class_map_digest,
        "package": record.model_dump(mode="json"),
        "variants": [each.model_dump(mode="json") for each in tried],
        "recommended": best,
        "parity": first.parity.how,
        "compiler": compiler.words,
        "test_photos_gone": photos.gone,
    }


def _kept(
    lake: Lake, candidate: Candidate, networks: Networks, tried: list[VariantFacts], work: Path
) -> dict[str, str]:
    """Keep the archives of the packages, the class map and the head; return their digests by name."""
    from autodetect.classifier.head import masked_outputs

    files = {file_key(each.name): _kept_archive(lake, work / each.file) for each in tried if each.kept}
    told = [entry.model_dump() for entry in with_silence(candidate.entries, masked_outputs(networks.head))]
    return files | {"head": networks.head_digest, "classes": lake.artifacts.put(canonical_json(told))}


def _kept_archive(lake: Lake, archive: Path) -> str:
    if not archive.is_file():
        raise CorruptError(f"{archive} vanished before it was stored", "run the export again")
    return lake.artifacts.put_file(archive)
