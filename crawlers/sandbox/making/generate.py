"""Generates a marketplace folder: drawn cars, their listings over some nights, and sales. The seed fixes every byte."""

import csv
import multiprocessing
import os
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autodetect.errors import UsageError
from crawlers.parent import exit_with_parent
from crawlers.sandbox.making.dirt import Copy, Dirt, count
from crawlers.sandbox.making.models import MODELS, OTHERS, TradedModel
from crawlers.sandbox.making.particulars import particulars
from crawlers.sandbox.making.sales import make_sales
from crawlers.sandbox.making.vehicles import Row, Vehicle, make_row, make_vehicle
from crawlers.sandbox.marketplace import LISTING_COLUMNS, OPTIONAL_COLUMNS, SALE_COLUMNS
from crawlers.sandbox.painting.body import vary
from crawlers.sandbox.painting.finish import Finish
from crawlers.sandbox.painting.scene import View, photograph, to_jpeg
from crawlers.sandbox.painting.shapes import OTHER_SHAPES, SHAPES
from crawlers.sandbox.painting.tampering import broken, copied

LAST_YEAR = 2026  # the year of the offers; an argument, not the clock, so that the seed fixes every byte
OTHER_SHARE = 0.025  # listings of model 'Other', as a share of the vehicles
POOL_FROM = 60  # vehicles from which a process pool pays
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PhotoJob:
    """All photos of one vehicle: drawn ones, copies of them, and what breaks them."""

    shape: str
    seed: str
    photos: tuple[str, ...]
    copies: tuple[Copy, ...]
    broken: dict[str, str]


def generate(
    folder: Path,
    *,
    seed: int = 0,
    models: int = len(MODELS),
    vehicles: int = 40,
    nights: int = 3,
    last_year: int = LAST_YEAR,
    progress: Progress | None = None,
) -> None:
    """Write a marketplace folder, all of it or nothing.

    Args:
        folder: where; it must not exist or be empty.
        seed: fixes every byte of every file.
        models: how many makes and models are traded.
        vehicles: how many vehicles of each are offered over all nights.
        nights: over how many nights the offers spread.
        last_year: the year of the offers and of the latest sales.
        progress: called with the vehicles photographed so far and in all.

    Raises:
        UsageError: the folder is in use, or a number is out of range.
    """
    if not 1 <= models <= len(MODELS):
        raise UsageError(f"{models} models cannot be generated", f"ask for 1 to {len(MODELS)}")
    if vehicles < 1 or nights < 1:
        raise UsageError(f"{vehicles} vehicles over {nights} nights cannot be generated", "ask for at least 1 of each")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder", "name another folder, or remove this one first")
    offered = _offer(MODELS[:models], vehicles, nights, seed, last_year)
    rows, jobs = _plan(offered, nights, seed)
    sales = make_sales(MODELS[:models], last_year=last_year, rng=random.Random(f"{seed}/sales"))
    with _all_or_nothing(folder) as partial_folder:
        (partial_folder / "photos").mkdir()
        _write_csv(partial_folder / "sold.csv", SALE_COLUMNS, sales)
        prices = tuple(f"price_{night}" for night in range(2, nights + 1))
        _write_csv(partial_folder / "listings.csv", (*LISTING_COLUMNS, *OPTIONAL_COLUMNS, *prices), map(_cells, rows))
        _take_photos(jobs, partial_folder / "photos", progress)


def _offer(models: tuple[TradedModel, ...], vehicles: int, nights: int, seed: int, last_year: int) -> list[Vehicle]:
    """The vehicles of all models and some others; the last one or two models come a night late."""
    late = models[len(models) - (2 if len(models) >= 8 else 1 if len(models) >= 3 else 0) :] if nights > 1 else ()
    wanted = [(model, number) for model in models for number in range(vehicles)]
    others = count(OTHER_SHARE, len(wanted))
    wanted += [(OTHERS[number % len(OTHERS)], number) for number in range(others)]
    return [
        make_vehicle(
            model,
            number,
            late_by=1 if model in late else 0,
            nights=nights,
            last_year=last_year,
            rng=random.Random(f"{seed}/vehicle/{model.shape}/{number}"),
        )
        for model, number in wanted
    ]


