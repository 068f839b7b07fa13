"""The published schemas are those of the records: what the store holds satisfies them, what was changed does not."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from autodetect.lake.objects import LocalStore
from autodetect.release.history import newest
from autodetect.release.json_schema import PUBLISHED, SCHEMAS, schema_bytes
from autodetect.release.layout import LATEST, history_key, manifest_key, signatures_key
from autodetect.release.manifest import Manifest, decode, encode
from autodetect.release.rotation import rotate
from autodetect.release.signing import PrivateKey
from tests.release.publishing import VARIANTS, Publishing
from tests.release.sample import KEY, NOW, facts, publish_night

DOCS = Path(__file__).parents[2] / "docs" / "schemas"


def judge(name: str) -> Draft202012Validator:
    schema = json.loads(schema_bytes(name))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture
def held(store: LocalStore, tmp_path: Path) -> dict[str, list[Any]]:
    """By schema, what a store with a rotation holds."""
    done = publish_night(store, tmp_path, 1)
    publish_night(store, tmp_path, 2)
    second = PrivateKey(bytes(32), "demo")
    rotate(store, KEY, second, NOW, by="A. Smith", reason="yearly")
    keys = {
        "history.schema.json": [history_key(number) for number in (1, 2, 3)],
        "latest.schema.json": [LATEST],
        "manifest.schema.json": [manifest_key(done.release_id)],
        "signatures.schema.json": [signatures_key(done.release_id)],
    }
    found = {name: [json.loads(store.get(key)) for key in each] for name, each in keys.items()}
    return found | {"public-key.schema.json": [json.loads(encode(second.public))]}


def test_the_schemas_in_the_documentation_are_current() -> None:
    stale = [name for name in SCHEMAS if (DOCS / name).read_bytes() != schema_bytes(name)]
    assert not stale, f"write schema_bytes(name) to docs/schemas for {stale}; is it another schema version?"
    assert {path.name for path in DOCS.iterdir()} == SCHEMAS.keys()


def test_what_a_store_holds_satisfies_its_schemas(held: dict[str, list[Any]]) -> None:
    assert held.keys() == SCHEMAS.keys()
    for name, values in held.items():
        for value in values:
            judge(name).validate(value)


def test_a_whole_release_satisfies_the_schema_that_it_carries(tmp_path: Path) -> None:
    publishing = Publishing(tmp_path)
    champion = publishing.champion()
    receipts = publishing.trained(champion)
    receipts |= {"export": publishing.exported(champion), "price": publishing.made_up_prices()}
    publishing.publish(receipts)
    manifest, entry = publishing.manifest(), newest(publishing.store)
    assert entry is not None
    assert len(manifest.packages) == len(VARIANTS)
    for name, record in zip(PUBLISHED, (entry, manifest), strict=True):
        schema = publishing.told(manifest, name)
        assert schema == json.loads((DOCS / name).read_bytes())
        Draft202012Validator(schema).validate(json.loads(encode(record)))


MUTATIONS: dict[str, Callable[[dict[str, Any], str], None]] = {
    "missing": lambda value, field: value.pop(field),
    "of another type": lambda value, field: value.update({field: {"strange": 1.5}}),
    "more": lambda value, field: value.update({f"{field}_too": value[field]}),
}


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_a_changed_field_satisfies_no_schema(
    held: dict[str, list[Any]], mutate: Callable[[dict[str, Any], str], None]
) -> None:
    free = {"metrics", "champion_metrics"}  # figures by any name
    for name, [value, *_] in held.items():
        for field in value.keys() - (free if mutate is MUTATIONS["of another type"] else set()):
            changed = json.loads(json.dumps(value))
            mutate(changed, field)
            assert not judge(name).is_valid(changed), (name, field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel", "moon"),
        ("class_map_digest", 7),
        ("metrics", {"top1": "good"}),
        ("previous_release", "abc"),
        ("schema_version", 2),
        ("objects", {"../escape": {"sha256": "a" * 64, "size": 1, "media_type": "x"}}),
        ("objects", {"a": {"sha256": "A" * 64, "size": 1, "media_type": "x"}}),
        ("objects", {"a": {"sha256": "a" * 64, "size": -1, "media_type": "x"}}),
        ("verdict", "held"),
    ],
)
def test_a_manifest_with_a_wrong_value_is_refused(held: dict[str, list[Any]], field: str, value: object) -> None:
    [manifest] = held["manifest.schema.json"]
    assert not judge("manifest.schema.json").is_valid(manifest | {field: value})


NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
OBJECTS = st.fixed_dictionaries(
    {"sha256": st.just("a" * 64), "size": st.integers(0, 2**40), "media_type": st.text(max_size=9)}
)
WORDS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(
    night=st.dates(),
    metrics=st.dictionaries(WORDS, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    warnings=st.lists(WORDS, max_size=3),
    objects=st.dictionaries(NAMES, OBJECTS, max_size=3),
)
def test_whatever_the_program_reads_as_a_manifest_satisfies_the_schema(
    night: date, metrics: dict[str, float], warnings: list[str], objects: dict[str, Any]
) -> None:
    told = facts(night=night, metrics=metrics, warnings=tuple(warnings)).model_dump()
    data = encode(Manifest(**told, created=NOW, objects=objects))
    assert decode(Manifest, data, "here")
    judge("manifest.schema.json").validate(json.loads(data))
