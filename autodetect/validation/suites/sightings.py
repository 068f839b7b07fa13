"""The suite of `sightings`, as the crawl wrote them: read by curation before it makes listings of them."""

from datetime import date

import pyarrow as pa

from autodetect.lake.schemas import SIGHTINGS
from autodetect.validation.frames import days_after, frame_of
from autodetect.validation.rule import SHA256, Judged, Suite, between, matches, one_of, present, unique

KINDS = ("asking", "sold", "import", "missing")
PRECISIONS = ("day", "month", "year")
MILEAGE_UNITS = ("", "mi", "km")
VIN = r"^$|^[A-HJ-NPR-Z0-9]{17}$"  # ISO 3779: 17 signs, neither I, O nor Q
MOST_DAYS_AHEAD = 1  # a sale dated where the day is already the next


def sightings(rows: pa.Table, *, night: date) -> Judged:
    """Return the suite and its frame: the sightings that no curation has seen."""
    frame = frame_of(
        rows,
        [*SIGHTINGS.key, "precision", "digest", "mileage_unit", "vin", "permission"],
        observed_after_night=days_after(rows, "observed_on", night),
        written_after_night=days_after(rows, "night", night),
    )
    rules = (
        unique("sightings.keys_repeat", SIGHTINGS.key),
        matches("sighting.item_id_empty", "warned", "item_id", r"\S"),
        one_of("sighting.kind_unknown", "held", "kind", KINDS),
        one_of("sighting.precision_unknown", "held", "precision", PRECISIONS),
        matches("sighting.digest_malformed", "warned", "digest", SHA256),
        between("sighting.of_a_later_night", "held", "written_after_night", None, 0),
        between("sighting.dated_ahead", "warned", "observed_after_night", None, MOST_DAYS_AHEAD),
        matches("sighting.vin_malformed", "warned", "vin", VIN),
        one_of("sighting.mileage_unit_unknown", "warned", "mileage_unit", MILEAGE_UNITS),
        present("sighting.permission_missing", "warned", "permission"),
    )
    return Suite("sightings", SIGHTINGS.key, rules), frame
