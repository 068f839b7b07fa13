"""`autodetect release keygen`, `key`, `rotate`: the keys that sign releases. Private ones are never printed."""

import os
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autodetect.errors import UsageError
from flows.cli.output import JsonOption, StoreOption, show
from flows.cli.release_store import ByOption, ReasonOption

if TYPE_CHECKING:
    from autodetect.release.signing import PublicKey


def register(group: typer.Typer) -> None:
    """Add the commands to the group `release`."""
    group.command()(keygen)
    group.command()(key)
    group.command()(rotate)


def keygen(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key goes; never overwritten.")],
    demo: Annotated[bool, typer.Option("--demo", help="A key that the production channel refuses.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a key that signs releases: FILE for its owner alone, and beside it the public half, for everybody.

    Exits 2 where either file is there already. Example: autodetect release keygen keys/signing.json
    """
    from autodetect.release.keys import PUBLIC_SUFFIX, public_path, write_key, write_public
    from autodetect.release.signing import PrivateKey

    if file.name.endswith(PUBLIC_SUFFIX):
        raise UsageError(f"{file} has the name of a public key", f"leave out '{PUBLIC_SUFFIX}'")
    if os.path.lexists(file):
        raise _taken(file)
    public = public_path(file)
    if os.path.lexists(public):
        raise _taken(public)
    made = PrivateKey.generate("demo" if demo else "release")
    if not write_key(file, made):
        raise _taken(file)
    write_public(public, made.public)
    value = {**_told(made.public), "private_key_file": str(file), "public_key_file": str(public)}
    text = (
        f"key {made.public.key_id}, for {made.public.purpose}\n"
        f"  {file}: the private key. Keep a copy where nobody else can read it; without it nothing more is published\n"
        f"  {public}: the public half, for the app and every client (release.trusted_key)\n"
        f'For a new store: set key_file = "{file}" under [release], or AUTODETECT_RELEASE__KEY_FILE.\n'
        f"For a store that has releases: `autodetect release rotate --new {shlex.quote(str(file))} --by NAME"
        " --reason TEXT`."
    )
    show(value, text, as_json=as_json)


def key(
    public: Annotated[
        Path | None, typer.Option("--public", metavar="FILE", help="Write the public half there; never overwrites.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show which key signs releases here, and whence it comes. Example: autodetect release key --public app.json."""
    from autodetect.release.keys import key_place, signing_key, write_public
    from autodetect.settings import load

    settings = load()
    found, place = signing_key(settings, make=False).public, key_place(settings)
    lines = [f"key {found.key_id}, for {found.purpose}, from {place}", f"public half: {found.public_key}"]
    if public is not None:
        write_public(public, found)
        lines.append(f"written to {public}")
    show({**_told(found), "from": place}, "\n".join(lines), as_json=as_json)


def rotate(
    new: Annotated[Path, typer.Option("--new", metavar="FILE", help="The new private key, made by `keygen`.")],
    by: ByOption,
    reason: ReasonOption,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand the store on to a new key; clients that trust the old one follow by themselves.

    Needs both: the key in force (release.key_file or AUTODETECT_RELEASE__KEY) and the new one. Then set the new one in
    its place. Interrupted, run the same again. Example:

        autodetect release rotate --new keys/2027.json --by "A. Smith" --reason "yearly"
    """
    from autodetect.release.history import newest
    from autodetect.release.keys import KEY_VARIABLE, read_key, signing_key
    from autodetect.release.rotation import rotate as rotated
    from autodetect.release.stage import open_store
    from flows.options import NightOptions

    settings = NightOptions(store=store).settings()
    old, incoming, opened = signing_key(settings, make=False), read_key(new), open_store(settings)
    before = newest(opened)
    entry = rotated(
        opened,
        old,
        incoming,
        datetime.now(UTC),
        by=by,
        reason=reason,
        valid_for=timedelta(days=settings.release.valid_days),
    )
    already = before is not None and entry.sequence <= before.sequence
    done = "was already in the hands of" if already else "is now in the hands of"
    pinned = settings.release.trusted_key or old.public.public_key
    variable = f", in place of {KEY_VARIABLE}" if settings.release.key else ""
    text = (
        f"{settings.store} {done} the key {incoming.public.key_id} (entry {entry.sequence})\n"
        f'Next: set key_file = "{new}" under [release]{variable}; the next night needs it.\n'
        f"The key {old.public.key_id} signs nothing more; clients that trust it follow. Give new clients the new one.\n"
        f'Releases of before are rolled back to, and verified, under trusted_key = "{pinned}".'
    )
    value = {"already": already, "displaced": old.public.key_id, **entry.model_dump(mode="json")}
    show(value, text, as_json=as_json)


def _taken(path: Path) -> UsageError:
    return UsageError(f"{path} is there already, and no key is ever overwritten", "name another file")


def _told(key: "PublicKey") -> dict[str, str]:
    return {"key_id": key.key_id, "purpose": key.purpose, "public_key": key.public_key}
