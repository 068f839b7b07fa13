"""The release store that a command looks into, and which release of it is meant."""

from typing import TYPE_CHECKING, Annotated

import typer

from autodetect.errors import UsageError

if TYPE_CHECKING:
    from autodetect.lake.objects import ObjectStore


def _words(text: str) -> str:
    """Return a person's words on one line."""
    words = " ".join(text.split())
    if not words:
        raise UsageError("a name or a reason is empty", "say who decides so, and why: it is kept")
    return words


ByOption = Annotated[str, typer.Option("--by", metavar="NAME", callback=_words, help="Who says so; it is kept.")]
ReasonOption = Annotated[str, typer.Option("--reason", callback=_words, help="Why; it is kept and told.")]
ReleaseArgument = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="Release id or its first digits; default: newest.")
]


def opened_store(url: str | None) -> "ObjectStore":
    """Return the release store at this place; without one, that of the settings."""
    from autodetect.release.stage import open_store
    from flows.options import NightOptions

    return open_store(NightOptions(store=url).settings(), probe=False)


def wanted_release(store: "ObjectStore", release: str | None) -> str:
    """Return the whole id of the release that a person names by its first digits; the newest by default.

    Raises:
        UsageError: the store holds none, or not exactly one that begins so.
    """
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
