"""A release whose files say otherwise than its manifest, or than each other, is told file by file."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pyarrow.parquet as pq
import pytest

from autodetect.lake.objects import LocalStore
from autodetect.prices.parquet import write_parquet
from autodetect.release.consistency import READ, contradictions
from autodetect.release.files import fetched
from autodetect.release.keys import trusted_key
from autodetect.release.manifest import Manifest
from autodetect.release.verify import examined
from tests.release.publishing import Publishing

MAPPED = {"classes.json", "model.json", "prices.parquet", "offers.parquet", "autodetect.sqlite"}
PRICED = {"prices.parquet", "offers.parquet", "autodetect.sqlite"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Publishing:
    """A night's release, its price files by the price stage."""
    made = Publishing(tmp_path_factory.mktemp("night"))
    champion = made.champion()
    receipts = made.trained(champion)
    receipts["export"] = made.exported(champion)
    receipts["price"] = made.priced(receipts)
    made.publish(receipts)
    return made


@pytest.fixture
def manifest(published: Publishing) -> Manifest:
    return published.manifest()


@pytest.fixture
def files(published: Publishing, manifest: Manifest, tmp_path: Path) -> dict[str, Path]:
    return {name: fetched(published.store, manifest, name, tmp_path) for name in READ}


def test_a_release_as_a_night_makes_it_agrees_with_itself(
    published: Publishing, manifest: Manifest, files: dict[str, Path]
) -> None:
    assert contradictions(manifest, files) == {}
    seen = examined(LocalStore(published.folder / "store"), trusted=trusted_key(published.settings))
    assert (seen.problems, seen.notes) == ((), ())


@pytest.mark.parametrize(
    ("change", "named", "words"),
    [
        ({"class_map_digest": "d" * 64}, MAPPED, "its class map digest is"),
        ({"night": date(2026, 10, 31)}, PRICED, "its night is 2026-11-01, the manifest's is 2026-10-31"),
    ],
)
def test_what_several_files_carry_is_compared_in_each(
    manifest: Manifest, files: dict[str, Path], change: dict[str, object], named: set[str], words: str
) -> None:
    found = contradictions(manifest.model_copy(update=change), files)
    assert found.keys() == named
    assert all(words in each for each in found.values())


def test_another_backbone_is_found_in_both_files_that_name_it(manifest: Manifest, files: dict[str, Path]) -> None:
    other = manifest.backbone.model_copy(update={"digest": "e" * 64, "weights": "imagenet"})
    found = contradictions(manifest.model_copy(update={"backbone": other}), files)
    assert found.keys() == {"model.json", "backbone.json"}
    assert "its weights is random, the manifest's is imagenet" in found["backbone.json"]


def relabelled(path: Path) -> None:
    entries = json.loads(path.read_bytes())
    entries[0]["label"] = "Audi TT"
    path.write_text(json.dumps(entries))


def of_another_night(path: Path) -> None:
    table = pq.read_table(path)
    facts = {key.decode(): value.decode() for key, value in pq.read_metadata(path).metadata.items()}
    write_parquet(path, table.replace_schema_metadata(), facts | {"night": "2026-10-31"})


def without_facts(path: Path) -> None:
    write_parquet(path, pq.read_table(path).replace_schema_metadata(), {})


def of_another_model(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE meta SET value = ? WHERE key = 'class_map_digest'", ("d" * 64,))


def narrower(path: Path) -> None:
    schema = json.loads(path.read_bytes())
    schema["properties"]["channel"]["enum"] = ["production"]
    path.write_text(json.dumps(schema))


def no_schema(path: Path) -> None:
    path.write_text('{"type": "moon"}')


def nested(path: Path) -> None:
    path.write_text("[" * 100_000)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def empty(path: Path) -> None:
    path.write_bytes(b"")


CHANGES: list[tuple[str, Callable[[Path], None], str]] = [
    ("classes.json", relabelled, "its class map digest is"),
    ("prices.parquet", of_another_night, "its night is 2026-10-31"),
    ("offers.parquet", without_facts, "its class map digest is not said"),
    ("autodetect.sqlite", of_another_model, "its class map digest is dddddddddddddddd"),
    ("manifest.schema.json", narrower, "does not hold to it at $.channel"),
    ("history.schema.json", no_schema, "it is no JSON Schema"),
    ("classes.json", nested, "cannot be read"),
    ("history.schema.json", nested, "cannot be read"),
    *((name, edit, "cannot be read") for name in sorted(READ) for edit in (cut, empty)),
]


@pytest.mark.parametrize(("name", "edit", "words"), CHANGES, ids=[f"{name}-{e.__name__}" for name, e, _ in CHANGES])
def test_a_file_of_another_release_is_named_and_no_other(
    manifest: Manifest, files: dict[str, Path], name: str, edit: Callable[[Path], None], words: str
) -> None:
    edit(files[name])
    found = contradictions(manifest, files)
    assert found.keys() == {name}
    assert words in found[name]
    assert str(files[name].parent) not in found[name]  # a folder that is gone when the words are read


class Tempting(BaseHTTPRequestHandler):
    """Serves a schema that everything satisfies, and remembers that it was asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")


def test_a_schema_that_points_elsewhere_makes_nobody_fetch(manifest: Manifest, files: dict[str, Path]) -> None:
    with HTTPServer(("127.0.0.1", 0), Tempting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}/schema.json"
        files["manifest.schema.json"].write_text(json.dumps({"$ref": place}))
        found = contradictions(manifest, files)
        server.shutdown()
    assert found == {"manifest.schema.json": f"it refers to what is not in it: {place}"}
    assert Tempting.asked == []
