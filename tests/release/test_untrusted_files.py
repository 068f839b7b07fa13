"""Files that nobody vouches for: each hostile one is refused in words of its own, and nothing in it is run."""

import io
import json
import pickle
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodetect.coreml.interpreter.reader import read_program
from autodetect.embeddings.imagenet_head import load_head
from autodetect.embeddings.keras_file import load_model, save_model
from autodetect.errors import CorruptError
from autodetect.lake.archives import repack_zip, sha256_bytes
from autodetect.lake.objects import LocalStore
from autodetect.prices.sqlite.lookup import meta_of, price_of
from autodetect.release.client import SyncedRelease
from autodetect.release.history import HistoryEntry, LatestHint
from autodetect.release.identify import fetch, identify, read_photo
from autodetect.release.manifest import Manifest, decode
from autodetect.release.signed import Signatures
from tests.prices.stocked import FORD, price, stock
from tests.release.model_release import ModelRelease, photos
from tests.release.sample import KEY, NOW

DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound model, `sound.keras`, and `lambda.keras`, which touches a file called `ran` where it is loaded."""
    import keras

    folder = tmp_path_factory.mktemp("models")
    save_model(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]), folder / "sound.keras")
    hostile = eval(f"lambda x: (open({str(folder / 'ran')!r}, 'w').close(), x)[1]")
    keras.Sequential([keras.Input((4,)), keras.layers.Lambda(hostile)]).save(folder / "lambda.keras")
    (folder / "ran").unlink()
    return folder


def test_a_layer_of_code_is_never_run(models: Path) -> None:
    import keras

    keras.config.enable_unsafe_deserialization()  # what any library in the process may have done
    try:
        with pytest.raises(CorruptError, match=r"holds code \(a Lambda\), which is never run"):
            load_model(models / "lambda.keras", "fetch it again")
        assert not (models / "ran").exists()
        keras.saving.load_model(models / "lambda.keras")
        assert (models / "ran").exists()  # the file is as hostile as the test says
    finally:
        from keras.src.saving import serialization_lib

        serialization_lib.SafeModeScope(None).__enter__()


def config_with(**changes: Any) -> Callable[[bytes], bytes]:
    """Put these fields into the configuration of a model's last layer."""

    def edit(data: bytes) -> bytes:
        config = json.loads(data)
        config["config"]["layers"][-1] |= changes
        return json.dumps(config).encode()

    return edit


CONFIGS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a function of the system": (config_with(module="os", class_name="system"), r"names os\.system"),
    "a module of the program": (config_with(module="autodetect.lake", class_name="Lake"), "none of Keras' own"),
    "a name like Keras'": (config_with(module="kerasevil", class_name="Dense"), "names kerasevil"),
    "a SavedModel": (config_with(class_name="TFSMLayer"), "holds code"),
    "a class that is none": (config_with(class_name="get_file", module="keras.utils"), "cannot be read"),
    "deep": (lambda _: DEEP, "cannot be read"),
    "no JSON": (lambda _: b"\x80\x04pickled", "cannot be read"),
    "of another kind": (lambda _: b"[]", "cannot be read"),
    "more memory than there is": (lambda data: data.replace(b'"units": 3', b'"units": 100000000000'), "cannot be read"),
}


@pytest.mark.parametrize(("edit", "words"), CONFIGS.values(), ids=CONFIGS.keys())
def test_a_model_that_describes_itself_as_something_else_is_refused(
    models: Path, tmp_path: Path, edit: Callable[[bytes], bytes], words: str
) -> None:
    with zipfile.ZipFile(models / "sound.keras") as archive:
        data = edit(archive.read("config.json"))
    repack_zip(models / "sound.keras", tmp_path / "hostile.keras", replace={"config.json": data})
    with pytest.raises(CorruptError, match=words) as raised:
        load_model(tmp_path / "hostile.keras", "fetch it again")
    assert raised.value.remedy == "fetch it again"


ENTRIES = {
    "../evil": "leaves the folder",
    "/tmp/evil": "leaves the folder",
    "config.json": "appears twice",
    "assets/evil.pkl": "holds 'assets/evil.pkl'",
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("name", "words"), ENTRIES.items(), ids=ENTRIES.keys())
def test_a_model_with_more_than_its_parts_is_refused(models: Path, tmp_path: Path, name: str, words: str) -> None:
    path = tmp_path / "hostile.keras"
    path.write_bytes((models / "sound.keras").read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"{}")
    with pytest.raises(CorruptError, match=words):
        load_model(path, "fetch it again")


class Touching:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def array_file(value: Any) -> bytes:
    target = io.BytesIO()
    np.save(target, value, allow_pickle=True)
    return target.getvalue()


def zipped(value: Any) -> bytes:
    target = io.BytesIO()
    np.savez(target, value)
    return target.getvalue()


ARRAYS: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "a pickle in an array": (lambda ran: array_file(np.array([Touching(ran)], dtype=object)), "Object arrays"),
    "a pickle": (lambda ran: pickle.dumps(Touching(ran)), "magic string"),
    "an archive of arrays": (lambda ran: zipped(np.zeros(3)), "magic string"),
    "one that says it is huge": (
        lambda ran: array_file(np.zeros((2049, 1000), "<f4")).replace(b"(2049, 1000), }", b"(2049,10**9),  }"),
        "no array",
    ),
    "one of another shape": (lambda ran: array_file(np.zeros((2, 1000), "<f4")), r"float32 \(2, 1000\), not"),
    "cut": (lambda ran: array_file(np.zeros((2049, 1000), "<f4"))[:-1], "no array"),
    "nothing": (lambda ran: b"", "no array"),
}


