"""A release's manifest: the facts about it and the digest of every file in it."""

import json
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import (
    AwareDatetime,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from autodetect.errors import CorruptError, UsageError
from autodetect.lake.objects import ObjectMissingError, ObjectStore
from autodetect.records import Record, Verdict, canonical_digest, canonical_json
from autodetect.release.layout import manifest_key
from autodetect.release.packages import PackageFact

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ObjectName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
RecordT = TypeVar("RecordT", bound=Record)
SCHEMA_VERSION: Final = 3


class ManifestObject(Record):
    """One file of a release: its digest says where it is and what it must be."""

    sha256: Digest
    size: int = Field(ge=0, description="bytes")
    media_type: str


class Backbone(Record):
    """The network below the head that the release's model was trained on."""

    digest: str
    weights: str
    note: str = ""


class DataWindow(Record):
    """First and last day of the sightings behind the release, both included."""

    first: date
    last: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            raise ValueError("the first day is after the last")
        return self


class ReleaseFacts(Record):
    """What the night knows about its release; publishing adds the files, the predecessor and the time."""

    channel: Literal["demo", "candidate", "production"]
    night: date
    verdict: Literal[Verdict.PUBLISHED, Verdict.PRICES_ONLY]
    source: str
    permission: str = ""
    data_window: DataWindow | None = None
    code_version: str
    backbone: Backbone
    class_map_digest: str
    dependencies: Digest | Literal[""] = Field(
        "", description="digest of the versions of all packages it was made with"
    )
    licences: tuple[str, ...] = Field((), description="what permits using the photos and listings that were imported")
    metrics: dict[str, Finite] = Field(default_factory=dict, description="the model's figures on its test vehicles")
    champion_metrics: dict[str, Finite] = Field(
        default_factory=dict,
        description="the same figures, on the same vehicles, of the model it displaced; else empty",
    )
    warnings: tuple[str, ...] = Field((), description="what whoever uses this release should know, in words")
    minimum_app_version: str = "1.0"
    parity: Literal["", "interpreted (Linux)", "native"] = Field(
        "", description="how the packages were shown to answer as the Keras model does; empty: not shown"
    )
    packages: tuple[PackageFact, ...] = Field((), description="the Core ML packages among the files")


class Manifest(ReleaseFacts):
    """Everything a client needs to fetch and trust a release.

    Its identity is `release_id`: the SHA-256 of the canonical JSON without `created`.
    """

    schema_version: Literal[3] = SCHEMA_VERSION
    created: AwareDatetime
    previous_release: Digest | None = None
    objects: dict[ObjectName, ManifestObject]

    @model_validator(mode="after")
    def _packages_are_files(self) -> Self:
        if absent := sorted({each.file for each in self.packages} - self.objects.keys()):
            raise ValueError(f"the package {absent[0]} is not among the files")
        return self


def release_id(manifest: Manifest) -> str:
    """Return the SHA-256 (hex) of the canonical manifest without its creation time."""
    return canonical_digest(manifest.model_dump(mode="json", exclude={"created"}))


def encode(record: Record) -> bytes:
    """Return the one canonical text of a record: sorted keys, no white space, UTF-8."""
    return canonical_json(record.model_dump(mode="json"))


def decode(kind: type[RecordT], data: bytes, place: str) -> RecordT:
    """Return the record behind its canonical text.

    Raises:
        CorruptError: the bytes are not exactly what `encode` would write for such a record.
        UsageError: an older or newer AutoDetect made it.
    """
    _refuse_other_versions(kind, data, place)
    try:
        record = kind.model_validate_json(data)
        if encode(record) == data:
            return record
        why = "it is not in canonical form"
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(map(str, first['loc'])) or 'the text'}: {first['msg']}"
    except ValueError as error:
        why = str(error).splitlines()[0]
    raise CorruptError(
        f"{place} is no sound {kind.__name__}: {why}", "run `autodetect release verify`, then restore it"
    )


def load_manifest(store: ObjectStore, wanted: str) -> Manifest:
    """Return the manifest with this release id; whether its signature is right is for `signed` to say.

    Raises:
        ObjectMissingError: there is none.
        CorruptError: it is not what its id says.
        UsageError: an older or newer AutoDetect made it.
    """
    key = manifest_key(wanted)
    return manifest_from(store.get(key), wanted, f"{store.url}/{key}")


def manifest_from(data: bytes, wanted: str, place: str) -> Manifest:
    """Return the manifest with this release id from its bytes; `place` is where they were found.

    Raises:
        CorruptError: it is not what its id says.
        UsageError: an older or newer AutoDetect made it.
    """
    manifest = decode(Manifest, data, place)
    if (found := release_id(manifest)) != wanted:
        raise CorruptError(
            f"{place} has the digest {found}: it was changed after it was published",
            "run `autodetect release verify`, then roll back or publish again",
        )
    return manifest


def holds_manifest(store: ObjectStore, wanted: str) -> bool:
    """Return whether a sound manifest with this id is in the store."""
    try:
        load_manifest(store, wanted)
    except (ObjectMissingError, CorruptError):
        return False
    return True


def _refuse_other_versions(kind: type[Record], data: bytes, place: str) -> None:
    known = kind.model_fields.get("schema_version")
    if known is None:
        return
    try:
        version = json.loads(data)["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(version, int) and not isinstance(version, bool) and version > known.default:
        raise UsageError(f"{place} has schema version {version}, newer than this program knows", "update AutoDetect")
    if isinstance(version, int) and not isinstance(version, bool) and 0 < version < known.default:
        raise UsageError(
            f"{place} has schema version {version}; this program reads {known.default}", "publish into a new store"
        )


def utc(moment: datetime) -> datetime:
    """Return the moment in UTC to the second, as it is written.

    Raises:
        ValueError: it has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC).replace(microsecond=0)
