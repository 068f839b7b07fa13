"""What a person decided: a TOML file of answers, lookalikes and retired models, read before every decision.

It is edited by hand or by us.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autodetect.catalog.makes import make_named, text_key
from autodetect.catalog.names import ELSEWHERE, Name, catalogue, leading
from autodetect.errors import UsageError
from autodetect.lake.objects.durable import write_file

DEFAULT = "catalog.toml"
NONE = "none"
HEAD = """\
# What sellers write and what it means, decided by a person; read before AutoDetect's own catalogue.
# "Written make / Written model" = "Make / Model", or "none" for what names no model.
"""
_SHAPE = f"an answer is 'Make{ELSEWHERE}Model' or '{NONE}'"


@dataclass(frozen=True, slots=True)
class Answer:
    """One decision: the model that is meant; None for 'no model'."""

    name: Name | None

    @property
    def listed(self) -> bool:
        """Return whether the catalogue lists what is meant, or nothing is meant."""
        return self.name is None or self.name in catalogue()


@dataclass(frozen=True)
class Answers:
    """The answers of a file by the key of what was written, and what it declares (ids).

    `lookalikes` are groups of models that look alike; `retired` the models that must not be a class.
    """

    by_key: Mapping[str, Answer] = field(default_factory=dict)
    lookalikes: tuple[frozenset[str], ...] = ()
    retired: frozenset[str] = frozenset()

    def find(self, make: str, model: str, title: str) -> Answer | None:
        """Return the answer to what a seller wrote; by the title only where make and model are both empty."""
        if not self.by_key:
            return None
        return self.by_key.get(written_key(written(make, model, title)))


def written(make: str, model: str, title: str) -> str:
    """Return what a seller wrote as a person reads and answers it: 'make / model', else the title."""
    make, model = make.strip(), model.strip()
    return f"{make}{ELSEWHERE}{model}".strip() if make or model else title.strip()


def written_key(text: str) -> str:
    """Return the key under which an answer to a written text is found."""
    return text_key(text)


def read_answers(path: str | Path) -> Answers:
    """Read a file of answers; a file of the default name need not exist.

    Raises:
        UsageError: no such file, no TOML, or content that is no answer; with the file and the line.
    """
    file = Path(path)
    if not file.is_file():
        if str(path) in {"", DEFAULT}:
            return Answers()
        raise UsageError(
            f"the file of answers {file} does not exist", "create it, or correct the setting catalog.answers"
        )
    try:
        text = file.read_text("utf-8")
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", "correct the line named") from error
    return _checked(_Source(file, text), data)


def parse_name(text: str) -> Name | None:
    """Return what 'Make / Model' names, spelt as the catalogue does where it lists it; None for any other text."""
    make, separator, model = text.strip().partition(ELSEWHERE)
    if not separator or not text_key(make) or not text_key(model):
        return None
    shown = make_named(make) or make.strip()
    found = leading(shown, model)
    return found[0] if found and not found[1] else Name(shown, model.strip())


def add_answers(path: Path, pairs: Iterable[tuple[str, str]]) -> list[Answer]:
    """Write answers into the file, each in place of an older one to the same question; the rest stays as it is.

    Args:
        path: the file; it is made where there is none.
        pairs: what was written ('make / model'), and 'Make / Model' or 'none'.

    Raises:
        UsageError: nothing was asked, or an answer is none, or the file cannot be used: nothing was written.
    """
    text = HEAD
    if path.is_file():
        read_answers(path)
        text = path.read_text("utf-8")
    decided: list[Answer] = []
    for asked, meant in pairs:
        name = parse_name(meant)
        if not written_key(asked) or (name is None and meant.casefold() != NONE):
            raise UsageError(f"'{asked}' = '{meant}' is no answer", f"write WRITTEN=ANSWER; {_SHAPE}")
        decided.append(Answer(name))
        text = _with_answer(text, asked, f"{name.make}{ELSEWHERE}{name.model}" if name else NONE)
    try:
        _checked(_Source(path, text), tomllib.loads(text))
    except (tomllib.TOMLDecodeError, UsageError) as error:
        raise UsageError(
            f"{path} has a form that cannot be added to: {error}", "write the answer into it by hand"
        ) from error
    write_file(path, [text.encode()])
    return decided


def _with_answer(text: str, asked: str, shown: str) -> str:
    plain = " ".join("".join(map(_printable, asked)).split())
    line = f"{json.dumps(plain, ensure_ascii=False)} = {json.dumps(shown, ensure_ascii=False)}"
    lines = [each for each in text.rstrip("\n").split("\n") if not _answers_to(each, written_key(asked))]
    if "[answers]" not in (each.strip() for each in lines):
        lines += ["", "[answers]"]
    at = next(number for number, each in enumerate(lines) if each.strip() == "[answers]")
    lines.insert(at + 1, line)
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Source:
    """A file and its text, to name the line that is at fault."""

    file: Path
    text: str

    def refuse(self, at: str, why: str, remedy: str) -> UsageError:
        number = next((n for n, line in enumerate(self.text.splitlines(), 1) if at and at in line.split("#")[0]), None)
        where = f"{self.file}, line {number}" if number else str(self.file)
        return UsageError(f"{where}: {why}", remedy)


def _checked(source: _Source, data: Mapping[str, Any]) -> Answers:
    for name in data:
        if name not in {"answers", "lookalikes", "retired"}:
            remedy = "it may hold [answers], and above it lookalikes = [...] and retired = [...]"
            raise source.refuse(name, f"'{name}' means nothing here", remedy)
    answers, groups = data.get("answers", {}), data.get("lookalikes", [])
    if not isinstance(answers, dict):
        raise source.refuse("answers", "'answers' is no table", "write [answers] and one line per answer below it")
    by_key: dict[str, Answer] = {}
    for asked, answer in answers.items():
        key = written_key(asked)
        if not key:
            raise source.refuse(asked, f"'{asked}' names nothing", "write what sellers write, 'make / model'")
        if key in by_key:
            raise source.refuse(asked, f"'{asked}' is answered twice", "case and punctuation do not matter: keep one")
        by_key[key] = _answer(source, asked, answer)
    return Answers(by_key, _groups(source, groups), _retired(source, data.get("retired", [])))


def _groups(source: _Source, groups: object) -> tuple[frozenset[str], ...]:
    if not isinstance(groups, list) or not all(isinstance(group, list) for group in groups):
        raise source.refuse("lookalikes", "'lookalikes' is no list of groups", "write [['Make / Model', ...], ...]")
    found: list[frozenset[str]] = []
    for group in groups:
        names = [parse_name(each) if isinstance(each, str) else None for each in group]
        ids = frozenset(name.make_model_id for name in names if name is not None)
        if len(ids) < 2 or None in names:
            raise source.refuse(str(group[0]) if group else "lookalikes", f"{group} is no group of lookalikes",
                                "a group names two or more models as 'Make / Model'")  # fmt: skip
        found.append(ids)
    return tuple(found)


def _retired(source: _Source, models: object) -> frozenset[str]:
    if not isinstance(models, list):
        raise source.refuse("retired", "'retired' is no list of models", "write ['Make / Model', ...]")
    found: set[str] = set()
    for model in models:
        name = parse_name(model) if isinstance(model, str) else None
        if name is None:
            raise source.refuse(str(model), f"{model!r} names no model to retire", "write it as 'Make / Model'")
        found.add(name.make_model_id)
    return frozenset(found)


def _answer(source: _Source, asked: str, answer: object) -> Answer:
    if isinstance(answer, str) and answer.strip().casefold() == NONE:
        return Answer(None)
    name = parse_name(answer) if isinstance(answer, str) else None
    if name is None:
        raise source.refuse(asked, f"'{asked}' = {answer!r} is no answer", _SHAPE)
    return Answer(name)


def _printable(sign: str) -> str:
    """Return a sign that TOML can hold on one line; the key of the text stays the same."""
    if sign.isprintable():
        return sign
    return " " if text_key(f"a{sign}b") == "a-b" else ""


def _answers_to(line: str, key: str) -> bool:
    """Return whether a line of the file is the answer to a key."""
    match = re.match(r"\s*(\"(?:[^\"\\]|\\.)*\"|'[^']*')\s*=", line)
    if match is None:
        return False
    return any(written_key(asked) == key for asked in tomllib.loads(f"{match[1]} = 0"))
