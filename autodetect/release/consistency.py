"""Do the files of a release say the same as its manifest, and as each other? Each by the readers that clients use."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from autodetect.classifier.champion import ClassEntry, class_map_digest
from autodetect.coreml.outputs import Output
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.errors import AutoDetectError
from autodetect.prices.files import PRICE_FILES
from autodetect.release import model_facts
from autodetect.release.json_schema import PUBLISHED
from autodetect.release.manifest import Manifest
from autodetect.release.model_facts import ModelFacts

CLASSES, MODEL, BACKBONE = "classes.json", model_facts.NAME, "backbone.json"
PRICES, OFFERS, SQLITE = PRICE_FILES
MANIFEST_SCHEMA = "manifest.schema.json"
READ: Final = frozenset((CLASSES, MODEL, BACKBONE, *PRICE_FILES, *PUBLISHED))


def contradictions(manifest: Manifest, files: Mapping[str, Path]) -> dict[str, str]:
    """Return what is wrong with the files of a release, in words, by name; only those in `READ` are looked into.

    Args:
        manifest: the release's manifest.
        files: where its files lie, by name; a file that is not among them is not judged.
    """
    found = {}
    for name in sorted(READ & files.keys()):
        try:
            words = "; ".join(_JUDGES[name](manifest, files[name]))
        except (AutoDetectError, ValueError, OSError, RecursionError) as error:
            why = (str(error) or type(error).__name__).splitlines()[0]
            words = f"it cannot be read: {why.replace(f'{files[name].parent}/', '')}"
        if words:
            found[name] = words
    return found


def classes_of(path: Path) -> tuple[Output, ...]:
    """Return the class map of a release.

    Raises:
        ValueError: it is no class map.
    """
    return TypeAdapter(tuple[Output, ...]).validate_json(path.read_bytes())


def _classes(manifest: Manifest, path: Path) -> Iterator[str]:
    entries = [ClassEntry(**output.model_dump(exclude={"answers"})) for output in classes_of(path)]
    yield from _differing(manifest, {"class map digest": class_map_digest(entries)})


def _model(manifest: Manifest, path: Path) -> Iterator[str]:
    told = ModelFacts.model_validate_json(path.read_bytes())
    yield from _differing(manifest, {"class map digest": told.class_map_digest, "backbone": told.backbone})


def _backbone(manifest: Manifest, path: Path) -> Iterator[str]:
    told = BackboneRecord.model_validate_json(path.read_bytes())
    yield from _differing(manifest, {"backbone": told.digest, "weights": told.resolved})


def _parquet(manifest: Manifest, path: Path) -> Iterator[str]:
    import pyarrow.parquet as pq

    facts = pq.read_metadata(path).metadata or {}
    yield from _of_prices(
        manifest, {name: facts.get(name.encode(), b"").decode() for name in ("class_map_digest", "night")}
    )


def _sqlite(manifest: Manifest, path: Path) -> Iterator[str]:
    from autodetect.prices.sqlite.lookup import meta_of

    yield from _of_prices(manifest, meta_of(path))


def _schema(manifest: Manifest, path: Path) -> Iterator[str]:
    """Judge the schema of manifests by the manifest itself, and any other by being a schema at all."""
    from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped]
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    schema = json.loads(path.read_bytes())
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield f"it is no JSON Schema: {error.message}"
        return
    if path.name != MANIFEST_SCHEMA:
        return
    judge = Draft202012Validator(schema, registry=Registry())  # fetches nothing, whatever the schema refers to
    try:
        for flaw in islice(judge.iter_errors(manifest.model_dump(mode="json")), 1):
            yield f"the manifest does not hold to it at {flaw.json_path}: {flaw.message}"
    except Unresolvable as error:
        yield f"it refers to what is not in it: {error.ref}"


def _of_prices(manifest: Manifest, facts: Mapping[str, str]) -> Iterator[str]:
    told = {"class map digest": facts.get("class_map_digest", ""), "night": facts.get("night", "")}
    yield from _differing(manifest, told)


def _differing(manifest: Manifest, told: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for whatever a file says otherwise than the manifest."""
    expected = {
        "class map digest": manifest.class_map_digest,
        "backbone": manifest.backbone.digest,
        "weights": manifest.backbone.weights,
        "night": manifest.night.isoformat(),
    }
    for fact, value in told.items():
        if value != expected[fact]:
            yield f"its {fact} is {_short(value)}, the manifest's is {_short(expected[fact])}"


def _short(value: str) -> str:
    return value[:16] or "not said"


_Judge = Callable[[Manifest, Path], Iterable[str]]
_JUDGES: Final[dict[str, _Judge]] = {
    CLASSES: _classes,
    MODEL: _model,
    BACKBONE: _backbone,
    PRICES: _parquet,
    OFFERS: _parquet,
    SQLITE: _sqlite,
    **dict.fromkeys(PUBLISHED, _schema),
}
