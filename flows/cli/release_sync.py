"""`autodetect release sync`: what a phone does, into a folder."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.output import JsonOption, StoreOption, show


def register(group: typer.Typer) -> None:
    """Add the command to the group of releases."""
    group.command("sync")(sync_release)


def sync_release(
    folder: Annotated[Path, typer.Argument(help="Where to keep it; made if absent.")],
    trusted: Annotated[
        str | None, typer.Option(metavar="KEY", help="Public key to trust; default: release.trusted_key.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Fetch only this file; may be repeated.")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="Refuse a release of another channel.")] = None,
    app_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Refuse a release that needs a newer app than this.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the newest release into a folder, as a phone does: every byte checked, nothing fetched twice.

    The store may also be an https:// address of it. Examples:

        autodetect release sync var/phone

        autodetect release sync var/phone --store https://host/releases --trusted key.json --only autodetect.sqlite
    """
    from functools import partial

    from autodetect.release.client import sync
    from flows.cli.synced import synced
    from flows.options import NightOptions

    settings = NightOptions(store=store).settings().with_values({"release.trusted_key": trusted})
    fetch = partial(sync, wanted=only or None, channel=channel, app_version=app_version)
    release = synced(settings, fetch, folder=folder)
    names = sorted(only or release.manifest.objects)
    value = {
        "release_id": release.release_id,
        "sequence": release.sequence,
        "channel": release.manifest.channel,
        "night": release.manifest.night,
        "expires": release.entry.expires.isoformat(),
        "expired": release.expired,
        "offline": release.offline,
        "fetched": list(release.fetched),
        "fetched_bytes": release.fetched_bytes,
        "files": {name: str(release.path(name)) for name in names},
        "warnings": list(release.warnings),
    }
    lines = [f"release {release.release_id[:16]} of {release.manifest.night}, entry {release.sequence}"]
    lines += [f"expires {release.entry.expires:%Y-%m-%d %H:%M} UTC"]
    lines += [f"fetched {len(release.fetched)} of {len(names)} files, {release.fetched_bytes:,} bytes"]
    lines += [f"  {name:<28} {release.manifest.objects[name].size:>12,}" for name in release.fetched]
    lines += [f"in {release.folder / 'objects'}, by digest"]
    show(value, "\n".join(lines), as_json=as_json)
