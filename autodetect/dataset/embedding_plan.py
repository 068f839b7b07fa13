"""Which photos lack an embedding by which backbone, engine and view. Pure: nothing is read or embedded here."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import pandas as pd

from autodetect.embeddings.shards import Identity


class Job(NamedTuple):
    """Photos (SHA-256, ascending) that lack an embedding of one identity."""

    identity: Identity
    photos: tuple[str, ...]


def lacking(
    wanted: Mapping[str, Collection[str]],
    held: Mapping[Identity, Collection[str]],
    *,
    backbone: str,
    preprocessing: str,
    engine: str,
) -> list[Job]:
    """Return what a backbone has to embed: every wanted view of a photo that is not held by exactly this engine.

    Args:
        wanted: view -> photos, the most important view first.
        held: which photos have an embedding, by identity.
        backbone: its digest.
        preprocessing: its preprocessing.
        engine: tonight's engine: embeddings of another one count for nothing.
    """
    jobs = []
    for view, photos in wanted.items():
        identity = Identity(backbone=backbone, preprocessing=preprocessing, engine=engine, view=view)
        missing = set(photos) - set(held.get(identity, ()))
        if missing:
            jobs.append(Job(identity, tuple(sorted(missing))))
    return jobs


def bounded(jobs: Sequence[Job], most: int) -> list[Job]:
    """Return the first `most` photos of jobs, in their order; 0: all of them."""
    if not most:
        return list(jobs)
    ends = accumulate(len(job.photos) for job in jobs)
    rooms = (most - (end - len(job.photos)) for job, end in zip(jobs, ends, strict=True))
    return [Job(job.identity, job.photos[:room]) for job, room in zip(jobs, rooms, strict=True) if room > 0]


def without(jobs: Iterable[Job], held: Mapping[Identity, Collection[str]]) -> list[Job]:
    """Return jobs without the photos that are held already; a job that is done is left out."""
    return [
        Job(job.identity, left)
        for job in jobs
        if (left := tuple(sha256 for sha256 in job.photos if sha256 not in held.get(job.identity, ())))
    ]


def photo_count(jobs: Iterable[Job]) -> int:
    """Return how many embeddings jobs ask for."""
    return sum(len(job.photos) for job in jobs)


def street_choice(placed: pd.DataFrame, most: int) -> list[str]:
    """Return the photos that are also looked at as a phone would see them, one for each of `most` test vehicles.

    A vehicle's photo is its lowest; vehicles are those whose names have the lowest hashes. So the choice hardly changes
    from night to night: a new vehicle may push one out.

    Args:
        placed: vehicle_id, split, burned, sha256: sound photos, and the vehicles that they show.
        most: `evaluation.phone_vehicles`.
    """
    test = placed[(placed["split"] == "test") & ~placed["burned"]]
    lowest = test.groupby("vehicle_id", sort=False)["sha256"].min().to_dict()
    chosen = sorted(lowest, key=lambda vehicle: hashlib.sha256(f"street/{vehicle}".encode()).digest())
    return sorted({lowest[vehicle] for vehicle in chosen[:most]})


def evaluated_photos(placed: pd.DataFrame) -> list[str]:
    """Return the photos, ascending, of vehicles that models are judged by."""
    judged = placed[(placed["split"] != "train") & ~placed["burned"]]
    return sorted(judged["sha256"].unique())


def training_photos(placed: pd.DataFrame) -> list[str]:
    """Return the photos, ascending, of vehicles that are there to train on."""
    trained = placed[(placed["split"] == "train") | placed["burned"]]
    return sorted(trained["sha256"].unique())
