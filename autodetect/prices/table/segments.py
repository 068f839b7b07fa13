"""Segments: what kind of car a model is, so that models with few prices can lean on others of their kind."""

import re
from functools import cache

import numpy as np
import pyarrow as pa

from autodetect.prices.table.columns import Ints

# In the order in which a body type is asked: 'Hardtop Convertible' is a convertible, 'Crew Cab Chassis' a pickup.
_PATTERNS = {
    "other": r"(?:box|cargo|dump|fire|food|tow) truck|bus|hearse|rv|motor ?home",
    "convertible": r"convertible|cabriolet|cabrio|roadster|spider|spyder|targa|t tops?|drop ?top|phaeton",
    "pickup": r"pick ?ups?|trucks?|crew|(?:access|double|extended|king|mega|quad|regular|single|standard|super) cab"
    r"|crew ?max|step ?side|fleet ?side|flat ?bed|cab chassis|chassis|el camino|ranchero|sut|ute",
    "van": r"(?:mini)?vans?|cargo|cutaway|camper",
    "SUV": r"suvs?|sport utility|utility|crossover|jeep",
    "wagon": r"wagons?|estate|shooting brake|touring|avant",
    "hatchback": r"hatch ?backs?|3dr|5dr|lift ?back",
    "sedan": r"sedans?|saloon|4dr|4d|(?:4|four) d(?:oo)?rs?",
    "coupe": r"coup[eé]|2dr|2d|(?:2|two) d(?:oo)?rs?|fast ?back|hard ?top|sports? car",
}
SEGMENTS = (*(name for name in _PATTERNS if name != "other"), "other")
OTHER = SEGMENTS.index("other")
UNKNOWN = -1
_UNTOLD = re.compile(r"[\W_]*(?:other|unknown|n/?a|none)?[\W_]*", re.IGNORECASE)


@cache
def segment_of(body_type: str) -> str | None:
    """Return the segment that a seller's body type means, one of `SEGMENTS`; `None` where it says nothing.

    'Crew Cab Pickup' is a pickup, '4dr SUV' an SUV, 'Hearse' something other.
    """
    if _UNTOLD.fullmatch(body_type):
        return None
    words = re.sub(r"[\W_]+", " ", body_type.casefold())
    found = (name for name, pattern in _PATTERNS.items() if re.search(rf"\b(?:{pattern})\b", words))
    return next(found, "other")


def model_segments(body_types: pa.Array, models: Ints, count: int) -> Ints:
    """Return the segment of each model that most of its listings name, the first of `SEGMENTS` among equals.

    Args:
        body_types: (n,) text as sellers wrote it, null where they did not.
        models: (n,) the number of each listing's model, -1 for none.
        count: how many models there are.

    Returns:
        (count,) places in `SEGMENTS`; `UNKNOWN` for models of which no listing names a body.
    """
    encoded = body_types.dictionary_encode()
    meanings = [segment_of(text) for text in encoded.dictionary.to_pylist()]
    places = np.array([UNKNOWN if name is None else SEGMENTS.index(name) for name in meanings] + [UNKNOWN])
    said = places[encoded.indices.fill_null(len(meanings)).to_numpy()]
    told = (said != UNKNOWN) & (models >= 0)
    votes = np.bincount(models[told] * len(SEGMENTS) + said[told], minlength=count * len(SEGMENTS))
    votes = votes.reshape(count, len(SEGMENTS))
    return np.where(votes.any(axis=1), votes.argmax(axis=1), UNKNOWN)
