"""Opening a lake: made only when asked to, and refused, untouched, when it is for something else."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from autodetect.errors import UsageError
from autodetect.lake import lake as lake_module
from autodetect.lake.lake import IDENTITY, lake_exists, open_lake
from autodetect.lake.objects import LocalStore
from autodetect.lake.schemas import SCHEMA_VERSION, SEEN, TABLES
from autodetect.lake.tables import rows_of, table_digest
from autodetect.records import Receipt
from autodetect.settings import Settings
from tests.servers.ceph import CephServer

NIGHT = date(2026, 11, 1)


def everything(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def test_a_missing_lake_is_refused_and_not_made(tmp_path: Path) -> None:
    settings = Settings(lake=str(tmp_path / "deep" / "lake"))
    assert not lake_exists(settings)
    with pytest.raises(UsageError, match="there is no lake") as refusal:
        open_lake(settings)
    assert refusal.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_lake_is_made_once_and_opened_ever_after(tmp_path: Path) -> None:
    settings = Settings(lake=str(tmp_path / "lake"))
    lake = open_lake(settings, create=True)
    assert lake_exists(settings)
    assert json.loads(lake.objects.get(IDENTITY)) == {
        "schema_version": SCHEMA_VERSION,
        "source": "sandbox",
        "channel": "demo",
    }
    assert sorted(path.name for path in (tmp_path / "lake" / "tables").iterdir()) == sorted(TABLES)
    before = everything(tmp_path)
    for again in (open_lake(settings), open_lake(settings, create=True)):
        assert [again.tables.version(table) for table in TABLES.values()] == [0] * len(TABLES)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "named", "remedy"),
    [
        ({"source": "ebay-api"}, "source 'sandbox', this run 'ebay-api'", "another --lake"),
        ({"channel": "production"}, "channel 'demo', this run 'production'", "another --lake"),
    ],
)
@pytest.mark.parametrize("create", [True, False])
def test_a_lake_for_something_else_is_refused_and_left_alone(
    tmp_path: Path, change: dict[str, Any], named: str, remedy: str, create: bool
) -> None:
    settings = Settings(lake=str(tmp_path / "lake"))
    open_lake(settings, create=True)
    before = everything(tmp_path)
    with pytest.raises(UsageError, match=named) as refusal:
        open_lake(settings.with_values(change), create=create)
    assert refusal.value.exit_code == 2
    assert remedy in refusal.value.remedy
    assert everything(tmp_path) == before


@pytest.mark.parametrize("version", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1, None])
def test_a_lake_of_another_schema_version_is_refused(tmp_path: Path, version: int | None) -> None:
    settings = Settings(lake=str(tmp_path / "lake"))
    lake = open_lake(settings, create=True)
    identity = json.loads(lake.objects.get(IDENTITY)) | {"schema_version": version}
    lake.objects.put(IDENTITY, json.dumps(identity).encode())
    with pytest.raises(UsageError, match="schema_version") as refusal:
        open_lake(settings)
    assert "the AutoDetect that wrote it" in refusal.value.remedy


def test_a_store_that_ignores_put_if_absent_is_refused_unless_one_process_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ForgetfulStore(LocalStore):
        def put_if_absent(self, key: str, data: bytes) -> bool:
            self.put(key, data)
            return True

    monkeypatch.setattr(lake_module, "open_objects", lambda url, _: ForgetfulStore(Path(url)))
    settings = Settings(lake=str(tmp_path / "lake"))
    with pytest.raises(UsageError, match="put-if-absent"):
        open_lake(settings, create=True)
    assert not lake_exists(settings)
    assert not (tmp_path / "lake" / "tables").exists()
    open_lake(settings.with_values({"single_writer": True}), create=True)
    assert lake_exists(settings)


def test_a_creation_that_was_cut_short_is_finished_by_the_next(tmp_path: Path) -> None:
    settings = Settings(lake=str(tmp_path / "lake"))
    lake = open_lake(settings, create=True)
    lake.objects.delete(IDENTITY)
    for path in sorted((tmp_path / "lake" / "tables" / "seen").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with pytest.raises(UsageError, match="there is no lake"):
        open_lake(settings)
    assert open_lake(settings, create=True).tables.version(SEEN) == 0


def test_tables_and_objects_lie_together_wherever_the_path_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for url, folder in (("~/lake", tmp_path / "home" / "lake"), ("var/lake", tmp_path / "var" / "lake")):
        open_lake(Settings(lake=url), create=True)
        assert {"tables", IDENTITY} <= {path.name for path in folder.iterdir()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "var"]


@pytest.mark.s3
@pytest.mark.parametrize("told_by", ["AWS variables", "settings"])
def test_a_lake_on_s3_keeps_every_promise_of_one_in_a_folder(
    s3: CephServer, bucket: str, told_by: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings(lake=f"s3://{bucket}/some/lake")
    if told_by == "settings":
        for name in ("AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP", "AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name)
        settings = settings.with_values({"s3.endpoint_url": s3.endpoint, "s3.region": "us-east-1"})
    with pytest.raises(UsageError, match="there is no lake"):
        open_lake(settings)
    assert s3.client().list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    open_lake(settings, create=True)
    lake = open_lake(settings)

    rows = rows_of(SEEN, ({"source": "s", "item_id": str(n), "night": NIGHT} for n in range(3)))
    first = lake.tables.upsert(SEEN, rows)
    second = lake.tables.upsert(SEEN, rows_of(SEEN, [{"source": "s", "item_id": "9", "night": NIGHT}]))
    lake.tables.sync(SEEN, since=0)
    lake.tables.rewind(SEEN, first)
    counted = [lake.tables.read(SEEN, version=version).num_rows for version in (0, first, second, None)]
    assert counted == [0, 3, 4, 3]
    assert table_digest(SEEN, lake.tables.read(SEEN)) == table_digest(SEEN, rows)

    receipt = Receipt(night=NIGHT, stage="crawl", run_id="r", versions={"seen": first})
    lake.receipts.commit(receipt, datetime(2026, 11, 1, tzinfo=UTC))
    assert lake.receipts.all() == [receipt]
    sha256 = lake.photos.put(b"photo")
    assert lake.photos.read(sha256) == lake.photos.fetch(sha256, tmp_path / "copy").read_bytes() == b"photo"
    with pytest.raises(UsageError, match="channel"):
        open_lake(settings.with_values({"channel": "production"}), create=True)
    assert {entry["Key"].split("/")[0] for entry in s3.client().list_objects_v2(Bucket=bucket)["Contents"]} == {"some"}
