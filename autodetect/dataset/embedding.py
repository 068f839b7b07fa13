"""Photos embedded shard by shard, so that whatever kills a run costs the next one little: finished shards are taken."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from autodetect.dataset.shard_runners import run_shards
from autodetect.dataset.shard_work import ShardDone, engine_setting, open_backbone, shard_work
from autodetect.durations import duration
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.shards import Identity, read_shard, taken
from autodetect.lake.lake import Lake
from autodetect.lake.schemas import EMBEDDINGS
from autodetect.settings import Settings

if TYPE_CHECKING:
    from autodetect.embeddings.engines import Engine

SHARD_PHOTOS = 512  # what a kill costs at most: half a minute of two cores
TELL_EVERY = 1_000  # photos

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Embedded:
    """Embeddings of one identity: `rows` (sha256, vector) by sha256; `lost` are photos that had vanished, ascending."""

    rows: pa.Table
    lost: tuple[str, ...]


@dataclass
class Embedder:
    """Embeds photos of a lake and remembers the engines that it has opened.

    Attributes:
        lake: photos, backbones and shards.
        settings: photo and backbone settings.
        work: local scratch folder.
        earlier: the engine that made the lake's embeddings, by backbone digest; of new backbones there are none.
    """

    lake: Lake
    settings: Settings
    work: Path
    earlier: Mapping[str, str] = field(default_factory=dict)
    _engines: dict[tuple[str, str], "Engine"] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """Return what a person must know of the engines that were opened, such as why a slower one was."""
        return [engine.note for engine in self._engines.values() if engine.note]

    def engine_name(self, record: BackboneRecord, *, sure: bool = False) -> str:
        """Return by which engine photos are embedded tonight.

        Args:
            record: the backbone.
            sure: ask this machine, which loads the backbone. Otherwise what made the lake's embeddings is believed to
                be there still, where the settings allow it.
        """
        from autodetect.embeddings.engines import keeps

        opened = [name for digest, name in self._engines if digest == record.digest]
        if opened:
            return opened[0]
        earlier = self.earlier.get(record.digest, "")
        if not sure and keeps(self.settings.backbone.engine, earlier):
            return earlier
        return self._open(record, self.settings, earlier).name

    def embed(self, record: BackboneRecord, identity: Identity, digests: Sequence[str]) -> Embedded:
        """Return the embeddings of photos, those in shards as they are, the others computed and put into shards.

        Args:
            record: the backbone of the identity.
            identity: backbone, preprocessing, engine and view.
            digests: photos that were found sound, ascending.

        Raises:
            CorruptError: a photo that was sound cannot be decoded any more; the backbone's file is damaged.
            StageFailedError: the backbone's values are unfit, or a process that embeds died.
            UsageError: `backbone.dask` names a cluster that cannot be asked.
        """
        found = taken(self.lake.objects, identity, digests)
        held = set(found["sha256"].to_pylist())
        if held:
            log.info("photos: %d of %d embedded before, found in shards", len(held), len(digests))
        rows, lost = [found], set[str]()
        for done in self.compute(record, identity, [sha256 for sha256 in digests if sha256 not in held]):
            lost |= set(done.lost)
            if done.key:
                rows.append(read_shard(self.lake.objects, done.key))
        return Embedded(pa.concat_tables(rows).sort_by("sha256"), tuple(sorted(lost)))

    def compute(self, record: BackboneRecord, identity: Identity, digests: Sequence[str]) -> Iterator[ShardDone]:
        """Embed photos and yield each shard when it is kept; arguments and errors as of `embed`."""
        if not digests:
            return
        shards = [digests[start : start + SHARD_PHOTOS] for start in range(0, len(digests), SHARD_PHOTOS)]
        work = shard_work(self.settings, record, identity, self.work)
        tell = _Told(len(digests), "" if identity.view == "plain" else f" ({identity.view})")
        engine = self._engine(record, identity.engine)
        yield from run_shards(shards, work, engine, self.lake.objects, tell.more)

    def _engine(self, record: BackboneRecord, name: str) -> "Engine":
        """Return the engine of that name on that backbone."""
        if (record.digest, name) not in self._engines:
            only = self.settings.with_values({"backbone.engine": engine_setting(name)})
            self._open(record, only, name)
        return self._engines[record.digest, name]

    def _open(self, record: BackboneRecord, settings: Settings, earlier: str) -> "Engine":
        engine = open_backbone(self.lake.objects, record, settings.backbone, self.work, earlier=earlier)
        self._engines[record.digest, engine.name] = engine
        return engine


class _Told:
    """How many photos are done, told after the first batch, every `TELL_EVERY` photos and at the end."""

    def __init__(self, photos: int, view: str) -> None:
        self._photos, self._view = photos, view
        self._done = 0
        self._started = time.monotonic()

    def more(self, photos: int) -> None:
        """Count photos that are done."""
        before, self._done = self._done, self._done + photos
        if before and self._done < self._photos and before // TELL_EVERY == self._done // TELL_EVERY:
            return
        left = (time.monotonic() - self._started) / self._done * (self._photos - self._done)
        words = f", {duration(left)} left" if self._done < self._photos else ""
        log.info("photos: %d of %d embedded%s%s", self._done, self._photos, self._view, words)


def embedding_rows(identity: Identity, embedded: pa.Table, night: date) -> pa.Table:
    """Return rows of the table `embeddings` of what was embedded tonight (sha256, vector)."""
    same = {**identity.model_dump(), "night": night}
    columns = {
        name: embedded[name] if name in embedded.column_names else pa.repeat(pa.scalar(same[name], kind), len(embedded))
        for name, kind in zip(EMBEDDINGS.schema.names, EMBEDDINGS.schema.types, strict=True)
    }
    return pa.table(columns, schema=EMBEDDINGS.schema)
