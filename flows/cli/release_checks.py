"""`autodetect release verify` and `diff`: is a release whole, and what changed between two."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from autodetect.errors import CorruptError, UsageError
from flows.cli.output import JsonOption, StoreOption, show
from flows.cli.release_store import ReleaseArgument, opened_store, wanted_release

if TYPE_CHECKING:
    from autodetect.lake.objects import ObjectStore
    from autodetect.release.signing import PublicKey


def register(group: typer.Typer) -> None:
    """Add the commands to the group `release`."""
    group.command()(verify)
    group.command()(diff)


def verify(
    release: ReleaseArgument = None,
    whole_store: Annotated[bool, typer.Option("--all", help="Read every release that the store keeps.")] = False,
    trusted: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Public key to judge signatures by; default: release.trusted_key."),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every byte of a release back and check it, and the whole history. Exits 1 for problems.

    Checked are digests, signatures from the trusted key on, and whether the files of the release say the same as its
    manifest. Example: autodetect release verify --all
    """
    from autodetect.release.verify import examined

    opened = opened_store(store)
    try:
        wanted = None if whole_store else wanted_release(opened, release)
    except CorruptError:  # a damaged history does not say which is meant: all of it is looked through, and told
        wanted = None
    key = _trusted(trusted)
    found = examined(opened, wanted, trusted=key)
    value = {
        "store": opened.url,
        "releases": found.releases,
        "trusted_key": key.key_id if key else None,
        "problems": [problem.model_dump() for problem in found.problems],
        "notes": found.notes,
    }
    judged = f"signed by {key.key_id} or a key that it handed on to" if key else "signatures were not judged"
    what = f"release {wanted[:16]}" if wanted else f"{opened.url} with {len(found.releases)} releases"
    count = len(found.problems)
    end = f"{count} problem{'s' if count != 1 else ''}" if count else f"whole, {judged}"
    lines = [f"!!  {problem.key}: {problem.reason}" for problem in found.problems]
    lines += [f"--  {note}" for note in found.notes]
    show(value, "\n".join([*lines, f"{what}: {end}"]), as_json=as_json)
    if found.problems:
        sys.exit(1)


def diff(
    before: Annotated[
        str | None, typer.Argument(metavar="[A]", help="Release id or its first digits; default: the one before B.")
    ] = None,
    after: Annotated[str | None, typer.Argument(metavar="[B]", help="Likewise; default: newest.")] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what changed from one release to another. Example: autodetect release diff, or: release diff 3f5a 90c1."""
    from autodetect.release.diff import diff as compared
    from flows.cli.diff_words import as_text

    opened = opened_store(store)
    new = wanted_release(opened, after)
    old = wanted_release(opened, before) if before else _release_before(opened, new)
    found = compared(opened, old, new)
    show(found.model_dump(mode="json"), as_text(found), as_json=as_json)


def _trusted(named: str | None) -> "PublicKey | None":
    """Return the key to judge signatures by; None where neither one is named nor a signing key is there."""
    from autodetect.release.keys import trusted_if_any
    from flows.options import NightOptions

    return trusted_if_any(NightOptions().settings().with_values({"release.trusted_key": named}))


def _release_before(store: "ObjectStore", release_id: str) -> str:
    """Return the release that was in force before this one last came into force."""
    from autodetect.release.history import entries

    known = [entry.release_id for entry in entries(store)]
    newest = len(known) - 1 - known[::-1].index(release_id)
    earlier = [each for each in known[:newest] if each != release_id]
    if not earlier:
        raise UsageError(f"{store.url} holds no release before {release_id[:16]}", "name two: release diff A B")
    return earlier[-1]
