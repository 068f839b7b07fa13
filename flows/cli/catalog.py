"""`autodetect catalog`: what the catalogue was not sure of, and a person's answers."""

from typing import Annotated

import typer

from flows.cli.output import JsonOption, LakeOption, show

group = typer.Typer(help="Look after the catalogue of makes and models.", no_args_is_help=True)
NOTHING = "nothing is waiting: every spelling leads to a model of the catalogue, or names none"


def register(app: typer.Typer) -> None:
    """Add the group to the program."""
    app.add_typer(group, name="catalog")


@group.callback()
def _group() -> None:
    """Look after the catalogue of makes and models."""


@group.command("review")
def review(
    answer: Annotated[
        list[str] | None,
        typer.Option(
            "--answer",
            metavar="WRITTEN=ANSWER",
            help="Decide one: 'WRITTEN=Make / Model' or 'WRITTEN=none'. Repeatable.",
        ),
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Show so many, the commonest first.")] = 50,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what sellers wrote that the catalogue was not sure of, by number of listings; or decide it.

    Answers go to the file of the setting catalog.answers and hold from the next night on. Example:

        autodetect catalog review --answer 'Chevy / Silvrado=Chevrolet / Silverado 1500'
    """
    if answer:
        _answer(answer, as_json=as_json)
        return
    from autodetect.catalog.answers import read_answers
    from autodetect.catalog.review import pending
    from autodetect.lake.lake import open_lake
    from flows.options import NightOptions

    settings = NightOptions(lake=lake).settings()
    answers = read_answers(settings.catalog.answers)
    found = pending(open_lake(settings), answers)
    lines: list[str] = []
    for each in found[:most]:
        near = f" ({each.score:.0f})" if each.score is not None else ""
        meant = f"{each.suggestion}{near}" if each.suggestion else "no suggestion"
        lines += [f"{each.listings:>7,}  {each.written}", f"         {each.reason}, now {each.now or 'none'}; {meant}"]
        lines += [f"         e.g. {example}" for example in each.examples]
    if len(found) > most:
        lines.append(f"and {len(found) - most:,} more (--most)")
    show([each.model_dump(mode="json") for each in found[:most]], "\n".join(lines) or NOTHING, as_json=as_json)


def _answer(answers: list[str], *, as_json: bool) -> None:
    """Write answers to the person's file and say what each now means."""
    from pathlib import Path

    from autodetect.catalog.answers import add_answers
    from autodetect.errors import UsageError
    from flows.options import NightOptions

    pairs: list[tuple[str, str]] = []
    for text in answers:
        asked, separator, meant = text.rpartition("=")
        if not separator:
            raise UsageError(f"--answer '{text}' has no '='", "write --answer 'WRITTEN=Make / Model', or =none")
        pairs.append((asked.strip(), meant.strip()))
    file = Path(NightOptions().settings().catalog.answers)
    decided = add_answers(file, pairs)
    rows = [
        {"written": asked, "make_model_id": each.name and each.name.make_model_id, "listed": each.listed}
        for (asked, _), each in zip(pairs, decided, strict=True)
    ]
    lines = [
        f"{row['written']} -> {row['make_model_id'] or 'none'}"
        + ("" if row["listed"] else "  (the catalogue does not list it: it becomes an entry of its own)")
        for row in rows
    ]
    show(rows, "\n".join([*lines, f"written to {file}; holds from the next night on"]), as_json=as_json)
