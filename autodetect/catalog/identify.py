"""What a seller wrote -> a make and model with a permanent id, and why."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from autodetect.catalog.makes import make_leading, make_named, text_key

Reason = Literal["exact", "alias", "title", "other", "missing"]

# A trailing engine size ('2.0', '3.2L', '1.8T') is not part of a model's name: 'Audi TT 2.0' is an Audi TT.
_ENGINE_SIZE = re.compile(r"\s+\d\.\d\s*(?:l|t|i|d|liter|litre)?$", re.IGNORECASE)
_YEAR = re.compile(r"^(?:19|20)\d\d\s+")
_NOT_A_MODEL = frozenset({"other", "others", "unknown", "na", "n-a", "none", "various", "all"})


@dataclass(frozen=True)
class Identity:
    """A catalogue decision. `make` and `model` are spelt as found; `make_model_id` is None where no model is named."""

    make_model_id: str | None
    make: str
    model: str
    reason: Reason


def identify(make: str, model: str, title: str = "") -> Identity:
    """Decide which make and model a listing names.

    The make and model fields come first, the title is the fallback. 'Other ...' is never a model. The id is
    `<make key>/<model key>`, so the same spelling yields the same id on every night and in every lake.
    """
    known = make_named(make)
    reason: Reason = "exact" if known == make.strip() else "alias"
    name = known or make.strip()
    rest = model.strip()
    if not name or not rest:
        from_title = make_leading(_YEAR.sub("", title.strip()))
        if from_title is None:
            return Identity(None, name, rest, "missing")
        name, rest, reason = from_title[0], rest or _first_name(from_title[1]), "title"
    bare = _bare_model(name, rest)
    if bare != rest:
        rest, reason = bare, "alias"
    make_key, key = text_key(name), text_key(rest)
    if not make_key or not key:  # nothing that the catalogue's ASCII keys can hold
        return Identity(None, name, rest, "missing")
    if key in _NOT_A_MODEL or key.split("-")[0] in _NOT_A_MODEL:
        return Identity(None, name, rest, "other")
    return Identity(f"{make_key}/{key}", name, rest, reason)


def shown_names(identities: Iterable[Identity]) -> dict[str, tuple[str, str]]:
    """Return the make and model to show for each id: the spelling most sellers used (ties: first in order)."""
    spellings: dict[str, Counter[tuple[str, str]]] = {}
    for identity in identities:
        if identity.make_model_id is not None:
            spellings.setdefault(identity.make_model_id, Counter())[identity.make, identity.model] += 1
    return {
        make_model_id: min(counts, key=lambda names, counts=counts: (-counts[names], names))  # type: ignore[misc]
        for make_model_id, counts in sorted(spellings.items())
    }


def _bare_model(make: str, model: str) -> str:
    """Return the model without its make in front and an engine size behind, however often they are repeated."""
    while True:
        leading = make_leading(model)
        bare = leading[1] if leading and leading[0] == make and leading[1] else _ENGINE_SIZE.sub("", model)
        if bare == model:
            return model
        model = bare


def _first_name(text: str) -> str:
    """Return the model a title starts with: its first word, with a short second one ('F 150', 'TT')."""
    words = text.split()
    if len(words) > 1 and len(words[0]) == 1:
        return " ".join(words[:2])
    return words[0] if words else ""
