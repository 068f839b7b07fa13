"""The packages of a model, made one after the other and each tried before it counts: float16, then smaller ones."""

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autodetect.coreml.candidate import Candidate, Networks
from autodetect.coreml.convert import ConversionRecord, convert
from autodetect.coreml.loss import PairedLoss, paired_loss
from autodetect.coreml.metadata import metadata
from autodetect.coreml.package import inspect, size_of, zip_package
from autodetect.coreml.parity.figures import NOTHING_MEASURED, Parity
from autodetect.coreml.trial_photos import Pixels, TrialPhotos
from autodetect.coreml.variants import VariantFacts, archive_name, compress, package_name
from autodetect.coreml.xcode import CompilerWords, compiler_words
from autodetect.durations import duration
from autodetect.errors import CorruptError, StageFailedError
from autodetect.sections import CoremlSettings, Variant

if TYPE_CHECKING:
    from autodetect.coreml.parity.reference import Reference

_BATCH = 32

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trials:
    """What the packages of a model are tried on.

    `reference` is the model under Keras, `pictures` uint8 (n, size, size, 3) what parity is shown on, `photos` the test
    photos, `answers` float32 (photos, classes) the model's own answers to them.
    """

    candidate: Candidate
    reference: "Reference"
    pictures: Pixels
    photos: TrialPhotos
    answers: npt.NDArray[np.float32]

    @classmethod
    def of(cls, candidate: Candidate, networks: Networks, photos: TrialPhotos, pictures: int) -> "Trials":
        """Return the trials of a model, `pictures` of them for parity."""
        reference = networks.reference(candidate)
        answers = np.empty((0, len(candidate.entries)), np.float32)
        if len(photos.pixels):
            from autodetect.embeddings.engine import embed

            embeddings = embed(reference.backbone, photos.pixels, _BATCH)
            answers = np.asarray(reference.head.predict(embeddings, batch_size=_BATCH, verbose=0))
        return cls(candidate, reference, photos.topped_up(pictures), photos, answers)

    def parity(self, package: Path) -> Parity:
        """Return whether the package answers as Keras does; one that cannot be read does not."""
        from autodetect.coreml.parity.check import check_parity

        try:
            return check_parity(package, self.reference, self.pictures)
        except CorruptError as error:
            return _nothing_shown(error.what)

    def loss(self, package: Path) -> PairedLoss | None:
        """Return what answering by the package costs on the test photos; None where there are none."""
        if not len(self.photos.pixels):
            return None
        from autodetect.coreml.interpreter import Interpreter

        return paired_loss(
            self.answers,
            Interpreter(package).predict(self.photos.pixels),
            class_ids=self.candidate.champion.class_ids,
            truth=self.photos.class_ids,
            vehicles=self.photos.vehicles,
        )


def make_fp16(candidate: Candidate, networks: Networks, settings: CoremlSettings, target: Path) -> ConversionRecord:
    """Convert a model into `target`, and check that the package reads back as what was asked for.

    Raises:
        CorruptError: it does not.
        StageFailedError: the converter gave up.
    """
    from autodetect.classifier.head import masked_outputs

    size = candidate.backbone.input_size
    record = convert(
        networks.backbone,
        networks.head,
        candidate.labels,
        input_size=size,
        geometry=candidate.backbone.geometry,
        settings=settings,
        metadata=metadata(candidate, networks.head_digest, masked_outputs(networks.head)),
        target=target,
        temperature=candidate.temperature,
    )
    facts = inspect(target)
    if facts.labels != candidate.labels or (facts.image.width, facts.image.height) != (size, size):
        raise CorruptError("the package does not read back with its labels and input size", "run the export again")
    return record


def tried_fp16(package: Path, trials: Trials) -> tuple[VariantFacts, CompilerWords]:
    """Try the float16 package, also by Xcode's compiler where there is one."""
    said = compiler_words(package)
    facts = _tried("fp16", package, trials)
    if said.passed is False:
        facts = facts.model_copy(update={"kept": False, "words": said.words})
    return facts, said


def tried_variant(variant: Variant, fp16: Path, trials: Trials) -> VariantFacts:
    """Make a smaller package beside the float16 one and try it; one that cannot be made is not kept, and told."""
    package = fp16.parent / package_name(variant)
    try:
        compress(fp16, variant, package)
    except StageFailedError as error:
        log.warning("export: %s is left out: %s", variant, error.what)
        return _facts(variant, package, _nothing_shown(error.what), None)
    return _tried(variant, package, trials)


def _tried(variant: Variant, package: Path, trials: Trials) -> VariantFacts:
    started = time.perf_counter()
    parity = trials.parity(package)
    facts = _facts(variant, package, parity, trials.loss(package) if parity.passed else None)
    took = duration(time.perf_counter() - started)
    told = f"export: {variant}, {facts.size / 1e6:.1f} MB: {facts.words} ({took})"
    log.log(logging.INFO if facts.kept else logging.WARNING, "%s", told)
    return facts


def _facts(variant: Variant, package: Path, parity: Parity, loss: PairedLoss | None) -> VariantFacts:
    """Return what is told of a package; it is zipped if it is kept."""
    archive = package.with_name(archive_name(variant))
    if parity.passed:
        zip_package(package, archive)
    return VariantFacts(
        name=variant,
        file=archive.name,
        size=size_of(package),
        zip_size=archive.stat().st_size if parity.passed else 0,
        parity=parity,
        loss=loss,
        kept=parity.passed,
        words=f"{parity.words}; {loss.words}" if loss else parity.words,
    )


def _nothing_shown(words: str) -> Parity:
    return Parity(
        how="interpreted (Linux)",
        **asdict(NOTHING_MEASURED),
        worst_weight="",
        worst_weight_error=0.0,
        passed=False,
        words=" ".join(words.split()),
    )
