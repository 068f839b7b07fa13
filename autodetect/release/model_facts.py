"""What whoever asks a released model must know beside its weights: `model.json`."""

from typing import Literal, Self

from autodetect.classifier.champion import Abstain, Champion
from autodetect.classifier.temperature import UNTEMPERED, Temperatures
from autodetect.embeddings.backbone import BackboneRecord
from autodetect.records import Record

NAME = "model.json"


class ModelFacts(Record):
    """How a photo becomes the model's input, and its output a probability.

    `class_map_digest` is that of the class map the outputs are in; `backbone` and `preprocessing` are those of the
    embeddings the head was trained on, `input_size` is in pixels. Log-probabilities are divided by a temperature: that
    of a photo alone, or that of the mean over several photos of one car. This is said of `champion.keras`; the Core ML
    packages have the temperature of a photo in them already, and say so themselves. Below `abstain.threshold` a first
    answer is not sure; without one, the model cannot tell.
    """

    schema_version: Literal[1] = 1
    class_map_digest: str
    backbone: str
    preprocessing: str
    input_size: int
    temperatures: Temperatures = UNTEMPERED
    abstain: Abstain | None = None

    @classmethod
    def of(cls, champion: Champion, backbone: BackboneRecord, class_map_digest: str) -> Self:
        """Return the facts of a champion on its backbone."""
        return cls(
            class_map_digest=class_map_digest,
            backbone=backbone.digest,
            preprocessing=backbone.preprocessing,
            input_size=backbone.input_size,
            temperatures=champion.temperatures,
            abstain=champion.abstain,
        )
