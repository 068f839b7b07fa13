"""What a night's report tells: one record, filled in by the stage, drawn by `page`.

Everything has a default except the night and its verdict, so that a night that stopped early reports what it knows.
Shares (coverage, top-1, probabilities) are between 0 and 1. Photo paths are local files; the page copies them small.
"""

from datetime import date
from pathlib import Path

from pydantic import Field

from autodetect.classifier.embedding_map import EmbeddingMap
from autodetect.classifier.evaluation import Evaluation
from autodetect.classifier.gate import Part
from autodetect.classifier.intervals import Share
from autodetect.classifier.poison import LabelVerdict
from autodetect.classifier.slices import Slices
from autodetect.classifier.unknown_cars import UnknownCars
from autodetect.records import Record, Verdict
from autodetect.report.exported import ExportedModel
from autodetect.report.priced import PricedReport, PriceLine


class StageFacts(Record):
    """One stage: seconds, peak memory (10^6 bytes) when known, what it counted, whether its receipt still held."""

    name: str
    seconds: float = 0.0
    peak_mb: float | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    skipped: bool = False


class SliceFacts(Record):
    """A part of the source that was not read to its end: how many listings it announced and gave, and why not all."""

    name: str
    announced: int = 0
    found: int = 0
    cause: str = ""


class CrawlFacts(Record):
    """What the crawl saw: listings, sales, photos (files), requests, and the share of what was announced it covers.

    `missing` listings were looked for and not there, `ended` ones often enough. `backlog` listings were seen and not
    yet read in full. `stopped` and `drift` say why the crawl ended early, and what can hardly be read any more.
    """

    announced: int = 0
    seen: int = 0
    new: int = 0
    changed: int = 0
    sales_new: int = 0
    missing: int = 0
    ended: int = 0
    imported: int = 0
    photos_fetched: int = 0
    photos_reused: int = 0
    coverage: float | None = None
    backlog: int = 0
    calls: int = 0
    daily_calls: int = 0
    unreached: tuple[SliceFacts, ...] = ()
    stopped: str = ""
    drift: str = ""


class RefusalFacts(Record):
    """How often a rule refused something, with one example (text may come from strangers)."""

    table: str
    rule: str
    effect: str = "refused"
    count: int = 0
    example_key: str = ""
    example_value: str = ""


class RefusedPhoto(Record):
    """A refused photo: the file as it came, readable or not."""

    path: Path
    rule: str


class ClassFacts(Record):
    """One class: vehicles per split, photos, and how it scored on its test vehicles, with 95 % intervals (Wilson)."""

    class_id: int
    label: str
    train_vehicles: int = 0
    validation_vehicles: int = 0
    test_vehicles: int = 0
    photos: int = 0
    top1: float | None = None
    top3: float | None = None
    top1_interval: tuple[float, float] | None = None
    top3_interval: tuple[float, float] | None = None
    is_new: bool = False


class ClassSize(Record):
    """One class of the training set: vehicles and photos per split."""

    label: str
    train_vehicles: int = 0
    train_photos: int = 0
    validation_vehicles: int = 0
    validation_photos: int = 0
    test_vehicles: int = 0
    test_photos: int = 0

    @property
    def vehicles(self) -> int:
        """Return the vehicles of all splits."""
        return self.train_vehicles + self.validation_vehicles + self.test_vehicles


class ConflictingListing(Record):
    """A listing that shows a photo as one model while another listing shows the same car as another."""

    make_model_id: str
    listing: str
    url: str = ""
    path: Path


class LabelConflict(Record):
    """A photo or vehicle (`what`) that is shown as several models; `more` models are not shown."""

    what: str
    shown: tuple[ConflictingListing, ...]
    more: int = 0


class TrainingSetReport(Record):
    """The night's training set in words, its smallest and largest classes, and what a person should resolve."""

    lines: tuple[tuple[str, str], ...] = ()
    smallest: tuple[ClassSize, ...] = ()
    largest: tuple[ClassSize, ...] = ()
    conflicts: tuple[LabelConflict, ...] = ()


