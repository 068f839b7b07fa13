"""What a seller wrote -> a make and model with a permanent id, and why."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from autodetect.catalog.answers import Answer, Answers
from autodetect.catalog.makes import make_leading, make_named, text_key
from autodetect.catalog.names import Name, joined, leading, makes_of, runs_of
from autodetect.catalog.phrases import (
    first_name,
    inside,
    leading_pair,
    make_in,
    without_make_in_front,
    without_own_make,
)
from autodetect.catalog.spelling import SURE, closest_make, closest_model
from autodetect.catalog.words import (
    bare,
    is_copy,
    looks_like_a_sentence,
    names_nothing,
    says_other,
    without_year,
)

Reason = Literal[
    "answer",  # a person said so
    "exact",  # the catalogue's own spelling
    "alias",  # another spelling of it, or words that are no part of the name behind or before it
    "fuzzy",  # a slip of spelling away from it
    "within",  # named somewhere in what was written, and no other model is
    "title",  # the listing's title says it, its fields do not
    "guess",  # no make was written, and the model is only one make's
    "unlisted",  # a name that the catalogue does not know, kept as it was written
    "unclear",  # words that are no name
    "other",  # it says that it is something else
    "missing",  # nothing names a model
]
UNSURE: frozenset[Reason] = frozenset({"within", "guess", "unlisted", "unclear"})
SHORTEST_GUESS = 5
_CACHED = 65_536  # pairs of make and model; a million listings write a few thousand
_NO_MAKE = frozenset({"other-makes", "other-make", "make", "unspecified", "not-specified"})


@dataclass(frozen=True)
class Identity:
    """A catalogue decision.

    Args:
        make_model_id: None where no model is named.
        make: as the catalogue shows it, else as written.
        model: likewise.
        reason: what the decision rests on.
        matched: the catalogue's name, 'Make / Model'; '' where it does not list one.
        score: 83 to 100 for what was misspelt (100: as written), None elsewhere.
    """

    make_model_id: str | None
    make: str
    model: str
    reason: Reason
    matched: str = ""
    score: float | None = None

    @property
    def unsure(self) -> bool:
        """Return whether a person should look at it."""
        return self.reason in UNSURE or (self.score is not None and self.score < SURE)


def identify(make: str, model: str, title: str = "", answers: Answers | None = None) -> Identity:
    """Decide which make and model a listing names.

    A person's answers come first, then the make and model fields, then the title. 'Other ...' is never a model. The
    id is `<make key>/<model key>` of the names shown, so the same spelling yields the same id on every night and in
    every lake.
    """
    make, model = make.strip(), model.strip()
    if answers is not None and (answer := answers.find(make, model, title)) is not None:
        return _answered(answer, make, model)
    found = _from_fields(make, model)
    if found.reason != "missing":
        return found
    return _from_title(found.make, model, title) or found


def without_title(make: str, model: str, answers: Answers | None = None) -> Identity | None:
    """Return what `identify` decides whatever the title says; None where the title has a say."""
    make, model = make.strip(), model.strip()
    if not make and not model:
        return None
    if answers is not None and (answer := answers.find(make, model, "")) is not None:
        return _answered(answer, make, model)
    found = _from_fields(make, model)
    return found if found.reason != "missing" else None


def shown_names(identities: Iterable[Identity] | Mapping[Identity, int]) -> dict[str, tuple[str, str]]:
    """Return the make and model to show for each id: the spelling most sellers used (ties: first in order).

    Args:
        identities: one for every listing; or each different one once, beside the number of its listings.
    """
    spellings: dict[str, Counter[tuple[str, str]]] = {}
    decisions = identities if isinstance(identities, Mapping) else Counter(identities)
    for identity, listings in decisions.items():
        if identity.make_model_id is not None:
            spellings.setdefault(identity.make_model_id, Counter())[identity.make, identity.model] += listings
    return {
        make_model_id: min(counts, key=lambda names, counts=counts: (-counts[names], names))  # type: ignore[misc]
        for make_model_id, counts in sorted(spellings.items())
    }


@lru_cache(maxsize=_CACHED)
def _from_fields(make: str, model: str) -> Identity:
    """Decide by the make and model fields alone; 'missing' sends the decision on to the title."""
    if is_copy(make):  # 'Replica/Kit Makes': it looks like a car that it is not
        return Identity(None, make, model, "other")
    if says_other(make) or text_key(make) in _NO_MAKE:
        make = ""
    if not make:
        return _without_make(model)
    known = make_named(make)
    if known is not None:
        return _under(known, model, spelt=known == make)
    if (split := make_leading(make)) is not None:  # 'Datsun 510' in the field of the make
        return _as_alias(_under(split[0], model or split[1], spelt=False))
    if (close := closest_make(make)) is not None:
        return _fuzzier(_under(close[0], model, spelt=False), close[1])
    return _foreign(model) or _unlisted(make, model)


def _under(make: str, model: str, *, spelt: bool) -> Identity:
    """Decide under a known make; `spelt` tells that it was written as the catalogue shows it."""
    if not text_key(model):
        return Identity(None, make, model, "missing")
    named = _named(make, model, spelt=spelt) or _foreign(model) or _near(make, model)
    return named or _unlisted(make, model)


def _named(make: str, model: str, *, spelt: bool) -> Identity | None:
    """Return the known model that a text starts with, years and its make in front aside; or that it is another car."""
    for rest in (model, *without_make_in_front(make, model)):
        found = leading(make, rest)
        if is_copy(found[1] if found else rest) or (found is None and says_other(rest)):
            return Identity(None, make, model, "other")
        if found:
            exact = spelt and found[0].make == make and text_key(found[0].model) == text_key(model)
            return _listed(found[0], "exact" if exact else "alias")
    return None


def _near(make: str, model: str) -> Identity | None:
    """Return the model that a text means though it does not start with its name; or that it names none at all."""
    rest = without_own_make(make, model)
    if names_nothing(rest) or make_named(rest) is not None:
        return Identity(None, make, model, "other")
    if (close := closest_model(make, without_year(rest))) is not None:
        return replace(_listed(close[0], "fuzzy"), score=close[1])
    name = inside(make, rest)
    return _listed(name, "within") if name else None


def _unlisted(make: str, model: str) -> Identity:
    """Keep what the catalogue does not know as it was written; what is no name at all is nobody's id."""
    if not text_key(make) or not text_key(model):  # nothing that the catalogue's ASCII keys can hold
        return Identity(None, make, model, "missing")
    if says_other(model) or is_copy(f"{make} {model}"):
        return Identity(None, make, model, "other")
    rest = without_own_make(make, model)
    if names_nothing(rest):
        return Identity(None, make, model, "other")
    rest = bare(rest)
    if rest != model:  # what is shown must lead back to itself: decide again by what is left
        return _as_alias(_from_fields(make, rest))
    if looks_like_a_sentence(rest) or looks_like_a_sentence(make):
        return Identity(None, make, model, "unclear")
    return Identity(f"{text_key(make)}/{text_key(rest)}", make, rest, "unlisted")


