"""Every sound photo has the embeddings it should have: by tonight's engine, in every view, and ahead for what is next.

What the current backbone lacks is embedded tonight, however much it is. What the next one lacks is embedded a part each
night, and nothing about it stops a night.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.dataset.embedded_so_far import Held, by_identity
from autodetect.dataset.embedding import Embedder, embedding_rows
from autodetect.dataset.embedding_plan import Job, bounded, lacking, photo_count, without
from autodetect.dataset.wanted_views import Photos, Views
from autodetect.embeddings import shards
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.pin import read_next, read_pin
from autodetect.embeddings.shards import Identity
from autodetect.errors import CorruptError, StageFailedError
from autodetect.lake.schemas import EMBEDDINGS
from autodetect.photos.inputs import MIRROR, PLAIN
from autodetect.photos.street import STREET
from autodetect.validation.rule import Judged
from autodetect.validation.suites.embeddings import embeddings

log = logging.getLogger(__name__)
FEW = 20  # photos that may vanish without a doubt about the store


@dataclass
class Renewal:
    """What tonight's embedding gave.

    Attributes:
        current: rows of `embeddings` by the current backbone and tonight's engine, those of new photos among them.
        exact: rows by the same backbone in fp32, where tonight's engine is of less precision.
        ahead: rows by the next backbone.
        vanished: photos that the store lost, and that therefore have no embedding by the current backbone and engine.
        facts: what the receipt says of embeddings; None in a lake without a backbone.
    """

    current: pa.Table
    exact: pa.Table = field(default_factory=EMBEDDINGS.schema.empty_table)
    ahead: pa.Table = field(default_factory=EMBEDDINGS.schema.empty_table)
    vanished: tuple[str, ...] = ()
    facts: dict[str, Any] | None = None

    @property
    def rows(self) -> pa.Table:
        """Return all rows that tonight adds to `embeddings`."""
        return pa.concat_tables([self.current, self.exact, self.ahead])

    @property
    def counts(self) -> dict[str, int]:
        """Return counters for a receipt: photos embedded as they are, other views and engines, ahead, vanished."""
        plain = pc.sum(pc.equal(self.current["view"], PLAIN), min_count=0).as_py()
        return {
            "embeddings_new": plain,
            "embeddings_of_views": self.current.num_rows - plain + self.exact.num_rows,
            "embeddings_ahead": self.ahead.num_rows,
            "photos_vanished": len(self.vanished),
        }

    def suites(self, sound: pa.Table) -> list[Judged]:
        """Return the suites of what is beside the current embeddings: they warn, for no night depends on it.

        Args:
            sound: the photos that may have an embedding (`sha256`).
        """
        found = []
        for name, rows in (("embeddings_exact", self.exact), ("embeddings_ahead", self.ahead)):
            if rows.num_rows:
                suite, frame = embeddings(rows, photos=[sound])
                rules = tuple(replace(rule, effect="warned") for rule in suite.rules)
                found.append((replace(suite, table=name, rules=rules), frame))
        return found


def renew(embedder: Embedder, photos: Photos, known: Held, fresh: pa.Table, *, night: date) -> Renewal:
    """Embed what the lake's photos lack, and remove shards that are needed no more.

    Args:
        embedder: embeds, shard by shard.
        photos: tonight's.
        known: which embeddings the table holds, as the last receipt names it.
        fresh: rows of `embeddings` of tonight's new photos, not written yet.
        night: tonight.

    Raises:
        CorruptError: a photo that was sound cannot be decoded any more; a backbone's file is damaged.
        StageFailedError: the current backbone's values are unfit, or a process that embeds died.
    """
    objects, settings = embedder.lake.objects, embedder.settings
    done = Renewal(fresh)
    pin, proposed = read_pin(objects), read_next(objects)
    if pin is None:
        return done
    held = {identity: set(found) for identity, found in known.items()}
    for identity, rows in by_identity(fresh).items():
        held.setdefault(identity, set()).update(rows)
    wanted = photos.views(settings)
    plan = _planned(embedder, pin, photos, wanted, held)
    made, lost = _embedded(embedder, pin, plan.jobs, night)
    _refuse_loss(lost.get(PLAIN, ()), len(wanted[PLAIN]))
    exact, _ = _embedded(embedder, pin, plan.exact, night)
    done.current, done.exact = pa.concat_tables([fresh, *made]), pa.concat_tables([done.exact, *exact])
    done.vanished = tuple(sorted(lost.get(PLAIN, ())))
    done.facts = {**plan.facts(pin), "views": list(wanted), "next": None}
    in_use = [(pin, plan.engine)]
    if proposed is not None:
        left = set(wanted[PLAIN]) - set(done.vanished)
        views = {view: [sha256 for sha256 in found if sha256 in left] for view, found in wanted.items()}
        done.ahead, facts = _ahead(embedder, proposed, photos, views, held, night=night)
        done.facts |= facts
        in_use.append((proposed, facts["next"]["engine"]))
    if all(name for _, name in in_use):
        _sweep(embedder, in_use, known, photos.of_verdict(ok=False))
    return done


def missing_of(embedder: Embedder, record: BackboneRecord, photos: Photos, known: Held) -> list[Job]:
    """Return what a backbone lacks that neither the table nor a shard holds; opens its engine where it lacks any."""
    plan = _planned(embedder, record, photos, photos.views(embedder.settings), known)
    return _not_in_shards(embedder, [*plan.jobs, *plan.exact])


class _Plan(NamedTuple):
    """What a backbone lacks by tonight's engine, and by the one in fp32 where that is another."""

    engine: str
    jobs: list[Job]
    evaluated_by: str
    exact: list[Job]

    def facts(self, record: BackboneRecord) -> dict[str, Any]:
        """Return what the receipt says of a backbone."""
        names = {"engine": self.engine, "evaluated_by": self.evaluated_by}
        return {"backbone": record.digest, "preprocessing": record.preprocessing, **names}


