"""What the app shows, from a published release alone: the three likeliest models, the price, how many are on offer."""

import json
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from autodetect.classifier.champion import ClassEntry
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.errors import UsageError
from autodetect.lake.objects import ObjectStore
from autodetect.photos.decode import decode
from autodetect.prices.lookup import OfferFact, PriceFact, offers_of, price_of
from autodetect.records import Record
from autodetect.release.client import SyncedRelease, sync

WANTED = ("backbone.keras", "backbone.json", "champion.keras", "classes.json", "autodetect.sqlite")
TOP = 3
BATCH_SIZE = 32  # as embeddings are made: a batch of one photo alone rounds differently


class Guess(Record):
    """One answer: a make and model, its probability, its price and the offers, where there are any."""

    label: str
    make_model_id: str
    probability: float
    price: PriceFact | None
    offers: OfferFact


class Identification(Record):
    """A photo's answers, likeliest first."""

    photo: str
    guesses: tuple[Guess, ...]


def fetch(store: ObjectStore, cache: Path) -> SyncedRelease:
    """Bring what `identify` needs of the newest release into the cache folder."""
    return sync(store, cache, WANTED)


def identify(release: SyncedRelease, photos: Mapping[Path, Image.Image]) -> list[Identification]:
    """Answer photos, which `read_photo` has read.

    Raises:
        CorruptError: a file of the release is damaged.
    """
    import numpy as np

    from autodetect.classifier.head import load_head
    from autodetect.embeddings.backbone import load
    from autodetect.embeddings.engine import embed
    from autodetect.embeddings.geometry import to_input

    record = BackboneRecord.model_validate_json(release.path("backbone.json").read_bytes())
    entries = [ClassEntry.model_validate(entry) for entry in json.loads(release.path("classes.json").read_bytes())]
    batch = np.stack([to_input(image, record.input_size) for image in photos.values()])
    vectors = embed(load(release.path("backbone.keras"), record), batch, batch_size=BATCH_SIZE)
    probabilities = load_head(release.path("champion.keras")).predict(vectors, verbose=0)
    sqlite = release.path("autodetect.sqlite")
    return [
        Identification(
            photo=str(path),
            guesses=tuple(
                Guess(
                    label=entries[i].label,
                    make_model_id=entries[i].make_model_id,
                    probability=float(row[i]),
                    price=price_of(sqlite, entries[i].make_model_id),
                    offers=offers_of(sqlite, entries[i].make_model_id),
                )
                for i in np.argsort(-row, kind="stable")[:TOP].tolist()
            ),
        )
        for path, row in zip(photos, probabilities, strict=True)
    ]


def read_photo(path: Path, *, max_pixels: int) -> Image.Image:
    """Return the upright RGB image in a file; one of more pixels is refused before it is decoded.

    Raises:
        UsageError: it cannot be read, or is no photo; named with its rule.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "name an image file") from error
    decoded = decode(data, max_pixels=max_pixels)
    if decoded.image is None:
        detail = f" ({decoded.detail})" if decoded.detail else ""
        raise UsageError(f"{path} is no usable photo: {decoded.rule}{detail}", "name a JPEG, PNG or WebP photo")
    return decoded.image