def _without_make(model: str) -> Identity:
    """Decide without a make: the model field may name it, or be one that only one make has."""
    missing = Identity(None, "", model, "missing")
    if not text_key(model) or says_other(model) or is_copy(model):
        return missing
    return _foreign(model) or missing


def _guessed(model: str) -> Identity | None:
    """Return the only model of any make that is written just so."""
    signs = joined(runs_of(model))
    names = makes_of(signs) if len(signs) >= SHORTEST_GUESS else ()
    return _listed(names[0], "guess") if len(names) == 1 else None


def _foreign(model: str) -> Identity | None:
    """Return the model that a text names with its make in front, whatever the field of the make says."""
    found = leading_pair(without_year(model))
    return _listed(found, "alias") if found else None


def _from_title(make: str, model: str, title: str) -> Identity | None:
    """Decide by the title: the make in front or behind a year, then the model field or what follows the make."""
    if (split := make_in(title)) is not None:
        named, rest, text = split
        if not model and (name := leading_pair(text)):
            return _listed(name, "title")
        decided = _under(named, model or first_name(rest), spelt=True)
        if decided.reason in {"exact", "alias"}:
            return replace(decided, reason="title")
        return decided
    if make_named(make) and not model and (found := leading(make, without_year(title.strip()))):
        return _listed(found[0], "title")
    return _guessed(model) if not make and model else None


def _answered(answer: Answer, make: str, model: str) -> Identity:
    return Identity(None, make, model, "answer") if answer.name is None else _listed(answer.name, "answer")


def _listed(name: Name, reason: Reason) -> Identity:
    return Identity(name.make_model_id, name.make, name.model, reason, matched=f"{name.make} / {name.model}")


def _as_alias(identity: Identity) -> Identity:
    return replace(identity, reason="alias") if identity.reason == "exact" else identity


def _fuzzier(identity: Identity, score: float) -> Identity:
    """Return a decision that also rests on a make that was misspelt."""
    if identity.make_model_id is None or identity.reason not in {"exact", "alias", "fuzzy"}:
        return identity
    return replace(identity, reason="fuzzy", score=min(score, identity.score or score))
