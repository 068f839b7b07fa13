"""From the receipt of an export to what a release carries and tells of its Core ML packages."""

from collections.abc import Iterator

from autodetect.coreml.variants import VARIANTS, VariantFacts, archive_name, file_key
from autodetect.records import Receipt
from autodetect.release.packages import PackageFact, PackageLoss, PackageParity

# What an export receipt calls a package among its files -> its name in the release.
FILE_NAMES = {file_key(variant): archive_name(variant) for variant in VARIANTS}


def package_files(export: Receipt) -> dict[str, str]:
    """Return the packages that an export kept: name in the release -> SHA-256."""
    return {FILE_NAMES[name]: sha256 for name, sha256 in export.files.items() if name in FILE_NAMES}


def packages_of(export: Receipt) -> tuple[PackageFact, ...]:
    """Return what a manifest tells of the packages that an export kept, in its order."""
    return tuple(_told(variant) for variant in _variants(export) if variant.kept)


def dropped_words(export: Receipt) -> Iterator[str]:
    """Yield a sentence for every variant that the export dropped."""
    for variant in _variants(export):
        if not variant.kept:
            yield f"the {variant.name} package is not in the release: {variant.words}"


def _variants(export: Receipt) -> list[VariantFacts]:
    return [VariantFacts.model_validate(variant) for variant in export.facts["variants"]]


def _told(variant: VariantFacts) -> PackageFact:
    parity, loss = variant.parity, variant.loss
    return PackageFact(
        name=variant.name,
        file=variant.file,
        size=variant.size,
        parity=PackageParity(**parity.model_dump(include=set(PackageParity.model_fields))),
        loss=PackageLoss(**loss.model_dump(include=set(PackageLoss.model_fields))) if loss else None,
        recommended=variant.recommended,
    )
