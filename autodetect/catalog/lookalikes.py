"""Cars that photographs can hardly tell apart: groups that the catalogue and a person declare."""

import tomllib
from functools import cache
from importlib import resources

from autodetect.catalog.answers import Answers, parse_name


def lookalikes_of(make_model_id: str, answers: Answers | None = None) -> tuple[str, ...]:
    """Return the ids of the cars that look like this one, sorted; empty for a car that stands alone.

    Args:
        make_model_id: a car's id.
        answers: a person's file, whose groups are added to the catalogue's own.
    """
    groups = (*declared(), *(answers.lookalikes if answers else ()))
    alike = {other for group in groups if make_model_id in group for other in group}
    return tuple(sorted(alike - {make_model_id}))


@cache
def declared() -> tuple[frozenset[str], ...]:
    """Return the groups of ids that the catalogue declares, in the order of its file."""
    data = tomllib.loads(resources.files("autodetect.catalog").joinpath("lookalikes.toml").read_text("utf-8"))
    names = ([parse_name(text) for text in group] for group in data["groups"])
    return tuple(frozenset(name.make_model_id for name in group if name is not None) for group in names)
