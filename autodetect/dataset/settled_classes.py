"""Tonight's classes: who joins, stays, comes back and leaves, by tonight's candidates and the past snapshots."""

import logging
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from autodetect.catalog.answers import read_answers
from autodetect.dataset.admission import Admission, Bounds, admit, sellers_of_unlisted
from autodetect.dataset.class_changes import ClassChanges, change_classes, without_vehicles
from autodetect.dataset.class_history import named_now, trained_as
from autodetect.lake.schemas import CLASSES, MAKE_MODELS
from autodetect.settings import Settings

log = logging.getLogger(__name__)


def settle_classes(
    read: Callable[..., pa.Table],
    settings: Settings,
    found: pd.DataFrame,
    listings: pa.Table,
    *,
    night: date,
    before: str | None,
    copy_groups: Mapping[str, str],
) -> tuple[Admission, ClassChanges]:
    """Return tonight's admission, and what becomes of all classes.

    Args:
        read: reads what curation wrote, and the snapshots and classes of the nights before.
        settings: `dataset`, `source`, `catalog.answers`.
        found: tonight's candidates (`candidates.COLUMNS`).
        listings: `listings` (`admission.sellers_of_unlisted`).
        night: tonight.
        before: the snapshot of the night before, if there was one.
        copy_groups: sha256 -> copy group as of tonight, as far as it differs.

    Raises:
        UsageError: the file of answers cannot be read.
    """
    names = {row["make_model_id"]: f"{row['make']} {row['model']}" for row in read(MAKE_MODELS).to_pylist()}
    forbidden = read_answers(settings.catalog.answers).retired
    for unknown in sorted(forbidden - set(names)):
        log.warning("train: %s retires %s, which no listing names", settings.catalog.answers, unknown)
    classes: list[dict[str, Any]] = read(CLASSES).to_pylist()
    wanted = settings.dataset
    bounds = Bounds(settings.min_vehicles, wanted.min_validation, wanted.min_test, wanted.min_sellers)
    unlisted = sellers_of_unlisted(listings)
    admission = admit(found, classes, names, unlisted, bounds=bounds, night=night, forbidden=forbidden)
    present = set(found["make_model_id"].unique())
    gone = without_vehicles(classes, present, forbidden)
    joining = [row["make_model_id"] for row in admission.admitted]
    done = change_classes(
        classes,
        admission,
        present=present,
        forbidden=forbidden,
        was=trained_as(read, found, joining) if before and joining else {},
        now=named_now(read, found, gone, before=before, copy_groups=copy_groups),
        retire_after=wanted.retire_after_nights,
        night=night,
    )
    return admission, done
