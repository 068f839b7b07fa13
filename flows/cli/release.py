"""`autodetect release`: look at what was published, publish what the gate refused."""

from datetime import datetime
from typing import Annotated

import typer

from autodetect.errors import CorruptError, UsageError
from flows.cli.output import JsonOption, LakeOption, StoreOption, quiet_prefect, show, telling_interrupts

ReleaseArgument = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="Release id or its first digits; default: newest.")
]
group = typer.Typer(help="List, show, verify and promote releases.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the program."""
    app.add_typer(group, name="release")


@group.command("list")
def list_releases(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the history of the store, newest last. Example: autodetect release list --store var/store."""
    from autodetect.release.history import entries, manifest_of

    opened = _store(store)
    rows = []
    for entry in entries(opened):
        manifest = manifest_of(opened, entry)
        rows.append({**entry.model_dump(mode="json"), "night": str(manifest.night), "verdict": str(manifest.verdict)})
    text = "\n".join(
        f"{row['sequence']:>4}  {row['release_id'][:16]}  {row['action']:<8}  {row['night']}  {row['verdict']}"
        for row in rows
    )
    show(rows, text or "no releases yet", as_json=as_json)


@group.command("show")
def show_release(release: ReleaseArgument = None, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Show a release's manifest. Example: autodetect release show."""
    from autodetect.release.manifest import load_manifest

    opened = _store(store)
    manifest = load_manifest(opened, _wanted(opened, release))
    value = manifest.model_dump(mode="json")
    apart = ("objects", "metrics", "warnings", "backbone", "packages")
    lines = [f"{name:<22} {value[name]}" for name in value if name not in apart]
    lines += [f"{'backbone':<22} {value['backbone']['weights']} {value['backbone']['digest'][:12]}"]
    lines += [f"{'metric ' + name:<22} {figure:.4f}" for name, figure in value["metrics"].items()]
    lines += [
        f"{'package':<22} {each.name:<26} {each.size:>12,}  {'recommended' if each.recommended else ''}".rstrip()
        for each in manifest.packages
    ]
    lines += [f"{'warning':<22} {warning}" for warning in value["warnings"]]
    lines += [f"{'object':<22} {name:<26} {o['size']:>12,}  {o['sha256'][:16]}" for name, o in value["objects"].items()]
    show(value, "\n".join(lines), as_json=as_json)


@group.command("verify")
def verify_release(release: ReleaseArgument = None, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Read every byte of a release back and check it. Example: autodetect release verify."""
    from autodetect.release.verify import verify

    opened = _store(store)
    wanted = _wanted(opened, release)
    problems = [f"{problem.key}: {problem.reason}" for problem in verify(opened, wanted)]
    text = f"release {wanted[:16]} has {len(problems)} problems" if problems else f"release {wanted[:16]} is whole"
    show({"release_id": wanted, "problems": problems}, text, as_json=as_json)
    if problems:
        raise CorruptError("; ".join(problems), "publish again, or restore the objects named")


@group.command("promote")
def promote_release(
    reason: Annotated[str, typer.Option(help="Why the model is published all the same; it is kept and told.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who says so.")],
    night: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The night of the challenger; only the last one can.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the last night's challenger, which the gate refused. Interrupted, run the same again.

    The release says who decided so and why, beside the gate's own words. Example:

        autodetect release promote --by "A. Smith" --reason "the lost class is one that nobody sells"
    """
    quiet_prefect()
    from flows.options import NightOptions
    from flows.promote import AFTERWARDS, opened, promotion
    from flows.promote import promote as flow

    options = NightOptions(night=night and night.date(), lake=lake, store=store)
    _, opened_lake = opened(options)
    chosen = promotion(opened_lake, options.night, reason=reason, by=by)
    if dry_run:
        facts = chosen.train.facts
        value = {
            "night": chosen.night,
            "gate": facts["gate"],
            "champion": facts["champion"],
            "champion_before": facts.get("champion_evaluation"),
            "begun": chosen.begun,
            "stages": AFTERWARDS,
        }
        lines = [f"the challenger of {chosen.night} would be {chosen.gate.words}"]
        lines += [f"  {name:<16} {figure:.4f}" for name, figure in facts["champion"]["metrics"].items()]
        lines += [f"these would run again: {', '.join(AFTERWARDS)}; nothing was done"]
        show(value, "\n".join(lines), as_json=as_json)
        return
    from flows.private_server import prefect_api
    from flows.summary import as_text

    with telling_interrupts(), prefect_api():
        summary = flow(options, reason, by)
    show(summary.model_dump(mode="json"), as_text(summary), as_json=as_json)


def _store(url: str | None) -> "ObjectStore":  # type: ignore[name-defined]  # noqa: F821 - not imported at start
    from autodetect.release.stage import open_store
    from flows.options import NightOptions

    return open_store(NightOptions(store=url).settings(), probe=False)


def _wanted(store: "ObjectStore", release: str | None) -> str:  # type: ignore[name-defined]  # noqa: F821
    """Return the whole id of the release that a person names by its first digits; the newest by default."""
    from autodetect.release.history import entries

    known = [entry.release_id for entry in entries(store)]
    if not known:
        raise UsageError(f"{store.url} holds no release", "publish one first: `autodetect nightly`")
    if release is None:
        return known[-1]
    found = sorted({release_id for release_id in known if release_id.startswith(release)})
    if len(found) != 1:
        raise UsageError(
            f"{len(found)} releases of {store.url} begin with '{release}'", "see `autodetect release list`"
        )
    return found[0]