@pytest.mark.parametrize(("made", "words"), ARRAYS.values(), ids=ARRAYS.keys())
def test_an_array_that_is_more_than_numbers_is_refused(
    tmp_path: Path, made: Callable[[Path], bytes], words: str
) -> None:
    data = made(tmp_path / "ran")
    (tmp_path / "imagenet-head.npy").write_bytes(data)
    with pytest.raises(CorruptError, match=words):
        load_head(tmp_path / "imagenet-head.npy", sha256_bytes(data))
    assert not (tmp_path / "ran").exists()


SCHEMAS = {
    "a view in place of a table": (
        "ALTER TABLE prices RENAME TO hidden; CREATE VIEW prices AS SELECT * FROM hidden",
        "'hidden'",
    ),
    "a view that never ends": (
        "CREATE VIEW more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "'more'",
    ),
    "a trigger": ("CREATE TRIGGER ran AFTER INSERT ON meta BEGIN DELETE FROM prices; END", "'ran'"),
    "a virtual table": (  # written as an attacker would: the SQLite here may lack the module
        (
            "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES"
            " ('table', 'words', 'words', 0, 'CREATE VIRTUAL TABLE words USING fts5(x)')"
        ),
        "'words'",
    ),
    "a column that is computed": ("ALTER TABLE meta ADD COLUMN more AS (hex(zeroblob(1000000000)))", "'meta'"),
    "an index over an expression": ("CREATE INDEX evil ON meta (abs(length(value)))", "'evil'"),
    "a table missing": ("DROP TABLE history", "'history'"),
}


@pytest.mark.parametrize(("statements", "words"), SCHEMAS.values(), ids=SCHEMAS.keys())
def test_a_price_file_with_a_schema_of_its_own_is_refused(tmp_path: Path, statements: str, words: str) -> None:
    path = stock(tmp_path / "autodetect.sqlite", [], prices=[price(10_000.0)])
    with closing(sqlite3.connect(path)) as database:
        database.executescript(statements)
    before = path.read_bytes()
    for read in (meta_of, lambda base: price_of(base, FORD)):
        with pytest.raises(CorruptError, match=words):
            read(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_price_file_that_wants_a_journal_is_read_without_one(tmp_path: Path) -> None:
    path = stock(tmp_path / "autodetect.sqlite", [], prices=[price(10_000.0)])
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    assert price_of(path, FORD) is not None
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


TEXTS = {
    "deep": DEEP,
    "deep list": b"[" * 1_000_000,
    "a number of many digits": b'{"schema_version":' + b"9" * 100_000 + b"}",
    "a version that is no number": b'{"schema_version":[3]}',
    "not a number": b'{"sequence":NaN}',
    "no UTF-8": b'{"by":"\xff"}',
    "half a character": b'{"by":"\\ud800"}',
    "a mark of byte order": b"\xef\xbb\xbf{}",
    "nothing": b"",
    "null": b"null",
}


@pytest.mark.parametrize("data", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("kind", [Manifest, HistoryEntry, Signatures, LatestHint])
def test_a_text_that_is_no_record_is_refused(kind: type[Any], data: bytes) -> None:
    with pytest.raises(CorruptError, match=f"the file is no sound {kind.__name__}"):
        decode(kind, data, "the file")


@pytest.mark.parametrize("data", [DEEP, b"[]", b"{}", b"\xff"], ids=["deep", "a list", "empty", "no UTF-8"])
def test_a_core_ml_manifest_that_is_none_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mlpackage").mkdir()
    (tmp_path / "a.mlpackage" / "Manifest.json").write_bytes(data)
    with pytest.raises(CorruptError, match="the manifest of"):
        read_program(tmp_path / "a.mlpackage")


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> tuple[SyncedRelease, Path]:
    """A release that answers, and a photo."""
    folder = tmp_path_factory.mktemp("release")
    photo, store = photos(folder, 1)[0], LocalStore(folder / "store")
    ModelRelease(folder / "tiny").publish(store, {photo: [1.0, 0.0, 0.0, 0.0]})
    return fetch(store, folder / "cache", trusted=KEY.public, now=NOW), photo


SAID = {
    "deep": ("classes.json", lambda data: DEEP, r"'classes\.json' .* cannot be read"),
    "no list": ("classes.json", lambda data: b'"classes"', r"'classes\.json' .* cannot be read"),
    "an output missing": ("classes.json", lambda data: encoded(json.loads(data)[:-1]), "does not name the 4 outputs"),
    "outputs in another order": ("classes.json", lambda data: encoded(json.loads(data)[::-1]), "does not name the 4"),
    "a photo larger than any memory": (
        "backbone.json",
        lambda data: encoded(json.loads(data) | {"input_size": 10**9}),
        "input_size",
    ),
    "facts that are none": ("model.json", lambda data: b"[]", r"'model\.json' .* cannot be read"),
}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(("name", "edit", "words"), SAID.values(), ids=SAID.keys())
def test_what_a_release_says_of_its_model_is_checked_before_it_answers(
    fetched: tuple[SyncedRelease, Path], name: str, edit: Callable[[bytes], bytes], words: str
) -> None:
    release, photo = fetched
    path = release.path(name)
    sound = path.read_bytes()
    path.write_bytes(edit(sound))
    try:
        with pytest.raises(CorruptError, match=words):
            identify(release, {photo: read_photo(photo, max_pixels=10**7)})
    finally:
        path.write_bytes(sound)