def _planned(embedder: Embedder, record: BackboneRecord, photos: Photos, wanted: Views, held: Held) -> _Plan:
    """Return what a backbone lacks; the engine that is named is there if it lacks anything."""
    from autodetect.embeddings.engines import fp32_name

    plan = partial(lacking, held=held, backbone=record.digest, preprocessing=record.preprocessing)
    engine = embedder.engine_name(record)
    jobs = plan(wanted, engine=engine)
    if jobs and (sure := embedder.engine_name(record, sure=True)) != engine:
        engine, jobs = sure, plan(wanted, engine=sure)
    if (exact := fp32_name(engine)) == engine:
        return _Plan(engine, jobs, "", [])
    return _Plan(engine, jobs, exact, plan(photos.views(embedder.settings, judged_apart=True), engine=exact))


def _embedded(
    embedder: Embedder, record: BackboneRecord, jobs: Iterable[Job], night: date
) -> tuple[list[pa.Table], dict[str, set[str]]]:
    """Return the rows of jobs, and the photos that had vanished, by view."""
    made, lost = [], dict[str, set[str]]()
    for job in jobs:
        embedded = embedder.embed(record, job.identity, job.photos)
        made.append(embedding_rows(job.identity, embedded.rows, night))
        if embedded.lost:
            log.warning(
                "photos: %d have vanished and are left out (backbone %s, view %s), first %s",
                len(embedded.lost),
                record.digest[:12],
                job.identity.view,
                embedded.lost[0],
            )
            lost.setdefault(job.identity.view, set()).update(embedded.lost)
    return made, lost


def _refuse_loss(lost: Collection[str], sound: int) -> None:
    """Refuse to believe that most photos have vanished: then the store is elsewhere, not empty.

    A new backbone finds at once all photos that were lost since the last one looked: those may be many, but not most.

    Raises:
        CorruptError: more than half of many photos are not there.
    """
    if len(lost) > max(FEW, sound // 2):
        raise CorruptError(
            f"{len(lost)} of {sound} sound photos were to be embedded and are not in the photo store",
            "look whether the lake's photos/ is mounted and whole; restore it from a backup",
        )


def _ahead(
    embedder: Embedder, record: BackboneRecord, photos: Photos, wanted: Views, held: Held, *, night: date
) -> tuple[pa.Table, dict[str, Any]]:
    """Embed a part of what the next backbone lacks; return the rows and what the receipt says of it."""
    plan = _Plan(embedder.earlier.get(record.digest, ""), [], "", [])
    missing, lost = max(1, len(wanted[PLAIN])), 0  # until it is known better: nobody may take it for complete
    made: list[pa.Table] = []
    try:
        plan = _planned(embedder, record, photos, wanted, held)
        jobs = [*plan.jobs, *plan.exact]
        missing = photo_count(jobs)
        unmade = _not_in_shards(embedder, jobs)
        later = {job.identity: set(job.photos) for job in unmade}
        for job in bounded(unmade, embedder.settings.backbone.renew_per_night):
            later[job.identity] -= set(job.photos)
        made, vanished = _embedded(embedder, record, without(jobs, later), night)
        lost, missing = sum(map(len, vanished.values())), sum(map(len, later.values()))
        log.info("backbone %s, the next one: %d embeddings left to make", record.digest[:12], missing)
    except (StageFailedError, CorruptError) as error:
        log.warning("the next backbone, %s, cannot be embedded by tonight: %s", record.digest[:12], error.what)
    rows = pa.concat_tables([EMBEDDINGS.schema.empty_table(), *made])
    return rows, {"next": {**plan.facts(record), "missing": missing}, "next_lost": lost}


def _not_in_shards(embedder: Embedder, jobs: Sequence[Job]) -> list[Job]:
    return without(jobs, {job.identity: shards.held(embedder.lake.objects, job.identity) for job in jobs})


def _sweep(
    embedder: Embedder,
    in_use: Iterable[tuple[BackboneRecord, str]],
    known: Mapping[Identity, Iterable[str]],
    refused: Sequence[str],
) -> None:
    """Remove shards whose rows the table holds, as a receipt names it, and those of no use to anyone."""
    from autodetect.embeddings.engines import fp32_name

    done: dict[Identity, pa.Array] = {}
    for record, engine in in_use:
        for name in {engine, fp32_name(engine)}:
            for view in (PLAIN, STREET, MIRROR):
                identity = Identity(backbone=record.digest, preprocessing=record.preprocessing, engine=name, view=view)
                done[identity] = pa.array([*known.get(identity, ()), *refused], pa.string())
    removed = shards.remove_done(embedder.lake.objects, done)
    if removed:
        log.info("photos: %d shards removed, the table holds their rows", removed)
