"""What each stage has judged before its receipt: the suites of every table it reads first or is about to write."""

from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from autodetect.lake.schemas import (
    ASKING_PRICES,
    CLASSES,
    EMBEDDINGS,
    LISTING_PHOTOS,
    LISTINGS,
    MAKE_MODELS,
    NIGHTS,
    OFFERS,
    PHOTOS,
    PRICES,
    QUARANTINE,
    SEEN,
    SIGHTINGS,
    SLICES,
    SNAPSHOTS,
    VEHICLES,
    Table,
)
from autodetect.lake.tables import rows_of
from autodetect.records import Refusal
from autodetect.sections import PriceSettings
from autodetect.settings import Settings
from autodetect.validation.frames import replaced
from autodetect.validation.rule import Judged
from autodetect.validation.suites.asking_prices import asking_prices
from autodetect.validation.suites.classes import classes
from autodetect.validation.suites.embeddings import embeddings
from autodetect.validation.suites.listing_photos import listing_photos
from autodetect.validation.suites.listings import listing_rows
from autodetect.validation.suites.make_models import make_models
from autodetect.validation.suites.nights import nights
from autodetect.validation.suites.offers import offers
from autodetect.validation.suites.photos import photo_rows
from autodetect.validation.suites.prices import prices
from autodetect.validation.suites.quarantine import quarantine
from autodetect.validation.suites.schemas import schemas
from autodetect.validation.suites.seen import seen
from autodetect.validation.suites.sightings import sightings
from autodetect.validation.suites.slices import slices
from autodetect.validation.suites.snapshots import snapshots
from autodetect.validation.suites.vehicles import vehicles

Rows = Mapping[Table, pa.Table]


def crawled(read: Rows, *, night: date) -> list[Judged]:
    """Return the suites of what the crawl wrote, for curation to judge before it uses any of it.

    Args:
        read: whole rows that no curation has seen of `sightings`, `seen`, `slices`, `listing_photos`; tonight's rows of
            `quarantine`; the newest rows of `nights`, tonight's among them.
        night: tonight.
    """
    return [
        schemas("crawl", {table: read[table] for table in (SIGHTINGS, SEEN, SLICES, LISTING_PHOTOS)}),
        sightings(read[SIGHTINGS], night=night),
        seen(read[SEEN], slices=read[SLICES]),
        slices(read[SLICES]),
        nights(read[NIGHTS]),
    ]


def curated(
    written: Rows, *, read: Rows, known: Rows, refusals: Sequence[Refusal], night: date, settings: Settings
) -> list[Judged]:
    """Return the suites of what curation is about to write.

    Args:
        written: rows of `listings`, `make_models`, `photos`, `embeddings`, `vehicles`.
        read: as for `crawled`.
        known: as of last night, of `listings` (`source`, `item_id`), `make_models` (`make_model_id`), `photos`
            (`sha256`, `verdict`), `vehicles` (`source`, `item_id`, `vehicle_id`, `split`).
        refusals: what curation is about to quarantine.
        night: tonight.
        settings: photo settings.
    """
    fresh = written[PHOTOS].select(["sha256", "verdict"])
    all_photos = [replaced(known[PHOTOS], fresh, PHOTOS.key), fresh]
    sound = [table.filter(pc.equal(table["verdict"], "ok")) for table in all_photos]
    listings = [known[LISTINGS], written[LISTINGS], read[SIGHTINGS]]
    refused = rows_of(QUARANTINE, _refused(refusals, night, "curate"))
    return [
        schemas("curate", written),
        listing_rows(written[LISTINGS], night=night, make_models=[known[MAKE_MODELS], written[MAKE_MODELS]]),
        photo_rows(written[PHOTOS], photos=all_photos, night=night, settings=settings),
        listing_photos(read[LISTING_PHOTOS], photos=all_photos, listings=listings),
        vehicles(written[VEHICLES], known=known[VEHICLES], listings=listings),
        make_models(written[MAKE_MODELS], known=known[MAKE_MODELS]),
        embeddings(written[EMBEDDINGS], photos=sound),
        quarantine(pa.concat_tables([read[QUARANTINE].select(refused.column_names), refused])),
    ]


def trained(written: Rows, *, known: Rows) -> list[Judged]:
    """Return the suites of what training is about to write.

    Args:
        written: rows of `classes` (tonight's), `snapshots` (tonight's).
        known: `classes` as of last night; as curated, `make_models` (`make_model_id`) and `photos` (`sha256`,
            `verdict`).
    """
    columns = written[CLASSES].column_names
    all_classes = pa.concat_tables(
        [replaced(known[CLASSES], written[CLASSES], CLASSES.key).select(columns), written[CLASSES]]
    )
    sound = known[PHOTOS].filter(pc.equal(known[PHOTOS]["verdict"], "ok"))
    return [
        schemas("train", written),
        classes(all_classes, make_models=known[MAKE_MODELS], known=known[CLASSES]),
        snapshots(written[SNAPSHOTS], classes=all_classes, photos=sound),
    ]


def priced(written: Rows, *, known: Rows, settings: PriceSettings) -> list[Judged]:
    """Return the suites of what the price stage is about to write.

    Args:
        written: tonight's rows of `prices`, `offers`, `asking_prices`.
        known: `make_models` (`make_model_id`) and `listings` (`source`, `item_id`, `status`) as curated.
        settings: when a figure may be called a price.
    """
    active = known[LISTINGS].filter(pc.equal(known[LISTINGS]["status"], "active"))
    return [
        schemas("price", written),
        prices(written[PRICES], make_models=known[MAKE_MODELS], settings=settings),
        offers(written[OFFERS], make_models=known[MAKE_MODELS], listings=active, settings=settings),
        asking_prices(written[ASKING_PRICES], offers=written[OFFERS], settings=settings),
    ]


def _refused(refusals: Sequence[Refusal], night: date, stage: str) -> list[dict[str, object]]:
    """Return the rows that `lake.quarantine.refuse` will keep: one for each table, key and rule."""
    unique = {(refusal.table, refusal.key, refusal.rule): refusal for refusal in refusals}
    return [{**unique[key].model_dump(), "night": night, "stage": stage} for key in sorted(unique)]