class ModelScores(Record):
    """A model on the test vehicles: accuracy per vehicle and per photo, and how many there were of each."""

    name: str = ""
    top1_vehicle: float | None = None
    top3_vehicle: float | None = None
    top1_photo: float | None = None
    top3_photo: float | None = None
    vehicles: int = 0
    photos: int = 0


class Epoch(Record):
    """One epoch of training: losses (cross-entropy) and accuracies (shares), a value that is not known is `None`."""

    loss: float | None = None
    val_loss: float | None = None
    accuracy: float | None = None
    val_accuracy: float | None = None


class Confusion(Record):
    """How many test photos of `truth` were named `answer`."""

    truth: str
    answer: str
    count: int


class Answer(Record):
    """One answer of the model with its probability."""

    label: str
    probability: float


class Sample(Record):
    """A test photo, what it shows, and what the model says, likeliest first."""

    path: Path
    truth: str
    answers: tuple[Answer, ...] = ()


class WrongAnswer(Record):
    """A test photo that was taken for another class, and how sure the model was of it."""

    path: Path
    answer: str
    probability: float


class WorstClassPhotos(Record):
    """A class that is surely weak: its top-1 by vehicle, what it is most often taken for, and photos that were."""

    name: str
    top1: Share
    taken_for: str
    photos: tuple[WrongAnswer, ...] = ()


class JudgedReport(Record):
    """How tonight's model was judged, beside its figures on the whole test set.

    `parts` are the gate's questions; `lineage` says in one line what the challenger was made from; `labels` is what the
    champion thought of the night's new labels. What a receipt does not tell is empty.
    """

    parts: tuple[Part, ...] = ()
    lineage: str = ""
    slices: Slices | None = None
    unknowns: UnknownCars | None = None
    labels: LabelVerdict | None = None
    worst: tuple[WorstClassPhotos, ...] = ()
    map: EmbeddingMap | None = None


class CopyGroup(Record):
    """Photos found to be copies of each other, and what tied them."""

    photos: tuple[Path, ...]
    tied_by: str = ""


class ReleasedObject(Record):
    """A file of the release and its size in bytes."""

    name: str
    size: int


class ReleaseFacts(Record):
    """The release that clients now see."""

    release_id: str
    sequence: int
    objects: tuple[ReleasedObject, ...] = ()


class PastNight(Record):
    """An earlier night: its verdict and key figures."""

    night: date
    verdict: Verdict
    top1: float | None = None
    top3: float | None = None
    listings: int | None = None
    release: int | None = Field(None, description="sequence of the release, if there was one")


class NightReport(Record):
    """Everything the report of one night shows.

    `reason` is the verdict's one plain sentence. `data_docs` is a link relative to the report's folder (empty: none).
    `history` are the nights before this one, oldest first; `warnings` are shown loudly at the top.
    """

    night: date
    verdict: Verdict
    reason: str = ""
    run_id: str = ""
    source: str = ""
    channel: str = ""
    warnings: tuple[str, ...] = ()
    stages: tuple[StageFacts, ...] = ()
    crawl: CrawlFacts | None = None
    refusals: tuple[RefusalFacts, ...] = ()
    refused_photos: tuple[RefusedPhoto, ...] = ()
    classes: tuple[ClassFacts, ...] = ()
    training_set: TrainingSetReport | None = None
    challenger: ModelScores | None = None
    champion: ModelScores | None = None
    carried: ModelScores | None = Field(None, description="of the model that clients carry after this night")
    evaluation: Evaluation | None = Field(None, description="of the challenger, whole")
    gate: str = Field("", description="what the promotion gate decided, in words")
    judged: JudgedReport = JudgedReport()
    epochs: tuple[Epoch, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    samples: tuple[Sample, ...] = ()
    copies: tuple[CopyGroup, ...] = ()
    prices: tuple[PriceLine, ...] = ()
    priced: PricedReport = PricedReport()
    exported: ExportedModel | None = None
    release: ReleaseFacts | None = None
    data_docs: str = Field("", pattern=r"^([^/:\\][^:\\]*)?$", description="relative link, no scheme, no backslash")
    history: tuple[PastNight, ...] = ()
