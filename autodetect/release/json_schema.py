"""JSON Schemas of what a release store holds, for whoever reads it in another language.

They describe the files as they are written, so nothing in them is optional. They cannot say all that the records check:
that a text is base64 of so many bytes, that a date exists, or that two fields agree.
"""

import json
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DictSchema

from autodetect.records import Record
from autodetect.release.history import HistoryEntry, LatestHint
from autodetect.release.manifest import Manifest
from autodetect.release.signed import Signatures
from autodetect.release.signing import PublicKey

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# File of the schema -> what it describes.
SCHEMAS: Final[dict[str, type[Record]]] = {
    "history.schema.json": HistoryEntry,
    "latest.schema.json": LatestHint,
    "manifest.schema.json": Manifest,
    "public-key.schema.json": PublicKey,
    "signatures.schema.json": Signatures,
}
PUBLISHED: Final = ("history.schema.json", "manifest.schema.json")  # files of every release


class _AsWritten(GenerateJsonSchema):
    """Asks for every field, as the canonical text leaves none out, and for names of the pattern that they must have."""

    def field_is_required(self, *_: Any, **__: Any) -> bool:
        return True

    def dict_schema(self, schema: DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        return made | {"additionalProperties": False} if "patternProperties" in made else made


def json_schema(kind: type[Record]) -> dict[str, Any]:
    """Return the JSON Schema of a record as `encode` writes it."""
    made = kind.model_json_schema(mode="serialization", schema_generator=_AsWritten)
    return {"$schema": DIALECT, **made}


def schema_bytes(name: str) -> bytes:
    """Return the text of a schema of `SCHEMAS`, the same for the same records."""
    return (json.dumps(json_schema(SCHEMAS[name]), indent=2, sort_keys=True) + "\n").encode()
