"""What the app shows, from a published release alone: the three likeliest models, their price, the offers nearby."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import TypeAdapter

from autodetect.classifier.temperature import UNTEMPERED
from autodetect.coreml.outputs import Output
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.imagenet_head import load_head as load_imagenet_head
from autodetect.errors import CorruptError, UsageError
from autodetect.photos.decode import decode
from autodetect.prices.places import Place
from autodetect.prices.radius import DEFAULT_RADIUS, Radius
from autodetect.prices.sqlite.lookup import OfferFact, PriceFact, offers_of, opened, price_of
from autodetect.prices.sqlite.near import NearFact, near
from autodetect.records import Record
from autodetect.release import model_facts, non_cars
from autodetect.release.answering import answer
from autodetect.release.client import Source, SyncedRelease, sync
from autodetect.release.model_facts import ModelFacts
from autodetect.release.signing import PublicKey

if TYPE_CHECKING:
    import keras

WANTED = ("backbone.keras", "backbone.json", "champion.keras", "classes.json", "autodetect.sqlite")
OPTIONAL = (model_facts.NAME, non_cars.FILE_NAME)  # earlier releases have neither
TOP = 3
NEAREST = 3  # offers of each answer
BATCH_SIZE = 32  # as embeddings are made: a batch of one photo alone rounds differently

Photos = Mapping[Path, Image.Image]
ReadT = TypeVar("ReadT")


class Asked(Record):
    """Where the person who asks is, and how far is near."""

    place: Place
    within: Radius = DEFAULT_RADIUS


class Guess(Record):
    """One answer: a make and model, its probability, its price and the offers, where there are any.

    `near` has the offers near the place that was asked about, None where none was.
    """

    label: str
    make_model_id: str
    probability: float
    price: PriceFact | None
    offers: OfferFact
    near: NearFact | None = None


class NoCar(Record):
    """A photo that is not answered, and what is seen on it instead of a car."""

    photo: str
    seen: str


class Identification(Record):
    """The answers to a photo, or to several photos of one car, likeliest first.

    `photo` is the first of `photos`. `sure` says whether the first answer reaches the model's threshold; None where the
    release carries none or nothing was answered. `screened` says whether photos without a car were looked for: those
    are in `no_car`, and where no other photo is left there are no `guesses`. `asked` is where offers were looked for.
    """

    photo: str
    photos: tuple[str, ...]
    guesses: tuple[Guess, ...]
    sure: bool | None = None
    screened: bool = False
    no_car: tuple[NoCar, ...] = ()
    asked: Asked | None = None


def fetch(source: Source, cache: Path, *, trusted: PublicKey, now: datetime) -> SyncedRelease:
    """Bring what `identify` needs of the newest release into the cache folder; raises what `sync` does."""
    return sync(source, cache, WANTED, optional=OPTIONAL, trusted=trusted, now=now)


def identify(
    release: SyncedRelease, photos: Photos, *, same_car: bool = False, asked: Asked | None = None
) -> list[Identification]:
    """Answer photos, which `read_photo` has read.

    Args:
        release: as `fetch` brought it.
        photos: at least one.
        same_car: all photos show one car: one answer to all of them instead of one to each.
        asked: where to look for offers; None: nowhere.

    Raises:
        CorruptError: a file of the release is damaged, or does not belong to the others.
    """
    model = _Model.of(release)
    vectors = model.embed(photos)
    seen = model.seen_instead(vectors)
    paths = list(photos)
    together = [range(len(paths))] if same_car else [range(i, i + 1) for i in range(len(paths))]
    cars = [i for i, instead in enumerate(seen) if instead is None]
    rows = dict(zip(cars, model.head.predict(vectors[cars], verbose=0), strict=True)) if cars else {}
    found = []
    for places in together:
        kept = [i for i in places if i in rows]
        probabilities = model.answer(np.stack([rows[i] for i in kept])) if kept else None
        found.append(
            Identification(
                photo=str(paths[places[0]]),
                photos=tuple(str(paths[i]) for i in places),
                guesses=() if probabilities is None else model.guesses(probabilities, asked),
                sure=None if probabilities is None else model.is_sure(probabilities),
                screened=model.screens,
                no_car=tuple(NoCar(photo=str(paths[i]), seen=words) for i in places if (words := seen[i])),
                asked=asked,
            )
        )
    return found


class _Model(NamedTuple):
    """A release's files, opened."""

    release: SyncedRelease
    backbone: BackboneRecord
    facts: ModelFacts | None
    outputs: Sequence[Output]
    head: "keras.Model"

    @classmethod
    def of(cls, release: SyncedRelease) -> "_Model":
        from autodetect.classifier.head import load_head

        record = _read(release, "backbone.json", TypeAdapter(BackboneRecord))
        entries = _read(release, "classes.json", TypeAdapter(list[Output]))
        facts = None
        if model_facts.NAME in release.manifest.objects:
            facts = _read(release, model_facts.NAME, TypeAdapter(ModelFacts))
            if facts.backbone != record.digest:
                raise CorruptError(
                    f"release {release.release_id} carries the backbone {record.digest[:12]}, its model was trained on"
                    f" {facts.backbone[:12]}",
                    "tell who runs the store",
                )
        head = load_head(release.path("champion.keras"))
        if [entry.output for entry in entries] != list(range(head.output_shape[-1])):
            raise CorruptError(
                f"'classes.json' of release {release.release_id} does not name the {head.output_shape[-1]} outputs of"
                " its model, each once and in order",
                "tell who runs the store",
            )
        return cls(release, record, facts, entries, head)

    @property
    def screens(self) -> bool:
        return bool(self.backbone.imagenet_head) and non_cars.FILE_NAME in self.release.manifest.objects

    def embed(self, photos: Photos) -> npt.NDArray[np.float32]:
        """Return the photos' embeddings, float32 (n, dimension)."""
        from autodetect.embeddings.backbone import load
        from autodetect.embeddings.engine import embed
        from autodetect.embeddings.geometry import to_input

        batch = np.stack(
            [to_input(image, self.backbone.input_size, self.backbone.geometry) for image in photos.values()]
        )
        return embed(load(self.release.path("backbone.keras"), self.backbone), batch, batch_size=BATCH_SIZE)

    def seen_instead(self, vectors: npt.NDArray[np.float32]) -> list[str | None]:
        if not self.screens:
            return [None] * len(vectors)
        head = load_imagenet_head(self.release.path(non_cars.FILE_NAME), self.backbone.imagenet_head)
        return non_cars.seen_instead(vectors, head)

    def answer(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return the answer to photos of one car, float64 (classes,), from the head's, float (n, classes)."""
        answering = [entry.output for entry in self.outputs if entry.answers]
        return answer(probabilities, answering, self.facts.temperatures if self.facts else UNTEMPERED)

    def is_sure(self, probabilities: npt.NDArray[np.float64]) -> bool | None:
        if self.facts is None or self.facts.abstain is None:
            return None
        return bool(probabilities.max() >= self.facts.abstain.threshold)

    def guesses(self, probabilities: npt.NDArray[np.float64], asked: Asked | None) -> tuple[Guess, ...]:
        """Return the likeliest answers with their worth; an output that never answers is none of them."""
        ordered = np.argsort(-probabilities, kind="stable").tolist()
        with opened(self.release.path("autodetect.sqlite")) as database:
            return tuple(
                Guess(
                    label=entry.label,
                    make_model_id=entry.make_model_id,
                    probability=float(probabilities[entry.output]),
                    price=price_of(database, entry.make_model_id),
                    offers=offers_of(database, entry.make_model_id),
                    near=None if asked is None else _near(database, asked, entry.make_model_id),
                )
                for entry in [self.outputs[i] for i in ordered if self.outputs[i].answers][:TOP]
            )


def _near(database: Connection, asked: Asked, make_model_id: str) -> NearFact:
    return near(
        database,
        latitude=asked.place.latitude,
        longitude=asked.place.longitude,
        radius_km=asked.within.km,
        make_model_id=make_model_id,
        limit=NEAREST,
    )


def _read(release: SyncedRelease, name: str, kind: TypeAdapter[ReadT]) -> ReadT:
    """Return what a file of JSON says.

    Raises:
        CorruptError: it does not say that.
    """
    try:
        return kind.validate_json(release.path(name).read_bytes())
    except ValueError as error:
        why = "; ".join(str(error).splitlines()[1:3]) or str(error)
        raise CorruptError(
            f"'{name}' of release {release.release_id} cannot be read: {why}", "tell who runs the store"
        ) from error


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
