"""What a package says of itself to the app: what the model is, and how its answers are to be taken."""

from collections.abc import Collection

from autodetect import __version__
from autodetect.coreml.candidate import Candidate

VERSION = "version"
BACKBONE_DIGEST, HEAD_DIGEST = "backbone_digest", "head_digest"
CLASS_MAP_DIGEST, CLASS_IDS, SILENT_OUTPUTS = "class_map_digest", "class_ids", "silent_outputs"
TEMPERATURE_PHOTO, TEMPERATURE_VEHICLE, ABSTAIN_THRESHOLD = (
    "temperature_photo",
    "temperature_vehicle",
    "abstain_threshold",
)

_HOW_TO_ANSWER = (
    "temperature_photo is folded in: the probabilities are those of one photo. For several photos of one "
    "car take the mean over them of log p * temperature_photo / temperature_vehicle, then the softmax of it."
)
_HOW_TO_ABSTAIN = (
    " The likeliest answer is shown where it reaches abstain_threshold; below, the app says that it is not sure."
)


def metadata(candidate: Candidate, head_digest: str, masked: Collection[int]) -> dict[str, str]:
    """Return the text that the app reads in the package, by key; the same for the same model.

    `head_digest` is the SHA-256 of the released head's file, not folded; with `backbone_digest` it names the networks
    in the lake that the package was made from. `class_ids` gives the class of each output, in order, and
    `silent_outputs` those outputs that keep their place and answer 0: the `masked` ones of that head, among them that
    of a class that returned since the model was trained.
    """
    champion, backbone = candidate.champion, candidate.backbone
    found = {
        VERSION: f"{__version__}+{champion.night.isoformat()}",
        CLASS_MAP_DIGEST: candidate.class_map_digest,
        CLASS_IDS: " ".join(map(str, champion.class_ids)),
        SILENT_OUTPUTS: output_list(masked),
        BACKBONE_DIGEST: backbone.digest,
        HEAD_DIGEST: head_digest,
        "preprocessing": backbone.preprocessing,
        "trained_on_night": champion.night.isoformat(),
        "snapshot_id": champion.snapshot_id,
        "permission": candidate.permission,
        TEMPERATURE_PHOTO: str(champion.temperatures.photo),
        TEMPERATURE_VEHICLE: str(champion.temperatures.vehicle),
        "how_to_answer": _HOW_TO_ANSWER,
        **{f"metric_{name}": f"{value:.6f}" for name, value in sorted(champion.metrics.items())},
    }
    if champion.abstain:
        found[ABSTAIN_THRESHOLD] = str(champion.abstain.threshold)
        found["how_to_answer"] += _HOW_TO_ABSTAIN
    if backbone.note:
        found["warning"] = backbone.note
    return found


def output_list(outputs: Collection[int]) -> str:
    """Return outputs as `silent_outputs` lists them."""
    return " ".join(map(str, sorted(outputs)))
