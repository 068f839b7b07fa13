"""Which photos show no car from outside: drawn placeholders and documents, interiors, engines, wheels, papers.

Two judges. The picture's texture tells a drawing from a photograph, always. ImageNet's last layer, where the backbone
has it, tells what a photograph shows; it costs one small product on the embedding. Each names a rule and says how sure
it is: what is sure is refused, what is likely is noted and kept.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autodetect.embeddings.backbone import BackboneRecord
from autodetect.embeddings.imagenet_head import ImageNetHead
from autodetect.photos.texture import Texture

NOT_A_PHOTOGRAPH = "photo.not_a_photograph"
PERHAPS_NO_PHOTOGRAPH = "photo.perhaps_no_photograph"
NO_CAR = "photo.no_car"
PARTS = {name: f"photo.{name}" for name in ("interior", "engine", "wheel", "paper")}

# Shares of textured cells, measured on 4,300 real photos (least 0.18, one in 200 below 0.32; the least are cars on a
# studio's white) and on drawn placeholders, cards, logos, codes, screens and pages (most below 0.05, all below 0.17).
NO_TEXTURE = 0.10
LITTLE_TEXTURE = 0.17  # refused on a plain ground only
SOME_TEXTURE = 0.25  # noted, likewise
# Within the margins: a photo in a wide frame has 0.4 and more there, the densest logo 0.35.
TEXTURE_INSIDE = 0.35
PLAIN_GROUND = 0.40  # of the pixels in five grey levels; half the real photos have under 0.07, one in 200 over 0.27
PERHAPS_PLAIN = 0.30

# Probabilities of groups of classes. They are chosen, not measured: high, since a refused photo is lost to training.
VEHICLE_ENOUGH = 0.30  # a car is there, whatever else is
VEHICLE_LITTLE = 0.10
VEHICLE_NONE = 0.02
PART_SURE = 0.60
PART_LIKELY = 0.35
OTHER_SURE = 0.80  # in one class that is neither a vehicle nor a part of one
OTHER_LIKELY = 0.50
# ImageNet has no engine among its classes; what is nearest to one must not refuse anything.
NEVER_REFUSED = frozenset({"engine"})


@dataclass(frozen=True)
class Screened:
    """What a judge found: a rule, whether it refuses or notes, and the figures behind it."""

    rule: str
    effect: Literal["refused", "noted"]
    detail: str


def judge_texture(texture: Texture) -> Screened | None:
    """Return `photo.not_a_photograph`, `photo.perhaps_no_photograph` where that is unsure, or None."""
    figures = f"texture {texture.textured:.2f}, within margins {texture.inside:.2f}, plain {texture.plain:.2f}"
    if texture.inside >= TEXTURE_INSIDE:
        return None
    if texture.textured < NO_TEXTURE or (texture.textured < LITTLE_TEXTURE and texture.plain >= PLAIN_GROUND):
        return Screened(NOT_A_PHOTOGRAPH, "refused", figures)
    if texture.textured < SOME_TEXTURE and texture.plain >= PERHAPS_PLAIN:
        return Screened(PERHAPS_NO_PHOTOGRAPH, "noted", figures)
    return None


def judge(vectors: NDArray[np.float32], head: ImageNetHead) -> list[Screened | None]:
    """Say what embeddings show, by ImageNet's classes.

    A photo in which vehicle classes hold `VEHICLE_ENOUGH` is let through. Otherwise the likeliest kind of part names
    the rule (`photo.interior`, `photo.engine`, `photo.wheel`, `photo.paper`); where no part is likely either and one
    other class is, it is `photo.no_car`.

    Args:
        vectors: float32 (n, 2048), embeddings of the backbone that the head belongs to.
        head: ImageNet's last layer.

    Returns:
        A verdict for each, None for photos with nothing to say about.
    """
    probabilities = head.probabilities(vectors)
    vehicle = _vehicle(probabilities)
    parts = np.stack([probabilities[:, _groups()[name]].sum(axis=1) for name in PARTS], axis=1)
    others = probabilities.copy()
    others[:, np.concatenate(list(_groups().values()))] = 0
    other, likeliest = others.max(axis=1), others.argmax(axis=1)
    names = list(PARTS)
    return [
        _part(names[i], vehicle[row], parts[row, i])
        or _no_car(vehicle[row] + parts[row].sum(), other[row], int(likeliest[row]))
        for row, i in enumerate(parts.argmax(axis=1).tolist())
    ]


def is_car(vectors: NDArray[np.float32], head: ImageNetHead) -> NDArray[np.bool_]:
    """Return for each embedding (n, 2048) whether a vehicle is seen from outside, however little: shape (n,)."""
    return _vehicle(head.probabilities(vectors)) >= VEHICLE_LITTLE


def head_note(backbone: BackboneRecord) -> str:
    """Return what a person must know when `judge` cannot be asked; empty when it can."""
    if backbone.imagenet_head:
        return ""
    why = {
        "random": "the backbone has no ImageNet weights",
        "file": "the backbone's weights file came without ImageNet's last layer",
        "imagenet": "the backbone was pinned without ImageNet's last layer",
    }
    return f"screening by the ImageNet head is off: {why[backbone.resolved]}"


def _part(name: str, vehicle: float, part: float) -> Screened | None:
    if vehicle >= VEHICLE_ENOUGH or part < PART_LIKELY:
        return None
    sure = part >= PART_SURE and vehicle < VEHICLE_LITTLE and name not in NEVER_REFUSED
    return Screened(PARTS[name], "refused" if sure else "noted", f"{name} {part:.2f}, vehicle {vehicle:.2f}")


def _no_car(seen: float, other: float, likeliest: int) -> Screened | None:
    """Judge a photo by what is seen of vehicles and their parts together, and the likeliest other class."""
    if seen >= VEHICLE_LITTLE or other < OTHER_LIKELY:
        return None
    sure = seen < VEHICLE_NONE and other >= OTHER_SURE
    detail = f"ImageNet class {likeliest} {other:.2f}, vehicle and parts {seen:.2f}"
    return Screened(NO_CAR, "refused" if sure else "noted", detail)


def _vehicle(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    groups = _groups()
    total: NDArray[np.float32] = probabilities[:, np.concatenate([groups["vehicle"], groups["exterior"]])].sum(axis=1)
    return total


@cache
def _groups() -> dict[str, NDArray[np.intp]]:
    """Return the indices of the classes of every group of `imagenet_classes.toml`."""
    text = resources.files("autodetect.photos").joinpath("imagenet_classes.toml").read_text("utf-8")
    return {name: np.array([int(index) for index in group]) for name, group in tomllib.loads(text).items()}
