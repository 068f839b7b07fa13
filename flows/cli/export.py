"""`autodetect export`: the export stage, the challenger as a package, and the verification of any package."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.output import JsonOption, LakeOption, StoreOption, native_silence, show
from flows.cli.stages import MarketplaceOption, NightOption, SourceOption, run_stage

if TYPE_CHECKING:
    from autodetect.coreml.verification.verify import Verification

VerifyOption = Annotated[
    Path | None,
    typer.Option("--verify", metavar="PACKAGE", help="Verify a .mlpackage folder, or a .zip archive of one."),
]
PhotosOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="With --verify: photos to ask about; default: the lake's test photos."),
]
ChallengerOption = Annotated[bool, typer.Option("--challenger", help="Write the last night's challenger; with --to.")]
ToOption = Annotated[Path | None, typer.Option(metavar="DIR", help="With --challenger: where its package goes.")]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(export)


def export(
    night: NightOption = None,
    source: SourceOption = None,
    marketplace: MarketplaceOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    verify: VerifyOption = None,
    photos: PhotosOption = None,
    challenger: ChallengerOption = False,
    to: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export the champion as Core ML packages; or verify a package.

    By itself it is one stage of a night, run alone. With --challenger it
    writes what the last night trained, released or not, and leaves lake and
    night as they are.

    With --verify it looks at any Core ML package: its files, its operations,
    what it says of itself, and that it answers with probabilities. Where the
    lake holds the model that the package names, every weight is held against
    it, and its answers to 256 photos against those of Keras. Elsewhere than
    on a Mac the package is interpreted.

    With --verify the exit code is 0 for a sound package and for one with no
    fault that could be found, 1 for one that is damaged or is not the model
    it names, 2 for what is no package. Examples:

        autodetect export

        autodetect export --challenger --to ./try

        autodetect export --verify AutoDetect.mlpackage.zip

        autodetect export --verify ./AutoDetect.mlpackage --photos ~/cars --json
    """
    _check_use(
        stage={"--night": night, "--source": source, "--marketplace": marketplace, "--store": store},
        verify={"--photos": photos},
        chosen={"--verify": verify, "--challenger": challenger or None},
        to=to,
    )
    if verify:
        _verify(verify, lake, photos, as_json=as_json)
    elif challenger and to:
        _challenger(lake, to, as_json=as_json)
    else:
        run_stage("export", night, source, marketplace=marketplace, lake=lake, store=store, as_json=as_json)


def _check_use(*, stage: dict[str, Any], verify: dict[str, Any], chosen: dict[str, Any], to: Path | None) -> None:
    """Refuse options that do not belong together."""
    from autodetect.errors import UsageError

    remedy = "see `autodetect export --help`"
    named = [name for name, value in chosen.items() if value]
    foreign = [name for name, value in stage.items() if value is not None] if named else []
    if not chosen["--verify"]:
        foreign += [name for name, value in verify.items() if value is not None]
    if len(named) > 1 or foreign:
        together = " and ".join(dict.fromkeys([*named, *foreign]))
        words = f"{together} do not go together" if named else f"{together} belongs to --verify"
        raise UsageError(words, remedy)
    if bool(chosen["--challenger"]) != (to is not None):
        raise UsageError("--challenger and --to DIR go together", remedy)


def _challenger(lake: str | None, folder: Path, *, as_json: bool) -> None:
    from autodetect.coreml.challenger import export_challenger
    from autodetect.lake.lake import open_lake
    from flows.options import NightOptions

    settings = NightOptions(lake=lake).settings()
    opened = open_lake(settings)
    with native_silence():
        written = export_challenger(settings, opened, folder)
    show({"package": written}, f"the challenger is {written}", as_json=as_json)


def _verify(path: Path, lake: str | None, photos: Path | None, *, as_json: bool) -> None:
    from autodetect.coreml.verification.opened import opened
    from autodetect.errors import CorruptError
    from autodetect.lake.lake import lake_exists, open_lake
    from flows.options import NightOptions

    settings = NightOptions(lake=lake).settings()
    with opened(path) as package:
        held = open_lake(settings) if lake is not None or lake_exists(settings) else None
        with native_silence():
            from autodetect.coreml.verification.verify import verify

            found = verify(
                package,
                lake=held,
                photos=photos,
                parity_photos=settings.coreml.parity_photos,
                max_pixels=settings.photos.max_pixels,
            )
    show(found.model_dump(mode="json"), "\n".join(_told(found)), as_json=as_json)
    if found.faults:
        raise CorruptError(
            f"the package {path} is not sound: {'; '.join(found.faults)}",
            "do not release it; export the model again, or fetch the package again from its release",
        )


def _told(found: "Verification") -> list[str]:
    """Return the lines that a person reads."""
    operations, kinds = sum(found.operations.values()), len(found.operations)
    judged = "sound" if found.parity else "no fault found, not proven"
    lines = [f"{found.package}: {'NOT sound' if found.faults else judged}"]
    lines += [f"  input       {each}" for each in found.inputs]
    if found.facts:
        facts = found.facts
        shown = ", ".join(facts.labels[:3]) + (", ..." if len(facts.labels) > 3 else "")
        lines += [
            f"  labels      {len(facts.labels)}: {shown}",
            f"  model       {facts.description}; version {facts.version or 'not told'}, by {facts.author}",
            f"  size        {facts.size / 1e6:.1f} MB, specification {facts.specification_version}",
        ]
        lines += [f"  metadata    {name} = {value}" for name, value in facts.metadata.items()]
    else:
        lines.append(f"  outputs     {', '.join(found.outputs)}")
    unknown = f"; unknown: {', '.join(found.unknown_operations)}" if found.unknown_operations else ", all known"
    lines.append(f"  operations  {operations} of {kinds} kinds{unknown}")
    lines.append(f"  compiler    {found.compiler.words}")
    if found.pictures:
        generated = found.pictures - found.photos
        lines.append(f"  asked       {found.photos} photos and {generated} generated pictures")
    lines.append(f"  parity      {found.parity.words if found.parity else 'not shown: ' + found.unproven}")
    lines += [f"  FAULT       {fault}" for fault in found.faults if not (found.parity and fault == found.parity.words)]
    return lines
