"""Embedding in shards: the same bytes wherever they are made, nothing made twice, and every failure in words."""

import logging
import socket
import sys
from pathlib import Path

import pytest

from autodetect.dataset import embedding, shard_runners
from autodetect.dataset.embedding import Embedder
from autodetect.embeddings import engines
from autodetect.embeddings.pin import read_pin
from autodetect.embeddings.shards import Identity
from autodetect.errors import CorruptError, StageFailedError, UsageError
from autodetect.lake.lake import Lake
from autodetect.settings import Settings
from tests.dataset.photo_lakes import lake_of_photos, shards_of, tiny_settings


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "SHARD_PHOTOS", 6)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Lake, list[str]]:
    folder = tmp_path_factory.mktemp("embedding")
    return folder, *lake_of_photos(tiny_settings(folder), folder / "work", 14)


@pytest.fixture(scope="module")
def inline(photos: tuple[Path, Lake, list[str]]) -> list[str]:
    """The shards that this process makes; the lake holds none afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "SHARD_PHOTOS", 6)
        return made(photos)


def made(photos: tuple[Path, Lake, list[str]], **values: object) -> list[str]:
    """Embed all photos, then take the shards out of the lake again; return their names."""
    folder, lake, digests = photos
    settings = tiny_settings(folder, **values)
    rows = embed(lake, settings, folder, digests).rows
    assert rows["sha256"].to_pylist() == digests
    keys = shards_of(lake)
    for key in keys:
        lake.objects.delete(key)
    return keys


def embed(lake: Lake, settings: Settings, folder: Path, digests: list[str], view: str = "plain") -> embedding.Embedded:
    embedder = Embedder(lake, settings, folder / "work")
    record = read_pin(lake.objects)
    engine = embedder.engine_name(record, sure=True)
    identity = Identity(backbone=record.digest, preprocessing=record.preprocessing, engine=engine, view=view)
    return embedder.embed(record, identity, digests)


def test_two_processes_make_the_same_bytes(photos: tuple[Path, Lake, list[str]], inline: list[str]) -> None:
    assert len(inline) == 3
    assert made(photos, backbone__processes=2) == inline


def test_a_dask_cluster_makes_the_same_bytes(photos: tuple[Path, Lake, list[str]], inline: list[str]) -> None:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        assert made(photos, backbone__dask=cluster.scheduler_address) == inline


def test_a_slower_engine_than_could_be_is_noted(
    photos: tuple[Path, Lake, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, lake, _ = photos
    embedder = Embedder(lake, tiny_settings(folder, backbone__engine="auto"), folder / "work")
    assert embedder.notes == []

    def missing(*_: object, **__: object) -> None:
        raise UsageError("OpenVINO is not installed", "install it")

    monkeypatch.setattr(engines, "OpenVinoEngine", missing)
    assert embedder.engine_name(read_pin(lake.objects), sure=True).startswith("keras-")
    (note,) = embedder.notes
    assert "the slower engine: OpenVINO is not installed" in note


def test_views_differ_and_do_not_mix(photos: tuple[Path, Lake, list[str]]) -> None:
    folder, lake, digests = photos
    settings = tiny_settings(folder)
    views = ("plain", "mirror", "street-v1")
    vectors = {view: embed(lake, settings, folder, digests[:2], view).rows["vector"].to_pylist() for view in views}
    again = {view: embed(lake, settings, folder, digests[:2], view).rows["vector"].to_pylist() for view in views}
    for key in shards_of(lake):
        lake.objects.delete(key)
    assert again == vectors
    assert len({tuple(each) for each in vectors.values()}) == 3


def test_what_shards_hold_is_not_embedded_again(
    photos: tuple[Path, Lake, list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    folder, lake, digests = photos
    settings = tiny_settings(folder)
    caplog.set_level(logging.INFO, "autodetect.dataset.embedding")
    before = embed(lake, settings, folder, digests[:9]).rows
    caplog.clear()
    after = embed(lake, settings, folder, digests).rows
    for key in shards_of(lake):
        lake.objects.delete(key)
    assert "photos: 9 of 14 embedded before, found in shards" in caplog.text
    assert "photos: 5 of 5 embedded" in caplog.text
    assert after.slice(0, 9).to_pylist() == before.to_pylist()


def test_photos_that_vanished_are_left_out_and_named(photos: tuple[Path, Lake, list[str]]) -> None:
    folder, lake, digests = photos
    settings = tiny_settings(folder)
    nowhere = ["0" * 64, "f" * 64]
    embedded = embed(lake, settings, folder, sorted([*digests[:3], *nowhere]))
    alone = embed(lake, settings, folder, nowhere)
    for key in shards_of(lake):
        lake.objects.delete(key)
    assert (embedded.rows["sha256"].to_pylist(), embedded.lost) == (digests[:3], tuple(nowhere))
    assert (alone.rows.num_rows, alone.lost) == (0, tuple(nowhere))


def test_a_process_that_dies_is_told(photos: tuple[Path, Lake, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_runners, "PROGRAM", "autodetect.no_such_program")
    with pytest.raises(StageFailedError, match="a process that embeds photos ended"):
        made(photos, backbone__processes=2)


def test_what_a_process_meets_is_told_as_its_own_kind(tmp_path: Path) -> None:
    settings = tiny_settings(tmp_path, backbone__processes=2)
    lake, digests = lake_of_photos(settings, tmp_path / "work", 7)
    broken = lake.photos.put(b"this is no photo")
    with pytest.raises(CorruptError, match=f"{broken} was sound and is now"):
        embed(lake, settings, tmp_path, sorted([*digests, broken]))


def test_a_scheduler_that_does_not_answer_is_told(
    photos: tuple[Path, Lake, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_runners, "CONNECT_S", 0.5)
    with socket.socket() as taken:  # bound and never listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(UsageError, match="does not answer") as raised:
            made(photos, backbone__dask=f"tcp://127.0.0.1:{taken.getsockname()[1]}")
    assert "backbone.dask" in raised.value.what


def test_a_missing_package_is_told_by_name(
    photos: tuple[Path, Lake, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match="distributed") as raised:
        made(photos, backbone__dask="tcp://127.0.0.1:1")
    assert "pip install" in raised.value.remedy