def _plan(offered: list[Vehicle], nights: int, seed: int) -> tuple[list[Row], list[PhotoJob]]:
    """The listings with their dirt, and the photos that they need."""
    rng = random.Random(f"{seed}/listings")
    numbers = rng.sample(range(10**11, 10**12), 2 * len(offered))
    item_ids = [str(number) for number in numbers]
    rows = [make_row(vehicle, item_ids.pop(), rng) for vehicle in offered]
    for vehicle, row in zip(offered, rows, strict=True):
        own = random.Random(f"{seed}/particulars/{vehicle.model.shape}/{vehicle.number}")
        row.facts |= particulars(vehicle, row.facts["buying_option"], own)
    dirt = Dirt(rows, item_ids, nights, rng)
    dirt.spread()
    jobs = [
        PhotoJob(
            shape=vehicle.model.shape,
            seed=f"{seed}/photos/{vehicle.model.shape}/{vehicle.number}",
            photos=tuple(vehicle.photos),
            copies=tuple(copy for copy in dirt.copies if copy.source in vehicle.photos),
            broken={name: dirt.broken[name] for name in vehicle.photos if name in dirt.broken},
        )
        for vehicle in offered
    ]
    return sorted(dirt.rows, key=lambda row: row.facts["item_id"]), jobs


def _cells(row: Row) -> dict[str, str]:
    """A row of `listings.csv`."""
    times = {"first_night": str(row.first_night), "last_night": str(row.last_night)}
    return row.facts | times | {"photos": " ".join(row.photos)}


def _write_csv(path: Path, columns: tuple[str, ...], rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def take_photos_of(job: PhotoJob, folder: Path) -> None:
    """Draw one vehicle's photos and write them and their copies."""
    rng = random.Random(job.seed)
    shape = vary({**SHAPES, **OTHER_SHAPES}[job.shape], rng)
    finish = Finish.choose(shape, rng)
    for position, name in enumerate(job.photos):
        view = View.choose(rng, position)
        photo = to_jpeg(photograph(shape, finish, view), rng.randint(55, 92))
        damage = job.broken.get(name)
        (folder / name).write_bytes(broken(photo, damage) if damage else photo)
        for copy in job.copies:
            if copy.source == name:
                (folder / copy.name).write_bytes(copied(photo, copy.kind))


def _take_photos(jobs: list[PhotoJob], folder: Path, progress: Progress | None) -> None:
    """All photos, on all cores where there are many: each job has its own randomness, so the order does not matter."""
    work = partial(take_photos_of, folder=folder)
    if len(jobs) < POOL_FROM:
        for done, job in enumerate(jobs, start=1):
            work(job)
            if progress:
                progress(done, len(jobs))
        return
    context = multiprocessing.get_context("spawn")  # fork is unsafe in a process with threads
    with ProcessPoolExecutor(os.cpu_count(), context, exit_with_parent, (os.getpid(),)) as pool:
        for done, _ in enumerate(pool.map(work, jobs, chunksize=4), start=1):
            if progress:
                progress(done, len(jobs))


@contextmanager
def _all_or_nothing(folder: Path) -> Iterator[Path]:
    """A hidden sibling to write into, renamed to `folder` when all went well and removed otherwise.

    A killed process can leave the sibling behind; the next one clears it away.
    """
    folder = folder.absolute()
    partial_folder = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial_folder, ignore_errors=True)
    partial_folder.mkdir(parents=True)
    try:
        yield partial_folder
        partial_folder.rename(folder)
    except BaseException:
        shutil.rmtree(partial_folder, ignore_errors=True)
        raise
